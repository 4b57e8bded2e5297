//! Runs the commands of a document in an empty folder, with a console and the files that the commands read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use super::document::Document;
use crate::support::{DOMAIN, PLAY, Process, text};

/// Replacements in commands. `{folder}`, `{http}` and `{rtmp}` are the folder and the addresses of the reader.
pub(super) const SUBSTITUTIONS: &[(&str, &str)] = &[
    ("/var/", "{folder}/var/"),
    ("127.0.0.1:3000", "{http}"),
    ("127.0.0.1:1935", "{rtmp}"),
    ("--port 9000", "--port 0"),
    // The host does not exist; the console answers in its place.
    ("https://hooks.example.com", "http://{http}"),
    // The push of the document does not end.
    ("-f flv", "-t 1 -f flv"),
];
/// Takes minutes, so only its options are checked: `--help` is read after them.
const DEMO: &str = "callsheet demo";
/// Commands that need the console to be stopped.
const WITHOUT_CONSOLE: [&str; 2] = ["callsheet serve", "callsheet secrets rotate"];
const SECRET: &str = "whsec_…";
const PASSWORD: &str = "lantern gravel ostrich theorem\n";
/// curl fails when the response does.
const CURL: &str = "fail-with-body\nsilent\nshow-error\n";

const NGINX_LINE: &str = r#"{"msec":1795357880.000,"host":"play.example.com","uri":"/live/room_7.flv","status":200,"bytes_sent":1250000,"request_time":10.000}"#;
const COMBINED_LINE: &str =
    r#"192.0.2.7 - - [22/Nov/2026:14:31:20 +0000] "GET /live/room_7.flv HTTP/1.1" 200 1250000 "-" "VLC""#;
const JOB: &str = r#"{"jobId":"j-1","output":"720p.mp4","domain":"vod.example.com","status":"success","codec":"h264","width":1280,"height":720,"durationSeconds":61.0,"finishedAt":"2026-11-22T08:30:00Z"}"#;

pub(super) struct Reader {
    folder: TempDir,
    http: String,
    rtmp: String,
    token: String,
    /// Signing secrets of the two callbacks.
    secrets: Vec<String>,
    console: Option<Process>,
    receiver: Option<Process>,
    has_pushed: bool,
}

impl Reader {
    /// Prepares the files that the commands of a document read.
    pub(super) fn new(document: &Document) -> Self {
        let anywhere = "127.0.0.1:0".to_owned();
        let reader = Self {
            folder: tempfile::tempdir().expect("folder"),
            http: anywhere.clone(),
            rtmp: anywhere,
            token: String::new(),
            secrets: Vec::new(),
            console: None,
            receiver: None,
            has_pushed: false,
        };
        for folder in ["bin", "var/log/nginx", "var/log/apache2", "var/backups", "sample-data"] {
            fs::create_dir_all(reader.folder.path().join(folder)).expect("folder");
        }
        symlink(env!("CARGO_BIN_EXE_callsheet"), reader.folder.path().join("bin/callsheet")).expect("a link");
        reader.write(".curlrc", CURL);
        reader.write("password", PASSWORD);
        reader.write("var/log/nginx/callsheet.log", NGINX_LINE);
        reader.write("var/log/apache2/access.log", COMBINED_LINE);
        reader.write("access.log", COMBINED_LINE);
        reader.write("jobs.ndjson", JOB);
        reader.write("sample-data/callsheet.toml", "data_dir = \"./sample-data\"\n");
        let log = fs::File::create(reader.folder.path().join("play.log.gz")).expect("a file");
        let mut log = GzEncoder::new(log, Compression::fast());
        log.write_all(NGINX_LINE.as_bytes()).expect("written");
        log.finish().expect("written");
        if document.text.contains("lesson.mp4") {
            reader.sh(
                "lesson.mp4",
                "ffmpeg -v error -f lavfi -i testsrc2=size=320x180 -f lavfi -i sine -t 1 -pix_fmt yuv420p lesson.mp4",
            );
        }
        reader
    }

    /// Writes a file of the folder.
    pub(super) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        path
    }

    pub(super) fn substitute(&self, text: &str) -> String {
        let folder = self.folder.path().display().to_string();
        let replaced = SUBSTITUTIONS.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        replaced.replace("{folder}", &folder).replace("{http}", &self.http).replace("{rtmp}", &self.rtmp)
    }

    /// Runs a command of a document. A console is stopped when it is ready, a receiver when the document ends.
    pub(super) fn run(&mut self, place: &str, command: &str) {
        if WITHOUT_CONSOLE.iter().any(|start| command.starts_with(start)) {
            self.stop_console();
        } else {
            self.start_console();
        }
        self.has_pushed |= command.contains("-f flv");
        let mut command = self.substitute(command);
        if command.starts_with(DEMO) {
            command += " --help";
        }
        if command.starts_with("callsheet serve") {
            let (server, _, _) = self.serve(&command);
            stop(server);
        } else if command.starts_with("callsheet listen") {
            for secret in &self.secrets {
                command = command.replacen(SECRET, secret, 1);
            }
            let receiver = Process::start(self.command(&format!("exec {command}")));
            let address = after("http://", &receiver.line("http://"));
            for kind in ["publish", "record"] {
                self.configure(kind, &format!(r#"{{"enabled":true,"address":"http://{address}"}}"#));
            }
            self.receiver = Some(receiver);
        } else {
            self.sh(place, &command);
        }
    }

    /// Waits for the callbacks of a push to the receiver of the document, and stops the console.
    pub(super) fn finish(mut self) {
        if let Some(receiver) = self.receiver.take().filter(|_| self.has_pushed) {
            // It is sent only after `publish_started` was delivered.
            receiver.line("publish_done");
        }
        self.stop_console();
    }

    fn stop_console(&mut self) {
        if let Some(console) = self.console.take() {
            stop(console);
        }
    }

    /// Starts the console if it does not run; the first time, with an API key and a domain.
    fn start_console(&mut self) {
        if self.console.is_some() {
            return;
        }
        let (console, http, rtmp) = self.serve("callsheet serve");
        (self.console, self.http, self.rtmp) = (Some(console), http, rtmp);
        if self.token.is_empty() {
            let key = self.json("callsheet key create --name guides --role admin --json");
            self.token = key["token"].as_str().expect("a token").to_owned();
            self.api("POST", "domains", &format!(r#"{{"pushDomain":"{DOMAIN}","playDomains":["{PLAY}"]}}"#));
            for kind in ["publish", "record"] {
                let secret = self.api("POST", &format!("domains/{DOMAIN}/callbacks/{kind}/rotate-secret"), "{}");
                self.secrets.push(secret["secret"].as_str().expect("a secret").to_owned());
            }
        }
    }

    /// Starts a console. Returns it with its addresses of HTTP and RTMP.
    fn serve(&self, command: &str) -> (Process, String, String) {
        let process = Process::start(self.command(&format!("exec {command}")));
        let http = after("http://", &process.line("http://"));
        let rtmp = after("rtmp://", &process.line("rtmp://"));
        (process, http, rtmp)
    }

    fn configure(&self, kind: &str, settings: &str) {
        self.api("PUT", &format!("domains/{DOMAIN}/callbacks/{kind}"), settings);
    }

    fn api(&self, method: &str, path: &str, body: &str) -> Value {
        let http = &self.http;
        self.json(&format!(
            "curl -X {method} -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{body}' http://{http}/api/v1/{path}"
        ))
    }

    fn json(&self, command: &str) -> Value {
        serde_json::from_slice(&self.sh("before the document", command).stdout).expect("JSON")
    }

    /// Runs a command to its end, which must be a success. Its standard input is a password.
    fn sh(&self, place: &str, command: &str) -> Output {
        let password = fs::File::open(self.folder.path().join("password")).expect("the password");
        let output = self.command(command).stdin(password).output().expect("bash");
        let said = || format!("{}{}", text(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{place}: {}: {command}\n{}", output.status, said());
        output
    }

    /// A command of bash, without any setting of the person who runs the tests.
    fn command(&self, command: &str) -> Command {
        let folder = self.folder.path();
        let path = std::env::var("PATH").expect("PATH");
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", command]).current_dir(folder).stdin(Stdio::null()).env_clear();
        bash.env("PATH", format!("{}/bin:{path}", folder.display())).env("HOME", folder).env("CURL_HOME", folder);
        bash.env("TOKEN", &self.token).env("CALLSHEET_ALLOWED_NETWORKS", "127.0.0.0/8");
        bash.env("CALLSHEET_HTTP", &self.http).env("CALLSHEET_RTMP", &self.rtmp);
        bash
    }
}

/// Ends a console as a service manager does.
fn stop(console: Process) {
    console.signal("-TERM");
    assert!(console.wait().success());
}

/// The host and port after `scheme` in a line.
fn after(scheme: &str, line: &str) -> String {
    let rest = line.split(scheme).nth(1).expect("an address");
    rest.chars().take_while(|c| !c.is_whitespace() && *c != '/').collect()
}

//! The binary as people start it: its commands, how it fails to start, and how it ends.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;

use callsheet::model::SystemClock;
use callsheet::outbound::SigningSecret;
use serde_json::{Value, json};

use crate::support::{DOMAIN, Database, GenericSource, Process, callsheet, on_both_databases, run, text, use_cases_in};

on_both_databases!(
    commands_create_what_they_print,
    results_of_transcoders_are_imported_once,
    the_address_of_a_source_reaches_the_console_that_runs,
    a_console_stops_when_it_is_told_to
);

/// Runs one command to its end.
fn command(data: &Path, database: &Database, arguments: &[&str], input: &str) -> Output {
    let mut command = callsheet(data, database.url());
    command.args(arguments);
    run(command, input)
}

/// The one line that a command fails with, and its exit code.
fn failure(output: &Output) -> (i32, String) {
    let lines: Vec<_> = text(&output.stderr).lines().map(str::to_owned).collect();
    let [line] = lines.as_slice() else { panic!("not one line: {lines:#?}") };
    (output.status.code().expect("a code"), line.clone())
}

async fn commands_create_what_they_print(database: Database) {
    let data = tempfile::tempdir().expect("folder");
    let call = |arguments: &[&str], input: &str| command(data.path(), &database, arguments, input);
    let migrated = call(&["migrate"], "");
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));

    let create = ["user", "create", "--name", "ada", "--role", "admin", "--password-stdin"];
    let created = call(&create, "correct horse\n");
    assert_eq!(text(&created.stdout), "Created the admin ada.\n", "{}", text(&created.stderr));
    for (arguments, input, code, says) in [
        (&create[..], "correct horse\n", 1, "callsheet: user ada already exists"),
        (&create[..], "short\n", 1, "callsheet: the password must have"),
        (&["user", "create", "--name", "b", "--role", "boss", "--password-stdin"], "", 2, "callsheet: --role: `boss`"),
        (&["source", "create", "--adapter", "wowza", "--name", "a"], "", 1, "callsheet: unknown adapter wowza"),
    ] {
        let (exit, line) = failure(&call(arguments, input));
        assert_eq!(exit, code, "{line}");
        assert!(line.starts_with(says), "{line}");
    }

    let json = |arguments: &[&str]| -> Value { serde_json::from_slice(&call(arguments, "").stdout).expect("JSON") };
    let key = json(&["key", "create", "--name", "ci", "--role", "operator", "--domain", DOMAIN, "--json"]);
    assert!(key["accessKey"].as_str().is_some_and(|access| access.starts_with("AK")), "{key}");
    assert!(key["secretKey"].is_string(), "{key}");
    for name in ["brief", "old"] {
        let brief = call(&["key", "create", "--name", name, "--role", "reviewer", "--expires-days", "90"], "");
        assert!(
            text(&brief.stdout).ends_with("\nSave them now; they are not shown again.\n"),
            "{}",
            text(&brief.stderr)
        );
    }
    assert_eq!(text(&call(&["key", "revoke", "old"], "").stdout), "Revoked key old.\n");
    let rotated = json(&["key", "rotate", "brief", "--json"]);
    let list = json(&["key", "list", "--json"]);
    assert_eq!((&list[0]["name"], &list[0]["accessKey"]), (&"brief".into(), &rotated["accessKey"]));
    assert_eq!((&list[1]["domains"][0], &list[1]["expiresAt"], &list[2]), (&DOMAIN.into(), &Value::Null, &Value::Null));
    let list = text(&call(&["key", "list"], "").stdout);
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[2][..3], ["ci", "operator", DOMAIN], "{list}");
    assert_eq!((lines[0].len(), lines[1][1], lines[2][4..].len()), (8, "reviewer", 2), "{list}");
    let (exit, line) = failure(&call(&["key", "rotate", "old"], ""));
    assert_eq!((exit, line.as_str()), (1, "callsheet: this API key does not exist"));
    let source = json(&["source", "create", "--adapter", "generic", "--name", "edge", "--json"]);
    assert!(source["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{source}");
    let url = source["url"].as_str().expect("an address");
    assert!(url.starts_with("http://127.0.0.1:3000/ingest/generic/"), "{url}");

    let console = use_cases_in(&database, Arc::new(SystemClock), data.path()).await;
    let actor = console.keys.token_actor(key["token"].as_str().expect("a token"), "local").await.expect("known");
    assert_eq!(actor.domains, Some(vec![DOMAIN.to_owned()]));
    console.accounts.log_in("ada", "correct horse", "local").await.expect("signed in");
}

async fn results_of_transcoders_are_imported_once(database: Database) {
    let data = tempfile::tempdir().expect("folder");
    let file = |name: &str, content: &str| {
        let path = data.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let good = r#"{"jobId":"j-17","output":"a","status":"success","durationSeconds":"61.0"}"#;
    let one = file("one.json", good);
    let two = file("two.ndjson", &format!("{good}\n{{\"jobId\":\"j-18\",\"status\":\"fail\"}}\n{{}}\n"));
    let none = file("none.txt", "hello");
    let call = |files: &[&str]| command(data.path(), &database, &[&["import", "transcode-jobs"], files].concat(), "");

    let first = call(&[&one, &one]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert_eq!(text(&first.stdout), format!("{one}: 1 new, 0 known\n{one}: 0 new, 1 known\n"));
    let second = call(&[&two]);
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(text(&second.stdout), format!("{two}: 1 new, 1 known\n"));
    let said = text(&second.stderr);
    assert!(said.starts_with(&format!("{two}: line 3: jobId is missing")), "{said}");
    assert!(said.ends_with("\ncallsheet: 1 result could not be counted\n"), "{said}");
    for (path, says) in [(&none, "line 1: not JSON"), (&format!("{one}.bak"), "No such file")] {
        let (exit, line) = failure(&call(&[path]));
        assert!(exit == 1 && line.starts_with(&format!("callsheet: {path}: {says}")), "{line}");
    }
}

#[test]
fn commands_that_start_at_once_migrate_one_after_another() {
    for _ in 0..3 {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("data");
        let database = Database::at(&format!("sqlite://{}", data.join("callsheet.db").display()));
        let start = || {
            let mut command = callsheet(&data, database.url());
            command.arg("migrate").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs")
        };
        let started: Vec<_> = (0..4).map(|_| start()).collect();
        for child in started {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", text(&output.stderr));
        }
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700, "it holds secrets");
        assert_eq!(mode(&data.join("secret.key")), 0o600);
    }
}

#[test]
fn what_cannot_start_says_why_in_one_line() {
    let data = tempfile::tempdir().expect("folder");
    let database = Database::sqlite();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let address = format!("127.0.0.1:{port}");
    let file = data.path().join("callsheet.toml");
    std::fs::write(&file, "part_second = 5\n").expect("written");
    let file = file.to_str().expect("text");
    let in_the_way = data.path().join("callsheet.toml/data");
    let in_the_way = in_the_way.to_str().expect("text");
    let free = "127.0.0.1:0";
    for (arguments, code, says) in [
        (vec!["serve", "--http", &address, "--rtmp", "off"], 1, format!("callsheet: http: port {port} is in use")),
        (vec!["serve", "--http", free, "--rtmp", &address], 1, "callsheet: rtmp: ".to_owned()),
        (vec!["serve", "--http", "3000"], 2, "callsheet: http: `3000`".to_owned()),
        (vec!["serve", "--config", file], 2, "callsheet: part_second: ".to_owned()),
        (vec!["serve", "--role", "boss"], 2, "callsheet: role: `boss`".to_owned()),
        (vec!["serve", "--data-dir", in_the_way], 1, "callsheet: data_dir: ".to_owned()),
        (vec!["migrate", "--database-url", "mysql://a"], 2, "callsheet: database_url: must start with ".to_owned()),
        (vec!["listen", "--port", &port], 1, "callsheet: --port: ".to_owned()),
        (vec!["listen", "--port", "0", "--secret", "x"], 2, "callsheet: --secret: ".to_owned()),
    ] {
        let mut quiet = callsheet(data.path(), database.url());
        quiet.args(&arguments).env("RUST_LOG", "off");
        let (exit, line) = failure(&run(quiet, ""));
        assert_eq!(exit, code, "{arguments:?}: {line}");
        assert!(line.starts_with(&says), "{arguments:?}: {line}");
    }
    let mut environment = callsheet(data.path(), database.url());
    environment.arg("migrate").env("CALLSHEET_RETRY_SCHEDULE", "0,soon");
    let (exit, line) = failure(&run(environment, ""));
    assert_eq!(exit, 2, "{line}");
    assert!(line.starts_with("callsheet: retry_schedule: "), "{line}");
}

#[test]
fn a_list_in_the_environment_may_have_one_entry() {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite://{}/callsheet.db", folder.path().display());
    for (name, entry) in [
        ("ROLE", "web"),
        ("RETRY_SCHEDULE", "7"),
        ("ALLOWED_NETWORKS", "10.0.0.0/8"),
        ("TRUSTED_PROXIES", "10.0.0.1"),
        ("ACCESS_LOGS", "/var/log/play.log"),
        ("OIDC_ROLE_CLAIM", "7"),
        ("OIDC_AUDIENCES", "200000000000000001"),
    ] {
        let mut command = callsheet(folder.path(), &url);
        command.arg("migrate").env(format!("CALLSHEET_{name}"), entry);
        let output = run(command, "");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Starts the console on free ports; answers with its HTTP address.
fn serve(data: &Path, database: &Database) -> (Process, String) {
    let mut command = callsheet(data, database.url());
    command.args(["serve", "--http", "127.0.0.1:0", "--rtmp", "off"]);
    command.env("CALLSHEET_ALLOWED_NETWORKS", "127.0.0.0/8").env("CALLSHEET_RETRY_SCHEDULE", "0,1,1,1,1,1,1,1,1");
    let process = Process::start(command);
    let line = process.line("  console ");
    let address = line.split_whitespace().last().expect("an address").to_owned();
    (process, address)
}

/// The address of a new source. `public` is the setting `public_url`.
fn address_of_new_source(data: &Path, database: &Database, name: &str, adapter: &str, public: &str) -> String {
    let mut command = callsheet(data, database.url());
    command.args(["source", "create", "--adapter", adapter, "--name", name, "--json"]);
    command.env("CALLSHEET_PUBLIC_URL", public);
    let output = run(command, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let source: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    source["url"].as_str().expect("an address").to_owned()
}

async fn the_address_of_a_source_reaches_the_console_that_runs(database: Database) {
    let data = tempfile::tempdir().expect("folder");
    let (process, console) = serve(data.path(), &database);
    let url = address_of_new_source(data.path(), &database, "here", "generic", "");
    assert!(url.starts_with(&format!("{console}/ingest/generic/")), "{url}, not {console}");
    let answer = reqwest::Client::new().post(&url).body("{}").send().await.expect("an answer");
    assert_eq!(answer.status(), 401, "it asks for a signature");
    for (adapter, address) in
        [("generic", "https://live.example.com/ingest/generic/"), ("nginx-rtmp", &format!("{console}/ingest/nginx"))]
    {
        let url = address_of_new_source(data.path(), &database, adapter, adapter, "https://live.example.com");
        assert!(url.starts_with(address), "{url}");
    }
    process.signal("-TERM");
    assert_eq!(process.wait().code(), Some(0));
    let url = address_of_new_source(data.path(), &database, "later", "generic", "");
    assert!(url.starts_with("http://127.0.0.1:3000/ingest/generic/"), "{url}");
}

async fn a_console_stops_when_it_is_told_to(database: Database) {
    let data = tempfile::tempdir().expect("folder");
    for signal in ["-TERM", "-INT"] {
        let (process, address) = serve(data.path(), &database);
        process.line("set-up link");
        let ready = reqwest::get(format!("{address}/readyz")).await.expect("an answer");
        assert_eq!(ready.status(), 200);
        process.signal(signal);
        assert_eq!(process.wait().code(), Some(0), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listen_prints_callbacks_and_checks_their_signatures() {
    let data = tempfile::tempdir().expect("folder");
    let secrets = [(); 2].map(|()| SigningSecret::generate().expose().to_owned());
    let mut command = callsheet(data.path(), "");
    command.args(["listen", "--port", "0", "--secret", &secrets[0], "--secret", &secrets[1]]);
    let listener = Process::start(command);
    let line = listener.line("Waiting for callbacks on ");
    let url = line.split_whitespace().last().expect("an address").to_owned();
    let body = json!({ "event": "publish_started" });
    for (n, secret) in secrets.into_iter().enumerate() {
        let id = format!("evt_good{n}");
        let good = GenericSource::new(format!("{url}hook"), secret).post(&id, &body).await.expect("an answer");
        assert_eq!(good.status(), 200);
        assert!(listener.line(&id).ends_with("valid signature"));
        assert_eq!(listener.line("{").trim(), body.to_string());
    }
    let other = SigningSecret::generate().expose().to_owned();
    let bad = GenericSource::new(url, other).post("evt_2", &body).await.expect("an answer");
    assert_eq!(bad.status(), 401);
    assert!(listener.line("evt_2").contains("INVALID SIGNATURE"));
}

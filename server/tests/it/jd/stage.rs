//! An SDK in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use callsheet::keys::{KeyDraft, NewKey};
use callsheet::model::{Actor, Role};
use serde_json::{Value, json};

use crate::support::TestConsole;

/// The SDKs, with the scheme by which each signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sdk {
    /// `jdcloud_sdk` 1.6.354: `JDCLOUD3`, which signs `content-type;host` alone.
    Python,
    /// `jdcloud_sdk` 1.6.26: `JDCLOUD2`.
    OldPython,
    /// `jdcloud-sdk-js` 1.2.202: `JDCLOUD2`, `:` as `%3A`.
    Node,
}

impl Sdk {
    pub(crate) const ALL: [Self; 3] = [Self::Python, Self::OldPython, Self::Node];

    fn command(self) -> Command {
        let set = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}; run the tests by `make test`"));
        let driver = |name: &str| format!("{}/tests/it/jd/{name}", env!("CARGO_MANIFEST_DIR"));
        let python = |version: &str| {
            let mut command = Command::new(set("CALLSHEET_TEST_PYTHON"));
            let sdk = format!("{}/{version}", set("CALLSHEET_TEST_JDCLOUD"));
            command.args(["-W", "ignore"]).arg(driver("sdk.py")).env("PYTHONPATH", sdk);
            command
        };
        match self {
            Self::Python => python("1.6.354"),
            Self::OldPython => python("1.6.26"),
            Self::Node => {
                let mut command = Command::new("node");
                let packages = concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/node_modules");
                command.arg(driver("sdk.js")).env("NODE_PATH", packages);
                command
            }
        }
    }
}

/// An SDK with a key.
pub(crate) struct Client {
    child: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    pub(super) fn start(sdk: Sdk, console: &TestConsole, key: &NewKey) -> Self {
        let mut command = sdk.command();
        command.env("ENDPOINT", console.http.to_string());
        command.env("ACCESS_KEY", &key.access_key).env("SECRET_KEY", &key.secret_key);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the SDK's language");
        let (calls, answers) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, calls, answers: BufReader::new(answers) }
    }

    /// Starts with a new key of an admin.
    pub(crate) async fn of_admin(sdk: Sdk, console: &TestConsole) -> Self {
        Self::start(sdk, console, &key(console, Role::Admin, &[]).await)
    }

    /// What came of a call: `requestId`, and `error` or `result`.
    pub(super) fn call(&mut self, operation: &str, parameters: Value) -> Value {
        self.send(&json!({ "operation": operation, "parameters": parameters }))
    }

    /// As [`Self::call`], with what the driver is to do to the request: `trick`, `late`, `headers`.
    pub(super) fn send(&mut self, call: &Value) -> Value {
        // Requests block this thread; the console has others.
        tokio::task::block_in_place(|| {
            writeln!(self.calls, "{call}").expect("the SDK reads");
            let mut line = String::new();
            self.answers.read_line(&mut line).expect("the SDK answers");
            let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{call}: {line}"));
            assert_eq!(answer["requestId"].as_str().map(str::len), Some(32), "{call}: {answer}");
            answer
        })
    }

    /// The result of a call that must do.
    #[track_caller]
    pub(crate) fn done(&mut self, operation: &str, parameters: Value) -> Value {
        let mut answer = self.call(operation, parameters);
        assert_eq!(answer["error"], Value::Null, "{operation}: {answer}");
        answer["result"].take()
    }

    /// Asserts that a call fails with this status.
    #[track_caller]
    pub(crate) fn fails(&mut self, operation: &str, parameters: Value, code: u16, status: &str) {
        let answer = self.call(operation, parameters);
        assert_eq!(answer["error"], json!({ "code": code, "status": status }), "{operation}: {answer}");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(super) async fn key(console: &TestConsole, role: Role, domains: &[String]) -> NewKey {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("script {}", MADE.fetch_add(1, Ordering::Relaxed));
    let draft = KeyDraft { domains: (!domains.is_empty()).then_some(domains), ..KeyDraft::new(&name, role) };
    console.console.keys.create(&Actor::cli(), draft).await.expect("a key")
}

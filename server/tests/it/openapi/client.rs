//! A client generated from the description: see `client.py`.

use std::process::Command;

use callsheet::deliveries::DeliveryState;
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Role};
use callsheet_server::http::api_v1::description;
use serde_json::{Value, json};

use crate::support::{Database, GenericSource, Receiver, TestConsole};

const HERE: &str = "tests/it/openapi";

/// Runs Python to its end; answers with what it printed.
async fn python(prepare: impl FnOnce(&mut Command)) -> String {
    let python = std::env::var("CALLSHEET_TEST_PYTHON").expect("CALLSHEET_TEST_PYTHON; run the tests by `make test`");
    let mut command = Command::new(python);
    prepare(&mut command);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("Python runs");
    let [told, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{told}\n{errors}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_creates_a_domain_and_reads_a_delivery() {
    let console = TestConsole::start(Database::sqlite()).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    GenericSource::add_to(&console).await.tell("publish_started", "room_7").await;
    let delivery = receiver.count(1).await[0].id();
    console.delivery_until(&delivery, |detail| detail.delivery.state == DeliveryState::Delivered).await;
    let key = console.console.keys.create(&Actor::cli(), KeyDraft::new("client", Role::Operator)).await.expect("a key");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, description()).expect("written");
    python(|command| {
        // A warning tells of something that the client would lack.
        command
            .args(["-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning", "--path"])
            .arg(path);
        command.arg("--output-path").arg(folder.path().join("callsheet_client"));
        command.args(["--config", &format!("{HERE}/client.yml")]);
    })
    .await;
    let told = python(|command| {
        command.arg(format!("{HERE}/client.py")).args([console.url(""), key.token, delivery.clone()]);
        command.env("PYTHONPATH", folder.path());
    })
    .await;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["domain"]["playDomains"], json!(["play.example.org"]));
    assert_eq!(told["again"]["type"], "/problems/domain_taken");
    assert_eq!(told["listed"], json!([delivery]));
    let phases = ["address", "policy", "connect", "request", "status", "body"];
    let read = json!({ "id": delivery, "event": "publish_started", "happened": true, "phases": phases });
    assert_eq!(told["delivery"], read);
    console.stop().await;
}

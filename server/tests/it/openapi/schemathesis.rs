//! `schemathesis` holds the console against its description: valid and invalid requests of every operation, in sequences too. There is no 500, and
//! no answer that is not described. See `schemathesis.toml` and `hooks.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use callsheet::deliveries::DeliveryFilter;
use callsheet::domains::NewDomain;
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, DeliveryId, Role};

use super::operations;
use crate::support::{Database, GenericSource, Receiver, TestConsole};

const HERE: &str = "tests/it/openapi";

/// What cannot do without somebody who acts at the same time, or at the very moment.
const NEEDS_MORE: [&str; 5] = [
    // The publisher came by a source that cannot drop it.
    "POST /api/v1/streams/{push}/{app}/{stream}/disconnect",
    // Nothing waits: the receiver answers at once.
    "POST /api/v1/deliveries/{id}/cancel",
    // It has ended at once.
    "DELETE /api/v1/recoveries/{id}",
    // Nobody is signed in in a browser.
    "DELETE /api/v1/users/{id}/sessions/{session}",
    // The overlap may have been ended, or never begun, when it is asked for.
    "POST /api/v1/domains/{push}/callbacks/{kind}/end-overlap",
];

/// Asks as a key of this role; answers with the statuses that each operation had.
async fn judge(role: Role) -> BTreeMap<String, BTreeSet<u16>> {
    let console = TestConsole::start(Database::sqlite()).await;
    let receiver = Receiver::start();
    let cli = Actor::cli();
    console.send_all_to(&receiver).await;
    let spare = NewDomain::parse("spare.example.com", &["spare.example.net"]).expect("a domain");
    console.console.domains.create(&cli, spare).await.expect("created");
    console.console.domains.set_enabled(&cli, "spare.example.com", false).await.expect("disabled");
    console.console.stats.add_vod_domain(&cli, "vod.example.com", "films").await.expect("added");
    GenericSource::add_to(&console).await.tell("publish_started", "room_7").await;
    let delivery = receiver.count(1).await[0].id();
    let session = console.delivery(&delivery).await.delivery.session;
    assert!(delivery.parse::<DeliveryId>().is_ok());
    let recovery = console.console.recoveries.start(&cli, DeliveryFilter::default()).await.expect("a recovery");
    for name in ["ada", "grace", "mary"] {
        console.console.accounts.invite(&cli, name, Role::Reviewer).await.expect("invited");
        console.console.keys.create(&cli, KeyDraft::new(name, Role::Reviewer)).await.expect("a key");
    }
    let key = console.console.keys.create(&cli, KeyDraft::new("judge", role)).await.expect("a key");

    let python = std::env::var("CALLSHEET_TEST_PYTHON").expect("CALLSHEET_TEST_PYTHON; run the tests by `make test`");
    let here = std::path::absolute(HERE).expect("a path");
    let folder = tempfile::tempdir().expect("a folder");
    let seen = folder.path().join("seen.json");
    let mut command = Command::new(python);
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(here.join("schemathesis.toml"));
    command.args(["run", &console.url("/api/openapi.json"), "--checks", "all"]);
    command.env("PYTHONPATH", &here).env("PYTHONDONTWRITEBYTECODE", "1").env("SCHEMATHESIS_HOOKS", "hooks");
    command.env("OWN_KEY", key.id.to_string()).env("TOKEN", &key.token).env("SEEN", &seen);
    command.env("DELIVERY", delivery).env("SESSION", session.to_string()).env("RECOVERY", recovery.id.to_string());
    command.current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("Python runs");
    let [told, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{told}\n{errors}");
    assert!(console.console.keys.token_actor(&key.token, "").await.is_ok(), "the key held until the end");
    console.stop().await;
    serde_json::from_slice(&std::fs::read(seen).expect("what was seen")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_described_for_an_admin() {
    let seen = judge(Role::Admin).await;
    let unproved: Vec<_> = operations()
        .into_iter()
        .filter(|operation| !seen.get(operation).is_some_and(|statuses| statuses.iter().any(|status| *status < 300)))
        .filter(|operation| !NEEDS_MORE.contains(&operation.as_str()))
        .collect();
    assert!(unproved.is_empty(), "never did what they are for: {unproved:#?}\n{seen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_described_for_a_reviewer() {
    let seen = judge(Role::Reviewer).await;
    for operation in operations().into_iter().filter(|operation| !operation.starts_with("GET ")) {
        let statuses = &seen[&operation];
        assert!(statuses.contains(&403) && statuses.iter().all(|status| *status >= 400), "{operation}: {statuses:?}");
    }
}

//! Changes that two people make at once.

use serde_json::{Value, json};

use super::{Answer, Caller, problem};
use crate::support::{Database, TestConsole, on_both_databases};

on_both_databases!(
    a_change_is_made_to_the_version_it_names,
    of_changes_to_one_version_one_is_made,
    how_a_callback_fares_is_no_change_of_it,
);

const IF_MATCH: &str = "if-match";

/// A call with its body, and another that changes something else.
fn changes() -> [(&'static str, &'static str, Value, Value); 3] {
    [
        (
            "/domains/push.example.com/callbacks/publish",
            "PUT",
            json!({ "enabled": false, "timeoutSeconds": 7 }),
            json!({ "enabled": false, "timeoutSeconds": 8 }),
        ),
        (
            "/domains/push.example.com/recording",
            "PUT",
            json!({ "enabled": true, "partSeconds": 60 }),
            json!({ "enabled": true, "partSeconds": 90 }),
        ),
        ("/domains/push.example.com", "PATCH", json!({ "enabled": false }), json!({ "enabled": true })),
    ]
}

/// The tag of an answer, which is strong.
#[track_caller]
fn tag(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let tag = answer.header("etag");
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 34, "{tag}");
    tag.to_owned()
}

async fn a_change_is_made_to_the_version_it_names(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let caller = Caller::of(&console, "a").await;
    for (path, method, first, second) in changes() {
        let (get, change) = (format!("GET {path}"), format!("{method} {path}"));
        let old = tag(&caller.send(&get, &Value::Null).await);
        assert_eq!(tag(&caller.send(&get, &Value::Null).await), old, "nobody changed {path}");
        let changed = caller.send_with((IF_MATCH, &old), &change, &first).await;
        let new = tag(&changed);
        assert_ne!(new, old, "{path}");
        let shown = caller.send(&get, &Value::Null).await;
        assert_eq!(tag(&shown), new, "{path}");

        for stale in [old.clone(), format!("W/{new}"), "\"\"".to_owned(), "nonsense".to_owned()] {
            let refused = caller.send_with((IF_MATCH, &stale), &change, &second).await;
            assert_eq!(refused.problem(), problem(412, "changed_meanwhile"), "{path} {stale}");
            assert!(refused.text.contains("Read it again"), "{refused:?}");
        }
        assert_eq!(caller.send(&get, &Value::Null).await.json(), shown.json(), "nothing was written to {path}");
        let several = format!("{old}, {new}");
        let by_list = tag(&caller.send_with((IF_MATCH, &several), &change, &second).await);
        let by_any = tag(&caller.send_with((IF_MATCH, "*"), &change, &first).await);
        assert_ne!(by_list, by_any, "{path}");
        assert_ne!(tag(&caller.send(&change, &second).await), by_any, "{path} without a version");
    }

    let (get, change, delete) =
        ("GET /domains/push.example.com", "PATCH /domains/push.example.com", "DELETE /domains/push.example.com");
    let enabled = tag(&caller.send(get, &Value::Null).await);
    let disabled = tag(&caller.send(change, &json!({ "enabled": false })).await);
    let refused = caller.send_with((IF_MATCH, &enabled), delete, &Value::Null).await;
    assert_eq!(refused.problem(), problem(412, "changed_meanwhile"));
    assert_eq!(caller.send_with((IF_MATCH, &disabled), delete, &Value::Null).await.status, 204);
    let gone = caller.send_with((IF_MATCH, &disabled), change, &json!({ "enabled": true })).await;
    assert_eq!(gone.problem(), problem(404, "domain_unknown"));
    console.stop().await;
}

async fn of_changes_to_one_version_one_is_made(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let caller = Caller::of(&console, "a").await;
    let settings = [
        ("/domains/push.example.com/callbacks/publish", "timeoutSeconds"),
        ("/domains/push.example.com/recording", "partSeconds"),
    ];
    for (path, field) in settings {
        let (get, put) = (format!("GET {path}"), format!("PUT {path}"));
        for round in 0..3 {
            let version = tag(&caller.send(&get, &Value::Null).await);
            let writers = (0..6).map(|writer| {
                let body = json!({ "enabled": false, field: 2 + round * 6 + writer });
                let (caller, put, version) = (&caller, &put, &version);
                async move { caller.send_with((IF_MATCH, version), put, &body).await }
            });
            let answers = futures::future::join_all(writers).await;
            let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
            assert_eq!(made.len(), 1, "{answers:?}");
            assert!(refused.iter().all(|answer| answer.problem() == problem(412, "changed_meanwhile")));
            let stands = caller.send(&get, &Value::Null).await;
            assert_eq!((&stands.json()[field], tag(&stands)), (&made[0].json()[field], tag(made[0])));
        }
    }
    // Whether it is enabled has two values alone: the one that is enabled may be disabled once.
    let version = tag(&caller.send("GET /domains/push.example.com", &Value::Null).await);
    let writers = (0..6).map(|_| {
        let disable = json!({ "enabled": false });
        let (caller, version) = (&caller, &version);
        async move { caller.send_with((IF_MATCH, version), "PATCH /domains/push.example.com", &disable).await }
    });
    let answers = futures::future::join_all(writers).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    console.stop().await;
}

async fn how_a_callback_fares_is_no_change_of_it(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let caller = Caller::of(&console, "a").await;
    let path = "/domains/push.example.com/callbacks/publish";
    let version = tag(&caller.send(&format!("GET {path}"), &Value::Null).await);
    let rotated = caller.send(&format!("POST {path}/rotate-secret"), &Value::Null).await;
    assert_eq!(rotated.status, 200);
    let shown = caller.send(&format!("GET {path}"), &Value::Null).await;
    assert_ne!(shown.json()["previousSecretUntil"], Value::Null);
    assert_eq!(tag(&shown), version);
    console.stop().await;
}

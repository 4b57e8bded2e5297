//! Who may call, by each SDK.

use std::sync::Arc;

use callsheet::keys::{KeyDraft, NewKey};
use callsheet::model::{Actor, Clock, Role, SystemClock, TestClock};
use serde_json::{Value, json};

use super::stage::{Client, Sdk, key};
use crate::support::{DOMAIN, Database, TestConsole, on_both_databases};

on_both_databases!(only_whole_fresh_and_new_requests_count, a_key_signs_nothing_once_it_has_expired);

fn of_error(answer: &Value) -> (u64, &str) {
    (answer["error"]["code"].as_u64().unwrap_or(200), answer["error"]["status"].as_str().unwrap_or_default())
}

const REFUSED: (u64, &str) = (401, "UNAUTHENTICATED");
const DONE: (u64, &str) = (200, "");

async fn only_whole_fresh_and_new_requests_count(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let stream = json!({ "publishDomain": DOMAIN, "appName": "live", "streamName": "room_7" });
    let call = |more: Value| {
        let mut call = json!({ "operation": "resumeLiveStream", "parameters": stream });
        for (name, value) in more.as_object().expect("an object") {
            call[name] = value.clone();
        }
        call
    };
    for sdk in Sdk::ALL {
        let mut client = Client::of_admin(sdk, &console).await;
        let minutes = |minutes: i64| call(json!({ "late": minutes * 60 }));
        for (call, expected) in [
            (call(json!({})), DONE),
            (call(json!({ "trick": "tamper" })), REFUSED),
            (minutes(14), DONE),
            (minutes(-14), DONE),
            (minutes(16), REFUSED),
            (minutes(-16), REFUSED),
            (minutes(60 * 24), REFUSED),
            // The current Python SDK does not sign its nonce, which says nothing then.
            (call(json!({ "trick": "replay" })), if sdk == Sdk::Python { DONE } else { REFUSED }),
        ] {
            let answer = client.send(&call);
            assert_eq!(of_error(&answer), expected, "{sdk:?}: {call}");
        }
        if sdk == Sdk::Python {
            let signed = call(json!({ "headers": { "x-jdcloud-nonce": "once" } }));
            assert_eq!(of_error(&client.send(&signed)), DONE);
            assert_eq!(of_error(&client.send(&signed)), REFUSED, "a nonce that is signed counts once");
            let mut other = Client::of_admin(sdk, &console).await;
            assert_eq!(of_error(&other.send(&signed)), DONE, "another key's nonces are its own");
        }
        let known = key(&console, Role::Admin, &[]).await;
        let unknown = NewKey { access_key: "AK0".to_owned(), ..known.clone() };
        let wrong = NewKey { secret_key: "0".to_owned(), ..known.clone() };
        for key in [unknown, wrong] {
            let mut client = Client::start(sdk, console.http, &key);
            client.fails("describeLiveDomains", json!({}), 401, "UNAUTHENTICATED");
        }
        let last_used = async || console.console.keys.get(&Actor::cli(), known.id).await.expect("the key").last_used_at;
        assert_eq!(last_used().await, None, "nobody who had its secret");
        Client::start(sdk, console.http, &known).done("describeLiveDomains", json!({}));
        assert!(last_used().await.is_some());
        let mut reviewer = Client::start(sdk, console.http, &key(&console, Role::Reviewer, &[]).await);
        reviewer.fails("resumeLiveStream", stream.clone(), 403, "HTTP_FORBIDDEN");
        assert_eq!(reviewer.done("describeLiveDomains", json!({}))["totalCount"], 1);
        let limited = key(&console, Role::Admin, &["push.example.net".to_owned()]).await;
        let mut stranger = Client::start(sdk, console.http, &limited);
        stranger.fails("resumeLiveStream", stream.clone(), 403, "HTTP_FORBIDDEN");
        assert_eq!(stranger.done("describeLiveDomains", json!({}))["totalCount"], 0);
    }
    console.stop().await;
}

async fn a_key_signs_nothing_once_it_has_expired(database: Database) {
    // The SDKs sign at the machine's time, of which the console's may differ by minutes.
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let console = TestConsole::start_at(database, clock.clone(), |_| {}).await;
    let minute = 60_000;
    let draft = KeyDraft { expires_at: Some(clock.now() + minute), ..KeyDraft::new("brief", Role::Admin) };
    let key = console.console.keys.create(&Actor::cli(), draft).await.expect("a key");
    let mut clients = Sdk::ALL.map(|sdk| Client::start(sdk, console.http, &key));
    for client in &mut clients {
        client.done("describeLiveDomains", json!({}));
    }
    clock.advance(minute);
    for client in &mut clients {
        client.fails("describeLiveDomains", json!({}), 401, "UNAUTHENTICATED");
    }
    console.stop().await;
}

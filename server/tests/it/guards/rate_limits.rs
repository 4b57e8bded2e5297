//! How often the APIs may be asked.

use std::sync::Arc;

use callsheet::model::{Clock, Role, SystemClock, TestClock};
use reqwest::Client;
use serde_json::{Value, json};

use super::{Answer, Caller, NOW, problem};
use crate::jd::{Client as Script, Sdk};
use crate::support::{Browser, Database, TestConsole, on_both_databases};

on_both_databases!(a_caller_has_a_rate, who_guesses_is_slowed_and_locks_nobody_out);

async fn start(database: Database, clock: Arc<TestClock>) -> TestConsole {
    TestConsole::start_at(database, clock, |config| config.api_rate_limit = 5).await
}

async fn a_caller_has_a_rate(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let console = start(database, clock.clone()).await;
    let caller = Caller::of(&console, "a").await;
    for left in (0..10).rev() {
        let answer = caller.send("GET /domains", &Value::Null).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"caller\";q=10;w=2");
        let seconds = u32::div_ceil(10 - left, 5);
        assert_eq!(answer.header("ratelimit"), format!("\"caller\";r={left};t={seconds}"));
    }
    let refused = caller.send("POST /domains", &json!({})).await;
    assert_eq!(refused.problem(), problem(429, "too_many_requests"));
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("1", "\"caller\";r=0;t=1"));
    let other = Caller::of(&console, "b").await.send("GET /domains", &Value::Null).await;
    assert_eq!(other.header("ratelimit"), "\"caller\";r=9;t=1", "each key has a rate of its own");
    clock.advance(200);
    let one_more = caller.send("GET /nothing", &Value::Null).await;
    assert_eq!((one_more.status.as_u16(), one_more.header("ratelimit")), (404, "\"caller\";r=0;t=2"));
    assert_eq!(caller.send("GET /domains", &Value::Null).await.status, 429);
    clock.advance(2_000);
    assert_eq!(caller.send("GET /domains", &Value::Null).await.header("ratelimit"), "\"caller\";r=9;t=1");
    console.stop().await;
}

async fn who_guesses_is_slowed_and_locks_nobody_out(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let console = start(database, clock.clone()).await;
    let caller = Caller::of(&console, "a").await;
    let browser = Browser::of(&console, Role::Operator).await;
    let guesser = Caller { token: "cs_guessed".to_owned(), ..caller.clone() };
    let nobody = || Client::new().get(console.url("/api/v1/domains"));
    for left in (0..30).rev() {
        let answer =
            if left % 2 == 0 { Answer::to(nobody()).await } else { guesser.send("GET /domains", &json!({})).await };
        assert_eq!(answer.problem(), problem(401, "signed_out"));
        assert_eq!(answer.header("ratelimit-policy"), "\"stranger\";q=30;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"stranger\";r={left};t=")), "{answer:?}");
    }
    let refused = guesser.send("GET /domains", &Value::Null).await;
    assert_eq!(refused.problem(), problem(429, "too_many_requests"));
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("2", "\"stranger\";r=0;t=2"));
    assert_eq!(caller.send("GET /domains", &Value::Null).await.status, 200, "who is known is let in from there too");
    let unsigned = Answer::to(Client::new().get(console.url("/v1/domains"))).await;
    assert_eq!((unsigned.status.as_u16(), &unsigned.json()["error"]["status"]), (429, &json!("RATE_LIMIT")));
    assert_eq!(unsigned.json()["requestId"], unsigned.header("x-jdcloud-request-id"));
    assert_eq!(unsigned.header("retry-after"), "2");

    let elsewhere = guesser.send_with(("x-forwarded-for", "203.0.113.7"), "GET /domains", &Value::Null).await;
    assert_eq!(elsewhere.status, 401);
    assert_eq!(browser.open("/api/v1/domains").await.status, 200, "who is signed in is no stranger");
    for _ in 0..40 {
        let report = Client::new().post(console.url("/ingest/generic/guessed")).send().await.expect("an answer");
        assert_ne!(report.status(), 429, "media servers have no limit");
    }
    clock.advance(2_000);
    assert_eq!(caller.send("GET /domains", &Value::Null).await.status, 200, "one who is known uses none of it up");
    assert_eq!(guesser.send("GET /domains", &Value::Null).await.status, 401);
    assert_eq!(guesser.send("GET /domains", &Value::Null).await.status, 429);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_the_jd_api_have_the_same_rate() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let console = start(Database::sqlite(), clock.clone()).await;
    let mut script = Script::of_admin(Sdk::Python, &console).await;
    for _ in 0..10 {
        script.done("describeLiveDomains", json!({}));
    }
    script.fails("describeLiveDomains", json!({}), 429, "RATE_LIMIT");
    clock.advance(200);
    script.done("describeLiveDomains", json!({}));
    script.fails("describeLiveDomains", json!({}), 429, "RATE_LIMIT");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_nothing_is_told() {
    let console = TestConsole::start_with(Database::sqlite(), |config| config.api_rate_limit = 0).await;
    let caller = Caller::of(&console, "a").await;
    for _ in 0..40 {
        let answer = Answer::to(Client::new().get(console.url("/api/v1/domains"))).await;
        assert_eq!(answer.problem(), problem(401, "signed_out"));
    }
    let answer = caller.send("GET /domains", &Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (200, ""));
    console.stop().await;
}

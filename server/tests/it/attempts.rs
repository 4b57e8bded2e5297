//! Stored attempts: retention, and how pages and the API show them.

use std::sync::Arc;

use callsheet::Console;
use callsheet::deliveries::{CompletedAttempt, DeliveryOutcome, Ownership, PhaseView, QueuedDelivery, Traffic};
use callsheet::domains::NewDomain;
use callsheet::model::{
    Actor, CallbackId, CallbackKind, Clock, DeliveryId, Millis, Role, SourceId, SystemClock, TestClock,
};
use callsheet::streams::{IngestSink, PushRequest, SessionKey, SourceEvent};
use leptos::server_fn::axum::server_fn_paths;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{DOMAIN, Database, PLAY, TestConsole, on_both_databases, use_cases};

on_both_databases!(
    old_attempts_lose_only_headers_and_response_body,
    attempts_are_emptied_a_batch_at_a_time,
    pages_and_the_api_show_what_was_removed,
    a_failure_is_described_in_the_users_language,
);

const DAY_MS: Millis = 24 * 3_600_000;
const PASSWORD: &str = "correct horse";
const DETAIL: &str = "127.0.0.1 returned 503 Service Unavailable.";

/// A queued delivery, created eight days ago.
struct Fixture {
    console: Console,
    data: TempDir,
    made_at: Millis,
    queued: QueuedDelivery,
}

impl Fixture {
    async fn new(database: &Database) -> Self {
        let made_at = SystemClock.now() - 8 * DAY_MS;
        let (console, data) = use_cases(database, Arc::new(TestClock::at(made_at))).await;
        let (callbacks, cli) = (&console.callbacks, Actor::cli());
        console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
        callbacks.set_address(&cli, DOMAIN, CallbackKind::Publish, "http://127.0.0.1:8080/").await.expect("an address");
        callbacks.set_enabled(&cli, DOMAIN, CallbackKind::Publish, true).await.expect("on");
        let source = SourceId(1);
        let push = PushRequest {
            source,
            hosts: vec![DOMAIN.to_owned()],
            app: "live".to_owned(),
            stream: "room_7".to_owned(),
            client: None,
            params: Vec::new(),
        };
        let push = console.streams.admit(push).await.expect("admitted");
        let key = SessionKey { source, boot: String::new(), key: "room_7".to_owned() };
        console.streams.report(&key, SourceEvent::Started { at: made_at, push }).await.expect("reported");
        let queued =
            console.db.queued_deliveries(&Ownership::All, (CallbackId(0), DeliveryId(0)), 2).await.expect("read");
        let [queued] = queued.try_into().expect("one");
        Self { console, data, made_at, queued }
    }

    /// Records failed attempts with these numbers and times. The next one is due in an hour.
    async fn fail(&self, attempts: impl IntoIterator<Item = (i64, Millis)>) {
        let wait = 3_600_000;
        let due_at = SystemClock.now() + wait;
        let failed = |(number, started_at)| CompletedAttempt {
            delivery: self.queued.delivery,
            callback: self.queued.callback,
            kind: CallbackKind::Publish,
            number,
            started_at,
            millis: 5,
            address: "http://127.0.0.1:8080/".to_owned(),
            status: Some(503),
            error_class: Some("http_status"),
            error: Some(format!("{DETAIL} Look into the log of the receiver.")),
            phases: vec![failed_phase()],
            request_headers: traffic().request_headers,
            response_headers: traffic().response_headers,
            response_body: traffic().response_body.into_bytes(),
            out_of_order: false,
            counts: true,
            outcome: DeliveryOutcome::Retry { due_at, wait },
            off: None,
        };
        let attempts: Vec<_> = attempts.into_iter().map(failed).collect();
        let refused = self.console.db.complete(&Ownership::All, &attempts, &[]).await.expect("written");
        assert_eq!(refused, []);
    }

    /// Starts a console on the same database. Returns it and the delivery's id.
    async fn serve(self, database: Database) -> (TestConsole, String) {
        self.console.db.close().await;
        (
            TestConsole::start_on(self.data, database, Arc::new(SystemClock), |_| {}).await,
            self.queued.delivery.to_string(),
        )
    }
}

fn traffic() -> Traffic {
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    Traffic {
        request_headers: header("callsheet-attempt", "1"),
        response_headers: header("retry-after", "3600"),
        response_body: "come back later".to_owned(),
    }
}

fn failed_phase() -> PhaseView {
    PhaseView { phase: "status".to_owned(), ok: false, micros: 5_000, detail: DETAIL.to_owned() }
}

async fn old_attempts_lose_only_headers_and_response_body(database: Database) {
    let fixture = Fixture::new(&database).await;
    // The second attempt is recent, as after a resend of an old delivery.
    fixture.fail([(1, fixture.made_at), (2, SystemClock.now())]).await;
    let (console, id) = fixture.serve(database).await;
    let detail = console.delivery_until(&id, |detail| detail.attempts[1].traffic.is_none()).await;
    let [recent, old] = &detail.attempts[..] else { panic!("two attempts: {detail:?}") };
    assert_eq!(recent.traffic, Some(traffic()));
    assert_eq!((old.number, old.status, old.error_class.as_deref()), (1, Some(503), Some("http_status")));
    assert_eq!((&old.error, &old.phases), (&recent.error, &vec![failed_phase()]));
    assert!(detail.body.contains("publish_started"), "{}", detail.body);
    console.stop().await;
}

async fn attempts_are_emptied_a_batch_at_a_time(database: Database) {
    let fixture = Fixture::new(&database).await;
    fixture.fail((1..=501).map(|number| (number, fixture.made_at))).await;
    let empty = async |before| fixture.console.db.empty_old_attempts(before).await.expect("emptied");
    assert_eq!(empty(fixture.made_at).await, 0, "not yet");
    assert_eq!([empty(fixture.made_at + 1).await, empty(fixture.made_at + 1).await], [500, 1]);
    assert_eq!(empty(fixture.made_at + 1).await, 0, "once");
}

/// Returns the response to a signed-in user for a path, in a language.
async fn ask(console: &TestConsole, path: &str, language: &str) -> String {
    let client = reqwest::Client::builder().cookie_store(true).build().expect("a client");
    let sign_in = server_fn_paths().find(|(path, _)| path.ends_with("sign_in")).expect("the sign-in function").0;
    let login = [("name", "eye"), ("password", PASSWORD), ("next", "")];
    let answer = client.post(console.url(sign_in)).form(&login).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer = client.get(console.url(path)).header("accept-language", language).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.expect("text")
}

async fn add_reviewer(console: &TestConsole) {
    let accounts = &console.console.accounts;
    accounts.create_user(&Actor::cli(), "eye", Role::Reviewer, PASSWORD).await.expect("a reviewer");
}

async fn pages_and_the_api_show_what_was_removed(database: Database) {
    let fixture = Fixture::new(&database).await;
    fixture.fail([(1, fixture.made_at), (2, SystemClock.now())]).await;
    let (console, id) = fixture.serve(database).await;
    add_reviewer(&console).await;
    console.delivery_until(&id, |detail| detail.attempts[1].traffic.is_none()).await;
    let json: Value =
        serde_json::from_str(&ask(&console, &format!("/api/v1/deliveries/{id}"), "en").await).expect("JSON");
    for (attempt, expected) in [
        (
            0,
            [
                json!([{ "name": "callsheet-attempt", "value": "1" }]),
                json!([{ "name": "retry-after", "value": "3600" }]),
                json!("come back later"),
            ],
        ),
        (1, [Value::Null, Value::Null, Value::Null]),
    ] {
        let names = ["requestHeaders", "responseHeaders", "responseBody"];
        assert_eq!(names.map(|name| json["attempts"][attempt].get(name).expect(name).clone()), expected);
    }
    for (language, removed) in [
        (
            "en",
            [
                "Headers are kept for 7 days and have been removed.",
                "Headers and body are kept for 7 days and have been removed.",
            ],
        ),
        ("zh-CN", ["请求头仅保留 7 天，现已删除。", "响应头和响应体仅保留 7 天，现已删除。"]),
    ] {
        let page = ask(&console, &format!("/deliveries/{id}"), language).await;
        for text in removed {
            assert_eq!(page.matches(text).count(), 1, "{text}: {page}");
        }
        assert_eq!(page.matches("come back later").count(), 1, "of the recent attempt: {page}");
    }
    console.stop().await;
}

async fn a_failure_is_described_in_the_users_language(database: Database) {
    let fixture = Fixture::new(&database).await;
    fixture.fail([(1, SystemClock.now())]).await;
    let (console, id) = fixture.serve(database).await;
    add_reviewer(&console).await;
    let english = "Look into the log of the receiver.";
    let chinese = ("请返回 2xx 状态码。", "127.0.0.1 返回 503 Service Unavailable。");
    for (language, (shown, detail), absent) in [("en", (english, DETAIL), chinese.0), ("zh-CN", chinese, english)] {
        let page = ask(&console, &format!("/deliveries/{id}"), language).await;
        assert!(page.contains(shown) && !page.contains(absent), "{language}: {page}");
        assert!(page.contains(detail), "{language}: {page}");
    }
    console.stop().await;
}

//! Callback health, as pages and the API show it: from the latest attempt and from unrecovered failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use callsheet::callbacks::HealthState;
use callsheet::deliveries::DeliveryState;
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, CallbackKind, Clock, DeliveryId, Role, SystemClock, TestClock};
use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, DOMAIN, Database, GenericSource, Receiver, TestConsole, on_both_databases, schedule,
};

on_both_databases!(
    health_follows_the_latest_attempt_and_unrecovered_failures,
    a_pending_retry_shows_despite_later_successes,
    queued_deliveries_of_any_age_are_counted,
    a_console_without_callbacks_says_so,
    an_older_database_is_migrated,
);

const DAY_MS: i64 = 24 * 3_600_000;

/// A console with a receiver that can be made to fail.
struct Fixture {
    console: TestConsole,
    receiver: Receiver,
    source: GenericSource,
    browser: Browser,
    token: String,
    fails: Arc<AtomicBool>,
}

impl Fixture {
    /// `seconds`: retry schedule.
    async fn new(database: Database, seconds: &[u32], clock: Arc<dyn Clock>) -> Self {
        let console = TestConsole::start_at(database, clock, |config| config.retry_schedule = schedule(seconds)).await;
        let receiver = Receiver::start();
        console.send_all_to(&receiver).await;
        let fails = Arc::new(AtomicBool::new(false));
        let failing = fails.clone();
        receiver.answer(move |_| Answer::Status(if failing.load(Ordering::SeqCst) { 500 } else { 200 }));
        let source = GenericSource::add_to(&console).await;
        let browser = Browser::of(&console, Role::Operator).await;
        let token = console.console.keys.create(&Actor::cli(), KeyDraft::new("reader", Role::Reviewer)).await;
        let token = token.expect("a key").token;
        Self { console, receiver, source, browser, token, fails }
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// Publishes a room and waits until its delivery is in this state. Returns the delivery's id.
    async fn publish(&self, room: &str, state: DeliveryState) -> String {
        self.source.tell("publish_started", room).await;
        let received = self.receiver.until(|all| all.iter().any(|one| one.field("stream") == room)).await;
        let id = received.iter().find(|one| one.field("stream") == room).expect("received").id();
        self.console.delivery_until(&id, |detail| detail.delivery.state == state).await;
        id
    }

    async fn resend(&self, id: &str, state: DeliveryState) {
        let before = self.console.delivery(id).await.delivery.attempts;
        let parsed: DeliveryId = id.parse().expect("an id");
        self.console.console.deliveries.resend(&Actor::cli(), parsed).await.expect("resent");
        let done = |state| {
            move |detail: &callsheet::deliveries::DeliveryDetail| {
                detail.delivery.state == state && detail.delivery.attempts > before
            }
        };
        self.console.delivery_until(id, done(state)).await;
    }

    async fn api(&self, path: &str) -> Value {
        let answer = reqwest::Client::new().get(self.console.url(&format!("/api/v1{path}"))).bearer_auth(&self.token);
        answer.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// Checks that pages and the API show the push callback in this state. `word`: its label; `mark`: its label in the list of domains.
    async fn assert_state(&self, state: &str, [word, mark]: [&str; 2], left: &[&str]) {
        let one = self.api(&format!("/domains/{DOMAIN}/callbacks/publish")).await;
        assert_eq!(one["health"]["state"], state, "{one}");
        let failed = if state == "failing" { json!("http_status") } else { Value::Null };
        assert_eq!(one["health"]["lastErrorClass"], failed, "{one}");
        let listed = self.api("/domains").await;
        assert_eq!(listed["items"][0]["callbacks"][0]["state"], state, "{listed}");
        assert_eq!(listed["items"][0]["callbacks"][0]["lastErrorClass"], failed, "{listed}");
        let badge = format!(">{word}</span>");
        let domain = self.browser.open(&format!("/domains/{DOMAIN}")).await;
        domain.says(&[&badge]);
        domain.says(left);
        self.browser.open("/domains").await.says(&[mark]);
        let overview = self.browser.open("/").await;
        if state == "healthy" {
            overview.says(&["All callbacks are healthy."]);
        } else {
            overview.says(&["1 callback needs attention", &badge]);
            overview.says(left);
        }
    }
}

const FAILING: [&str; 2] = ["Failing", "Push: HTTP status"];
const UNRECOVERED: [&str; 2] = ["Failures to recover", "Push: failures to recover"];
const RETRYING: [&str; 2] = ["Retrying", "Push: retrying"];
const HEALTHY: [&str; 2] = ["Healthy", "Push: on"];

async fn health_follows_the_latest_attempt_and_unrecovered_failures(database: Database) {
    let fixture = Fixture::new(database, &[0], Arc::new(SystemClock)).await;
    fixture.browser.open("/").await.says(&["All callbacks are healthy."]);
    fixture.fail(true);
    let older = fixture.publish("room_1", DeliveryState::Failed).await;
    let newer = fixture.publish("room_2", DeliveryState::Failed).await;
    fixture.assert_state("failing", FAILING, &["2 to recover"]).await;

    // The delivery of the newest event failed; the latest attempt, of an older event, succeeds.
    fixture.fail(false);
    fixture.resend(&older, DeliveryState::Delivered).await;
    fixture.assert_state("unrecovered", UNRECOVERED, &["1 to recover"]).await;
    fixture.resend(&newer, DeliveryState::Delivered).await;
    fixture.assert_state("healthy", HEALTHY, &[]).await;

    // The delivery of the newest event succeeds; an older one is not resent.
    fixture.fail(true);
    let older = fixture.publish("room_3", DeliveryState::Failed).await;
    let newer = fixture.publish("room_4", DeliveryState::Failed).await;
    fixture.fail(false);
    fixture.resend(&newer, DeliveryState::Delivered).await;
    fixture.assert_state("unrecovered", UNRECOVERED, &["1 to recover"]).await;

    // The delivery of the newest event succeeded; the latest attempt, of an older event, fails.
    fixture.fail(true);
    fixture.resend(&older, DeliveryState::Failed).await;
    fixture.assert_state("failing", FAILING, &["1 to recover"]).await;

    let all = format!("/recoveries?domain={DOMAIN}&amp;kind=publish&amp;state=failed&amp;since=");
    for page in ["/", &format!("/domains/{DOMAIN}")] {
        fixture.browser.open(page).await.says(&[&all]);
    }
    // Removing the deliveries removes their failures.
    let later = SystemClock.now() + DAY_MS;
    while fixture.console.console.db.delete_old_deliveries(later).await.expect("removed") > 0 {}
    fixture.fail(false);
    fixture.publish("room_5", DeliveryState::Delivered).await;
    fixture.assert_state("healthy", HEALTHY, &[]).await;
    fixture.console.stop().await;
}

async fn a_pending_retry_shows_despite_later_successes(database: Database) {
    let fixture = Fixture::new(database, &[0, 600], Arc::new(SystemClock)).await;
    fixture.fail(true);
    let first = fixture.publish("room_1", DeliveryState::Retrying).await;
    fixture.assert_state("failing", FAILING, &["1 waiting"]).await;
    fixture.fail(false);
    fixture.publish("room_2", DeliveryState::Delivered).await;
    fixture.assert_state("retrying", RETRYING, &[]).await;
    fixture.browser.open("/").await.says(&["1 retrying"]);
    fixture.resend(&first, DeliveryState::Delivered).await;
    fixture.assert_state("healthy", HEALTHY, &[]).await;
    fixture.console.stop().await;
}

async fn queued_deliveries_of_any_age_are_counted(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now() - 3 * DAY_MS));
    let fixture = Fixture::new(database, &[0, 600_000], clock.clone()).await;
    fixture.fail(true);
    fixture.publish("room_1", DeliveryState::Retrying).await;
    fixture.browser.open("/").await.says(&["1 waiting now"]);
    clock.advance(2 * DAY_MS);
    let other_owner = Actor { domains: Some(vec!["push.other.example".to_owned()]), ..Actor::cli() };
    let owner = Actor { domains: Some(vec![DOMAIN.to_owned()]), ..Actor::cli() };
    let deliveries = &fixture.console.console.deliveries;
    for (actor, waiting) in [(Actor::cli(), 1), (owner, 1), (other_owner, 0)] {
        let figures = deliveries.figures(&actor).await.expect("figures");
        assert_eq!((figures.events, figures.waiting), (0, waiting), "{:?}", actor.domains);
    }
    fixture.browser.open("/").await.says(&["1 waiting now"]);
    fixture.console.stop().await;
}

async fn a_console_without_callbacks_says_so(database: Database) {
    let console = TestConsole::start(database).await;
    let browser = Browser::of(&console, Role::Reviewer).await;
    let none = ["No callback is turned on yet. Turn one on in its domain."];
    browser.open("/").await.says(&none);
    console.add_domain().await;
    browser.open("/").await.says(&none);
    console.turn_on(CallbackKind::Record, "http://127.0.0.1:8080/").await;
    browser.open("/").await.says(&["All callbacks are healthy."]);
    console.console.callbacks.set_enabled(&Actor::cli(), DOMAIN, CallbackKind::Record, false).await.expect("off");
    browser.open("/").await.says(&none);
    console.stop().await;
}

async fn an_older_database_is_migrated(database: Database) {
    let fixture = Fixture::new(database, &[0], Arc::new(SystemClock)).await;
    fixture.fail(true);
    let older = fixture.publish("room_1", DeliveryState::Failed).await;
    fixture.publish("room_2", DeliveryState::Failed).await;
    fixture.fail(false);
    fixture.resend(&older, DeliveryState::Delivered).await;
    let health = async |console: &TestConsole| {
        console.console.callbacks.get(&Actor::cli(), DOMAIN, CallbackKind::Publish).await.expect("found").health
    };
    let before = health(&fixture.console).await;
    assert_eq!((before.state, before.unrecovered), (HealthState::Unrecovered, 1));
    let (data, database) = fixture.console.stop().await;
    for undo in [
        "drop table callback_attempts",
        "drop table failures",
        "drop index queue_retries",
        "delete from _sqlx_migrations where version = 15",
    ] {
        database.execute(undo).await;
    }
    let console = TestConsole::start_on(data, database, Arc::new(SystemClock), |_| {}).await;
    assert_eq!(health(&console).await, before);
    console.stop().await;
}

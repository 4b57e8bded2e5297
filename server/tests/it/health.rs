//! How callbacks fare, as every page and the API show it: by the attempts in their order, and by what earlier failures left.

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
    health_follows_the_latest_attempt_and_what_failures_left,
    a_retry_that_waits_shows_beside_later_successes,
    all_that_waits_is_counted_whatever_its_age,
    a_console_without_callbacks_says_so,
    an_older_database_is_brought_up_to_date,
);

const DAY_MS: i64 = 24 * 3_600_000;

/// A console whose receiver fails or succeeds as it is told.
struct Stage {
    console: TestConsole,
    receiver: Receiver,
    source: GenericSource,
    browser: Browser,
    token: String,
    fails: Arc<AtomicBool>,
}

impl Stage {
    /// Tries at these seconds.
    async fn set(database: Database, seconds: &[u32], clock: Arc<dyn Clock>) -> Self {
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

    /// The id of a room's one delivery, once it is in this state.
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

    /// Every place shows the push callback in the same state. `shown`: its word, and how the list of domains has it.
    async fn is(&self, state: &str, [word, mark]: [&str; 2], left: &[&str]) {
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

async fn health_follows_the_latest_attempt_and_what_failures_left(database: Database) {
    let stage = Stage::set(database, &[0], Arc::new(SystemClock)).await;
    stage.browser.open("/").await.says(&["All callbacks are healthy."]);
    stage.fail(true);
    let older = stage.publish("room_1", DeliveryState::Failed).await;
    let newer = stage.publish("room_2", DeliveryState::Failed).await;
    stage.is("failing", FAILING, &["2 to recover"]).await;

    // The newest event's delivery failed; the latest attempt, of an older event, succeeded.
    stage.fail(false);
    stage.resend(&older, DeliveryState::Delivered).await;
    stage.is("unrecovered", UNRECOVERED, &["1 to recover"]).await;
    stage.resend(&newer, DeliveryState::Delivered).await;
    stage.is("healthy", HEALTHY, &[]).await;

    // The newest event's delivery succeeded; an older one was not sent again.
    stage.fail(true);
    let older = stage.publish("room_3", DeliveryState::Failed).await;
    let newer = stage.publish("room_4", DeliveryState::Failed).await;
    stage.fail(false);
    stage.resend(&newer, DeliveryState::Delivered).await;
    stage.is("unrecovered", UNRECOVERED, &["1 to recover"]).await;

    // The newest event's delivery succeeded; the latest attempt, of an older event, failed.
    stage.fail(true);
    stage.resend(&older, DeliveryState::Failed).await;
    stage.is("failing", FAILING, &["1 to recover"]).await;

    let all = format!("/recoveries?domain={DOMAIN}&amp;kind=publish&amp;state=failed&amp;since=");
    for page in ["/", &format!("/domains/{DOMAIN}")] {
        stage.browser.open(page).await.says(&[&all]);
    }
    // With its deliveries, what is left of them goes.
    let later = SystemClock.now() + DAY_MS;
    while stage.console.console.db.delete_old_deliveries(later).await.expect("removed") > 0 {}
    stage.fail(false);
    stage.publish("room_5", DeliveryState::Delivered).await;
    stage.is("healthy", HEALTHY, &[]).await;
    stage.console.stop().await;
}

async fn a_retry_that_waits_shows_beside_later_successes(database: Database) {
    let stage = Stage::set(database, &[0, 600], Arc::new(SystemClock)).await;
    stage.fail(true);
    let first = stage.publish("room_1", DeliveryState::Retrying).await;
    stage.is("failing", FAILING, &["1 waiting"]).await;
    stage.fail(false);
    stage.publish("room_2", DeliveryState::Delivered).await;
    stage.is("retrying", RETRYING, &[]).await;
    stage.browser.open("/").await.says(&["1 retrying"]);
    stage.resend(&first, DeliveryState::Delivered).await;
    stage.is("healthy", HEALTHY, &[]).await;
    stage.console.stop().await;
}

async fn all_that_waits_is_counted_whatever_its_age(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now() - 3 * DAY_MS));
    let stage = Stage::set(database, &[0, 600_000], clock.clone()).await;
    stage.fail(true);
    stage.publish("room_1", DeliveryState::Retrying).await;
    stage.browser.open("/").await.says(&["1 waiting now"]);
    clock.advance(2 * DAY_MS);
    let stranger = Actor { domains: Some(vec!["push.other.example".to_owned()]), ..Actor::cli() };
    let owner = Actor { domains: Some(vec![DOMAIN.to_owned()]), ..Actor::cli() };
    let deliveries = &stage.console.console.deliveries;
    for (actor, waiting) in [(Actor::cli(), 1), (owner, 1), (stranger, 0)] {
        let figures = deliveries.figures(&actor).await.expect("figures");
        assert_eq!((figures.events, figures.waiting), (0, waiting), "{:?}", actor.domains);
    }
    stage.browser.open("/").await.says(&["1 waiting now"]);
    stage.console.stop().await;
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

async fn an_older_database_is_brought_up_to_date(database: Database) {
    let stage = Stage::set(database, &[0], Arc::new(SystemClock)).await;
    stage.fail(true);
    let older = stage.publish("room_1", DeliveryState::Failed).await;
    stage.publish("room_2", DeliveryState::Failed).await;
    stage.fail(false);
    stage.resend(&older, DeliveryState::Delivered).await;
    let health = async |console: &TestConsole| {
        console.console.callbacks.get(&Actor::cli(), DOMAIN, CallbackKind::Publish).await.expect("found").health
    };
    let before = health(&stage.console).await;
    assert_eq!((before.state, before.unrecovered), (HealthState::Unrecovered, 1));
    let (data, database) = stage.console.stop().await;
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

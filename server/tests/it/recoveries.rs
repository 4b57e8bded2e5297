//! *Recover* and *Resend selected*: what was not delivered goes out again, once each, in order, and never in a flood.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use callsheet::Console;
use callsheet::deliveries::{
    DeliveryFilter, DeliveryState, Recovery, RecoveryOutcome, RecoveryProgress, RecoveryState,
};
use callsheet::model::{Actor, CallbackKind, Clock, DeliveryId, Millis, PageRequest, Problem, Role, TestClock};
use callsheet::streams::{IngestSink, PushRequest, SessionKey, SourceEvent};
use tempfile::TempDir;

use crate::support::{
    Answer, Browser, DOMAIN, Database, GenericSource, Received, Receiver, TestConsole, on_both_databases, schedule,
    until, use_cases, use_cases_in,
};

on_both_databases!(
    a_count_changes_nothing_and_a_recovery_queues_what_was_counted,
    a_recovery_leaves_room_and_goes_on_after_a_restart,
    a_recovery_may_end_with_a_full_batch,
    a_cancelled_recovery_queues_no_more,
    a_callback_that_is_turned_off_meanwhile_is_left_out,
    a_full_queue_holds_up_its_own_callback_only,
    a_recovery_finds_only_what_its_filter_says,
    a_recovery_delivers_everything_once_and_in_order,
    a_recovery_tells_what_became_of_its_deliveries,
    what_leaves_the_queue_otherwise_is_counted_as_cancelled,
    selected_deliveries_are_resent_and_others_left_out,
);

const NOW: Millis = 1_795_357_880_000;
const OTHER: &str = "push.example.net";
const KIND: CallbackKind = CallbackKind::Publish;

/// The use cases with [`DOMAIN`] and [`OTHER`], whose callbacks are off; nothing is sent.
struct Stage {
    console: Console,
    data: TempDir,
    clock: Arc<TestClock>,
    rooms: AtomicUsize,
}

impl Stage {
    async fn new(database: &Database) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let (console, data) = use_cases(database, clock.clone()).await;
        for (push, play) in [(DOMAIN, "play.example.com"), (OTHER, "play.example.net")] {
            let new = callsheet::domains::NewDomain::parse(push, &[play]).expect("a domain");
            console.domains.create(&Actor::cli(), new).await.expect("created");
        }
        Self { console, data, clock, rooms: AtomicUsize::new(0) }
    }

    /// As many skipped deliveries of a domain, of a room each, 10 ms apart.
    async fn skip(&self, push: &str, number: usize) {
        let source = self.console.sources.built_in().await.expect("a source");
        for _ in 0..number {
            let n = self.rooms.fetch_add(1, Ordering::Relaxed);
            self.clock.advance(10);
            let push = PushRequest {
                source,
                hosts: vec![push.to_owned()],
                app: "live".to_owned(),
                stream: format!("room_{n}"),
                client: None,
                params: Vec::new(),
            };
            let admitted = self.console.streams.admit(push.clone()).await.expect("admitted");
            let key = SessionKey { source, boot: push.hosts[0].clone(), key: n.to_string() };
            let started = SourceEvent::Started { at: self.clock.now(), push: admitted };
            self.console.streams.report(&key, started).await.expect("reported");
        }
        self.clock.advance(10);
    }

    async fn turn(&self, push: &str, on: bool) {
        let (callbacks, cli) = (&self.console.callbacks, Actor::cli());
        callbacks.set_address(&cli, push, KIND, "https://127.0.0.1/hook").await.expect("an address");
        callbacks.set_enabled(&cli, push, KIND, on).await.expect("turned");
    }

    async fn start(&self, filter: DeliveryFilter) -> Recovery {
        self.console.recoveries.start(&Actor::cli(), filter).await.expect("started")
    }

    async fn now(&self, recovery: &Recovery) -> Recovery {
        self.console.recoveries.get(&Actor::cli(), recovery.id).await.expect("a recovery")
    }

    async fn advance(&self) -> RecoveryProgress {
        self.console.recoveries.advance().await.expect("a step")
    }

    async fn in_state(&self, state: DeliveryState) -> Vec<DeliveryId> {
        all(&self.console, DeliveryFilter { state: Some(state), ..DeliveryFilter::default() }).await
    }

    /// Takes all that waits out of the queue.
    async fn drain(&self) {
        for id in self.in_state(DeliveryState::Pending).await {
            self.console.deliveries.cancel(&Actor::cli(), id).await.expect("cancelled");
        }
    }
}

async fn all(console: &Console, filter: DeliveryFilter) -> Vec<DeliveryId> {
    let page = PageRequest { number: 1, size: 1_000 };
    let page = console.deliveries.list(&Actor::cli(), filter, page).await.expect("a list");
    page.rows.iter().map(|row| row.id).collect()
}

fn any() -> DeliveryFilter {
    DeliveryFilter::default()
}

fn of(domain: &str) -> DeliveryFilter {
    DeliveryFilter { domain: Some(domain.to_owned()), ..any() }
}

fn figures(recovery: &Recovery) -> (RecoveryState, i64, i64, i64) {
    (recovery.state, recovery.total, recovery.queued, recovery.left_out)
}

async fn a_count_changes_nothing_and_a_recovery_queues_what_was_counted(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 3).await;
    stage.skip(OTHER, 2).await;
    stage.turn(DOMAIN, true).await;
    let found = stage.console.recoveries.count(&Actor::cli(), any()).await.expect("a count");
    assert_eq!((found.total, found.callback_off), (5, 2));
    assert_eq!(stage.in_state(DeliveryState::Skipped).await.len(), 5);
    assert_eq!(stage.advance().await, RecoveryProgress::Idle);

    let recovery = stage.start(any()).await;
    assert_eq!(figures(&recovery), (RecoveryState::Running, 5, 0, 0));
    stage.skip(OTHER, 1).await; // later than the start
    stage.clock.advance(2_000);
    assert_eq!(stage.advance().await, RecoveryProgress::Advanced);
    let recovery = stage.now(&recovery).await;
    assert_eq!(figures(&recovery), (RecoveryState::Done, 5, 3, 2));
    assert_eq!(recovery.ended_at, Some(stage.clock.now()));
    assert_eq!(stage.advance().await, RecoveryProgress::Idle);
    assert_eq!(stage.in_state(DeliveryState::Pending).await.len(), 3);
    assert_eq!(stage.in_state(DeliveryState::Skipped).await.len(), 3);
    let nothing = stage.start(of("push.unknown.example")).await;
    assert_eq!(figures(&nothing), (RecoveryState::Done, 0, 0, 0));
}

async fn a_recovery_leaves_room_and_goes_on_after_a_restart(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 250).await;
    stage.turn(DOMAIN, true).await;
    let recovery = stage.start(any()).await;
    assert_eq!(stage.advance().await, RecoveryProgress::Advanced);
    assert_eq!(figures(&stage.now(&recovery).await), (RecoveryState::Running, 250, 100, 0));
    let first = stage.in_state(DeliveryState::Pending).await;

    let Stage { console, data, clock, rooms } = stage;
    console.db.close().await;
    // No process starts within the millisecond in which another one made ids.
    clock.advance(10);
    let stage = Stage { console: use_cases_in(&database, clock.clone(), data.path()).await, data, clock, rooms };
    assert_eq!(stage.advance().await, RecoveryProgress::Advanced);
    assert_eq!(stage.advance().await, RecoveryProgress::Blocked, "200 wait");
    assert_eq!(figures(&stage.now(&recovery).await), (RecoveryState::Running, 250, 200, 0));
    let both = stage.in_state(DeliveryState::Pending).await;
    assert!(first.iter().all(|id| both.contains(id)));

    // What had its turn has none again, also if it ends up where a recovery would find it.
    stage.drain().await;
    assert_eq!(stage.advance().await, RecoveryProgress::Advanced);
    assert_eq!(figures(&stage.now(&recovery).await), (RecoveryState::Done, 250, 250, 0));
    let last = stage.in_state(DeliveryState::Pending).await;
    assert_eq!(last.len(), 50);
    assert!(last.iter().all(|id| !both.contains(id)));
    assert!(last.iter().min() > both.iter().max(), "the order is that of the ids");
}

async fn a_recovery_may_end_with_a_full_batch(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 100).await;
    stage.turn(DOMAIN, true).await;
    let recovery = stage.start(any()).await;
    assert_eq!(stage.advance().await, RecoveryProgress::Advanced);
    assert_eq!(stage.advance().await, RecoveryProgress::Advanced, "it finds nothing more");
    assert_eq!(figures(&stage.now(&recovery).await), (RecoveryState::Done, 100, 100, 0));
}

async fn a_cancelled_recovery_queues_no_more(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 120).await;
    stage.turn(DOMAIN, true).await;
    let recovery = stage.start(any()).await;
    stage.advance().await;
    let (recoveries, cli) = (&stage.console.recoveries, Actor::cli());
    let cancelled = recoveries.cancel(&cli, recovery.id).await.expect("cancelled");
    assert_eq!(figures(&cancelled), (RecoveryState::Cancelled, 120, 100, 0));
    assert_eq!(stage.advance().await, RecoveryProgress::Idle);
    assert_eq!(stage.in_state(DeliveryState::Pending).await.len(), 100, "they go out");
    assert_eq!(stage.in_state(DeliveryState::Skipped).await.len(), 20);
    let again = recoveries.cancel(&cli, recovery.id).await.expect_err("ended");
    assert_eq!(again.code(), "recovery_ended");

    let rest = stage.start(any()).await;
    stage.advance().await;
    assert_eq!(figures(&stage.now(&rest).await), (RecoveryState::Done, 20, 20, 0));
}

async fn a_callback_that_is_turned_off_meanwhile_is_left_out(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 130).await;
    stage.turn(DOMAIN, true).await;
    let recovery = stage.start(any()).await;
    stage.advance().await;
    stage.turn(DOMAIN, false).await;
    assert_eq!(stage.in_state(DeliveryState::Cancelled).await.len(), 100);
    stage.advance().await;
    assert_eq!(figures(&stage.now(&recovery).await), (RecoveryState::Done, 130, 100, 30));
    assert_eq!(stage.in_state(DeliveryState::Pending).await, []);
}

async fn a_full_queue_holds_up_its_own_callback_only(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 210).await;
    stage.turn(DOMAIN, true).await;
    let full = stage.start(of(DOMAIN)).await;
    while stage.advance().await == RecoveryProgress::Advanced {}
    stage.skip(OTHER, 3).await;
    stage.turn(OTHER, true).await;
    let both = stage.start(any()).await;
    assert_eq!(stage.advance().await, RecoveryProgress::Advanced);
    assert_eq!(figures(&stage.now(&both).await), (RecoveryState::Running, 13, 3, 0));
    assert_eq!(figures(&stage.now(&full).await), (RecoveryState::Running, 210, 200, 0));
}

async fn a_recovery_finds_only_what_its_filter_says(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 4).await;
    stage.skip(OTHER, 1).await;
    let (recoveries, cli) = (&stage.console.recoveries, Actor::cli());
    for (filter, found) in [
        (any(), 5),
        (of(OTHER), 1),
        (DeliveryFilter { stream: Some("live/room_1".to_owned()), ..any() }, 1),
        (DeliveryFilter { text: Some("room_3".to_owned()), ..any() }, 1),
        (DeliveryFilter { kind: Some(CallbackKind::Record), ..any() }, 0),
        (DeliveryFilter { state: Some(DeliveryState::Failed), ..any() }, 0),
        (DeliveryFilter { state: Some(DeliveryState::Skipped), ..any() }, 5),
        (DeliveryFilter { since: Some(NOW + 30), ..any() }, 3),
        (DeliveryFilter { until: Some(NOW + 30), ..any() }, 2),
        (DeliveryFilter { status: Some(503), ..any() }, 0),
    ] {
        let count = recoveries.count(&cli, filter.clone()).await.expect("a count");
        assert_eq!(count.total, found, "{filter:?}");
    }
    let delivered = DeliveryFilter { state: Some(DeliveryState::Delivered), ..any() };
    let refused = recoveries.start(&cli, delivered).await.expect_err("refused");
    assert_eq!((refused.code(), refused.field()), ("recovery_bad_state", Some("state")));

    // A key of one domain recovers nothing of another, however wide its filter.
    let own = Actor { domains: Some(vec![OTHER.to_owned()]), ..Actor::cli() };
    assert_eq!(recoveries.count(&own, any()).await.expect("a count").total, 1);
    stage.turn(DOMAIN, true).await;
    stage.turn(OTHER, true).await;
    let recovery = recoveries.start(&own, any()).await.expect("started");
    stage.advance().await;
    assert_eq!(figures(&stage.now(&recovery).await), (RecoveryState::Done, 1, 1, 0));
    assert_eq!(stage.in_state(DeliveryState::Skipped).await.len(), 4);
}

async fn a_recovery_delivers_everything_once_and_in_order(database: Database) {
    let console = TestConsole::start(database).await;
    let receiver = Receiver::start();
    console.add_domain().await;
    let source = GenericSource::add_to(&console).await;
    for n in 0..60 {
        source.tell("publish_started", &format!("room_{n}")).await;
        source.tell("publish_done", &format!("room_{n}")).await;
    }
    console.turn_on(KIND, &receiver.url("/publish")).await;
    let recovery = console.console.recoveries.start(&Actor::cli(), of(DOMAIN)).await.expect("started");
    receiver.count(1).await;
    let console = console.restart().await;
    let received = receiver.count(120).await;
    for n in 0..60 {
        let room = format!("room_{n}");
        let told: Vec<_> = received.iter().filter(|one| one.field("stream") == room).map(Received::event).collect();
        assert_eq!(told, ["publish_started", "publish_done"], "{room}");
    }
    let recovery = console.console.recoveries.get(&Actor::cli(), recovery.id).await.expect("a recovery");
    assert_eq!((recovery.total, recovery.left_out), (120, 0));
    console.stop().await;
    assert_eq!(receiver.received().len(), 120);
}

async fn a_recovery_tells_what_became_of_its_deliveries(database: Database) {
    let console = TestConsole::start_with(database, |config| config.retry_schedule = schedule(&[0])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    let source = GenericSource::add_to(&console).await;
    let browser = Browser::of(&console, Role::Operator).await;
    receiver.answer(|_| Answer::Status(500));
    for room in ["room_1", "room_2", "room_3"] {
        source.tell("publish_started", room).await;
        let received = receiver.until(|all| all.iter().any(|one| one.field("stream") == room)).await;
        let id = received.last().expect("received").id();
        console.delivery_until(&id, |detail| detail.delivery.state == DeliveryState::Failed).await;
    }
    // The recovery's own rows are those of `room_1` and `room_2`; what is like them is not.
    let rooms: Vec<DeliveryId> = all(&console.console, of(DOMAIN)).await;
    let third = console.delivery(&rooms[0].to_string()).await.delivery.happened_at;
    let before_third = DeliveryFilter { state: Some(DeliveryState::Failed), until: Some(third), ..of(DOMAIN) };
    let ended = async |id| {
        let look = async || console.console.recoveries.get(&Actor::cli(), id).await.expect("a recovery");
        let done = |now: &Recovery| {
            now.state == RecoveryState::Done && now.outcome.is_some_and(|outcome| outcome.waiting == 0)
        };
        until(look, done).await.outcome.expect("an outcome")
    };

    let failing = console.console.recoveries.start(&Actor::cli(), before_third.clone()).await.expect("started");
    let outcome = ended(failing.id).await;
    assert_eq!((failing.total, outcome.delivered, outcome.failed, outcome.cancelled), (2, 0, 2, 0));
    let page = format!("/recoveries/{}", failing.id);
    let shown = browser.open(&page).await;
    shown.says(&["badge error\">Finished with failures", "2 failed again", "Recover the failed ones…"]);
    assert!(!shown.html.contains("badge success"), "{}", shown.html);
    browser.open("/recoveries").await.says(&["badge error\">Finished with failures", "2 failed again"]);
    assert!(shown.html.contains(&format!("/deliveries?recovery={}", failing.id)), "{}", shown.html);
    let see = browser.open(&format!("/deliveries?recovery={}", failing.id)).await;
    see.says(&["live/room_1", "live/room_2", "Showing only the deliveries of this recovery."]);
    assert!(!see.html.contains("live/room_3"), "{}", see.html);

    // What failed again is recovered by the link of the page.
    let again = DeliveryFilter { recovery: Some(failing.id), state: Some(DeliveryState::Failed), ..any() };
    browser
        .open(&format!("/recoveries?recovery={}&state=failed&since=", failing.id))
        .await
        .says(&["2 deliveries can be recovered."]);
    receiver.answer(|received| Answer::Status(if received.field("stream") == "room_1" { 500 } else { 200 }));
    let mixed = console.console.recoveries.start(&Actor::cli(), again.clone()).await.expect("started");
    let outcome = ended(mixed.id).await;
    assert_eq!((outcome.delivered, outcome.failed), (1, 1));
    browser.open(&format!("/recoveries/{}", mixed.id)).await.says(&["1 delivered", "1 failed again"]);
    receiver.answer(|_| Answer::Status(200));
    let good = console.console.recoveries.start(&Actor::cli(), again).await.expect("started");
    let outcome = ended(good.id).await;
    assert_eq!((good.total, outcome.delivered, outcome.failed), (1, 1, 0));
    browser.open(&format!("/recoveries/{}", good.id)).await.says(&["badge success\">Finished<", "1 delivered"]);
    // Its filter finds none of them now, but its own rows are kept; those of the first as well.
    assert_eq!(all(&console.console, before_third).await, []);
    let of_recovery = |id| DeliveryFilter { recovery: Some(id), ..any() };
    assert_eq!(all(&console.console, of_recovery(good.id)).await, rooms[2..]);
    assert_eq!(all(&console.console, of_recovery(failing.id)).await, rooms[1..]);
    console.stop().await;
}

async fn what_leaves_the_queue_otherwise_is_counted_as_cancelled(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 3).await;
    stage.turn(DOMAIN, true).await;
    let recovery = stage.start(any()).await;
    assert_eq!(recovery.outcome, Some(RecoveryOutcome::default()));
    stage.advance().await;
    let outcome = async || stage.now(&recovery).await.outcome.expect("an outcome");
    assert_eq!(outcome().await, RecoveryOutcome { waiting: 3, ..RecoveryOutcome::default() });
    let one = stage.in_state(DeliveryState::Pending).await[0];
    stage.console.deliveries.cancel(&Actor::cli(), one).await.expect("cancelled");
    assert_eq!(outcome().await, RecoveryOutcome { waiting: 2, cancelled: 1, ..RecoveryOutcome::default() });
    // A person's own resend is no part of it.
    stage.console.deliveries.resend(&Actor::cli(), one).await.expect("resent");
    assert_eq!(outcome().await, RecoveryOutcome { waiting: 2, cancelled: 1, ..RecoveryOutcome::default() });
    stage.turn(DOMAIN, false).await;
    assert_eq!(outcome().await, RecoveryOutcome { cancelled: 3, ..RecoveryOutcome::default() });
    let nothing = stage.start(of("push.unknown.example")).await;
    assert_eq!((stage.now(&nothing).await.outcome, nothing.outcome), (None, None));
}

async fn selected_deliveries_are_resent_and_others_left_out(database: Database) {
    let stage = Stage::new(&database).await;
    stage.skip(DOMAIN, 3).await;
    stage.skip(OTHER, 2).await;
    let (deliveries, cli) = (&stage.console.deliveries, Actor::cli());
    let mine = all(&stage.console, of(DOMAIN)).await;
    let others = all(&stage.console, of(OTHER)).await;
    assert_eq!(deliveries.resend_many(&cli, Vec::new()).await.expect_err("none").code(), "delivery_none_selected");
    let off = deliveries.resend_many(&cli, mine.clone()).await.expect_err("off");
    assert_eq!(off.code(), "delivery_callback_off");

    stage.turn(DOMAIN, true).await;
    let selected = vec![mine[0], mine[2], mine[0], others[0]];
    let limited = Actor { domains: Some(vec![DOMAIN.to_owned()]), ..Actor::cli() };
    assert_eq!(deliveries.resend_many(&limited, selected.clone()).await.expect_err("not theirs").code(), "forbidden");
    let resent = deliveries.resend_many(&cli, selected).await.expect("resent");
    assert_eq!((resent.queued, resent.left_out), (2, 1));
    assert_eq!(stage.in_state(DeliveryState::Pending).await, [mine[0], mine[2]]);
    let due = async |id| deliveries.get(&cli, id).await.expect("found").delivery.next_attempt_at;
    assert!(due(mine[2]).await < due(mine[0]).await, "the earlier event first");
}

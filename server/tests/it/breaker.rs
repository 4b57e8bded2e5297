//! *Paused after failures* in the running console: a receiver that only fails is left alone, asked now and then, and in the end gets
//! everything in order.

use std::sync::Arc;

use callsheet::callbacks::Pause;
use callsheet::deliveries::{DeliveryFilter, DeliveryState};
use callsheet::model::{Actor, CallbackKind, Clock, PageRequest, SourceId, SystemClock, TestClock};
use callsheet::sources::Adapter;
use callsheet::streams::{IngestSink, PushRequest, SessionKey, SourceEvent};
use callsheet_server::config::Config;

use crate::support::{
    Answer, DOMAIN, Database, Received, Receiver, TestConsole, lines, on_both_databases, schedule, until, use_cases_in,
};

on_both_databases!(
    a_failing_receiver_is_paused_probed_and_then_gets_all_in_order,
    a_person_who_resumes_lets_go_what_waits,
    a_clock_that_is_set_changes_no_wait
);

const KIND: CallbackKind = CallbackKind::Publish;

fn settings(config: &mut Config) {
    config.retry_schedule = schedule(&[0, 600, 600, 600]);
    config.order_hold_ms = 3_600_000;
}

/// A console whose time the test makes pass, and a receiver that fails. `rooms` streams were published so far.
struct Stage {
    console: TestConsole,
    clock: Arc<TestClock>,
    receiver: Receiver,
    rooms: usize,
}

impl Stage {
    async fn set(database: Database) -> Self {
        let clock = Arc::new(TestClock::at(SystemClock.now()));
        let console = TestConsole::start_at(database, clock.clone(), settings).await;
        let receiver = Receiver::start();
        receiver.answer(|_| Answer::Status(500));
        console.add_domain().await;
        console.turn_on(KIND, &receiver.url("/")).await;
        // The callback was changed before anything failed.
        clock.advance(1);
        Self { console, clock, receiver, rooms: 0 }
    }

    async fn report(&self, room: usize, hint: SourceEvent) {
        let key = SessionKey { source: SourceId(1), boot: String::new(), key: format!("room_{room}") };
        // A source without heartbeats: hours pass, and its silence ends nothing.
        self.console.console.streams.report_once(&key, Adapter::NginxRtmp, hint, None).await.expect("reported");
    }

    /// A new room begins to publish.
    async fn start(&mut self) {
        let push = PushRequest {
            source: SourceId(1),
            hosts: vec![DOMAIN.to_owned()],
            app: "live".to_owned(),
            stream: format!("room_{}", self.rooms),
            client: None,
            params: Vec::new(),
        };
        let push = self.console.console.streams.admit(push).await.expect("admitted");
        self.report(self.rooms, SourceEvent::Started { at: self.clock.now(), push }).await;
        self.rooms += 1;
    }

    /// The room publishes no more.
    async fn end(&self, room: usize) {
        self.report(room, SourceEvent::Ended { at: self.clock.now(), failure: None }).await;
    }

    /// Lets time pass. The console sees it when something happens: another room begins.
    async fn pass(&mut self, millis: i64) {
        self.clock.advance(millis);
        self.start().await;
    }

    async fn pause(&self) -> Option<Pause> {
        self.console.console.callbacks.get(&Actor::cli(), DOMAIN, KIND).await.expect("a callback").pause
    }

    /// Waits until the stored pause fits.
    async fn pause_until(&self, fits: impl Fn(&Option<Pause>) -> bool) -> Option<Pause> {
        until(|| self.pause(), fits).await
    }

    /// How many deliveries have failed and wait for their next try. Those that are on their way are not among them.
    async fn failed(&self) -> usize {
        let filter = DeliveryFilter { state: Some(DeliveryState::Retrying), ..DeliveryFilter::default() };
        let page = PageRequest { number: 1, size: 1 };
        let page = self.console.console.deliveries.list(&Actor::cli(), filter, page).await.expect("a list");
        usize::try_from(page.total).expect("a count")
    }

    /// A room begins every four seconds, and all that is told of it fails.
    async fn fail_until_paused(&mut self) -> Pause {
        loop {
            self.pass(4_000).await;
            let look = async || (self.pause().await, self.failed().await);
            if let (Some(pause), _) = until(look, |(pause, count)| pause.is_some() || *count == self.rooms).await {
                return pause;
            }
        }
    }
}

fn line(received: &[Received], number: usize) -> String {
    lines(received).swap_remove(number)
}

async fn a_failing_receiver_is_paused_probed_and_then_gets_all_in_order(database: Database) {
    let mut stage = Stage::set(database).await;
    let pause = stage.fail_until_paused().await;
    assert_eq!((pause.probe_at, pause.probes, pause.reason.as_str()), (pause.since + 30_000, 0, "http_status"));
    let failed = stage.receiver.received().len();
    assert!(failed >= 20 && pause.since <= stage.clock.now(), "{failed} attempts, {pause:?}");

    // Nothing but the probe goes out, and that is the oldest delivery.
    stage.end(0).await;
    stage.end(1).await;
    stage.pass(pause.probe_at - stage.clock.now() - 1_000).await;
    stage.pass(1_000).await;
    let received = stage.receiver.count(failed + 1).await;
    assert_eq!(line(&received, failed), "room_0 publish_started attempt 2");
    let pause = stage.pause_until(|pause| pause.as_ref().is_some_and(|pause| pause.probes == 1)).await;
    assert_eq!(pause.expect("paused").probe_at, stage.clock.now() + 60_000);

    // The receiver is back. The next probe finds out; then all goes out that is due.
    stage.receiver.answer(|_| Answer::Status(200));
    stage.pass(60_000).await;
    stage.pause_until(Option::is_none).await;
    stage.pass(700_000).await;
    let deliveries = stage.rooms + 2;
    let received = stage.receiver.count(failed + 1 + deliveries).await;
    let delivered = &received[failed + 1..];
    assert_eq!(line(delivered, 0), "room_0 publish_started attempt 3");
    for room in 0..stage.rooms {
        let of_room = delivered.iter().filter(|one| one.field("stream") == format!("room_{room}"));
        let events: Vec<_> = of_room.map(|one| one.event()).collect();
        let expected = ["publish_started", "publish_done"];
        assert_eq!(events, expected[..if room < 2 { 2 } else { 1 }], "room_{room}");
    }
    stage.console.stop().await;
}

async fn a_person_who_resumes_lets_go_what_waits(database: Database) {
    let mut stage = Stage::set(database).await;
    stage.fail_until_paused().await;
    let failed = stage.receiver.received().len();
    stage.receiver.answer(|_| Answer::Status(200));
    stage.start().await;
    let view = stage.console.console.callbacks.resume(&Actor::cli(), DOMAIN, KIND).await.expect("resumed");
    assert_eq!(view.pause, None);
    // What has failed waits for its next try; the rest goes.
    let received = stage.receiver.count(failed + 1).await;
    assert!(line(&received, failed).ends_with("publish_started attempt 1"), "{:?}", lines(&received[failed..]));
    assert_eq!(stage.pause().await, None);
    stage.console.stop().await;
}

async fn a_clock_that_is_set_changes_no_wait(database: Database) {
    const HOUR: i64 = 3_600_000;
    let mut stage = Stage::set(database).await;
    let has = |line: &'static str| move |received: &[Received]| lines(received).iter().any(|one| one == line);
    stage.start().await;
    until(|| stage.failed(), |failed| *failed == 1).await;
    // With its jitter the wait is 660 s at most.
    stage.clock.jump(-HOUR);
    stage.pass(660_000).await;
    stage.receiver.until(has("room_0 publish_started attempt 2")).await;
    until(|| stage.failed(), |failed| *failed == 2).await;
    stage.clock.jump(2 * HOUR);
    stage.pass(500_000).await;
    let received = stage.receiver.count(4).await;
    assert_eq!(line(&received, 3), "room_2 publish_started attempt 1", "nothing else is due");
    until(|| stage.failed(), |failed| *failed == 3).await;
    // A worker that starts after the clock was set back waits for as long as any retry may: an hour, as answers may ask for.
    let (data, database) = stage.console.stop().await;
    stage.clock.jump(-24 * HOUR);
    stage.console = TestConsole::start_on(data, database, stage.clock.clone(), settings).await;
    stage.start().await;
    stage.receiver.until(has("room_3 publish_started attempt 1")).await;
    stage.pass(HOUR).await;
    stage.receiver.until(has("room_0 publish_started attempt 3")).await;
    stage.console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_resume_in_another_process() {
    let mut stage = Stage::set(Database::postgres().await).await;
    stage.fail_until_paused().await;
    let failed = stage.receiver.received().len();
    stage.receiver.answer(|_| Answer::Status(200));
    stage.start().await;
    let database = Database::at(stage.console.database.url());
    let other = use_cases_in(&database, stage.clock.clone(), stage.console.data.path()).await;
    other.callbacks.resume(&Actor::cli(), DOMAIN, KIND).await.expect("resumed");
    let received = stage.receiver.count(failed + 1).await;
    assert!(line(&received, failed).ends_with("publish_started attempt 1"), "{:?}", lines(&received[failed..]));
    stage.console.stop().await;
}

//! Several processes take reports for one worker, and their clocks differ.

use std::sync::Arc;

use callsheet::Console;
use callsheet::deliveries::Ownership;
use callsheet::deliveries::PollCursor;
use callsheet::model::{Actor, CallbackKind, Clock, Millis, SourceId, SystemClock, TestClock};
use callsheet::storage::Db;
use callsheet::streams::{IngestSink, PushRequest, SessionKey, SourceEvent};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::support::{Answer, DOMAIN, Database, Receiver, TestConsole, until, use_cases};

const KIND: CallbackKind = CallbackKind::Publish;

/// A worker that takes reports too, and a front that shares its database.
struct Stage {
    worker: TestConsole,
    front: Console,
    receiver: Receiver,
    _data: TempDir,
}

impl Stage {
    async fn set(clock: Arc<dyn Clock>) -> Self {
        let worker = TestConsole::start(Database::postgres().await).await;
        let receiver = Receiver::start();
        worker.add_domain().await;
        worker.turn_on(KIND, &receiver.url("/")).await;
        let (front, data) = use_cases(&Database::at(worker.database.url()), clock).await;
        Self { worker, front, receiver, _data: data }
    }
}

/// A front whose clock is ahead by so much.
fn ahead(millis: Millis) -> Arc<TestClock> {
    Arc::new(TestClock::at(SystemClock.now() + millis))
}

fn key(stream: &str) -> SessionKey {
    SessionKey { source: SourceId(1), boot: String::new(), key: stream.to_owned() }
}

async fn start(console: &Console, stream: &str) {
    let push = PushRequest {
        source: SourceId(1),
        hosts: vec![DOMAIN.to_owned()],
        app: "live".to_owned(),
        stream: stream.to_owned(),
        client: None,
        params: Vec::new(),
    };
    let push = console.streams.admit(push).await.expect("admitted");
    let hint = SourceEvent::Started { at: console.clock.now(), push };
    console.streams.report(&key(stream), hint).await.expect("reported");
}

async fn end(console: &Console, stream: &str) {
    let hint = SourceEvent::Ended { at: console.clock.now(), failure: None };
    console.streams.report(&key(stream), hint).await.expect("reported");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_reports_through_two_processes_keeps_its_order() {
    const STREAMS: usize = 20;
    let stage = Stage::set(Arc::new(SystemClock)).await;
    for number in 0..STREAMS {
        let stream = format!("room_{number}");
        start(&stage.front, &stream).await;
        end(&stage.worker.console, &stream).await;
    }
    let received = stage.receiver.count(2 * STREAMS).await;
    for number in 0..STREAMS {
        let of_stream = received.iter().filter(|one| one.field("stream") == format!("room_{number}"));
        let events: Vec<_> = of_stream.map(|one| one.event()).collect();
        assert_eq!(events, ["publish_started", "publish_done"], "room_{number}");
    }
    stage.worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_is_that_of_the_events_whatever_the_clocks_say() {
    for millis in [-60_000, 2_000] {
        let stage = Stage::set(ahead(millis)).await;
        let worker = &stage.worker.console;
        let (release, held) = oneshot::channel();
        let mut held = Some(held);
        stage.receiver.answer(move |_| held.take().map_or(Answer::Status(200), Answer::Later));
        start(worker, "room").await;
        stage.receiver.count(1).await;
        // These wait together for the first.
        end(worker, "room").await;
        start(&stage.front, "room").await;
        end(worker, "room").await;
        release.send(200).expect("the receiver waits");
        let received = stage.receiver.count(4).await;
        let events: Vec<_> = received.iter().map(|one| one.event()).collect();
        assert_eq!(events, ["publish_started", "publish_done", "publish_started", "publish_done"], "{millis} ms");
        let sessions: Vec<_> = received.iter().map(|one| one.header("callsheet-session")).collect();
        assert_eq!((sessions[0], sessions[2]), (sessions[1], sessions[3]), "{millis} ms");
        assert_ne!(sessions[1], sessions[2], "{millis} ms");
        stage.worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_queues_whose_clock_is_behind_goes_out() {
    let stage = Stage::set(ahead(-60_000)).await;
    start(&stage.front, "room").await;
    let id = stage.receiver.count(1).await[0].id();
    stage.worker.delivery_until(&id, |detail| detail.delivery.state.as_str() == "delivered").await;
    stage.front.deliveries.resend(&Actor::cli(), id.parse().expect("an id")).await.expect("resent");
    assert_eq!(stage.receiver.count(2).await[1].id(), id);
    stage.worker.stop().await;
}

/// Makes a row of the queue, as a transaction does that also begins when it does.
async fn queue(connection: &mut PgConnection, delivery: i64) {
    let sql = "insert into queue (callback_id, delivery_id, stream_key, due_at, retry, queued_at) \
         values (1, $1, 'live/room', 0, 0, cast(extract(epoch from clock_timestamp()) * 1000 as bigint))";
    sqlx::query(sql).bind(delivery).execute(connection).await.expect("queued");
}

async fn poll(db: &Db, cursor: &mut PollCursor) -> Vec<i64> {
    let result = db.poll_queue(&Ownership::All, *cursor).await.expect("read");
    *cursor = result.cursor;
    let mut found: Vec<i64> = result.rows.iter().map(|row| row.delivery.0).collect();
    found.sort_unstable();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_see_what_is_committed_late_and_then_read_it_no_more() {
    let database = Database::postgres().await;
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let db = &console.db;
    let mut late = PgConnection::connect(database.url()).await.expect("PostgreSQL answers");
    let mut quick = PgConnection::connect(database.url()).await.expect("PostgreSQL answers");
    let mut cursor = PollCursor::default();
    assert!(poll(db, &mut cursor).await.is_empty());
    sqlx::query("begin").execute(&mut late).await.expect("begun");
    queue(&mut late, 1).await;
    for delivery in 2..=5 {
        queue(&mut quick, delivery).await;
        for _ in 0..3 {
            assert!(poll(db, &mut cursor).await.contains(&delivery), "read again while an earlier one may come");
        }
    }
    sqlx::query("commit").execute(&mut late).await.expect("committed");
    assert_eq!(poll(db, &mut cursor).await, [1, 2, 3, 4, 5]);
    // They wait still, but nothing from before them can come.
    let cursor = Arc::new(tokio::sync::Mutex::new(cursor));
    until(async || poll(db, &mut *cursor.lock().await).await, Vec::is_empty).await;
    let mut widened = cursor.lock().await.widened();
    assert_eq!(poll(db, &mut widened).await, [1, 2, 3, 4, 5]);
}

//! Time is not what it was: the clock is set, or the process was frozen. Publishers of the built-in ingest go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use callsheet::model::{Clock, Millis, SystemClock};
use tokio::time::sleep;

use super::publishers::Publisher;
use super::studio::{Expected, Studio, assert_sessions, left_in, until_over};
use super::{numbers, often};
use crate::support::{Database, Received, Receiver, TestConsole, on_both_databases, until};

on_both_databases!(a_clock_that_is_set_loses_nothing, a_process_that_was_frozen_drops_nobody);

/// A bit more than a part.
const SOME: usize = 130;
const FIVE_MINUTES: Millis = 300_000;

/// The machine's clock, as somebody set it.
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Millis {
        SystemClock.now() + self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

async fn a_clock_that_is_set_loses_nothing(database: Database) {
    let clock = Arc::new(SetClock(AtomicI64::new(0)));
    let console = TestConsole::start_at(database, clock.clone(), |_| {}).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    console.record(2).await;
    let through = Publisher::start(console.rtmp, "through").await;
    let mut sessions = vec![];
    for _ in 0..often(1) {
        for offset in [FIVE_MINUTES, 0, -FIVE_MINUTES, 0] {
            let across = Publisher::start(console.rtmp, "across").await;
            across.more(SOME).await;
            clock.0.store(offset, Ordering::Relaxed);
            through.more(SOME).await;
            across.more(SOME).await;
            sessions.push(Expected::ended(across.finish().await));
            // Its events are not held back until the clock is there again.
            until_over_of(&receiver, "across", sessions.len()).await;
        }
    }
    let through = through.finish().await;
    let received = until_over(&receiver, 1 + sessions.len()).await;
    until(async || left_in(console.data.path()), Vec::is_empty).await;
    let (data, _database) = console.stop().await;
    assert_sessions(&received, "across", &[data.path()], &sessions);
    assert_sessions(&received, "through", &[data.path()], &[Expected::ended(through)]);
}

/// Waits until so many publishes of a stream are reported as over.
async fn until_over_of(receiver: &Receiver, stream: &str, sessions: usize) {
    let is_end = |one: &&Received| one.event() == "publish_done" && one.field("stream") == stream;
    receiver.until(|received| received.iter().filter(is_end).count() >= sessions).await;
}

async fn a_process_that_was_frozen_drops_nobody(database: Database) {
    let studio = Studio::set(database, 2).await;
    let (process, rtmp) = studio.start();
    let publisher = Publisher::start(rtmp, "room_7").await;
    for _ in 0..often(1).min(3) {
        publisher.more(SOME).await;
        process.signal("-STOP");
        sleep(numbers().frozen).await;
        process.signal("-CONT");
        publisher.more(SOME).await;
    }
    let frames = publisher.finish().await;
    let received = studio.until_over(1).await;
    studio.end([process]).await;
    assert_sessions(&received, "room_7", &[studio.data.path()], &[Expected::ended(frames)]);
}

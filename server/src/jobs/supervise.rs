//! Supervision of background loops: restarts loops that fail, and reports loops that are down or hang.
//!
//! A loop calls [`Pulse::beat`] in each iteration and after each long step, and [`Pulse::idle`] while it waits for work. A loop that is not
//! idle and has not beaten for a minute hangs. It is not restarted, because its work may be half done, but `/readyz` names it.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callsheet::model::{Clock, Millis, SystemClock};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

/// Pause before a restart.
const PAUSE: Duration = Duration::from_secs(1);
/// Failures of one loop after which the process exits, so that its service manager restarts it.
const MAX_FAILURES: u32 = 5;
/// Time without a beat after which a loop hangs (ms).
const HANGS_AFTER_MS: Millis = 60_000;
/// Interval between checks for loops that hang.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);
/// Value of `beat` while a loop waits for work.
const IDLE: Millis = Millis::MIN;

/// State of one loop.
#[derive(Debug)]
struct LoopState {
    name: &'static str,
    /// Last beat (monotonic ms), or [`IDLE`].
    beat: AtomicI64,
    is_down: AtomicBool,
    /// Logged as hanging.
    hangs: AtomicBool,
}

/// Signs of life of a loop. Cheap to clone. Nobody observes the default one.
#[derive(Clone)]
pub struct Pulse {
    state: Arc<LoopState>,
    clock: Arc<dyn Clock>,
}

impl Pulse {
    fn new(name: &'static str, clock: Arc<dyn Clock>) -> Self {
        let state = LoopState {
            name,
            beat: AtomicI64::new(IDLE),
            is_down: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        };
        Self { state: Arc::new(state), clock }
    }

    /// Records that the loop is alive.
    pub fn beat(&self) {
        self.state.beat.store(self.clock.read().monotonic, Ordering::Relaxed);
    }

    /// Waits for work; the loop does not count as hanging meanwhile.
    pub async fn idle<F: Future>(&self, wait: F) -> F::Output {
        self.state.beat.store(IDLE, Ordering::Relaxed);
        let waited = wait.await;
        self.beat();
        waited
    }

    fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::Relaxed);
        self.state.beat.store(IDLE, Ordering::Relaxed);
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new("", Arc::new(SystemClock))
    }
}

/// The supervisor of all loops of a process. Cheap to clone.
#[derive(Clone)]
pub struct Loops {
    clock: Arc<dyn Clock>,
    /// Pause before a restart.
    pause: Duration,
    states: Arc<Mutex<Vec<Arc<LoopState>>>>,
    /// Cancelled when a loop has failed too often.
    gave_up: CancellationToken,
}

impl Loops {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, pause: PAUSE, states: Arc::default(), gave_up: CancellationToken::new() }
    }

    /// Returns a line of text with the loops that are down or hang, or `None`.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let troubles = [("not running", self.down()), ("hanging", self.hanging())];
        let troubles: Vec<String> = troubles
            .into_iter()
            .filter(|(_, loops)| !loops.is_empty())
            .map(|(what, loops)| format!("{what}: {}", loops.into_iter().collect::<Vec<_>>().join(", ")))
            .collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    fn down(&self) -> BTreeSet<&'static str> {
        self.those(|state| state.is_down.load(Ordering::Relaxed))
    }

    fn hanging(&self) -> BTreeSet<&'static str> {
        let now = self.clock.read().monotonic;
        self.those(|state| state.hangs_at(now))
    }

    fn those(&self, fits: impl Fn(&LoopState) -> bool) -> BTreeSet<&'static str> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.iter().filter(|state| fits(state)).map(|state| state.name).collect()
    }

    /// Waits until a loop has failed too often.
    pub async fn gave_up(&self) {
        self.gave_up.cancelled().await;
    }

    /// Logs and counts loops that hang, until `shutdown`.
    pub async fn watch(self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(CHECK_INTERVAL)).await.is_some() {
            self.check();
        }
    }

    /// Returns the number of loops that hang since the last check.
    fn check(&self) -> usize {
        let now = self.clock.read().monotonic;
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = 0;
        for state in states.iter() {
            let (hangs, name) = (state.hangs_at(now), state.name);
            match (state.hangs.swap(hangs, Ordering::Relaxed), hangs) {
                (false, true) => {
                    found += 1;
                    tracing::error!(name, "a background loop hangs; restart the process if it does not recover");
                    metrics::counter!("callsheet_loop_hangs_total", "loop" => name).increment(1);
                }
                (true, false) => tracing::info!(name, "the background loop has recovered"),
                _ => {}
            }
        }
        found
    }

    fn pulse(&self, name: &'static str) -> Pulse {
        let pulse = Pulse::new(name, self.clock.clone());
        self.states.lock().unwrap_or_else(PoisonError::into_inner).push(pulse.state.clone());
        pulse
    }

    /// Runs the loop that `start` returns until `shutdown`. Restarts it if it ends or panics before.
    pub async fn supervise<F: Future<Output = ()>>(
        self,
        name: &'static str,
        shutdown: CancellationToken,
        start: impl Fn(Pulse, CancellationToken) -> F,
    ) {
        let pulse = self.pulse(name);
        for failure in 1.. {
            pulse.beat();
            let ended = AssertUnwindSafe(async { start(pulse.clone(), shutdown.clone()).await }).catch_unwind().await;
            if shutdown.is_cancelled() {
                pulse.set_down(false);
                return;
            }
            let why = ended.err().map_or_else(|| "it ended".to_owned(), |panic| text_of(&*panic));
            tracing::error!(name, why, "a background loop failed; restarting it");
            metrics::counter!("callsheet_loop_breakdowns_total", "loop" => name).increment(1);
            pulse.set_down(true);
            if failure == MAX_FAILURES {
                self.gave_up.cancel();
                return;
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(self.pause)).await.is_none() {
                return;
            }
            pulse.set_down(false);
        }
    }
}

impl LoopState {
    /// Returns whether the loop hangs at this monotonic time (ms).
    fn hangs_at(&self, now: Millis) -> bool {
        let beat = self.beat.load(Ordering::Relaxed);
        beat != IDLE && now - beat > HANGS_AFTER_MS
    }
}

/// Returns the message of a panic.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::sync::atomic::AtomicU32;

    use callsheet::model::TestClock;
    use futures::poll;

    use super::*;

    /// A supervisor that restarts loops at once.
    fn loops(clock: Arc<TestClock>) -> Loops {
        Loops { pause: Duration::ZERO, ..Loops::new(clock) }
    }

    fn clock() -> Arc<TestClock> {
        Arc::new(TestClock::at(1_795_357_880_000))
    }

    #[tokio::test]
    async fn a_loop_that_fails_is_restarted_and_reported() {
        let (loops, shutdown) = (loops(clock()), CancellationToken::new());
        let (starts, stop) = (Arc::new(AtomicU32::new(0)), shutdown.clone());
        let start = {
            let (starts, loops) = (starts.clone(), loops.clone());
            move |_, _| {
                let (start, loops, stop) = (starts.fetch_add(1, Ordering::SeqCst), loops.clone(), stop.clone());
                async move {
                    match start {
                        0 => panic!("as planned"),
                        1 => {}
                        _ => {
                            assert_eq!(loops.trouble(), None, "it runs again");
                            stop.cancel();
                        }
                    }
                }
            }
        };
        loops.clone().supervise("demo", shutdown, start).await;
        assert_eq!(starts.load(Ordering::SeqCst), 3);
        assert!(!loops.gave_up.is_cancelled());
    }

    #[tokio::test]
    async fn a_loop_that_fails_repeatedly_ends_the_process() {
        let loops = loops(clock());
        let start = |_, _| async { panic!("always") };
        loops.clone().supervise("demo", CancellationToken::new(), start).await;
        loops.gave_up().await;
        assert_eq!(loops.trouble().as_deref(), Some("not running: demo"));
    }

    #[tokio::test]
    async fn a_loop_that_hangs_is_named_and_counted_once() {
        let clock = clock();
        let loops = loops(clock.clone());
        let mut hangs = pin!(loops.clone().supervise("demo", CancellationToken::new(), |_, _| pending()));
        assert!(poll!(&mut hangs).is_pending());
        clock.advance(HANGS_AFTER_MS);
        assert_eq!((loops.check(), loops.trouble()), (0, None));
        clock.jump(24 * 3_600_000);
        assert_eq!((loops.check(), loops.trouble()), (0, None), "the wall clock does not count");
        clock.advance(1);
        assert_eq!(loops.trouble().as_deref(), Some("hanging: demo"));
        assert_eq!([loops.check(), loops.check()], [1, 0]);
    }

    #[tokio::test]
    async fn a_loop_that_beats_or_waits_does_not_hang() {
        let clock = clock();
        let loops = loops(clock.clone());
        let pulse = loops.pulse("demo");
        for _ in 0..3 {
            pulse.beat();
            clock.advance(HANGS_AFTER_MS);
            assert_eq!(loops.check(), 0);
        }
        clock.advance(1);
        assert_eq!(loops.check(), 1);
        let mut waits = Box::pin(pulse.idle(pending::<()>()));
        assert!(poll!(&mut waits).is_pending());
        clock.advance(24 * 3_600_000);
        assert_eq!((loops.check(), loops.trouble()), (0, None));
        pulse.idle(async {}).await;
        clock.advance(HANGS_AFTER_MS + 1);
        assert_eq!(loops.check(), 1, "it had something to do");
    }
}

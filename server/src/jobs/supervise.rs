//! Restarts background loops that fail, and reports which are down.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

/// Until a loop is started again.
const PAUSE: Duration = Duration::from_secs(1);
/// Failures of one loop after which the process exits, so that its service manager restarts it.
const MOST_BREAKDOWNS: u32 = 5;

/// The loops of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Loops {
    /// Until a loop is started again.
    pause: Duration,
    down: Arc<Mutex<BTreeSet<&'static str>>>,
    /// One of them broke down too often.
    gave_up: CancellationToken,
}

impl Default for Loops {
    fn default() -> Self {
        Self::with_pause(PAUSE)
    }
}

impl Loops {
    fn with_pause(pause: Duration) -> Self {
        Self { pause, down: Arc::default(), gave_up: CancellationToken::new() }
    }

    /// Those that do not run at the moment.
    #[must_use]
    pub fn down(&self) -> Vec<&'static str> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Waits until a loop has broken down too often.
    pub async fn gave_up(&self) {
        self.gave_up.cancelled().await;
    }

    /// Runs a loop until `shutdown`. `start` begins it; if it ends or panics before, it is begun again.
    pub async fn supervise<F: Future<Output = ()>>(
        self,
        name: &'static str,
        shutdown: CancellationToken,
        start: impl Fn() -> F,
    ) {
        for breakdown in 1.. {
            let ended = AssertUnwindSafe(async { start().await }).catch_unwind().await;
            if shutdown.is_cancelled() {
                return;
            }
            let why = ended.err().map_or_else(|| "it ended".to_owned(), |panic| text_of(&*panic));
            tracing::error!(name, why, "a loop broke down");
            metrics::counter!("callsheet_loop_breakdowns_total", "loop" => name).increment(1);
            self.down.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
            if breakdown == MOST_BREAKDOWNS {
                self.gave_up.cancel();
                return;
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(self.pause)).await.is_none() {
                return;
            }
            self.down.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_loop_that_breaks_down_is_started_again_and_told_of() {
        let (loops, shutdown) = (Loops::with_pause(Duration::ZERO), CancellationToken::new());
        let (starts, stop) = (Arc::new(AtomicU32::new(0)), shutdown.clone());
        let start = {
            let (starts, loops) = (starts.clone(), loops.clone());
            move || {
                let (start, loops, stop) = (starts.fetch_add(1, Ordering::SeqCst), loops.clone(), stop.clone());
                async move {
                    match start {
                        0 => panic!("as planned"),
                        1 => {}
                        _ => {
                            assert!(loops.down().is_empty(), "it runs again");
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
    async fn a_loop_that_breaks_down_always_ends_the_process() {
        let loops = Loops::with_pause(Duration::ZERO);
        let start = || async { panic!("always") };
        loops.clone().supervise("demo", CancellationToken::new(), start).await;
        loops.gave_up().await;
        assert_eq!(loops.down(), ["demo"]);
    }
}

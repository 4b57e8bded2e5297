//! Measures how long a publisher has sent no media, in time that this process observed.
//!
//! A process that was suspended, for example with its virtual machine, could not receive anything meanwhile. So elapsed seconds are
//! counted one tick at a time, and a suspension of any length counts as one second.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

const SECOND: Duration = Duration::from_secs(1);

/// The idle time of one publisher.
#[derive(Debug)]
pub(super) struct IdleTimer {
    ticks: Interval,
    /// Observed seconds without media.
    seconds: u64,
    timeout: u64,
}

impl IdleTimer {
    /// Starts a timer that expires after `timeout`, in whole seconds.
    pub(super) fn start(timeout: Duration) -> Self {
        Self::start_at(Instant::now(), timeout)
    }

    fn start_at(start: Instant, timeout: Duration) -> Self {
        let mut ticks = interval_at(start + SECOND, SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, seconds: 0, timeout: timeout.as_secs() }
    }

    /// Restarts the timer when media arrives.
    pub(super) fn reset(&mut self) {
        self.seconds = 0;
        self.ticks.reset();
    }

    /// Waits until the timer expires; cancel-safe.
    pub(super) async fn expired(&mut self) {
        while self.seconds < self.timeout {
            self.ticks.tick().await;
            self.seconds += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_suspension_counts_as_one_second() {
        let suspended_at = Instant::now() - Duration::from_secs(90);
        let mut timer = IdleTimer::start_at(suspended_at, Duration::from_secs(30));
        assert!(futures::poll!(std::pin::pin!(timer.expired())).is_pending());
        assert_eq!(timer.seconds, 1);
        timer.reset();
        assert!(futures::poll!(std::pin::pin!(timer.expired())).is_pending());
        assert_eq!(timer.seconds, 0);
    }
}

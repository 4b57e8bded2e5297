//! The heartbeat of a publish.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// An interval that measures the time between its ticks.
pub(super) struct Heartbeat {
    ticks: Interval,
    last: Instant,
}

impl Heartbeat {
    pub(super) fn every(period: Duration) -> Self {
        let now = Instant::now();
        let mut ticks = interval_at(now + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, last: now }
    }

    /// Waits for the next heartbeat and returns the time since the previous one.
    pub(super) async fn next(&mut self) -> Duration {
        let now = self.ticks.tick().await;
        now - std::mem::replace(&mut self.last, now)
    }
}

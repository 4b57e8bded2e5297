//! Measures how long a publisher has sent nothing, in time that this process watched.
//!
//! A process that was frozen, as with its virtual machine, could not see what was sent meanwhile. So seconds are counted as they are
//! observed, one by one: a freeze of any length counts as one.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

const SECOND: Duration = Duration::from_secs(1);

/// The silence of one publisher.
#[derive(Debug)]
pub(super) struct Silence {
    ticks: Interval,
    /// Seconds observed without media.
    seconds: u64,
    longest: u64,
}

impl Silence {
    /// A silence that begins now and is too long after so many whole seconds.
    pub(super) fn up_to(longest: Duration) -> Self {
        Self::since(Instant::now(), longest)
    }

    fn since(start: Instant, longest: Duration) -> Self {
        let mut ticks = interval_at(start + SECOND, SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, seconds: 0, longest: longest.as_secs() }
    }

    /// The publisher sent media.
    pub(super) fn is_over(&mut self) {
        self.seconds = 0;
        self.ticks.reset();
    }

    /// Waits until the silence is too long. It can be cancelled and called again.
    pub(super) async fn too_long(&mut self) {
        while self.seconds < self.longest {
            self.ticks.tick().await;
            self.seconds += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_freeze_counts_as_one_second() {
        let frozen_at = Instant::now() - Duration::from_secs(90);
        let mut silence = Silence::since(frozen_at, Duration::from_secs(30));
        assert!(futures::poll!(std::pin::pin!(silence.too_long())).is_pending());
        assert_eq!(silence.seconds, 1);
        silence.is_over();
        assert!(futures::poll!(std::pin::pin!(silence.too_long())).is_pending());
        assert_eq!(silence.seconds, 0);
    }
}

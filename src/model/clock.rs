//! Time comes in as a parameter, so that tests decide what time it is.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Millis;

/// Tells the time. Production uses [`SystemClock`], tests [`TestClock`].
pub trait Clock: Send + Sync + 'static {
    /// Unix time in milliseconds. It may jump, in both directions.
    fn now(&self) -> Millis;
    /// Time since some moment in this process. It never jumps; durations are measured by it.
    fn monotonic(&self) -> Duration;
    /// Both.
    fn read(&self) -> ClockReading {
        let monotonic = i64::try_from(self.monotonic().as_millis()).unwrap_or(i64::MAX);
        ClockReading { wall: self.now(), monotonic }
    }
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Unix ms, as [`Clock::now`].
    pub wall: Millis,
    /// As [`Clock::monotonic`], in ms.
    pub monotonic: Millis,
}

impl ClockReading {
    /// When it is `wall` on the wall clock, as monotonic time. Nothing waits longer than `longest` (ms): a moment further ahead was
    /// written before the wall clock was set back, or by a process whose clock is ahead.
    #[must_use]
    pub fn until(self, wall: Millis, longest: Millis) -> Millis {
        self.monotonic + wall.saturating_sub(self.wall).min(longest)
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct TestClock {
    now: AtomicI64,
    monotonic: AtomicU64,
}

impl TestClock {
    /// Starts at `now` (Unix ms).
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self { now: AtomicI64::new(now), monotonic: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, millis: Millis) {
        self.jump(millis);
        self.monotonic.fetch_add(millis.unsigned_abs(), Ordering::SeqCst);
    }

    /// Sets the clock forward or back, while no time passes.
    pub fn jump(&self, millis: Millis) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        self.now.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_never_further_off_than_the_longest_wait() {
        let clock = TestClock::at(1_000_000);
        clock.advance(500);
        let due = clock.now() + 5_000;
        assert_eq!(clock.read().until(due, 60_000), 5_500);
        clock.jump(-3_600_000);
        assert_eq!(clock.read().until(due, 60_000), 60_500);
        clock.jump(2 * 3_600_000);
        assert_eq!(clock.read().until(due, 60_000), 500 - (3_600_000 - 5_000), "long due");
        assert_eq!(clock.read().until(Millis::MAX, 60_000), 60_500);
    }
}

//! Clocks. Code takes a [`Clock`] as a parameter, so that tests control time.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Millis;

/// A source of time: [`SystemClock`] in production, [`TestClock`] in tests.
pub trait Clock: Send + Sync + 'static {
    /// Returns Unix time in milliseconds. May jump in both directions.
    fn now(&self) -> Millis;
    /// Returns the time since an arbitrary start. Never jumps, so use it for durations.
    fn monotonic(&self) -> Duration;
    /// Returns both times.
    fn read(&self) -> ClockReading {
        let monotonic = i64::try_from(self.monotonic().as_millis()).unwrap_or(i64::MAX);
        ClockReading { wall: self.now(), monotonic }
    }
}

/// A point in time on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// [`Clock::now`], Unix ms.
    pub wall: Millis,
    /// [`Clock::monotonic`], ms.
    pub monotonic: Millis,
}

impl ClockReading {
    /// Converts a wall-clock time to monotonic time, at most `longest` (ms) ahead. A time further ahead was written before the wall
    /// clock was set back, or by a process whose clock is fast.
    #[must_use]
    pub fn until(self, wall: Millis, longest: Millis) -> Millis {
        self.monotonic + wall.saturating_sub(self.wall).min(longest)
    }
}

/// The clock of the machine.
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

/// A clock that tests move.
#[derive(Debug)]
pub struct TestClock {
    now: AtomicI64,
    monotonic: AtomicU64,
}

impl TestClock {
    /// Creates a clock at `now` (Unix ms).
    #[must_use]
    pub fn at(now: Millis) -> Self {
        Self { now: AtomicI64::new(now), monotonic: AtomicU64::new(0) }
    }

    /// Advances both times.
    pub fn advance(&self, millis: Millis) {
        self.jump(millis);
        self.monotonic.fetch_add(millis.unsigned_abs(), Ordering::SeqCst);
    }

    /// Sets the wall clock forward or back without advancing monotonic time.
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

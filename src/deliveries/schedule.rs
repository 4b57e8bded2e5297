//! The retry schedule.

use crate::model::Millis;

/// Seconds to wait before each try; the first is normally 0. The length is the number of tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(Vec<u32>);

impl Default for RetrySchedule {
    /// Twelve tries in about 76 h.
    fn default() -> Self {
        const MINUTE: u32 = 60;
        const HOUR: u32 = 60 * MINUTE;
        Self(vec![
            0,
            5,
            30,
            2 * MINUTE,
            10 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
            14 * HOUR,
            20 * HOUR,
            24 * HOUR,
        ])
    }
}

impl RetrySchedule {
    /// Accepts 1 to 100 waits of at most 30 days each.
    pub fn parse(seconds: Vec<u32>) -> Result<Self, &'static str> {
        if seconds.is_empty() || seconds.len() > 100 {
            return Err("needs 1 to 100 waits, in seconds");
        }
        if seconds.iter().any(|s| *s > 30 * 86_400) {
            return Err("each wait must be at most 2592000 seconds (30 days)");
        }
        Ok(Self(seconds))
    }

    /// Returns the number of tries.
    #[must_use]
    pub fn tries(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }

    /// Returns the waits in seconds.
    #[must_use]
    pub fn seconds(&self) -> &[u32] {
        &self.0
    }

    /// Returns the longest wait including jitter (ms).
    #[must_use]
    pub fn longest_wait(&self) -> Millis {
        Millis::from(self.0.iter().copied().max().unwrap_or_default()) * 1_100
    }

    /// Returns the wait after `tries` failed tries (ms), varied by up to 10 % by `jitter` in `-1.0..=1.0`, or `None` if no try is left.
    #[must_use]
    pub fn wait_after(&self, tries: i64, jitter: f64) -> Option<Millis> {
        let seconds = self.0.get(usize::try_from(tries).ok()?)?;
        let factor = 1.0 + 0.1 * jitter.clamp(-1.0, 1.0);
        #[expect(clippy::cast_possible_truncation, reason = "at most 30 days and 10 %, in ms")]
        Some((f64::from(*seconds) * 1000.0 * factor) as Millis)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_stay_within_ten_percent(
            seconds in prop::collection::vec(0..=2_592_000_u32, 1..=100),
            tries in any::<i64>(),
            jitter in prop_oneof![-1.0..=1.0_f64, any::<f64>().prop_filter("a number", |jitter| !jitter.is_nan())],
        ) {
            let schedule = RetrySchedule::parse(seconds.clone()).expect("a schedule");
            let near = tries.rem_euclid(schedule.tries());
            let base = Millis::from(seconds[usize::try_from(near).expect("small")]) * 1_000;
            let wait = schedule.wait_after(near, jitter).expect("one more try");
            prop_assert!((base * 9 / 10 - 1..=base * 11 / 10).contains(&wait), "{wait} for {base}");
            prop_assert!(wait <= schedule.longest_wait());
            if !(0..schedule.tries()).contains(&tries) {
                prop_assert_eq!(schedule.wait_after(tries, jitter), None);
            }
        }
    }

    #[test]
    fn the_default_schedule_has_twelve_tries_in_three_days() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.tries(), 12);
        let total: Millis = (0..12).filter_map(|n| schedule.wait_after(n, 0.0)).sum();
        assert_eq!(total / 3_600_000, 75);
        assert_eq!(schedule.wait_after(1, 0.0), Some(5_000));
        assert_eq!(schedule.wait_after(1, 1.0), Some(5_500));
        assert_eq!(schedule.wait_after(1, -9.0), Some(4_500));
        assert_eq!(schedule.wait_after(12, 0.0), None);
    }

    #[test]
    fn invalid_schedules_are_rejected() {
        assert!(RetrySchedule::parse(vec![]).is_err());
        assert!(RetrySchedule::parse(vec![0, 2_592_001]).is_err());
        assert!(RetrySchedule::parse(vec![0]).is_ok());
    }
}

//! Protection of retention against a wrong clock.
//!
//! A clock that jumps to 2036 would make all rows expire. Each clean-up therefore records its time. If it differs from the previous
//! clean-up by more than [`LONGEST_BREAK`], in either direction, nothing is deleted for a day, in which the clock can be corrected. After
//! that day the clock is trusted: the console may have been off.
//!
//! Processes that share a database and whose clocks differ by more than that delete nothing.

use crate::model::Millis;

/// Time to correct a clock that jumped.
const DAY: Millis = 24 * 3_600_000;
/// Longest plausible downtime.
const LONGEST_BREAK: Millis = 60 * DAY;

/// State recorded by a clean-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockRecord {
    /// Time of the clean-up (Unix ms).
    pub(crate) seen_at: Millis,
    /// Time from which the clock is trusted (Unix ms).
    pub(crate) believed_from: Millis,
}

/// The verdict on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockCheck {
    Believed,
    /// The clock jumped less than a day ago.
    Watched,
    /// The clock jumped by this much since the last clean-up (ms).
    Leapt(Millis),
}

/// Checks a clean-up at `now`. Returns the record for the next one.
#[must_use]
pub(crate) fn check_clock(last: Option<ClockRecord>, now: Millis) -> (ClockRecord, ClockCheck) {
    let leap = last.map(|last| now - last.seen_at).filter(|leap| !(-LONGEST_BREAK..=LONGEST_BREAK).contains(leap));
    let believed_from = match (last, leap) {
        (Some(last), None) => last.believed_from,
        (None, _) => now,
        (Some(_), Some(_)) => now + DAY,
    };
    let check = match leap {
        Some(leap) => ClockCheck::Leapt(leap),
        None if now < believed_from => ClockCheck::Watched,
        None => ClockCheck::Believed,
    };
    (ClockRecord { seen_at: now, believed_from }, check)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;
    const START: Millis = 1_796_000_000_000;

    /// Runs clean-ups at these times, in hours after the first.
    fn checks(hours: &[i64]) -> Vec<ClockCheck> {
        let mut last = None;
        let mut check = |hour: &i64| {
            let (record, check) = check_clock(last, START + hour * HOUR);
            last = Some(record);
            check
        };
        hours.iter().map(&mut check).collect()
    }

    #[test]
    fn a_clock_is_believed_after_a_day_and_again_a_day_after_each_leap() {
        use ClockCheck::{Believed, Leapt, Watched};
        let (years, weeks) = (87_600, 8 * 168);
        for (hours, expected) in [
            // Off for a night, and then for eight weeks.
            (&[0, 1, 16, weeks, weeks + 1][..], vec![Believed; 5]),
            // Off for two years.
            (&[0, 17_520, 17_521, 17_543, 17_544], vec![Believed, Leapt(17_520 * HOUR), Watched, Watched, Believed]),
            // Ten years ahead for two hours, and set right.
            (
                &[0, 24, years + 24, years + 25, 26, 27, 50],
                vec![Believed, Believed, Leapt(years * HOUR), Watched, Leapt(-(years - 1) * HOUR), Watched, Believed],
            ),
            // Two workers of which one is ahead.
            (
                &[0, years, 1, years + 1],
                vec![Believed, Leapt(years * HOUR), Leapt(-(years - 1) * HOUR), Leapt(years * HOUR)],
            ),
        ] {
            assert_eq!(checks(hours), expected, "{hours:?}");
        }
    }
}

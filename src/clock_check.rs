//! Whether what is deleted by its age may be deleted now.
//!
//! A machine whose clock says 2036 after a power cut would empty the console: everything is too old then. The rows do not show it, for those
//! that are written now bear the same wrong time. So each clean-up records when it ran, and one that comes more than [`LONGEST_BREAK`] after or
//! before the last deletes nothing. The clock may be right, because the console was off for that long. It is believed after it has gone on
//! for a day: until then people or NTP can set it, and nothing stays for ever.
//!
//! Processes that share a database and disagree about the time by more than that delete nothing for as long as they do.

use crate::model::Millis;

/// Time in which a clock that leapt can be set right.
const DAY: Millis = 24 * 3_600_000;
/// The longest time for which a console is taken to have been off.
const LONGEST_BREAK: Millis = 60 * DAY;

/// What the last clean-up saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockRecord {
    /// When it ran (Unix ms).
    pub(crate) seen_at: Millis,
    /// From then on the clock is believed (Unix ms).
    pub(crate) believed_from: Millis,
}

/// What a clean-up makes of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockCheck {
    Believed,
    /// The clock has gone on since it leapt, but not for long enough.
    Watched,
    /// It is this far from the last clean-up (ms).
    Leapt(Millis),
}

/// Checks a clean-up that runs at `now`. Returns what the next one has to know.
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

    /// Runs clean-ups at these times, in hours after the start of the first.
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

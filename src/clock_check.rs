//! Whether what is deleted by its age may be deleted now.
//!
//! A machine whose clock says 2036 after a power cut would empty the console: everything is too old then. The rows do not show it, for those
//! that are written now bear the same wrong time. So each clean-up records when it ran, and one that comes more than [`DAY`] after or
//! before the last deletes nothing. The clock may be right, because the console was off for a week. It is believed after it has gone on
//! for a day: until then people or NTP can set it, and nothing stays for ever.
//!
//! Processes that share a database and disagree about the time by more than a day delete nothing for as long as they do.

use crate::model::Millis;

/// Time in which a clock that leapt can be set right.
const DAY: Millis = 24 * 3_600_000;

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
    /// The clock has gone on since it leapt, or since the first clean-up of this database, but not for long enough.
    Watched,
    /// It is this far from the last clean-up (ms).
    Leapt(Millis),
}

/// Checks a clean-up that runs at `now`. Returns what the next one has to know.
#[must_use]
pub(crate) fn check_clock(last: Option<ClockRecord>, now: Millis) -> (ClockRecord, ClockCheck) {
    let leap = last.map(|last| now - last.seen_at).filter(|leap| !(-DAY..=DAY).contains(leap));
    let believed_from = match (last, leap) {
        (Some(last), None) => last.believed_from,
        _ => now + DAY,
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
        for (hours, expected) in [
            (&[0, 1, 23, 24, 25, 26][..], vec![Watched, Watched, Watched, Believed, Believed, Believed]),
            // Off for a night, and then for a week.
            (
                &[0, 24, 40, 208, 209, 231, 232],
                vec![Watched, Believed, Believed, Leapt(168 * HOUR), Watched, Watched, Believed],
            ),
            // Ten years ahead for two hours, and set right.
            (
                &[0, 24, 87_624, 87_625, 26, 27, 50],
                vec![Watched, Believed, Leapt(87_600 * HOUR), Watched, Leapt(-87_599 * HOUR), Watched, Believed],
            ),
            // Set back by an hour, as in autumn by mistake.
            (&[0, 24, 23, 24], vec![Watched, Believed, Watched, Believed]),
            // Two workers of which one is ahead.
            (&[0, 24, 96, 25, 97], vec![Watched, Believed, Leapt(72 * HOUR), Leapt(-71 * HOUR), Leapt(72 * HOUR)]),
        ] {
            assert_eq!(checks(hours), expected, "{hours:?}");
        }
    }
}

//! The vocabularies of callbacks.

use crate::model::vocabulary;

vocabulary!(
    /// The shape of a callback's body.
    Dialect {
        /// The seed's: strings only, all six events.
        V1_0 = "v1.0",
        /// The same cloud's later form: pushes, and each finished file.
        V1_1 = "v1.1",
    }
);

vocabulary!(
    /// How deliveries to a callback fare now.
    HealthState {
        /// No attempt was made yet.
        Unused = "unused",
        /// The latest attempt succeeded, and no earlier failure is left.
        Healthy = "healthy",
        /// The latest attempt succeeded; deliveries that failed before wait for their next try.
        Retrying = "retrying",
        /// The latest attempt succeeded; deliveries that used up their tries were not sent again.
        Unrecovered = "unrecovered",
        /// The latest attempt failed, or the callback is paused after failures.
        Failing = "failing",
    }
);

impl HealthState {
    /// `last_failed`: of the latest attempt, if one was made.
    #[cfg(feature = "ssr")]
    pub(crate) const fn of(last_failed: Option<bool>, paused: bool, unrecovered: bool, retrying: bool) -> Self {
        match last_failed {
            _ if paused => Self::Failing,
            Some(true) => Self::Failing,
            _ if unrecovered => Self::Unrecovered,
            _ if retrying => Self::Retrying,
            Some(false) => Self::Healthy,
            None => Self::Unused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HealthState;
    use super::HealthState::{Failing, Healthy, Retrying, Unrecovered, Unused};

    #[test]
    fn the_latest_attempt_counts_first_and_then_what_is_left() {
        for (last_failed, paused, unrecovered, retrying, state) in [
            (None, false, false, false, Unused),
            (Some(false), false, false, false, Healthy),
            (Some(false), false, false, true, Retrying),
            (Some(false), false, true, false, Unrecovered),
            (Some(false), false, true, true, Unrecovered),
            (Some(true), false, false, false, Failing),
            (Some(true), false, true, true, Failing),
            (Some(false), true, false, false, Failing),
            (None, true, false, false, Failing),
        ] {
            let found = HealthState::of(last_failed, paused, unrecovered, retrying);
            assert_eq!(found, state, "{last_failed:?} {paused} {unrecovered} {retrying}");
        }
    }
}

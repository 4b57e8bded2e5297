//! How long sources have been silent, as this process has seen it.
//!
//! Wall clocks jump, and those of two machines differ. So nobody compares when a source was last heard with the time: a source is silent
//! for as long as that moment, whatever it is, has stayed the same while this process watched.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Millis, SessionId};

/// How long a source that sends heartbeats may be silent.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The sources of live sessions, each with when it was last heard and since when that is known.
#[derive(Debug, Default)]
pub struct Silences(HashMap<SessionId, (Millis, Duration)>);

impl Silences {
    /// Takes note of all live sessions at `now` by the monotonic clock; returns those that have been silent for too long.
    pub fn too_long(&mut self, heartbeats: &[(SessionId, Millis)], now: Duration) -> Vec<(SessionId, Millis)> {
        let before = std::mem::take(&mut self.0);
        let since = |id: &SessionId, heard_at: Millis| match before.get(id) {
            Some(&(known, since)) if known == heard_at => since,
            _ => now,
        };
        self.0 = heartbeats.iter().map(|(id, heard_at)| (*id, (*heard_at, since(id, *heard_at)))).collect();
        let is_too_long = |(id, _): &&(SessionId, Millis)| {
            self.0.get(id).is_some_and(|(_, since)| now.saturating_sub(*since) >= LONGEST_SILENCE)
        };
        heartbeats.iter().filter(is_too_long).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_what_was_watched() {
        let (a, b) = (SessionId(1), SessionId(2));
        let mut silences = Silences::default();
        let mut look = |second: u64, heartbeats: &[(SessionId, Millis)]| {
            silences.too_long(heartbeats, Duration::from_secs(second))
        };
        // Last heard long ago, or in the future: that says nothing.
        assert_eq!(look(1_000, &[(a, 0), (b, i64::MAX)]), []);
        assert_eq!(look(1_059, &[(a, 0), (b, 5)]), []);
        assert_eq!(look(1_060, &[(a, 0), (b, 5)]), [(a, 0)]);
        assert_eq!(look(1_118, &[(b, 5)]), []);
        assert_eq!(look(1_119, &[(b, 5)]), [(b, 5)]);
        // A process that was frozen sees what was reported meanwhile first.
        assert_eq!(look(9_000, &[(b, 6)]), []);
    }
}

//! Measures how long sources have been silent.
//!
//! Wall clocks jump, and those of two machines differ. So nobody compares when a source was last heard with the time: a source is silent
//! for as long as that moment, whatever it is, has stayed the same while this process watched. It did not watch while it was frozen, or
//! while the database was away: then reports could not come in either.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Millis, SessionId};

/// Maximum silence of a source that sends heartbeats.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// Longest time between two looks in which the sources count as watched.
pub(super) const LONGEST_GAP: Duration = Duration::from_secs(15);

/// The sources of live sessions, each with when it was last heard and since when that is known.
#[derive(Debug, Default)]
pub struct Silences {
    known: HashMap<SessionId, (Millis, Duration)>,
    looked_at: Duration,
}

impl Silences {
    /// Takes note of all live sessions at `now` by the monotonic clock; returns those that have been silent for too long.
    pub fn too_long(&mut self, heartbeats: &[(SessionId, Millis)], now: Duration) -> Vec<(SessionId, Millis)> {
        let mut before = std::mem::take(&mut self.known);
        if now.saturating_sub(self.looked_at) > LONGEST_GAP {
            before.clear();
        }
        self.looked_at = now;
        let since = |id: &SessionId, heard_at: Millis| match before.get(id) {
            Some(&(known, since)) if known == heard_at => since,
            _ => now,
        };
        self.known = heartbeats.iter().map(|(id, heard_at)| (*id, (*heard_at, since(id, *heard_at)))).collect();
        let is_too_long = |(id, _): &&(SessionId, Millis)| {
            self.known.get(id).is_some_and(|(_, since)| now.saturating_sub(*since) >= LONGEST_SILENCE)
        };
        heartbeats.iter().filter(is_too_long).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every five seconds; answers with what was lost, and when.
    fn watch(
        silences: &mut Silences,
        seconds: std::ops::Range<u64>,
        heartbeats: &[(SessionId, Millis)],
    ) -> Vec<(u64, i64)> {
        let look = |second| {
            silences.too_long(heartbeats, Duration::from_secs(second)).into_iter().map(move |(id, _)| (second, id.0))
        };
        seconds.step_by(5).flat_map(look).collect()
    }

    #[test]
    fn silence_is_what_was_watched() {
        let (a, b) = (SessionId(1), SessionId(2));
        let mut silences = Silences::default();
        // Last heard long ago, or in the future: that says nothing.
        assert_eq!(watch(&mut silences, 1_000..1_030, &[(a, 0), (b, i64::MAX)]), []);
        assert_eq!(watch(&mut silences, 1_030..1_061, &[(a, 0), (b, 5)]), [(1_060, 1)]);
        assert_eq!(watch(&mut silences, 1_065..1_091, &[(b, 5)]), [(1_090, 2)]);
    }

    #[test]
    fn a_time_without_looks_was_not_watched() {
        let heartbeats = [(SessionId(1), 5)];
        let mut silences = Silences::default();
        assert_eq!(watch(&mut silences, 0..50, &heartbeats), []);
        // The process was frozen, or the database away.
        assert_eq!(watch(&mut silences, 120..180, &heartbeats), []);
        assert_eq!(watch(&mut silences, 180..181, &heartbeats), [(180, 1)]);
    }
}

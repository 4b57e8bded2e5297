//! Measures the silence of sources.
//!
//! Wall clocks jump, and the clocks of two machines differ, so the time of the last heartbeat is not compared with the current time. A
//! source is silent for as long as its last heartbeat stays the same while this process watches. Time in which the process was frozen or
//! the database was unreachable does not count, because no reports could arrive.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Millis, SessionId};

/// Maximum silence of a source that sends heartbeats.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// Maximum interval between two checks that counts as watched time.
pub(super) const LONGEST_GAP: Duration = Duration::from_secs(15);

/// Last heartbeats of live sessions, with the time since which each is known.
#[derive(Debug, Default)]
pub struct Silences {
    known: HashMap<SessionId, (Millis, Duration)>,
    looked_at: Duration,
}

impl Silences {
    /// Records the live sessions at `now` (monotonic) and returns those that have been silent for too long.
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

    /// Checks every five seconds and returns the lost sessions with the time of the loss.
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
        // A heartbeat long ago or in the future proves nothing.
        assert_eq!(watch(&mut silences, 1_000..1_030, &[(a, 0), (b, i64::MAX)]), []);
        assert_eq!(watch(&mut silences, 1_030..1_061, &[(a, 0), (b, 5)]), [(1_060, 1)]);
        assert_eq!(watch(&mut silences, 1_065..1_091, &[(b, 5)]), [(1_090, 2)]);
    }

    #[test]
    fn a_time_without_looks_was_not_watched() {
        let heartbeats = [(SessionId(1), 5)];
        let mut silences = Silences::default();
        assert_eq!(watch(&mut silences, 0..50, &heartbeats), []);
        // The process was frozen, or the database was unreachable.
        assert_eq!(watch(&mut silences, 120..180, &heartbeats), []);
        assert_eq!(watch(&mut silences, 180..181, &heartbeats), [(180, 1)]);
    }
}

//! The generator of time-ordered identifiers.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::SeqCst;

use super::Millis;

/// Generates increasing numbers that are unique across restarts and processes: 43 bits of Unix ms, 10 random bits per process, and a
/// 10-bit counter. Two processes that collide violate a primary key, and the writer retries. (UUIDs and ULIDs do not fit an `i64` key.)
#[derive(Debug)]
pub struct IdGenerator {
    process: i64,
    last: AtomicI64,
}

impl Default for IdGenerator {
    fn default() -> Self {
        Self { process: rand::random_range(0..1024), last: AtomicI64::new(0) }
    }
}

impl IdGenerator {
    /// Returns the next number at `now` (Unix ms), always greater than the previous one.
    pub fn next(&self, now: Millis) -> i64 {
        // The counter is in the low bits of `last`, so a burst borrows from the following milliseconds.
        let floor = now << 10;
        let counted = self
            .last
            .fetch_update(SeqCst, SeqCst, |last| Some(floor.max(last + 1)))
            .map_or(floor, |last| floor.max(last + 1));
        let (millis, count) = (counted >> 10, counted & 1023);
        (millis << 20) | (self.process << 10) | count
    }

    /// Makes all further numbers greater than `number`, which a process with a fast clock may have generated.
    pub fn follow(&self, number: i64) {
        // The process bits are above the counter, so only a later millisecond is certainly greater.
        self.last.fetch_max((number >> 20 << 10) | 1023, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BadId, DeliveryId};

    #[test]
    fn ids_grow_and_read_back() {
        let ids = IdGenerator::default();
        let mut last = 0;
        for step in 0..5_000 {
            let next = ids.next(1_795_357_880_000 + step / 2_000);
            assert!(next > last);
            last = next;
            let id = DeliveryId(next);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!(DeliveryId(last).to_string().starts_with("evt_"));
        assert_eq!("evt_zzzzzzzzzzzzz".parse::<DeliveryId>(), Err(BadId("evt_")));
        assert_eq!("ses_0000000000000".parse::<DeliveryId>(), Err(BadId("evt_")));
    }

    #[test]
    fn ids_follow_those_of_a_clock_that_is_ahead() {
        let now = 1_795_357_880_000;
        let id = |millis: i64, process: i64, count: i64| (millis << 20) | (process << 10) | count;
        for seen in [id(now + 5_000, 0, 0), id(now + 5_000, 1023, 1023), id(now, 1023, 7), id(now - 1, 1023, 1023)] {
            let ids = IdGenerator::default();
            ids.follow(seen);
            assert!(ids.next(now) > seen);
        }
        let ids = IdGenerator::default();
        ids.follow(id(now - 5_000, 0, 0));
        assert_eq!(DeliveryId(ids.next(now)).made_at(), now, "one that is behind changes nothing");
    }
}

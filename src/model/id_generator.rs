//! New identifiers.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::SeqCst;

use super::Millis;

/// Hands out numbers that grow with time and are unique across restarts and processes:
/// 43 bits of Unix ms, 10 bits drawn once per process, 10 bits that count.
/// A collision of two processes shows as a broken primary key, and the writer tries again.
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
    /// The next number at Unix time `now` (ms). Never the same twice from one generator, always growing.
    pub fn next(&self, now: Millis) -> i64 {
        // The counter lives in the low bits of `last`, so that a burst borrows from the coming milliseconds.
        let floor = now << 10;
        let counted = self
            .last
            .fetch_update(SeqCst, SeqCst, |last| Some(floor.max(last + 1)))
            .map_or(floor, |last| floor.max(last + 1));
        let (millis, count) = (counted >> 10, counted & 1023);
        (millis << 20) | (self.process << 10) | count
    }

    /// From now on no number is below this one, which a process made whose clock may be ahead.
    pub fn follow(&self, number: i64) {
        // The process stands above the count, so that only a later millisecond is surely above.
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

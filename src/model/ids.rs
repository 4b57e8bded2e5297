//! Identifiers: small numbers for what people configure, time-ordered numbers with a prefix for what happens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id that starts with `{0}`")]
pub struct BadId(pub &'static str);

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id!(/// A domain group; shown to people as its *source id*, permanent.
    DomainId);
row_id!(/// One of the two callback settings of a domain.
    CallbackId);
row_id!(/// A media server that reports events.
    SourceId);
row_id!(/// A person with a login.
    UserId);
row_id!(/// An API key.
    KeyId);

/// Crockford's alphabet: no letters that look like digits, and the order of text is the order of numbers.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 63 bits in groups of five.
const DIGITS: usize = 13;

macro_rules! time_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                for place in (0..DIGITS).rev() {
                    let digit = (self.0 >> (place * 5)) & 31;
                    let index = usize::try_from(digit).map_err(|_| fmt::Error)?;
                    write!(f, "{}", char::from(ALPHABET[index]))?;
                }
                Ok(())
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = text.strip_prefix($prefix).ok_or(BadId($prefix))?;
                if digits.len() != DIGITS {
                    return Err(BadId($prefix));
                }
                let mut value: u128 = 0;
                for byte in digits.bytes() {
                    let digit = ALPHABET.iter().position(|a| *a == byte).ok_or(BadId($prefix))?;
                    value = value * 32 + digit as u128;
                }
                i64::try_from(value).map(Self).map_err(|_| BadId($prefix))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

time_id!(/// One publish of one stream.
    SessionId, "ses_");
time_id!(/// One of the things that happened in a session.
    EventId, "ev_");
time_id!(/// One event on its way to one callback; the `webhook-id` of all its attempts. Contains no `.`.
    DeliveryId, "evt_");

time_id!(/// Deliveries queued again by a filter.
    RecoveryId, "rec_");

time_id!(/// A line of the audit log.
    AuditId, "aud_");

impl DeliveryId {
    /// When it was made, to the millisecond (Unix ms).
    #[must_use]
    pub const fn made_at(self) -> super::Millis {
        self.0 >> 20
    }

    /// The lowest id of that moment; ids from `moment` on are not below it.
    #[must_use]
    pub const fn floor(moment: super::Millis) -> Self {
        Self(moment << 20)
    }
}

/// Hands out numbers that grow with time and are unique across restarts and processes:
/// 43 bits of Unix ms, 10 bits drawn once per process, 10 bits that count.
/// A collision of two processes shows as a broken primary key, and the writer tries again.
#[cfg(feature = "ssr")]
#[derive(Debug)]
pub struct IdGenerator {
    process: i64,
    last: std::sync::atomic::AtomicI64,
}

#[cfg(feature = "ssr")]
impl Default for IdGenerator {
    fn default() -> Self {
        Self { process: rand::random_range(0..1024), last: std::sync::atomic::AtomicI64::new(0) }
    }
}

#[cfg(feature = "ssr")]
impl IdGenerator {
    /// The next number at Unix time `now` (ms). Never the same twice from one generator, always growing.
    pub fn next(&self, now: super::Millis) -> i64 {
        use std::sync::atomic::Ordering::SeqCst;
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
        self.last.fetch_max((number >> 20 << 10) | 1023, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

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

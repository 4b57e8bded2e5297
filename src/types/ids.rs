//! Identifiers: row numbers for configuration, time-ordered numbers with a prefix for events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not an identifier of the expected type.
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

row_id!(/// A domain group. Permanent; JSON calls it `sourceId`.
    DomainId);
row_id!(/// One of the two callback settings of a domain.
    CallbackId);
row_id!(/// A media server that reports events.
    SourceId);
row_id!(/// A user.
    UserId);
row_id!(/// An API key.
    KeyId);

/// Crockford's base 32: no letters that look like digits, and text sorts like numbers.
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

time_id!(/// A publish of a stream.
    SessionId, "ses_");
time_id!(/// An event of a session.
    EventId, "ev_");
time_id!(/// A delivery: one event for one callback. The `webhook-id` of all its attempts; contains no `.`.
    DeliveryId, "evt_");

time_id!(/// A bulk resend.
    RecoveryId, "rec_");

time_id!(/// An entry of the audit log.
    AuditId, "aud_");

impl DeliveryId {
    /// Returns the time of creation (Unix ms).
    #[must_use]
    pub const fn made_at(self) -> crate::Millis {
        self.0 >> 20
    }

    /// Returns the lowest possible id of a delivery created at `moment` or later.
    #[must_use]
    pub const fn floor(moment: crate::Millis) -> Self {
        Self(moment << 20)
    }
}

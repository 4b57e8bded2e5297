//! Rate limits of sign-in attempts. Attempts are counted by name and network, so that a stranger cannot lock out the owner of an account.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::AccountError;
use crate::model::{UserId, network_of};

/// Maximum length of a name; longer ones are truncated to bound the memory.
const KEY_LENGTH: usize = 50;

/// The limits of one process. Cheap to clone.
#[derive(Clone)]
pub(super) struct Limits {
    /// Passwords, by name and network.
    pairs: Arc<DefaultKeyedRateLimiter<(String, String)>>,
    /// Passwords, by network, so that one network cannot try many names.
    networks: Arc<DefaultKeyedRateLimiter<String>>,
    /// Codes of the second step, by user and network.
    codes: Arc<DefaultKeyedRateLimiter<(UserId, String)>>,
}

fn per_minute<K: Hash + Eq + Clone>(attempts: u32) -> Arc<DefaultKeyedRateLimiter<K>> {
    Arc::new(RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN))))
}

impl Default for Limits {
    fn default() -> Self {
        Self { pairs: per_minute(5), networks: per_minute(30), codes: per_minute(5) }
    }
}

impl Limits {
    /// Counts a password attempt.
    pub(super) fn password(&self, name: &str, address: &str) -> Result<(), AccountError> {
        let network = network_of(address);
        let pair = (name.to_lowercase().chars().take(KEY_LENGTH).collect(), network.clone());
        let fits = self.networks.check_key(&network).is_ok() && self.pairs.check_key(&pair).is_ok();
        if fits { Ok(()) } else { Err(AccountError::TooManyLogins) }
    }

    /// Counts a sign-in through the provider.
    pub(super) fn provider(&self, address: &str) -> Result<(), AccountError> {
        self.networks.check_key(&network_of(address)).map_err(|_| AccountError::TooManyLogins)
    }

    /// Counts an attempt of the second step.
    pub(super) fn code(&self, user: UserId, address: &str) -> Result<(), AccountError> {
        self.codes.check_key(&(user, network_of(address))).map_err(|_| AccountError::TooManyLogins)
    }

    /// Removes expired counters.
    pub(super) fn forget(&self) {
        self.pairs.retain_recent();
        self.pairs.shrink_to_fit();
        self.networks.retain_recent();
        self.networks.shrink_to_fit();
        self.codes.retain_recent();
        self.codes.shrink_to_fit();
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.pairs.len() + self.networks.len() + self.codes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_names_is_forgotten() {
        let limits = Limits::default();
        // A quota that replenishes within a nanosecond, instead of a minute.
        let fast = Quota::with_period(std::time::Duration::from_nanos(1)).expect("a quota");
        let limits = Limits {
            pairs: Arc::new(RateLimiter::keyed(fast)),
            networks: Arc::new(RateLimiter::keyed(fast)),
            ..limits
        };
        for n in 0..1_000 {
            let _ = limits.password(&"x".repeat(n), &format!("192.0.2.{}", n % 250));
        }
        assert!(limits.len() > 50);
        limits.forget();
        assert_eq!(limits.len(), 0);
    }
}

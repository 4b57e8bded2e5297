//! Tests that passed recently, so that *OK* after *Test* does not send the same sample to the receiver again.
//!
//! They are kept in memory: after a restart, or in another process, the address is tested once more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::callbacks::{Callback, CallbackSettings};
use crate::model::{CallbackId, Millis, Version, Who};
use crate::outbound::CallbackAddress;

/// How long a passed test replaces the next one.
const VALID_MS: Millis = 5 * 60_000;

/// The user and the tested callback.
type Key = (String, CallbackId);

/// The latest passed test of each user and callback.
#[derive(Debug, Clone, Default)]
pub(super) struct PassedTests(Arc<Mutex<HashMap<Key, (Version, Millis)>>>);

impl PassedTests {
    /// Records a test result. A failed test invalidates an earlier passed one.
    pub(super) fn record(&self, who: &Who, callback: &Callback, address: &CallbackAddress, ok: bool, now: Millis) {
        let mut tests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tests.retain(|_, (_, at)| is_valid(*at, now));
        let key = (who.tag(), callback.id);
        if ok {
            tests.insert(key, (digest(callback, address), now));
        } else {
            tests.remove(&key);
        }
    }

    /// Returns whether a test of this address and these settings by the same user passed recently.
    pub(super) fn covers(&self, who: &Who, callback: &Callback, address: &CallbackAddress, now: Millis) -> bool {
        let tests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = tests.get(&(who.tag(), callback.id));
        latest.is_some_and(|(version, at)| is_valid(*at, now) && *version == digest(callback, address))
    }
}

fn is_valid(at: Millis, now: Millis) -> bool {
    (0..VALID_MS).contains(&(now - at))
}

/// Returns a digest of everything that a test request depends on.
fn digest(callback: &Callback, address: &CallbackAddress) -> Version {
    let Callback { settings, secret_sealed, previous_secret_sealed, .. } = callback;
    let CallbackSettings { dialect, timeout_seconds, headers, .. } = settings;
    Version::of(&(address.as_str(), dialect, timeout_seconds, headers, secret_sealed, previous_secret_sealed))
}

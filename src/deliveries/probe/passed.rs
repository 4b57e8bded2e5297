//! Tests that passed a moment ago, so that *OK* after *Test* does not send the receiver the same sample twice.
//!
//! They are in memory: a console that restarts, or another process of it, only tests once more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::callbacks::{Callback, CallbackSettings};
use crate::model::{CallbackId, Millis, Version, Who};
use crate::outbound::CallbackAddress;

/// How long a test that passed spares the next.
const SPARES_MS: Millis = 5 * 60_000;

/// Who tested which callback.
type Key = (String, CallbackId);

/// The latest test that passed, of each person and callback.
#[derive(Debug, Clone, Default)]
pub(super) struct PassedTests(Arc<Mutex<HashMap<Key, (Version, Millis)>>>);

impl PassedTests {
    /// Keeps the outcome of a test; one that failed ends what an earlier one spared.
    pub(super) fn note(&self, who: &Who, callback: &Callback, address: &CallbackAddress, ok: bool, now: Millis) {
        let mut tests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tests.retain(|_, (_, at)| spares(*at, now));
        let key = (who.tag(), callback.id);
        if ok {
            tests.insert(key, (tested(callback, address), now));
        } else {
            tests.remove(&key);
        }
    }

    /// A test of exactly this, by the same person, passed a moment ago.
    pub(super) fn covers(&self, who: &Who, callback: &Callback, address: &CallbackAddress, now: Millis) -> bool {
        let tests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = tests.get(&(who.tag(), callback.id));
        latest.is_some_and(|(version, at)| spares(*at, now) && *version == tested(callback, address))
    }
}

fn spares(at: Millis, now: Millis) -> bool {
    (0..SPARES_MS).contains(&(now - at))
}

/// All that a test's request depends on.
fn tested(callback: &Callback, address: &CallbackAddress) -> Version {
    let Callback { settings, secret_sealed, previous_secret_sealed, .. } = callback;
    let CallbackSettings { dialect, timeout_seconds, headers, .. } = settings;
    Version::of(&(address.as_str(), dialect, timeout_seconds, headers, secret_sealed, previous_secret_sealed))
}

//! Last use of each key. Requests record it in memory; a job stores it once a minute, so that requests neither wait for the database's only
//! writer nor fail when the disk is full.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{KeyId, Millis};

/// Last use of each key since it was stored.
#[derive(Debug, Default)]
pub(super) struct LastUsedCache(Mutex<HashMap<KeyId, Millis>>);

impl LastUsedCache {
    pub(super) fn record(&self, id: KeyId, at: Millis) {
        let mut uses = self.lock();
        let last = uses.entry(id).or_insert(at);
        *last = at.max(*last);
    }

    pub(super) fn get(&self, id: KeyId) -> Option<Millis> {
        self.lock().get(&id).copied()
    }

    /// Removes and returns all entries, sorted by key.
    pub(super) fn take(&self) -> Vec<(KeyId, Millis)> {
        let mut uses: Vec<_> = self.lock().drain().collect();
        uses.sort_unstable();
        uses
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Millis>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

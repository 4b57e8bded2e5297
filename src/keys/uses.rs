//! When keys were used. A request only notes it in memory; a loop of the server writes it down once a minute, so that no request waits
//! for the database's only writer, and none fails when the disk is full.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{KeyId, Millis};

/// The latest use of each key since the last writing.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashMap<KeyId, Millis>>);

impl Uses {
    pub(super) fn note(&self, id: KeyId, at: Millis) {
        let mut uses = self.lock();
        let last = uses.entry(id).or_insert(at);
        *last = at.max(*last);
    }

    pub(super) fn of(&self, id: KeyId) -> Option<Millis> {
        self.lock().get(&id).copied()
    }

    /// Takes what is to be written.
    pub(super) fn take(&self) -> Vec<(KeyId, Millis)> {
        let mut uses: Vec<_> = self.lock().drain().collect();
        uses.sort_unstable();
        uses
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Millis>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

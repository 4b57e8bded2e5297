//! The locks on what is being published: one publisher per (domain, app, stream).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use callsheet::model::{AppName, DomainName, StreamName};
use tokio_util::sync::CancellationToken;

use super::Publishers;

type Name = (String, AppName, StreamName);

/// Every lock that is held, with what drops its holder's connection.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<HashMap<Name, CancellationToken>>);

/// The lock on one stream; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    live: Arc<Live>,
    name: Name,
    released: CancellationToken,
}

impl Live {
    /// Takes the lock, or `None` when somebody holds it. `connection` drops the holder's connection.
    pub(super) fn lock(
        self: &Arc<Self>,
        domain: &DomainName,
        app: &AppName,
        stream: &StreamName,
        connection: CancellationToken,
    ) -> Option<Lock> {
        let name = name(domain, app, stream);
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()) {
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => {
                free.insert(connection);
                Some(Lock { live: Arc::clone(self), name, released: CancellationToken::new() })
            }
        }
    }
}

impl Lock {
    /// Cancelled when the lock is free again.
    pub(super) fn released(&self) -> CancellationToken {
        self.released.clone()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.live.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        self.released.cancel();
    }
}

impl Publishers for Live {
    fn disconnect(&self, domain: &DomainName, app: &AppName, stream: &StreamName) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = held.get(&name(domain, app, stream)).filter(|connection| !connection.is_cancelled());
        if let Some(connection) = connection {
            connection.cancel();
        }
        connection.is_some()
    }
}

fn name(domain: &DomainName, app: &AppName, stream: &StreamName) -> Name {
    (domain.ascii().to_owned(), app.clone(), stream.clone())
}

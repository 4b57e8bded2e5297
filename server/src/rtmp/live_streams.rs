//! Locks on live streams: one publisher per (domain, app, stream) in this process. Leases in the database exclude other processes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callsheet::model::{AppName, DomainName, StreamName};
use tokio_util::sync::CancellationToken;

use crate::ingest_source::Publishers;

type Name = (String, AppName, StreamName);

/// All locked streams.
#[derive(Debug, Default)]
pub(super) struct LiveStreams(Mutex<HashMap<Name, LockHolder>>);

#[derive(Debug)]
struct LockHolder {
    /// Closes the connection.
    connection: CancellationToken,
    /// The session key, once the session holds the lease in the database.
    session: Option<String>,
}

/// The lock on one stream, released when dropped.
#[derive(Debug)]
pub(super) struct StreamLock {
    streams: Arc<LiveStreams>,
    name: Name,
    released: CancellationToken,
}

impl LiveStreams {
    /// Takes the lock, or returns `None` if it is held. `connection` closes the new holder's connection.
    pub(super) fn lock(
        self: &Arc<Self>,
        domain: &DomainName,
        app: &AppName,
        stream: &StreamName,
        connection: CancellationToken,
    ) -> Option<StreamLock> {
        let name = name(domain, app, stream);
        match self.holders().entry(name.clone()) {
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => {
                free.insert(LockHolder { connection, session: None });
                Some(StreamLock { streams: Arc::clone(self), name, released: CancellationToken::new() })
            }
        }
    }

    fn holders(&self) -> MutexGuard<'_, HashMap<Name, LockHolder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamLock {
    /// Notes that the session now holds the lease in the database.
    pub(super) fn set_session(&self, session: String) {
        if let Some(holder) = self.streams.holders().get_mut(&self.name) {
            holder.session = Some(session);
        }
    }

    /// Returns a token that is cancelled when the lock is released.
    pub(super) fn released(&self) -> CancellationToken {
        self.released.clone()
    }
}

impl Drop for StreamLock {
    fn drop(&mut self) {
        self.streams.holders().remove(&self.name);
        self.released.cancel();
    }
}

impl Publishers for LiveStreams {
    fn disconnect(&self, domain: &DomainName, app: &AppName, stream: &StreamName) -> bool {
        let holders = self.holders();
        let holder = holders.get(&name(domain, app, stream)).filter(|holder| !holder.connection.is_cancelled());
        if let Some(holder) = holder {
            holder.connection.cancel();
        }
        holder.is_some()
    }

    fn sessions(&self) -> HashSet<String> {
        self.holders().values().filter_map(|holder| holder.session.clone()).collect()
    }

    fn disconnect_session(&self, key: &str) {
        if let Some(holder) = self.holders().values().find(|holder| holder.session.as_deref() == Some(key)) {
            holder.connection.cancel();
        }
    }
}

fn name(domain: &DomainName, app: &AppName, stream: &StreamName) -> Name {
    (domain.ascii().to_owned(), app.clone(), stream.clone())
}

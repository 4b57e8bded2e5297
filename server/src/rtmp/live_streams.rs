//! The locks on what is being published: one publisher per (domain, app, stream) in this process. Other processes are kept out by leases
//! in the database.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use callsheet::model::{AppName, DomainName, StreamName};
use tokio_util::sync::CancellationToken;

use super::Publishers;

type Name = (String, AppName, StreamName);

/// Every lock that is held.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<HashMap<Name, Holder>>);

#[derive(Debug)]
struct Holder {
    /// Drops its connection.
    connection: CancellationToken,
    /// The key of its session, once other processes know that it has the stream.
    session: Option<String>,
}

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
                free.insert(Holder { connection, session: None });
                Some(Lock { live: Arc::clone(self), name, released: CancellationToken::new() })
            }
        }
    }
}

impl Lock {
    /// The session holds the stream's name among all processes from now on.
    pub(super) fn is_held_for(&self, session: String) {
        if let Some(holder) = self.live.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&self.name) {
            holder.session = Some(session);
        }
    }

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
        let holder = held.get(&name(domain, app, stream)).filter(|holder| !holder.connection.is_cancelled());
        if let Some(holder) = holder {
            holder.connection.cancel();
        }
        holder.is_some()
    }

    fn sessions(&self) -> HashSet<String> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.values().filter_map(|holder| holder.session.clone()).collect()
    }

    fn disconnect_session(&self, key: &str) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = held.values().find(|holder| holder.session.as_deref() == Some(key)) {
            holder.connection.cancel();
        }
    }
}

fn name(domain: &DomainName, app: &AppName, stream: &StreamName) -> Name {
    (domain.ascii().to_owned(), app.clone(), stream.clone())
}

//! One publisher per stream, over all processes with a built-in ingest.
//!
//! Each run of such a process has a lease by the database's clock, and holds the names of the streams that are published to it. Another
//! run may take a name only when the holder has given it back, or when the holder's lease has expired. A run that finds a name of its
//! publishers taken drops that publisher. A database of one process needs none of this: the ingest's own locks are enough.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;

use super::store::StreamRef;
use super::{SessionKey, StreamError, Streams};
use crate::model::StoreError;

/// How long the names of a run are held after its last renewal.
const LEASE: Duration = Duration::from_secs(20);

/// The storage of the leases.
#[async_trait]
pub trait StreamLeaseStore: Send + Sync {
    /// Renews the lease of a run; returns the keys of the sessions whose names it holds. `None`: there is no other process.
    async fn renew_run(&self, boot: &str, lease: Duration) -> Result<Option<Vec<String>>, StoreError>;
    /// Gives back everything that these runs hold.
    async fn end_runs(&self, boots: &[String]) -> Result<(), StoreError>;
    /// Whether the run of the session now holds the stream's name.
    async fn hold_stream(&self, session: &SessionKey, stream: &StreamRef) -> Result<bool, StoreError>;
    /// Gives the name back that is held for the session, if one is.
    async fn release_stream(&self, session: &SessionKey) -> Result<(), StoreError>;
}

impl Streams {
    /// Renews the lease of a run of the built-in ingest; returns the keys of the sessions whose names it holds. `None`: nobody could
    /// take them.
    pub async fn renew_run(&self, boot: &str) -> Result<Option<HashSet<String>>, StreamError> {
        Ok(self.store.renew_run(boot, LEASE).await?.map(HashSet::from_iter))
    }

    /// The run ended, and with it all its publishes.
    pub async fn end_run(&self, boot: &str) -> Result<(), StreamError> {
        Ok(self.store.end_runs(&[boot.to_owned()]).await?)
    }
}

//! One publisher per stream, over all processes with a built-in ingest.
//!
//! Each run of such a process has a lease by the database's clock, and holds the names of the streams that are published to it. Another
//! run may take a name only when the holder has given it back, or when the holder's lease has expired. A run that finds a name of its
//! publishers taken drops that publisher. A database of one process needs none of this: the ingest's own locks are enough.

use std::collections::HashSet;
use std::time::Duration;

use super::{StreamError, Streams};

/// How long the names of a run are held after its last renewal.
const LEASE: Duration = Duration::from_secs(20);

impl Streams {
    /// Renews the lease of a run of the built-in ingest; returns the keys of the sessions whose names it holds. `None`: nobody could
    /// take them.
    pub async fn renew_run(&self, boot: &str) -> Result<Option<HashSet<String>>, StreamError> {
        Ok(self.db.renew_run(boot, LEASE).await?.map(HashSet::from_iter))
    }

    /// The run ended, and with it all its publishes.
    pub async fn end_run(&self, boot: &str) -> Result<(), StreamError> {
        Ok(self.db.end_runs(&[boot.to_owned()]).await?)
    }
}

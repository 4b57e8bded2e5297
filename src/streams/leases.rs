//! One publisher per stream across all processes with a built-in ingest.
//!
//! Each run of a process has a lease, measured by the clock of the database, and holds the names of its published streams. Another run may
//! take a name only after the holder has released it or the lease of the holder has expired. A run that lost a name disconnects its
//! publisher. With SQLite, which only one process uses, the locks of the ingest are sufficient.

use std::collections::HashSet;
use std::time::Duration;

use super::{StreamError, Streams};

/// Time for which a run holds its names after the last renewal.
const LEASE: Duration = Duration::from_secs(20);

impl Streams {
    /// Renews the lease of a run and returns the keys of the sessions whose names it holds. Returns `None` if no other process can take
    /// names.
    pub async fn renew_run(&self, boot: &str) -> Result<Option<HashSet<String>>, StreamError> {
        Ok(self.db.renew_run(boot, LEASE).await?.map(HashSet::from_iter))
    }

    /// Ends a run with all its publishes.
    pub async fn end_run(&self, boot: &str) -> Result<(), StreamError> {
        Ok(self.db.end_runs(&[boot.to_owned()]).await?)
    }
}

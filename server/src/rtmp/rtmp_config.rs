//! Configuration of the ingest.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use callsheet::model::{Clock, SourceId};
use jiff::tz::TimeZone;

use crate::buckets::Buckets;

/// Configuration of one run of the ingest.
#[derive(Clone)]
pub struct RtmpConfig {
    /// Port 0 selects any free port.
    pub listen: SocketAddr,
    /// The built-in source.
    pub source: SourceId,
    /// Name of this run: letters and digits, because file names contain it.
    pub boot: String,
    /// Parts are stored in its folder `parts` until they are uploaded.
    pub data_dir: PathBuf,
    pub buckets: Buckets,
    /// Time zone of the names of recordings.
    pub time_zone: TimeZone,
    /// Deadline for a new connection to have a publish accepted. Usually 10 s.
    pub publish_within: Duration,
    /// Publishers that send no media for this long are disconnected; whole seconds. Usually 30 s.
    pub idle_timeout: Duration,
    /// How long a failing upload is retried. Usually days.
    pub upload_for: Duration,
    /// Interval of heartbeats. Usually 10 s.
    pub heartbeat: Duration,
    pub clock: Arc<dyn Clock>,
}

impl RtmpConfig {
    pub(super) fn parts_folder(&self) -> PathBuf {
        self.data_dir.join("parts")
    }
}

impl fmt::Debug for RtmpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtmpConfig").field("listen", &self.listen).field("source", &self.source).finish_non_exhaustive()
    }
}

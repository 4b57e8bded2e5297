//! The built-in ingest: accepts RTMP publishers, reports their streams and records them.
//!
//! **Components.** `RtmpIngest` listens and starts one task per connection. A `Connection` reads the protocol (`wire`), asks the
//! [`IngestSink`] for admission, takes the lock on (domain, app, stream) and passes media to its `Session`. The session tracks media
//! time, detects a silent publisher and feeds the `Recorder`, which cuts parts and writes them below `<data_dir>/parts`. The
//! `Reporter` uploads finished parts to their bucket and reports events to the sink in strict order.
//!
//! **States of a publish.** admitted (holds the lock, not reported yet) → started (first frame) → ending (unpublish, connection closed,
//! no media, disconnected by a user, shutdown) → ended (lock released).
//!
//! **Backpressure.** Media waits in a short queue. When it is full, the connection is no longer read, so the publisher slows down or
//! drops the frames it can best spare; dropping them here would damage the recording. Finished parts wait on the disk: a slow bucket
//! delays the events of parts, but not the media or the heartbeats, and the end of the publish by five seconds at most.
//!
//! **Recovery.** A record beside each part exists until the part is uploaded and reported, and a record of each session until its
//! start and end are reported. A shutdown waits two seconds for uploads. The next run, or another run on the same data folder,
//! submits the missing reports, truncates unfinished parts after their last complete tag, uploads them and reports them; the session
//! waits 15 minutes for that.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use callsheet::model::{AppName, DomainName, StreamName};
use callsheet::streams::IngestSink;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "ingest-rtmp")]
mod connection;
#[cfg(feature = "ingest-rtmp")]
mod decoder_headers;
#[cfg(feature = "ingest-rtmp")]
mod destination;
#[cfg(feature = "ingest-rtmp")]
mod error_text;
#[cfg(feature = "ingest-rtmp")]
mod flv;
#[cfg(feature = "ingest-rtmp")]
mod heartbeat;
#[cfg(feature = "ingest-rtmp")]
mod idle_timer;
#[cfg(feature = "ingest-rtmp")]
mod ingest_context;
#[cfg(feature = "ingest-rtmp")]
mod interrupted_runs;
#[cfg(feature = "ingest-rtmp")]
mod live_streams;
#[cfg(feature = "ingest-rtmp")]
mod media_message;
#[cfg(feature = "ingest-rtmp")]
mod media_stats;
#[cfg(feature = "ingest-rtmp")]
mod memory_pool;
#[cfg(feature = "ingest-rtmp")]
mod metadata;
#[cfg(feature = "ingest-rtmp")]
mod object_upload;
#[cfg(feature = "ingest-rtmp")]
mod open_part;
#[cfg(feature = "ingest-rtmp")]
mod part_file;
#[cfg(feature = "ingest-rtmp")]
mod part_on_disk;
#[cfg(feature = "ingest-rtmp")]
mod part_record;
#[cfg(feature = "ingest-rtmp")]
mod part_upload;
#[cfg(feature = "ingest-rtmp")]
mod pending_connections;
#[cfg(feature = "ingest-rtmp")]
mod publish_end;
#[cfg(feature = "ingest-rtmp")]
mod push_address;
#[cfg(feature = "ingest-rtmp")]
mod recorder;
#[cfg(feature = "ingest-rtmp")]
mod reporter;
#[cfg(feature = "ingest-rtmp")]
mod retry;
#[cfg(feature = "ingest-rtmp")]
mod rtmp_config;
#[cfg(feature = "ingest-rtmp")]
mod rtmp_ingest;
#[cfg(feature = "ingest-rtmp")]
mod run_lock;
#[cfg(feature = "ingest-rtmp")]
mod session;
#[cfg(feature = "ingest-rtmp")]
mod session_record;
#[cfg(feature = "ingest-rtmp")]
mod timeline;
#[cfg(feature = "ingest-rtmp")]
mod wire;

#[cfg(feature = "ingest-rtmp")]
pub use rtmp_config::RtmpConfig;
#[cfg(feature = "ingest-rtmp")]
pub use rtmp_ingest::{ListenError, RtmpIngest};

/// A media server inside this process.
#[async_trait]
pub trait IngestSource: Send + 'static {
    /// Returns the listening address, with the actual port if port 0 was configured.
    fn local_addr(&self) -> SocketAddr;
    /// Returns the name of this run.
    fn boot(&self) -> &str;
    /// Returns a handle for listing and disconnecting publishers.
    fn publishers(&self) -> Arc<dyn Publishers>;
    /// Serves until `shutdown`, then ends and reports every publish. Returns within ten seconds of `shutdown`.
    async fn run(self: Box<Self>, sink: Arc<dyn IngestSink>, shutdown: CancellationToken);
}

/// The current publishers.
pub trait Publishers: Send + Sync + 'static {
    /// Disconnects the publisher of a stream and returns whether there was one. Its end is reported as usual.
    fn disconnect(&self, domain: &DomainName, app: &AppName, stream: &StreamName) -> bool;
    /// Returns the keys of the sessions that hold their stream's lease in the database.
    fn sessions(&self) -> HashSet<String>;
    /// Disconnects the publisher of a session.
    fn disconnect_session(&self, key: &str);
}

#[cfg(feature = "ingest-rtmp")]
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

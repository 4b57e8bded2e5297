//! The built-in ingest: publishers push over RTMP, the console hears of it and records it.
//!
//! **Who acts.** `RtmpIngest` listens and gives each connection a task of its own. A *connection* reads the protocol (`wire`),
//! asks the [`IngestSink`] for admission, takes the *lock* on (domain, app, stream) and passes media to its *session*.
//! The session keeps the media's time, notices a frozen publisher and feeds the *recorder*, which cuts parts and writes
//! them below `<data_dir>/parts`. What there is to tell goes to the *reporter*: it brings finished parts into their
//! bucket and hands hints to the sink, strictly in order.
//!
//! **States of a publish.** admitted (holds the lock, says nothing) → started (first frame) → over (unpublish, connection
//! gone, no media, dropped by a person, console stops) → ended (the lock is free again).
//!
//! **When something is slow.** Media waits in a short queue; when that is full the connection is read no further, so the
//! publisher itself slows down or drops frames where it hurts least. Dropping here would tear the recording. Finished parts
//! wait on the disk: a slow bucket delays the hints about parts and never the media, the heartbeats, or the end by more
//! than five seconds.
//!
//! **After a stop, a kill or a power cut.** Each part has a record beside it until it is in its bucket and reported, and each session one until
//! its start and its end are reported. A stop waits for uploads for two seconds. The next run, or another that is running on the same data folder, hands in these reports,
//! completes what was being written up to its last whole tag, stores it, and tells the session, which waits for it for 15 minutes.

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
mod error_text;
#[cfg(feature = "ingest-rtmp")]
mod flv;
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
mod memory_pool;
#[cfg(feature = "ingest-rtmp")]
mod object_upload;
#[cfg(feature = "ingest-rtmp")]
mod part_file;
#[cfg(feature = "ingest-rtmp")]
mod part_upload;
#[cfg(feature = "ingest-rtmp")]
mod pending_connections;
#[cfg(feature = "ingest-rtmp")]
mod push_address;
#[cfg(feature = "ingest-rtmp")]
mod recorder;
#[cfg(feature = "ingest-rtmp")]
mod reporter;
#[cfg(feature = "ingest-rtmp")]
mod rtmp_ingest;
#[cfg(feature = "ingest-rtmp")]
mod run_lock;
#[cfg(feature = "ingest-rtmp")]
mod session;
#[cfg(feature = "ingest-rtmp")]
mod session_record;
#[cfg(feature = "ingest-rtmp")]
mod wire;

#[cfg(feature = "ingest-rtmp")]
pub use ingest_context::RtmpConfig;
#[cfg(feature = "ingest-rtmp")]
pub use rtmp_ingest::{ListenError, RtmpIngest};

/// A listening media server within this process.
#[async_trait]
pub trait IngestSource: Send + 'static {
    /// Where it listens; the port is the real one, also when port 0 was asked for.
    fn local_addr(&self) -> SocketAddr;
    /// Names this run of it.
    fn boot(&self) -> &str;
    /// A handle on those who publish.
    fn publishers(&self) -> Arc<dyn Publishers>;
    /// Serves until `shutdown`, then ends every publish and reports it; returns within ten seconds of `shutdown`.
    async fn run(self: Box<Self>, sink: Arc<dyn IngestSink>, shutdown: CancellationToken);
}

/// Those who publish at this moment.
pub trait Publishers: Send + Sync + 'static {
    /// Drops the connection of a publisher; `false` when nobody publishes that stream here, or no longer. Its end is reported as any other.
    fn disconnect(&self, domain: &DomainName, app: &AppName, stream: &StreamName) -> bool;
    /// The keys of the sessions that hold their stream's name among all processes.
    fn sessions(&self) -> HashSet<String>;
    /// Drops the connection of the publisher of a session.
    fn disconnect_session(&self, key: &str);
}

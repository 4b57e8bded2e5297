//! The built-in ingest: accepts RTMP publishers, reports their streams and records them.
//!
//! **Components.** `RtmpIngest` listens and starts one task per connection. A `Connection` reads the protocol (`wire`), asks the
//! `IngestSink` for admission, takes the lock on (domain, app, stream) and passes media to its `Session`. The session tracks media
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

use std::io;

mod connection;
mod decoder_headers;
mod destination;
mod error_text;
mod flv;
mod heartbeat;
mod idle_timer;
mod ingest_context;
mod interrupted_runs;
mod live_streams;
mod media_message;
mod media_stats;
mod memory_pool;
mod metadata;
mod object_upload;
mod open_part;
mod part_file;
mod part_on_disk;
mod part_record;
mod part_upload;
mod pending_connections;
mod publish_end;
mod push_address;
mod recorder;
mod reporter;
mod retry;
mod rtmp_config;
mod rtmp_ingest;
mod run_lock;
mod session;
mod session_record;
mod timeline;
mod wire;

pub use rtmp_config::RtmpConfig;
pub use rtmp_ingest::{ListenError, RtmpIngest};

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

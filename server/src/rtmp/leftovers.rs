//! Parts of an earlier run that was killed, or stopped before it had stored them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callsheet::streams::{Hint, IngestSink, SessionKey};
use tokio_util::task::TaskTracker;

use super::filing::{Destination, FinishedPart};
use super::part::PartOnDisk;
use super::reporter::tell;
use super::{RtmpConfig, ingest::Ingest};

/// The parts of each session, in their order.
#[derive(Debug, Default)]
pub(super) struct Leftovers(BTreeMap<(String, String), Vec<PartOnDisk>>);

impl Leftovers {
    /// Reads the folder. Media files without a record stay there, because their session is unknown.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut paths: Vec<PathBuf> = match std::fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut leftovers = Self::default();
        for path in paths {
            match PartOnDisk::read(&path) {
                Ok(part) => {
                    let session = part.record.session();
                    leftovers.0.entry((session.boot, session.key)).or_default().push(part);
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "cannot read the record of a part; it stays")
                }
            }
        }
        for parts in leftovers.0.values_mut() {
            parts.sort_by_key(|part| part.record.started_at);
        }
        Ok(leftovers)
    }

    /// The sessions that these parts are of.
    pub(super) fn sessions(&self) -> Vec<SessionKey> {
        self.0.values().filter_map(|parts| parts.first()).map(|part| part.record.session()).collect()
    }

    /// Uploads and reports all parts, with one task per session.
    pub(super) fn file(self, ingest: &Arc<Ingest>, tasks: &TaskTracker) {
        for parts in self.0.into_values() {
            tracing::info!(parts = parts.len(), "storing parts of a recording that an earlier run left behind");
            tasks.spawn(file(Arc::clone(&ingest.config), Arc::clone(&ingest.sink), parts));
        }
    }
}

async fn file(config: Arc<RtmpConfig>, sink: Arc<dyn IngestSink>, parts: Vec<PartOnDisk>) {
    let mut session = None;
    for part in parts {
        let Some(place) = part.record.place() else {
            tracing::warn!(path = %part.path.display(), "the record of a part names no stream; it stays");
            continue;
        };
        let key = part.record.session();
        let destination = Arc::new(Destination::new(&config, place));
        let mut pending = tokio::time::interval(super::reporter::PENDING);
        let filing = FinishedPart { destination, part, is_retried: true }.file();
        tokio::pin!(filing);
        let closed = loop {
            tokio::select! {
                closed = &mut filing => break closed,
                _ = pending.tick() => tell(&*sink, &key, &Hint::PartsPending { at: config.clock.now() }).await,
            }
        };
        tell(&*sink, &key, &Hint::PartClosed(closed)).await;
        session = Some(key);
    }
    if let Some(key) = session {
        tell(&*sink, &key, &Hint::RecordingEnded { at: config.clock.now() }).await;
    }
}

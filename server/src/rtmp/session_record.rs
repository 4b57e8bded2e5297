//! Records of sessions on the disk: the start and end of a publish, until the sink has accepted them. The database may be unavailable for
//! longer than the process lives.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use callsheet::streams::{SessionKey, SourceEvent};
use serde::{Deserialize, Serialize};

use super::blocking;

const EXTENSION: &str = "session";

/// One line of a record.
#[derive(Debug, Serialize, Deserialize)]
struct RecordedEvent {
    session: SessionKey,
    #[serde(rename = "report")]
    event: SourceEvent,
}

/// The record of one session.
#[derive(Debug, Clone)]
pub(super) struct SessionRecord {
    path: PathBuf,
}

impl SessionRecord {
    pub(super) fn new(folder: &Path, session: &SessionKey) -> Self {
        Self { path: folder.join(format!("{}-{}", session.boot, session.key)).with_extension(EXTENSION) }
    }

    /// Appends an event before it is reported. On failure, the event is lost if this process ends before it is reported.
    pub(super) async fn append(&self, session: &SessionKey, event: &SourceEvent) {
        if let Err(error) = self.try_append(session, event).await {
            tracing::warn!(session = session.key, %error, "failed to record the start or end of a publish on the disk");
        }
    }

    async fn try_append(&self, session: &SessionKey, event: &SourceEvent) -> io::Result<()> {
        let mut line = serde_json::to_vec(&RecordedEvent { session: session.clone(), event: event.clone() })?;
        line.push(b'\n');
        let path = self.path.clone();
        blocking(move || {
            // The parameters of a push address may be secret.
            let mut file = File::options().create(true).append(true).mode(0o600).open(&path)?;
            file.write_all(&line)?;
            file.sync_all()?;
            File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
        })
        .await
    }

    /// Removes the record after all its events were reported.
    pub(super) async fn remove(&self) -> io::Result<()> {
        match tokio::fs::remove_file(&self.path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The records that ended runs left behind.
#[derive(Debug, Default)]
pub(super) struct RecordedSessions {
    paths: Vec<PathBuf>,
    pub events: Vec<(SessionKey, SourceEvent)>,
}

impl RecordedSessions {
    /// Reads the records of all sessions whose run `has_ended`.
    pub(super) fn read(folder: &Path, has_ended: impl Fn(&str) -> bool) -> io::Result<Self> {
        let mut found = Self::default();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            let lines = match fs::read_to_string(&path) {
                // The record of a run that is still active may disappear at any time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                lines => lines?,
            };
            // The last line may be incomplete.
            let events = lines.lines().filter_map(|line| serde_json::from_str::<RecordedEvent>(line).ok());
            let mut events = events.filter(|event| has_ended(&event.session.boot)).peekable();
            if events.peek().is_some() {
                found.events.extend(events.map(|event| (event.session, event.event)));
                found.paths.push(path);
            }
        }
        Ok(found)
    }

    /// Removes the records after all events were reported.
    pub(super) async fn remove(self) {
        for path in self.paths {
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::warn!(path = %path.display(), %error, "failed to remove the record of a session");
            }
        }
    }
}

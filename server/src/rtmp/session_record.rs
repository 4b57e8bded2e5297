//! The start and the end of a publish on the disk, until the sink has taken them. The database may be away for longer than the process lives.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use callsheet::streams::{Hint, SessionKey};
use serde::{Deserialize, Serialize};

const EXTENSION: &str = "session";

/// One line of a record.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    session: SessionKey,
    report: Hint,
}

/// The record of one session.
#[derive(Debug, Clone)]
pub(super) struct SessionRecord {
    path: PathBuf,
}

impl SessionRecord {
    pub(super) fn of(folder: &Path, session: &SessionKey) -> Self {
        Self { path: folder.join(format!("{}-{}", session.boot, session.key)).with_extension(EXTENSION) }
    }

    /// Adds a report, before it is handed in.
    pub(super) async fn add(&self, session: &SessionKey, report: &Hint) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { session: session.clone(), report: report.clone() })?;
        line.push(b'\n');
        let path = self.path.clone();
        blocking(move || {
            // Parameters of a push address may be secret.
            let mut file = File::options().create(true).append(true).mode(0o600).open(&path)?;
            file.write_all(&line)?;
            file.sync_all()?;
            File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
        })
        .await
    }

    /// All was taken.
    pub(super) async fn remove(&self) -> io::Result<()> {
        match tokio::fs::remove_file(&self.path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The records that runs left behind.
#[derive(Debug, Default)]
pub(super) struct RecordedSessions {
    records: Vec<PathBuf>,
    reports: Vec<(SessionKey, Hint)>,
}

impl RecordedSessions {
    /// Reads the records of sessions that belong to a run which `is_over`.
    pub(super) fn read(folder: &Path, is_over: impl Fn(&str) -> bool) -> io::Result<Self> {
        let mut found = Self::default();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            // The last line may be cut.
            let lines = match fs::read_to_string(&path) {
                // One of a run that goes on, and has just been taken.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                lines => lines?,
            };
            let lines = lines.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
            let mut lines = lines.filter(|line| is_over(&line.session.boot)).peekable();
            if lines.peek().is_some() {
                found.reports.extend(lines.map(|line| (line.session, line.report)));
                found.records.push(path);
            }
        }
        Ok(found)
    }

    pub(super) fn reports(&self) -> &[(SessionKey, Hint)] {
        &self.reports
    }

    /// All were taken.
    pub(super) async fn remove(self) {
        for path in self.records {
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::warn!(path = %path.display(), %error, "cannot remove the record of a session");
            }
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

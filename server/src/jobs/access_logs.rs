//! Imports access logs from watched locations as they grow.
//!
//! **Scans.** An [`AccessLogWatcher`] watches one location: a file, a folder and its subfolders, or a folder of a bucket. Every ten seconds (for
//! a bucket every minute, because list requests cost money) it scans the location and passes each file whose size or modification time has
//! changed to [`Stats::import`](callsheet::stats::Stats::import), oldest first. Hidden files and files that end in `.tmp` or `.part` are ignored.
//!
//! **Duplicates.** The state in memory only avoids work. What was counted is identified by content, in the database: a log that was renamed,
//! compressed, copied and truncated, or imported by another worker adds only its new lines. A copy that is still being written is shorter than
//! its original, and no digest distinguishes it from a different file with the same first 4 KiB. Therefore a file that starts like a longer
//! import waits until it has not changed between two scans. A copy that stays truncated counts as a file of its own. A file may be truncated and
//! rewritten while it is read: before lines are counted, its head is read again, and if it has changed, the file waits.
//!
//! **Status of a file.** *Done*: imported up to its end. A last line without line feed waits, except in compressed files and in buckets, which do
//! not grow. *Waiting*: contains no complete line yet, or may be an unfinished copy. *Failed*: could not be read, or only partly; logged once per
//! change of the file, retried every five minutes, and counted in `callsheet_access_logs_in_trouble`. A failed file does not block others.
//!
//! **Cost.** To continue in a file, its known part is read and hashed again. Therefore a file is skipped for twenty times the duration of its last
//! import.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use callsheet::Console;
use callsheet::model::{Actor, Millis};
use callsheet::stats::access_log::{Note, NoteCount, Notes, Tail, is_compressed};
use callsheet::stats::{AccessLog, Import, ImportResult, StatsError};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use tokio_util::sync::CancellationToken;

use super::Pulse;
use crate::buckets::Buckets;
use crate::config::{LogPlace, WatchedLogs};
use crate::uploads::{Upload, UploadError};

const FILE_INTERVAL: Duration = Duration::from_secs(10);
const BUCKET_INTERVAL: Duration = Duration::from_secs(60);
/// Interval of retries for an unchanged failed file.
const RETRY_MS: Millis = 300_000;
/// A file is skipped for this multiple of the duration of its last import.
const REST_FACTOR: Millis = 20;
/// Number of latest imports that are checked for known objects after a start.
const MAX_KNOWN_IMPORTS: i64 = 100_000;

/// A watched location and the status of its files.
pub struct AccessLogWatcher {
    console: Console,
    buckets: Buckets,
    /// Directory for copies of objects while they are read.
    temp_dir: PathBuf,
    logs: WatchedLogs,
    pulse: Pulse,
    files: HashMap<String, FileState>,
    /// Objects imported by an earlier process: time in Unix seconds by name.
    known: Option<HashMap<String, i64>>,
}

/// Size in bytes and modification time in Unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct FileVersion {
    size: u64,
    modified: Millis,
}

struct FoundLog {
    /// Name in the list of imports.
    name: String,
    version: FileVersion,
    at: Location,
}

enum Location {
    File(PathBuf),
    Object { bucket: String, key: Key },
}

#[derive(Default)]
struct FileState {
    /// Location the last scan.
    version: FileVersion,
    status: Status,
    /// Time before which the file is not read again.
    not_before: Millis,
    /// Notes that were logged.
    notes: Notes,
}

#[derive(Default, PartialEq, Eq)]
enum Status {
    Done,
    #[default]
    Waiting,
    Failed(String),
}

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("cannot be fetched: {0}")]
    Object(#[from] object_store::Error),
    #[error("cannot be fetched: {0}")]
    Download(#[from] UploadError),
    #[error("{0}")]
    Import(#[from] StatsError),
    #[error("cannot be read to its end: {0}")]
    Broken(String),
}

/// Scans periodically until shutdown.
pub async fn watch_access_logs(mut watcher: AccessLogWatcher, pulse: Pulse, shutdown: CancellationToken) {
    let pause = match watcher.logs.from {
        LogPlace::Files(_) => FILE_INTERVAL,
        LogPlace::Bucket { .. } => BUCKET_INTERVAL,
    };
    watcher.pulse = pulse.clone();
    let scans = async {
        loop {
            watcher.scan().await;
            pulse.idle(tokio::time::sleep(pause)).await;
        }
    };
    shutdown.run_until_cancelled(scans).await;
}

impl AccessLogWatcher {
    /// `temp_dir`: directory for copies of objects while they are read.
    #[must_use]
    pub fn new(console: Console, buckets: Buckets, temp_dir: PathBuf, logs: WatchedLogs) -> Self {
        Self { console, buckets, temp_dir, logs, pulse: Pulse::default(), files: HashMap::new(), known: None }
    }

    /// Scans the location and imports new content. Errors are logged, see [`Self::failures`].
    pub async fn scan(&mut self) {
        let mut failures = Vec::new();
        let mut found = match &self.logs.from {
            LogPlace::Files(path) => {
                let path = path.clone();
                let listed = tokio::task::spawn_blocking(move || {
                    let (mut found, mut failures) = (Vec::new(), Vec::new());
                    list(&path, true, &mut found, &mut failures);
                    (found, failures)
                });
                let (found, unread) = listed.await.unwrap_or_default();
                failures = unread;
                found
            }
            LogPlace::Bucket { bucket, folder } => match self.list_bucket(bucket, folder).await {
                Ok(found) => found,
                Err(error) => {
                    failures.push((format!("bucket:{bucket}/{folder}"), error));
                    Vec::new()
                }
            },
        };
        // The status of files is kept while the location cannot be listed.
        if failures.is_empty() {
            self.files.retain(|name, _| found.iter().any(|file| file.name == *name));
        }
        for (name, error) in failures {
            self.set_status(name, FileVersion::default(), Status::Failed(error.to_string()), 0);
        }
        found.sort_by(|a, b| (a.version.modified, &a.name).cmp(&(b.version.modified, &b.name)));
        for file in found {
            self.process(file).await;
        }
        metrics::gauge!("callsheet_access_logs_in_trouble", "from" => self.place()).set(self.failures().count() as f64);
    }

    /// Returns the failed files and their errors.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(name, seen)| match &seen.status {
            Status::Failed(error) => Some((name.as_str(), error.as_str())),
            _ => None,
        })
    }

    fn place(&self) -> String {
        match &self.logs.from {
            LogPlace::Files(path) => path.display().to_string(),
            LogPlace::Bucket { bucket, folder } => format!("bucket:{bucket}/{folder}"),
        }
    }

    async fn process(&mut self, file: FoundLog) {
        let now = self.console.clock.now();
        let before = self.files.get(&file.name);
        let changed = before.is_none_or(|seen| seen.version != file.version);
        let is_skipped = before.is_some_and(|seen| now < seen.not_before && !(changed && seen.status != Status::Done));
        if is_skipped || !changed && before.is_some_and(|seen| seen.status == Status::Done) || file.version.size == 0 {
            return;
        }
        // An import may take long.
        let pulse = self.pulse.clone();
        let status = match pulse.idle(self.import_if_new(&file, changed)).await {
            Ok(status) => status,
            // Another worker imports the same file, or the file was rotated.
            Err(WatchError::Import(StatsError::ImportMoved | StatsError::FileChanged)) => Status::Waiting,
            Err(error) => Status::Failed(error.to_string()),
        };
        let end = self.console.clock.now();
        let rest = if matches!(status, Status::Failed(_)) { RETRY_MS } else { REST_FACTOR * (end - now) };
        self.set_status(file.name, file.version, status, end + rest);
    }

    fn set_status(&mut self, name: String, version: FileVersion, status: Status, not_before: Millis) {
        let before = self.files.get(&name);
        let is_logged = before.is_some_and(|seen| seen.version == version && seen.status == status);
        match &status {
            Status::Failed(error) if !is_logged => {
                tracing::warn!(file = %name, error, "failed to import an access log completely; retrying");
            }
            Status::Done if before.is_some_and(|seen| matches!(seen.status, Status::Failed(_))) => {
                tracing::info!(file = %name, "access log imported after earlier errors");
            }
            _ => {}
        }
        let notes = before.map_or_else(Notes::default, |seen| seen.notes);
        self.files.insert(name, FileState { version, status, not_before, notes });
    }

    /// `changed`: new, or changed since the last scan.
    async fn import_if_new(&mut self, found: &FoundLog, changed: bool) -> Result<Status, WatchError> {
        match &found.at {
            Location::File(path) => {
                let path = path.clone();
                let (file, start) = blocking(move || {
                    let mut file = File::open(path)?;
                    let mut start = Vec::new();
                    (&mut file).take(64 * 1024).read_to_end(&mut start)?;
                    Ok((file, start))
                })
                .await?;
                let compressed = is_compressed(&start);
                let is_incomplete = !compressed && !start.contains(&b'\n');
                let file = Arc::new(file);
                if is_incomplete || changed && self.may_be_partial_copy(found, &file).await? {
                    return Ok(Status::Waiting);
                }
                let tail = if compressed { Tail::Finished } else { Tail::Growing };
                self.import(found, tail, move || Ok(SameFile::at_start(&file))).await
            }
            Location::Object { bucket, key } => {
                if self.is_imported(found).await? {
                    return Ok(Status::Done);
                }
                let object = self.buckets.open(bucket).await?.store().get(key).await?;
                let copy = Upload::receive(object.into_stream(), &self.temp_dir).await?;
                self.import(found, Tail::Finished, move || copy.open()).await
            }
        }
    }

    async fn import<R: Read + Send + 'static>(
        &mut self,
        found: &FoundLog,
        tail: Tail,
        open: impl FnMut() -> io::Result<R> + Send + 'static,
    ) -> Result<Status, WatchError> {
        let log = AccessLog {
            name: found.name.clone(),
            format: self.logs.format,
            domain: self.logs.domain.as_ref().map(|domain| domain.ascii().to_owned()),
            tail,
            open,
        };
        let ImportResult { broken, report, .. } = self.console.stats.import(&Actor::cli(), log, |_| ()).await?;
        self.log_notes(&found.name, &report.notes);
        match broken {
            Some(error) => Err(WatchError::Broken(error)),
            None => Ok(Status::Done),
        }
    }

    /// Logs each note once per file, except that the domain was given, which is configured.
    fn log_notes(&mut self, name: &str, notes: &[NoteCount]) {
        for &NoteCount { note, lines } in notes.iter().filter(|count| count.note != Note::DomainGiven) {
            let seen = self.files.entry(name.to_owned()).or_default();
            if !seen.notes.has(note) {
                seen.notes = seen.notes.with(note);
                tracing::info!(file = %name, lines, "{}", note.sentence());
            }
        }
    }

    /// Returns whether an import starts like the file and is longer. Compressed files count too, because they are shorter than their content.
    async fn may_be_partial_copy(&self, found: &FoundLog, file: &Arc<File>) -> Result<bool, WatchError> {
        let is_started = self.files.get(&found.name).is_some_and(|seen| seen.status == Status::Done);
        let file = file.clone();
        let imports = self.console.stats.imports_of(&Actor::cli(), move || Ok(SameFile::at_start(&file))).await?;
        let length = i64::try_from(found.version.size).unwrap_or(i64::MAX);
        Ok(!is_started && imports.iter().any(|import| import.progress.taken > length))
    }

    /// Returns whether an earlier process imported an object after its last modification. Objects do not grow.
    async fn is_imported(&mut self, found: &FoundLog) -> Result<bool, WatchError> {
        let known = match self.known.take() {
            Some(known) => known,
            None => {
                let imports = self.console.stats.list_imports(&Actor::cli(), MAX_KNOWN_IMPORTS).await?;
                imports.into_iter().map(|Import { name, updated_at, .. }| (name, updated_at)).collect()
            }
        };
        let is_imported =
            known.get(&found.name).is_some_and(|imported_at| found.version.modified.div_euclid(1000) < *imported_at);
        self.known = Some(known);
        Ok(is_imported)
    }

    async fn list_bucket(&self, bucket: &str, folder: &Key) -> Result<Vec<FoundLog>, WatchError> {
        let store = self.buckets.open(bucket).await?.store();
        let mut objects = store.list(Some(folder));
        let mut found = Vec::new();
        while let Some(object) = objects.try_next().await? {
            self.pulse.beat();
            if object.location.filename().is_some_and(is_log) {
                found.push(FoundLog {
                    name: format!("bucket:{bucket}/{}", object.location),
                    version: FileVersion { size: object.size, modified: object.last_modified.timestamp_millis() },
                    at: Location::Object { bucket: bucket.to_owned(), key: object.location },
                });
            }
        }
        Ok(found)
    }
}

fn is_log(name: &str) -> bool {
    !name.starts_with('.') && ![".tmp", ".part"].iter().any(|end| name.ends_with(end))
}

/// Lists a file, or all files below a folder. Links to folders are not followed, because they may form cycles.
fn list(path: &Path, is_place: bool, found: &mut Vec<FoundLog>, failures: &mut Vec<(String, WatchError)>) {
    let mut walk = || {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_file() {
            let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let version =
                FileVersion { size: metadata.len(), modified: Millis::try_from(modified).unwrap_or(Millis::MAX) };
            found.push(FoundLog { name: path.display().to_string(), version, at: Location::File(path.to_owned()) });
        } else if metadata.is_dir() && (is_place || !path.is_symlink()) {
            for entry in std::fs::read_dir(path)? {
                let entry = entry?;
                if entry.file_name().to_str().is_none_or(is_log) {
                    list(&entry.path(), false, found, failures);
                }
            }
        }
        Ok(())
    };
    match walk() {
        // Rotated since it was listed.
        Err(error) if !is_place && io::Error::kind(&error) == io::ErrorKind::NotFound => {}
        Err(error) => failures.push((path.display().to_string(), WatchError::File(error))),
        Ok(()) => {}
    }
}

/// A reader of an open file that is independent of its name and of other readers.
struct SameFile {
    file: Arc<File>,
    offset: u64,
}

impl SameFile {
    fn at_start(file: &Arc<File>) -> Self {
        Self { file: file.clone(), offset: 0 }
    }
}

impl Read for SameFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(into, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

//! Takes in access logs that lie in watched places, as they grow.
//!
//! **Actors.** A [`Watch`] has one place: a file, a folder with all below it, or a folder of a bucket. It *looks* there every ten seconds (in
//! a bucket every minute: its lists are paid for) and hands each file whose length or time of change is another than at the last look to
//! [`Stats::import`], the oldest first. Hidden files and those that end in `.tmp` or `.part` are passed over.
//!
//! **Once only.** What a watch remembers saves work alone. What counts once is known by content, in the database: a log that was renamed,
//! packed, copied and begun anew, or that another worker took in, adds only what is new in it. While a copy is being made it is shorter than
//! what it is a copy of; no digest tells of such a file whether it is that or another one with the same first 4 KiB. So a file that begins
//! as a longer import does waits until it has not changed between two looks. A copy that stays cut short counts as a file of its own.
//! A file may be truncated and rewritten while it is read. Before lines count, its head is read again; if it has changed, the file waits.
//!
//! **States of a file.** *Taken*: known up to its end. A last line without its line feed waits, except in packed files and in buckets, where
//! nothing is appended. *Waiting*: holds no whole line yet, or may be a copy that is being made. *In trouble*: could not be read, or not
//! whole; said once in the log for each change of the file, tried again every five minutes, and counted in
//! `callsheet_access_logs_in_trouble`. One file's trouble stops no other.
//!
//! **Cost.** To go on in a file its known part is read and hashed again, so a file rests twenty times as long as its last import took.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use callsheet::Console;
use callsheet::model::{Actor, Millis};
use callsheet::stats::access_log::{Note, Noted, Notes, Tail, is_packed};
use callsheet::stats::{AccessLog, Import, Imported, StatsError};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use tokio_util::sync::CancellationToken;

use super::Pulse;
use crate::buckets::Buckets;
use crate::config::{LogPlace, WatchedLogs};
use crate::uploads::{Upload, UploadError};

const EVERY: Duration = Duration::from_secs(10);
const EVERY_IN_BUCKETS: Duration = Duration::from_secs(60);
/// Until a file in trouble is tried again unchanged.
const AGAIN_MS: Millis = 300_000;
/// A file rests so many times as long as its last import took.
const REST: Millis = 20;
/// Of the latest imports, those that tell which objects are known when the process starts.
const REMEMBERED: i64 = 100_000;

/// One watched place and what was seen there.
pub struct Watch {
    console: Console,
    buckets: Buckets,
    /// For copies of objects, while they are read.
    folder: PathBuf,
    logs: WatchedLogs,
    pulse: Pulse,
    seen: HashMap<String, Seen>,
    /// Objects as far as they were taken in by an earlier run: Unix seconds by name.
    known: Option<HashMap<String, i64>>,
}

/// Length in bytes and time of change in Unix ms.
type Stamp = (u64, Millis);

struct Found {
    /// As it is called in the list of imports.
    name: String,
    stamp: Stamp,
    at: At,
}

enum At {
    File(PathBuf),
    Object { bucket: String, key: Key },
}

#[derive(Default)]
struct Seen {
    /// At the last look.
    stamp: Stamp,
    state: State,
    /// Not before this is it read again.
    rests_until: Millis,
    /// Guesses about its lines that were logged.
    notes: Notes,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    Taken,
    #[default]
    Waiting,
    Trouble(String),
}

/// Why a file could not be taken in.
#[derive(Debug, thiserror::Error)]
enum Trouble {
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

/// Looks again and again until the process stops.
pub async fn watch_access_logs(mut watch: Watch, pulse: Pulse, shutdown: CancellationToken) {
    let pause = match watch.logs.from {
        LogPlace::Files(_) => EVERY,
        LogPlace::Bucket { .. } => EVERY_IN_BUCKETS,
    };
    watch.pulse = pulse.clone();
    let looks = async {
        loop {
            watch.look().await;
            pulse.idle(tokio::time::sleep(pause)).await;
        }
    };
    shutdown.run_until_cancelled(looks).await;
}

impl Watch {
    /// `folder`: for what must be kept on disk while it is read.
    #[must_use]
    pub fn new(console: Console, buckets: Buckets, folder: PathBuf, logs: WatchedLogs) -> Self {
        Self { console, buckets, folder, logs, pulse: Pulse::default(), seen: HashMap::new(), known: None }
    }

    /// Looks once, and takes in what is new. What goes wrong is logged; see [`Self::troubles`].
    pub async fn look(&mut self) {
        let mut troubles = Vec::new();
        let mut found = match &self.logs.from {
            LogPlace::Files(path) => {
                let path = path.clone();
                let listed = tokio::task::spawn_blocking(move || {
                    let (mut found, mut troubles) = (Vec::new(), Vec::new());
                    list(&path, true, &mut found, &mut troubles);
                    (found, troubles)
                });
                let (found, unread) = listed.await.unwrap_or_default();
                troubles = unread;
                found
            }
            LogPlace::Bucket { bucket, folder } => match self.list_bucket(bucket, folder).await {
                Ok(found) => found,
                Err(trouble) => {
                    troubles.push((format!("bucket:{bucket}/{folder}"), trouble));
                    Vec::new()
                }
            },
        };
        // What a place holds is not forgotten because it cannot be listed for a while.
        if troubles.is_empty() {
            self.seen.retain(|name, _| found.iter().any(|file| file.name == *name));
        }
        for (name, trouble) in troubles {
            self.note(name, Stamp::default(), State::Trouble(trouble.to_string()), 0);
        }
        found.sort_by(|a, b| (a.stamp.1, &a.name).cmp(&(b.stamp.1, &b.name)));
        for file in found {
            self.visit(file).await;
        }
        metrics::gauge!("callsheet_access_logs_in_trouble", "from" => self.place()).set(self.troubles().count() as f64);
    }

    /// The files that could not be taken in, and why.
    pub fn troubles(&self) -> impl Iterator<Item = (&str, &str)> {
        self.seen.iter().filter_map(|(name, seen)| match &seen.state {
            State::Trouble(why) => Some((name.as_str(), why.as_str())),
            _ => None,
        })
    }

    fn place(&self) -> String {
        match &self.logs.from {
            LogPlace::Files(path) => path.display().to_string(),
            LogPlace::Bucket { bucket, folder } => format!("bucket:{bucket}/{folder}"),
        }
    }

    async fn visit(&mut self, file: Found) {
        let now = self.console.clock.now();
        let before = self.seen.get(&file.name);
        let changed = before.is_none_or(|seen| seen.stamp != file.stamp);
        let rests = before.is_some_and(|seen| now < seen.rests_until && !(changed && seen.state != State::Taken));
        if rests || !changed && before.is_some_and(|seen| seen.state == State::Taken) || file.stamp.0 == 0 {
            return;
        }
        // It takes as long as the file is.
        let pulse = self.pulse.clone();
        let state = match pulse.idle(self.take(&file, changed)).await {
            Ok(state) => state,
            // Another worker has the same place and tells what is wrong with the file; or the file was rotated meanwhile.
            Err(Trouble::Import(StatsError::ImportMoved | StatsError::FileChanged)) => State::Waiting,
            Err(trouble) => State::Trouble(trouble.to_string()),
        };
        let end = self.console.clock.now();
        let rest = if matches!(state, State::Trouble(_)) { AGAIN_MS } else { REST * (end - now) };
        self.note(file.name, file.stamp, state, end + rest);
    }

    fn note(&mut self, name: String, stamp: Stamp, state: State, rests_until: Millis) {
        let before = self.seen.get(&name);
        let told = before.is_some_and(|seen| seen.stamp == stamp && seen.state == state);
        match &state {
            State::Trouble(why) if !told => tracing::warn!(file = %name, why, "an access log is not taken in whole"),
            State::Taken if before.is_some_and(|seen| matches!(seen.state, State::Trouble(_))) => {
                tracing::info!(file = %name, "the access log is taken in now");
            }
            _ => {}
        }
        let notes = before.map_or_else(Notes::default, |seen| seen.notes);
        self.seen.insert(name, Seen { stamp, state, rests_until, notes });
    }

    /// `changed`: since the look before, or new.
    async fn take(&mut self, found: &Found, changed: bool) -> Result<State, Trouble> {
        match &found.at {
            At::File(path) => {
                let path = path.clone();
                let (file, start) = blocking(move || {
                    let mut file = File::open(path)?;
                    let mut start = Vec::new();
                    (&mut file).take(64 * 1024).read_to_end(&mut start)?;
                    Ok((file, start))
                })
                .await?;
                let is_packed = is_packed(&start);
                let is_waiting = !is_packed && !start.contains(&b'\n');
                let file = Arc::new(file);
                if is_waiting || changed && self.may_be_copied_now(found, &file).await? {
                    return Ok(State::Waiting);
                }
                let tail = if is_packed { Tail::Finished } else { Tail::Growing };
                self.import(found, tail, move || Ok(SameFile::at_start(&file))).await
            }
            At::Object { bucket, key } => {
                if self.was_known(found).await? {
                    return Ok(State::Taken);
                }
                let object = self.buckets.open(bucket).await?.store().get(key).await?;
                let copy = Upload::receive(object.into_stream(), &self.folder).await?;
                self.import(found, Tail::Finished, move || copy.open()).await
            }
        }
    }

    async fn import<R: Read + Send + 'static>(
        &mut self,
        found: &Found,
        tail: Tail,
        open: impl FnMut() -> io::Result<R> + Send + 'static,
    ) -> Result<State, Trouble> {
        let log = AccessLog {
            name: found.name.clone(),
            format: self.logs.format,
            domain: self.logs.domain.as_ref().map(|domain| domain.ascii().to_owned()),
            tail,
            open,
        };
        let Imported { broken, report, .. } = self.console.stats.import(&Actor::cli(), log, |_| ()).await?;
        self.log_notes(&found.name, &report.notes);
        match broken {
            Some(why) => Err(Trouble::Broken(why)),
            None => Ok(State::Taken),
        }
    }

    /// Logs each guess once for each file. That of the domain is left out: the configuration gives it.
    fn log_notes(&mut self, name: &str, notes: &[Noted]) {
        let is_guess = |noted: &&Noted| noted.note != Note::DomainGiven;
        for &Noted { note, lines } in notes.iter().filter(is_guess) {
            let seen = self.seen.entry(name.to_owned()).or_default();
            if !seen.notes.has(note) {
                seen.notes = seen.notes.with(note);
                tracing::info!(file = %name, lines, "{}", note.sentence());
            }
        }
    }

    /// Whether an import begins as the file does and is longer; what is packed is shorter than its content anyway.
    async fn may_be_copied_now(&self, found: &Found, file: &Arc<File>) -> Result<bool, Trouble> {
        let begun = self.seen.get(&found.name).is_some_and(|seen| seen.state == State::Taken);
        let file = file.clone();
        let imports = self.console.stats.imports_of(&Actor::cli(), move || Ok(SameFile::at_start(&file))).await?;
        let length = i64::try_from(found.stamp.0).unwrap_or(i64::MAX);
        Ok(!begun && imports.iter().any(|import| import.progress.taken > length))
    }

    /// Whether an earlier run took in an object after it was written last: nothing is appended to objects.
    async fn was_known(&mut self, found: &Found) -> Result<bool, Trouble> {
        let known = match self.known.take() {
            Some(known) => known,
            None => {
                let imports = self.console.stats.list_imports(&Actor::cli(), REMEMBERED).await?;
                imports.into_iter().map(|Import { name, updated_at, .. }| (name, updated_at)).collect()
            }
        };
        let is_known = known.get(&found.name).is_some_and(|taken_at| found.stamp.1.div_euclid(1000) < *taken_at);
        self.known = Some(known);
        Ok(is_known)
    }

    async fn list_bucket(&self, bucket: &str, folder: &Key) -> Result<Vec<Found>, Trouble> {
        let store = self.buckets.open(bucket).await?.store();
        let mut objects = store.list(Some(folder));
        let mut found = Vec::new();
        while let Some(object) = objects.try_next().await? {
            self.pulse.beat();
            if object.location.filename().is_some_and(is_log) {
                found.push(Found {
                    name: format!("bucket:{bucket}/{}", object.location),
                    stamp: (object.size, object.last_modified.timestamp_millis()),
                    at: At::Object { bucket: bucket.to_owned(), key: object.location },
                });
            }
        }
        Ok(found)
    }
}

fn is_log(name: &str) -> bool {
    !name.starts_with('.') && ![".tmp", ".part"].iter().any(|end| name.ends_with(end))
}

/// A file, or all below a folder. Links to files are followed, those to folders are not: they may lead in circles.
fn list(path: &Path, is_place: bool, found: &mut Vec<Found>, troubles: &mut Vec<(String, Trouble)>) {
    let mut walk = || {
        let about = std::fs::metadata(path)?;
        if about.is_file() {
            let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let stamp = (about.len(), Millis::try_from(changed).unwrap_or(Millis::MAX));
            found.push(Found { name: path.display().to_string(), stamp, at: At::File(path.to_owned()) });
        } else if about.is_dir() && (is_place || !path.is_symlink()) {
            for entry in std::fs::read_dir(path)? {
                let entry = entry?;
                if entry.file_name().to_str().is_none_or(is_log) {
                    list(&entry.path(), false, found, troubles);
                }
            }
        }
        Ok(())
    };
    match walk() {
        // Rotated away since it was listed.
        Err(error) if !is_place && io::Error::kind(&error) == io::ErrorKind::NotFound => {}
        Err(error) => troubles.push((path.display().to_string(), Trouble::File(error))),
        Ok(()) => {}
    }
}

/// A reader of an open file, whatever its name leads to meanwhile. Readers of one file do not move each other.
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

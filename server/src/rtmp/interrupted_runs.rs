//! Takes up reports and parts of runs that ended before the reports were accepted or the parts stored.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callsheet::streams::{Hint, SessionKey};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::ingest_context::Ingest;
use super::part_file::PartOnDisk;
use super::part_upload::{Destination, FinishedPart};
use super::reporter::{persist, tell};
use super::run_lock::{RunLock, lock_ended, run_of};
use super::session_record::RecordedSessions;

/// Interval of the search for runs that ended while this one runs.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Everything that ended runs left behind.
#[derive(Debug, Default)]
struct Leftovers {
    runs: BTreeMap<String, RunLock>,
    sessions: RecordedSessions,
    /// By session, in their order.
    parts: BTreeMap<(String, String), Vec<PartOnDisk>>,
}

impl Leftovers {
    /// Reads the folder. Takes away what a kill left of a part that had only begun: its record comes before its first media.
    fn read(folder: &Path) -> io::Result<Self> {
        let runs = lock_ended(folder)?;
        if runs.is_empty() {
            return Ok(Self::default());
        }
        let is_over = |boot: &str| runs.contains_key(boot);
        let sessions = RecordedSessions::read(folder, is_over)?;
        let paths =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        let mut parts: BTreeMap<_, Vec<PartOnDisk>> = BTreeMap::new();
        for path in paths.iter().filter(|path| run_of(path).is_some_and(is_over)) {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => match PartOnDisk::read(path) {
                    Ok(part) if part.has_media() => {
                        let session = part.record.session();
                        parts.entry((session.boot, session.key)).or_default().push(part);
                    }
                    // The run was killed while it took a part off the disk, or while it wrote a record.
                    Ok(_) => remove(path),
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "cannot read the record of a part; it stays");
                    }
                },
                Some("tmp") => remove(path),
                Some("flv") if !path.with_extension("json").exists() && is_only_a_head(path) => remove(path),
                _ => {}
            }
        }
        for parts in parts.values_mut() {
            parts.sort_by_key(|part| part.record.started_at);
        }
        Ok(Self { runs, sessions, parts })
    }
}

fn is_only_a_head(path: &Path) -> bool {
    match super::flv::repair(path) {
        Ok(duration) => duration.is_none(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read a file that a run left behind; it stays");
            false
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "cannot remove a file that a run left behind");
    }
}

/// Takes up what runs left behind that are over: hands in their reports, ends their sessions, and stores their parts, with one task per session.
async fn take_up(ingest: &Arc<Ingest>) {
    let folder = ingest.config.parts_folder();
    let read = tokio::task::spawn_blocking(move || Leftovers::read(&folder)).await;
    let Leftovers { runs, sessions, parts } = match read.map_err(io::Error::other).flatten() {
        Ok(leftovers) => leftovers,
        Err(error) => {
            tracing::error!(%error, "cannot read what an earlier run left in the folder of parts; trying again");
            return;
        }
    };
    if runs.is_empty() {
        return;
    }
    let (config, sink) = (&ingest.config, &ingest.sink);
    for (key, report) in sessions.reports() {
        tell(&**sink, key, report).await;
    }
    let boots: Vec<String> = runs.keys().cloned().collect();
    let open = persist("end the sessions of an earlier run", || sink.end_runs(config.source, &boots)).await;
    // The run was killed after it had reported the last part, or it recorded nothing.
    let has_no_parts = |session: &SessionKey| !parts.contains_key(&(session.boot.clone(), session.key.clone()));
    for session in open.into_iter().flatten().filter(has_no_parts) {
        tell(&**sink, &session, &Hint::RecordingEnded { at: config.clock.now() }).await;
    }
    for session in parts.values().filter_map(|parts| parts.first()).map(|part| part.record.session()) {
        tell(&**sink, &session, &Hint::PartsPending { at: config.clock.now() }).await;
    }
    sessions.remove().await;
    let filing = TaskTracker::new();
    for parts in parts.into_values() {
        tracing::info!(parts = parts.len(), "storing parts of a recording that an earlier run left behind");
        ingest.tasks.spawn(filing.track_future(file(Arc::clone(ingest), parts)));
    }
    filing.close();
    ingest.tasks.spawn(async move {
        filing.wait().await;
        runs.values().for_each(RunLock::remove);
    });
}

/// Takes up what other runs leave behind, now and later. Notifies `once` after the first time.
pub(super) async fn keep_taking_up(ingest: &Arc<Ingest>, once: &Notify) {
    loop {
        take_up(ingest).await;
        once.notify_one();
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// When the process stops, what is left waits for the next run, which also reports the end of the recording.
async fn file(ingest: Arc<Ingest>, parts: Vec<PartOnDisk>) {
    let (sink, clock) = (&*ingest.sink, &ingest.config.clock);
    let mut session = None;
    for part in parts {
        let Some(place) = part.record.place() else {
            tracing::warn!(path = %part.path.display(), "the record of a part names no stream; it stays");
            continue;
        };
        let key = part.record.session();
        let destination = Arc::new(Destination::new(&ingest, place));
        let mut pending = tokio::time::interval(super::reporter::PENDING);
        let filing = FinishedPart { destination, part }.file();
        tokio::pin!(filing);
        let filed = loop {
            tokio::select! {
                filed = &mut filing => break filed,
                _ = pending.tick() => tell(sink, &key, &Hint::PartsPending { at: clock.now() }).await,
            }
        };
        let Some(filed) = filed else { return };
        tell(sink, &key, &Hint::PartClosed(filed.closed.clone())).await;
        filed.clear().await;
        session = Some(key);
    }
    if let Some(key) = session {
        tell(sink, &key, &Hint::RecordingEnded { at: clock.now() }).await;
    }
}

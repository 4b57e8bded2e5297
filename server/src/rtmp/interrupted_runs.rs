//! Recovery of interrupted runs: submits their missing reports and uploads their parts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callsheet::streams::{SessionKey, SourceEvent};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::destination::Destination;
use super::ingest_context::IngestContext;
use super::part_on_disk::PartOnDisk;
use super::part_upload::PartUpload;
use super::reporter::PENDING_INTERVAL;
use super::retry::{report, retry};
use super::run_lock::{RunLock, boot_of, lock_ended_runs};
use super::session_record::RecordedSessions;
use super::{blocking, flv};

/// Interval of the search for ended runs.
const SEARCH_INTERVAL: Duration = Duration::from_secs(5);

/// The files of all ended runs.
#[derive(Debug, Default)]
struct InterruptedRuns {
    locks: BTreeMap<String, RunLock>,
    sessions: RecordedSessions,
    /// The parts of each session in order.
    parts: BTreeMap<(String, String), Vec<PartOnDisk>>,
}

impl InterruptedRuns {
    /// Reads the folder, and removes the remains of parts that have no media yet or were being removed.
    fn read(folder: &Path) -> io::Result<Self> {
        let locks = lock_ended_runs(folder)?;
        if locks.is_empty() {
            return Ok(Self::default());
        }
        let has_ended = |boot: &str| locks.contains_key(boot);
        let sessions = RecordedSessions::read(folder, has_ended)?;
        let paths =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        let mut parts: BTreeMap<_, Vec<PartOnDisk>> = BTreeMap::new();
        for path in paths.iter().filter(|path| boot_of(path).is_some_and(has_ended)) {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => match PartOnDisk::read(path) {
                    Ok(part) if part.has_media() => {
                        let session = part.record.session();
                        parts.entry((session.boot, session.key)).or_default().push(part);
                    }
                    // The run was killed while it removed the part.
                    Ok(_) => remove(path),
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "failed to read the record of a part; it stays on the disk");
                    }
                },
                // The run was killed while it wrote a record.
                Some("tmp") => remove(path),
                // The record is written before the first media.
                Some("flv") if !path.with_extension("json").exists() && has_no_media(path) => remove(path),
                _ => {}
            }
        }
        for parts in parts.values_mut() {
            parts.sort_by_key(|part| part.record.started_at);
        }
        Ok(Self { locks, sessions, parts })
    }
}

fn has_no_media(path: &Path) -> bool {
    match flv::repair(path) {
        Ok(duration) => duration.is_none(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "failed to read a file of an interrupted run; it stays on the disk");
            false
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "failed to remove a file of an interrupted run");
    }
}

/// Recovers ended runs now and whenever another one ends. Notifies `recovered` after each pass.
pub(super) async fn recover_forever(context: &Arc<IngestContext>, recovered: &Notify) {
    loop {
        recover(context).await;
        recovered.notify_one();
        tokio::time::sleep(SEARCH_INTERVAL).await;
    }
}

/// Reports the events of ended runs, ends their sessions, and starts one upload task per session.
async fn recover(context: &Arc<IngestContext>) {
    let folder = context.config.parts_folder();
    let InterruptedRuns { locks, sessions, parts } = match blocking(move || InterruptedRuns::read(&folder)).await {
        Ok(runs) => runs,
        Err(error) => {
            tracing::error!(%error, "failed to read the files of interrupted runs; retrying");
            return;
        }
    };
    if locks.is_empty() {
        return;
    }
    let (config, sink) = (&context.config, &*context.sink);
    for (key, event) in &sessions.events {
        report(sink, key, event).await;
    }
    let boots: Vec<String> = locks.keys().cloned().collect();
    let open = retry("end the sessions of an interrupted run", || sink.end_runs(config.source, &boots)).await;
    // The run recorded nothing, or it was killed after it had reported the last part.
    let has_no_parts = |session: &SessionKey| !parts.contains_key(&(session.boot.clone(), session.key.clone()));
    for session in open.into_iter().flatten().filter(has_no_parts) {
        report(sink, &session, &SourceEvent::RecordingEnded { at: config.clock.now() }).await;
    }
    for session in parts.values().filter_map(|parts| parts.first()).map(|part| part.record.session()) {
        report(sink, &session, &SourceEvent::PartsPending { at: config.clock.now() }).await;
    }
    sessions.remove().await;
    let uploads = TaskTracker::new();
    for parts in parts.into_values() {
        tracing::info!(parts = parts.len(), "uploading parts of an interrupted run");
        context.tasks.spawn(uploads.track_future(upload(Arc::clone(context), parts)));
    }
    uploads.close();
    context.tasks.spawn(async move {
        uploads.wait().await;
        locks.values().for_each(RunLock::remove);
    });
}

/// Uploads and reports the parts of one session. At shutdown, the next run continues.
async fn upload(context: Arc<IngestContext>, parts: Vec<PartOnDisk>) {
    let (sink, clock) = (&*context.sink, &context.config.clock);
    let mut session = None;
    for part in parts {
        let Some(stream) = part.record.stream() else {
            tracing::warn!(path = %part.path.display(), "the record of a part names no valid stream; it stays on the disk");
            continue;
        };
        let key = part.record.session();
        let destination = Arc::new(Destination::new(&context, stream));
        let mut pending = tokio::time::interval(PENDING_INTERVAL);
        let upload = PartUpload { destination, part }.run();
        tokio::pin!(upload);
        let uploaded = loop {
            tokio::select! {
                uploaded = &mut upload => break uploaded,
                _ = pending.tick() => report(sink, &key, &SourceEvent::PartsPending { at: clock.now() }).await,
            }
        };
        let Some(uploaded) = uploaded else { return };
        report(sink, &key, &SourceEvent::PartClosed(uploaded.closed.clone())).await;
        uploaded.clean_up().await;
        session = Some(key);
    }
    if let Some(key) = session {
        report(sink, &key, &SourceEvent::RecordingEnded { at: clock.now() }).await;
    }
}

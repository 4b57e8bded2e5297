//! A domain that records, consoles with a built-in ingest, and what they must have reported and stored in the end.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, SystemClock};
use callsheet::recordings::{RecordingChange, RecordingSettings};
use tempfile::TempDir;

use super::publishers::{Sent, assert_frames};
use super::tables::Tables;
use super::{console, numbers};
use crate::support::media::probe;
use crate::support::{DOMAIN, Database, PLAY, Process, Received, Receiver, until, use_cases_in};

/// The domain, in its database, with the receiver of its events.
pub(super) struct Studio {
    pub(super) database: Database,
    pub(super) data: TempDir,
    pub(super) receiver: Receiver,
}

impl Studio {
    pub(super) async fn set(database: Database, part_seconds: i64) -> Self {
        let (data, receiver) = (tempfile::tempdir().expect("folder"), Receiver::start());
        let console = use_cases_in(&database, Arc::new(SystemClock), data.path()).await;
        let cli = Actor::cli();
        console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
        for kind in [CallbackKind::Publish, CallbackKind::Record] {
            console.callbacks.set_address(&cli, DOMAIN, kind, &receiver.url("/")).await.expect("an address");
            console.callbacks.set_enabled(&cli, DOMAIN, kind, true).await.expect("on");
        }
        let settings = RecordingSettings { enabled: true, part_seconds, bucket: "tapes".to_owned() };
        let change = RecordingChange::parse(settings).expect("settings");
        console.recordings.put(&cli, DOMAIN, &change).await.expect("on");
        console.close().await;
        Self { database, data, receiver }
    }

    /// Starts a console on free ports; returns the address of its ingest.
    pub(super) fn start(&self) -> (Process, SocketAddr) {
        self.start_on(self.data.path())
    }

    /// The same with a data folder of its own.
    pub(super) fn start_on(&self, data: &Path) -> (Process, SocketAddr) {
        let mut command = console(data, self.database.url());
        command.args(["--rtmp", "127.0.0.1:0"]);
        let process = Process::start(command);
        let rtmp = rtmp_address(&process);
        (process, rtmp)
    }

    /// What is on the way to its bucket or to the database.
    pub(super) fn left(&self) -> Vec<PathBuf> {
        left_in(self.data.path())
    }

    /// How many starts and ends of publishes are on the disk, because the database has not confirmed their end yet.
    pub(super) fn recorded_reports(&self) -> usize {
        let records = self.left().into_iter().filter(|path| path.extension().is_some_and(|of| of == "session"));
        records.map(|record| std::fs::read_to_string(record).unwrap_or_default().lines().count()).sum()
    }

    /// How many parts of a stream are complete and not in their bucket, and how many are not complete.
    pub(super) fn waiting_parts(&self, stream: &str) -> (usize, usize) {
        let (mut complete, mut open) = (0, 0);
        for path in self.left().into_iter().filter(|path| path.extension().is_some_and(|of| of == "json")) {
            // It may be stored by now.
            let Ok(record) = std::fs::read(path) else { continue };
            let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
            if record["stream"] == stream {
                *(if record["end"].is_null() { &mut open } else { &mut complete }) += 1;
            }
        }
        (complete, open)
    }

    /// Waits until so many sessions are over and all of their events were received.
    pub(super) async fn until_over(&self, sessions: usize) -> Vec<Received> {
        until_over(&self.receiver, sessions).await
    }

    /// Ends the consoles. Then nothing waits any more, and the tables are whole.
    pub(super) async fn end(&self, processes: impl IntoIterator<Item = Process>) {
        until(async || self.left(), Vec::is_empty).await;
        for process in processes {
            process.signal("-TERM");
            assert_eq!(process.wait().code(), Some(0));
        }
        let mut tables = Tables::open(self.database.url()).await;
        tables.check().await;
        tables.check_all_delivered().await;
    }
}

pub(super) fn rtmp_address(process: &Process) -> SocketAddr {
    let line = process.line("  RTMP ingest ");
    line.split("rtmp://").nth(1).expect("an address").trim().parse().expect("an address")
}

/// The files of the folder of parts; each run of the ingest has a lock file there too.
pub(super) fn left_in(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join("parts")).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_none_or(|extension| extension != "lock")).collect()
}

/// Waits until so many sessions with a recording are over. Their last events go to two callbacks, so either can come last.
pub(super) async fn until_over(receiver: &Receiver, sessions: usize) -> Vec<Received> {
    let is_over = |received: &[Received]| {
        ["publish_done", "record_done"].iter().all(|event| {
            let of_event = received.iter().filter(|one| one.event() == *event);
            of_event.map(|one| one.header("callsheet-session")).collect::<HashSet<_>>().len() >= sessions
        })
    };
    receiver.until_within(numbers().patience, is_over).await
}

/// How a session must have gone.
pub(super) struct Expected {
    /// The status of its `publish_done`.
    pub(super) end: &'static str,
    pub(super) sent: Sent,
}

impl Expected {
    pub(super) fn ended(frames: usize) -> Self {
        Self { end: "success", sent: Sent::Whole(frames) }
    }

    /// The server was stopped before it had read all that was sent.
    pub(super) fn stopped(frames: usize) -> Self {
        Self { end: "success", sent: Sent::Torn(frames) }
    }

    pub(super) fn killed(frames: usize) -> Self {
        Self { end: "fail", sent: Sent::Torn(frames) }
    }
}

/// The sessions of a stream, in the order of their starts: each reported every event once, and its parts hold all its frames and play.
/// They are in the data folders of the sessions; those beyond have the last.
pub(super) fn assert_sessions(received: &[Received], stream: &str, folders: &[&Path], expected: &[Expected]) {
    let sessions = sessions(received, stream);
    assert_eq!(sessions.len(), expected.len(), "{stream}: the sessions");
    let last = folders.last().expect("a folder");
    let folders = folders.iter().chain(std::iter::repeat(last));
    for ((events, expected), folder) in sessions.iter().zip(expected).zip(folders) {
        let urls = reported_parts(stream, events, expected.end);
        let files: Vec<PathBuf> = urls.iter().map(|url| folder.join("buckets").join(url)).collect();
        assert_eq!(
            files.iter().collect::<HashSet<_>>().len(),
            files.len(),
            "{stream}: each part has a file of its own"
        );
        assert_frames(&files, expected.sent);
        for file in [files.first(), files.last()].into_iter().flatten() {
            assert_eq!(probe(file).1, ["h264", "aac"], "{}", file.display());
        }
    }
}

/// The events of each session by their sequence. An event may be sent several times, but is always the same.
fn sessions(received: &[Received], stream: &str) -> Vec<Vec<Received>> {
    let mut sessions: Vec<(&str, BTreeMap<usize, Received>)> = Vec::new();
    for one in received.iter().filter(|one| one.field("stream") == stream) {
        let session = one.header("callsheet-session");
        let place = sessions.iter().position(|(known, _)| *known == session).unwrap_or_else(|| {
            sessions.push((session, BTreeMap::new()));
            sessions.len() - 1
        });
        let sequence = one.header("callsheet-sequence").parse().expect("a number");
        let known = sessions[place].1.entry(sequence).or_insert_with(|| one.clone());
        assert_eq!((known.id(), &known.body), (one.id(), &one.body), "{stream}: event {sequence} is one");
    }
    sessions
        .into_iter()
        .map(|(_, events)| {
            assert!(events.keys().copied().eq(1..=events.len()), "{stream}: no event is missing");
            events.into_values().collect()
        })
        .collect()
}

/// Checks the events of a session; returns the names of its parts.
fn reported_parts(stream: &str, events: &[Received], end: &str) -> Vec<String> {
    let lines: Vec<String> = events.iter().map(|one| format!("{} {}", one.event(), one.field("status"))).collect();
    let count = |line: &str| lines.iter().filter(|known| *known == line).count();
    let parts = count("record_part_done success");
    assert!(parts > 0, "{stream}: {lines:?}");
    // A kill may come before there is media in a part.
    let is_empty = |one: &&Received| one.event() == "record_part_done" && one.field("status") == "fail";
    let empty = events.iter().filter(is_empty).map(|one| one.field("errorMsg")).collect::<Vec<_>>();
    assert!(empty.is_empty() || (end == "fail" && empty == ["the part holds no media"]), "{stream}: {empty:?}");
    let parts = parts + empty.len();
    assert_eq!(count("record_part_started success"), parts, "{stream}: {lines:?}");
    for once in ["publish_started success", "record_started success", "record_done success"] {
        assert_eq!(count(once), 1, "{stream}: {once}: {lines:?}");
    }
    assert_eq!(count(&format!("publish_done {end}")), 1, "{stream}: {lines:?}");
    assert_eq!(lines.len(), 4 + 2 * parts, "{stream}: {lines:?}");
    assert_eq!(lines[0], "publish_started success", "{stream}: {lines:?}");
    let stored = events.iter().filter(|one| one.event() == "record_part_done" && one.field("status") == "success");
    stored.map(|one| one.field("url")).collect()
}

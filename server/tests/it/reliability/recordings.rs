//! Recordings of the built-in ingest while the console is killed, stopped, or frozen: all media is stored, and each part is told once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, SystemClock};
use callsheet::recordings::{RecordingChange, RecordingSettings};
use tempfile::TempDir;

use crate::support::media::{AAC, AUDIO, H264, Pusher, VIDEO, probe};
use crate::support::{
    DOMAIN, Database, PLAY, Process, Received, Receiver, callsheet, on_both_databases, until, use_cases_in,
};

on_both_databases!(a_kill_loses_no_recording, a_stop_loses_no_recording);

/// A console with a domain that records, and its receiver.
struct Stage {
    database: Database,
    data: TempDir,
    receiver: Receiver,
}

impl Stage {
    async fn set(database: Database) -> Self {
        let (data, receiver) = (tempfile::tempdir().expect("folder"), Receiver::start());
        let console = use_cases_in(&database, Arc::new(SystemClock), data.path()).await;
        let cli = Actor::cli();
        console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
        for kind in [CallbackKind::Publish, CallbackKind::Record] {
            console.callbacks.set_address(&cli, DOMAIN, kind, &receiver.url("/")).await.expect("an address");
            console.callbacks.set_enabled(&cli, DOMAIN, kind, true).await.expect("on");
        }
        let settings = RecordingSettings { enabled: true, part_seconds: 60, bucket: "tapes".to_owned() };
        let change = RecordingChange::parse(settings).expect("settings");
        console.recordings.put(&cli, DOMAIN, &change).await.expect("on");
        console.close().await;
        Self { database, data, receiver }
    }

    fn start(&self) -> (Process, SocketAddr) {
        let mut command = callsheet(self.data.path(), self.database.url());
        command.args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0"]);
        command.env("CALLSHEET_ALLOWED_NETWORKS", "127.0.0.0/8").env("CALLSHEET_RETRY_SCHEDULE", "0,1,1,1,1,1,1,1");
        let process = Process::start(command);
        let line = process.line("  RTMP ingest ");
        let address = line.split("rtmp://").nth(1).expect("an address").trim();
        (process, address.parse().expect("an address"))
    }

    fn parts(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.data.path().join("parts")).into_iter().flatten();
        let paths = entries.map(|entry| entry.expect("an entry").path());
        // Each run has a lock file there.
        paths.filter(|path| path.extension().is_none_or(|extension| extension != "lock")).collect()
    }

    /// Publishes until some media is on the disk, then lets `end` happen to the console, and starts it again.
    async fn interrupt(&self, signal: &str) -> (Vec<Received>, u64) {
        let (process, rtmp) = self.start();
        let live = [&["-re"], VIDEO, &["-re"], AUDIO, H264, AAC, &["-t", "60"]];
        let _pusher = Pusher::start(rtmp, DOMAIN, "room_7", &live);
        let length = || self.parts().iter().filter_map(|path| path.metadata().ok()).map(|about| about.len()).max();
        let on_disk = until(async || length().unwrap_or_default(), |length| *length > 50_000).await;
        process.signal(signal);
        process.wait();
        let (process, _) = self.start();
        // They go to two callbacks, so either can come last.
        let has = |received: &[Received], event: &str| received.iter().any(|one| one.event() == event);
        let is_done = |received: &[Received]| has(received, "record_done") && has(received, "publish_done");
        let received = self.receiver.until(is_done).await;
        process.signal("-TERM");
        process.wait();
        (received, on_disk)
    }
}

/// The first attempt of each event with its status, in the order of their arrival.
fn events(received: &[Received]) -> Vec<String> {
    let mut events: Vec<String> = Vec::new();
    for one in received {
        let event = format!("{} {}", one.event(), one.field("status"));
        if !events.contains(&event) {
            events.push(event);
        }
    }
    events.sort_unstable();
    events
}

async fn a_kill_loses_no_recording(database: Database) {
    assert_recorded(database, "-KILL", "publish_done fail").await;
}

async fn a_stop_loses_no_recording(database: Database) {
    assert_recorded(database, "-TERM", "publish_done success").await;
}

async fn assert_recorded(database: Database, signal: &str, publish_done: &str) {
    let stage = Stage::set(database).await;
    let (received, on_disk) = stage.interrupt(signal).await;
    let expected = [
        publish_done,
        "publish_started success",
        "record_done success",
        "record_part_done success",
        "record_part_started success",
        "record_started success",
    ];
    assert_eq!(events(&received), expected);
    let told: BTreeSet<String> =
        received.iter().filter(|one| one.event() == "record_part_done").map(Received::id).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    stage.assert_stored(&received, on_disk);
}

impl Stage {
    /// The part is in its bucket with all that was on the disk but its last tag, and nothing is left behind.
    fn assert_stored(&self, received: &[Received], on_disk: u64) {
        let part = received.iter().find(|one| one.event() == "record_part_done").expect("told");
        let file = self.data.path().join("buckets").join(part.field("url"));
        let (duration, codecs) = probe(&file);
        assert_eq!(codecs, ["h264", "aac"]);
        assert!(duration > 0.5, "{duration}");
        let stored = file.metadata().expect("stored").len();
        assert!(stored + 20_000 > on_disk, "{stored} of {on_disk} bytes");
        assert!(self.parts().is_empty(), "{:?}", self.parts());
    }
}

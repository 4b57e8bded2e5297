//! Recordings of the built-in ingest while the console is killed, stopped, or frozen: all media is stored, and each part is told once.

use std::collections::BTreeSet;

use super::studio::Studio;
use crate::support::media::{AAC, AUDIO, H264, Pusher, VIDEO, probe};
use crate::support::{DOMAIN, Database, Received, on_both_databases, until};

on_both_databases!(a_kill_loses_no_recording, a_stop_loses_no_recording);

impl Studio {
    /// Publishes until some media is on the disk, then lets `end` happen to the console, and starts it again.
    async fn interrupt(&self, signal: &str) -> (Vec<Received>, u64) {
        let (process, rtmp) = self.start();
        let live = [&["-re"], VIDEO, &["-re"], AUDIO, H264, AAC, &["-t", "60"]];
        let _pusher = Pusher::start(rtmp, DOMAIN, "room_7", &live);
        let length = || self.left().iter().filter_map(|path| path.metadata().ok()).map(|about| about.len()).max();
        let on_disk = until(async || length().unwrap_or_default(), |length| *length > 50_000).await;
        process.signal(signal);
        process.wait();
        let (process, _) = self.start();
        let received = self.until_over(1).await;
        self.end([process]).await;
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
    let studio = Studio::set(database, 60).await;
    let (received, on_disk) = studio.interrupt(signal).await;
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
    studio.assert_stored(&received, on_disk);
}

impl Studio {
    /// The part is in its bucket with all that was on the disk but its last tag, and nothing is left behind.
    fn assert_stored(&self, received: &[Received], on_disk: u64) {
        let part = received.iter().find(|one| one.event() == "record_part_done").expect("told");
        let file = self.data.path().join("buckets").join(part.field("url"));
        let (duration, codecs) = probe(&file);
        assert_eq!(codecs, ["h264", "aac"]);
        assert!(duration > 0.5, "{duration}");
        let stored = file.metadata().expect("stored").len();
        assert!(stored + 20_000 > on_disk, "{stored} of {on_disk} bytes");
    }
}

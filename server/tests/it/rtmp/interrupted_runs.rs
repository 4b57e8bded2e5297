//! Parts on the disk that wait for their bucket or for the next run of the ingest.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use callsheet::streams::SourceEvent;

use super::client::{Amf, Client, tags, text};
use super::test_server::{PATIENCE, TestServer};
use super::{failure, letters, parts};
use crate::support::media::probe;
use crate::support::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_part_waits_until_its_bucket_accepts_it() {
    let server = TestServer::start_with(Some(2), |config| config.upload_for = PATIENCE).await;
    let blocked = server.data.path().join("buckets/tapes/record");
    fs::create_dir_all(blocked.parent().expect("a folder")).expect("folder");
    fs::write(&blocked, "").expect("file");
    let mut client = Client::publishing(server.address, "room_7").await;
    client.play(1, tags()).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
    // The end of the publish waits five seconds for the first part; the other parts are queued.
    let events = server.until_ended("1").await;
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SOE", None));
    assert_eq!(server.files_in_parts_folder(), 6, "three parts, each with its record");
    fs::remove_file(&blocked).expect("removed");
    let events = server.until("1", |event| matches!(event, SourceEvent::RecordingEnded { .. })).await;
    assert_eq!(letters(&events), "SOECOCOC");
    for part in parts(&events) {
        probe(&server.file(part));
    }
    assert_eq!(server.files_in_parts_folder(), 0);
    server.shut_down().await;
}

fn is_media(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "flv")
}

fn belongs_to_part(path: &Path) -> bool {
    is_media(path) || path.extension().is_some_and(|extension| extension == "json")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_stores_the_parts_of_a_killed_one() {
    let server = TestServer::start(Some(2)).await;
    let mut client = Client::publishing(server.address, "room_7").await;
    let (first, second) = tags().split_at(tags().len() / 2);
    client.play(1, first).await;
    server.until("1", |event| matches!(event, SourceEvent::PartClosed(_))).await;
    // Copies the disk as if the process had been killed now: the open part ends in the middle of a tag.
    let folder = server.data.path().join("parts");
    let client = tokio::sync::Mutex::new((client, second.chunks(2)));
    let part_files = async || {
        let (client, rest) = &mut *client.lock().await;
        client.play(1, rest.next().expect("media is written every 100 ms")).await;
        let entries = fs::read_dir(&folder).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| belongs_to_part(path)).collect::<Vec<_>>()
    };
    let is_long = |path: &PathBuf| is_media(path) && fs::metadata(path).is_ok_and(|about| about.len() > 5_000);
    let left = until(part_files, |left| left.len() == 2 && left.iter().any(is_long)).await;
    let data = tempfile::tempdir().expect("folder");
    fs::create_dir(data.path().join("parts")).expect("folder");
    for path in &left {
        let mut content = fs::read(path).expect("read");
        if is_media(path) {
            content.truncate(content.len() - 7);
        }
        fs::write(data.path().join("parts").join(path.file_name().expect("a name")), content).expect("written");
    }
    server.shut_down().await;

    let server = TestServer::start_on(data, Some(2), |_| {}).await;
    let events = server.until("1", |event| matches!(event, SourceEvent::RecordingEnded { .. })).await;
    assert_eq!(letters(&events), "C");
    let part = parts(&events)[0];
    let (duration, codecs) = probe(&server.file(part));
    assert_eq!(codecs, ["h264", "aac"]);
    let reported = Duration::from_millis(part.duration_ms.expect("a duration").unsigned_abs()).as_secs_f64();
    assert!((duration - reported).abs() < 0.1, "{duration} {part:?}");
    assert_eq!(server.files_in_parts_folder(), 0);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_reports_the_events_of_a_killed_one() {
    let server = TestServer::start(None).await;
    server.sink.is_unavailable.store(true, Ordering::Relaxed);
    let mut client = Client::publishing(server.address, "room_7").await;
    client.play(1, tags()).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
    let record = server.data.path().join("parts/boot-1.session");
    let lines = async || fs::read_to_string(&record).unwrap_or_default();
    let lines = until(lines, |text| text.lines().count() == 2).await;
    // Copies the disk as if the process had been killed now. A second record ends in the middle of a line.
    let data = tempfile::tempdir().expect("folder");
    let folder = data.path().join("parts");
    fs::create_dir(&folder).expect("folder");
    fs::write(folder.join("boot-1.session"), &lines).expect("written");
    let cut = lines.replace(r#""key":"1""#, r#""key":"2""#);
    fs::write(folder.join("boot-2.session"), &cut[..cut.len() - 9]).expect("written");
    // The process was also killed while it wrote a record, while it removed a part, and before it wrote the record of a part.
    fs::write(folder.join("boot-3-1.x1.tmp"), "{").expect("written");
    let record = r#"{"source":7,"boot":"boot","key":"3","bucket":"tapes","domain":"push.example.com","app":"live",
        "stream":"room_7","started_at":1,"end":null,"upload":null}"#;
    fs::write(folder.join("boot-3-2.json"), record).expect("written");
    fs::write(folder.join("boot-3-3.flv"), "FLV\u{1}\0\0\0\0\t\0\0\0\0").expect("written");
    server.sink.is_unavailable.store(false, Ordering::Relaxed);
    assert_eq!(letters(&server.until_ended("1").await), "SE");
    server.shut_down().await;

    let server = TestServer::start_on(data, None, |_| {}).await;
    let events = server.until_ended("1").await;
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SE", None));
    let events = server.until("2", |event| matches!(event, SourceEvent::Started { .. })).await;
    assert_eq!(letters(&events), "S");
    // An open session without parts has ended its recording.
    server.until("99", |event| matches!(event, SourceEvent::RecordingEnded { .. })).await;
    let left = async || fs::read_dir(server.data.path().join("parts")).expect("a folder").count();
    until(left, |left| *left == 1).await;
    server.shut_down().await;
}

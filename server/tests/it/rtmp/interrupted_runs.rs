//! Parts that wait on the disk: for their bucket, or for the next run of the ingest.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use callsheet::streams::Hint;

use super::client::{Amf, Client, tags, text};
use super::test_server::{PATIENCE, Stage};
use super::{failure, parts, story};
use crate::support::media::probe;
use crate::support::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_part_waits_until_its_bucket_takes_it() {
    let stage = Stage::set_with(Some(2), |config| config.upload_for = PATIENCE).await;
    let blocked = stage.data.path().join("buckets/tapes/record");
    fs::create_dir_all(blocked.parent().expect("a folder")).expect("folder");
    fs::write(&blocked, "").expect("file");
    let mut client = Client::publishing(stage.address, "room_7").await;
    client.play(1, tags()).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
    // The end of the publish waits five seconds for the first part; the others wait behind it.
    let hints = stage.until_ended("1").await;
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SOE", None));
    assert_eq!(stage.left_in_parts_folder(), 6, "three parts, each with its record");
    fs::remove_file(&blocked).expect("removed");
    let hints = stage.until("1", |hint| matches!(hint, Hint::RecordingEnded { .. })).await;
    assert_eq!(story(&hints), "SOECOCOC");
    for part in parts(&hints) {
        probe(&stage.file(part));
    }
    assert_eq!(stage.left_in_parts_folder(), 0);
    stage.close().await;
}

fn is_media(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "flv")
}

fn is_of_part(path: &Path) -> bool {
    is_media(path) || path.extension().is_some_and(|extension| extension == "json")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_stores_what_a_killed_one_left_behind() {
    let stage = Stage::set(Some(2)).await;
    let mut client = Client::publishing(stage.address, "room_7").await;
    let (first, second) = tags().split_at(tags().len() / 2);
    client.play(1, first).await;
    stage.until("1", |hint| matches!(hint, Hint::PartClosed(_))).await;
    // The disk at the moment of the kill: the open part ends in the middle of a tag.
    let folder = stage.data.path().join("parts");
    let client = tokio::sync::Mutex::new((client, second.chunks(2)));
    let look = async || {
        let (client, rest) = &mut *client.lock().await;
        client.play(1, rest.next().expect("it is written every 100 ms")).await;
        let entries = fs::read_dir(&folder).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| is_of_part(path)).collect::<Vec<_>>()
    };
    let is_long = |path: &PathBuf| is_media(path) && fs::metadata(path).is_ok_and(|about| about.len() > 5_000);
    let left = until(look, |left| left.len() == 2 && left.iter().any(is_long)).await;
    let data = tempfile::tempdir().expect("folder");
    fs::create_dir(data.path().join("parts")).expect("folder");
    for path in &left {
        let mut content = fs::read(path).expect("read");
        if is_media(path) {
            content.truncate(content.len() - 7);
        }
        fs::write(data.path().join("parts").join(path.file_name().expect("a name")), content).expect("written");
    }
    stage.close().await;

    let stage = Stage::set_on(data, Some(2), |_| {}).await;
    let hints = stage.until("1", |hint| matches!(hint, Hint::RecordingEnded { .. })).await;
    assert_eq!(story(&hints), "C");
    let part = parts(&hints)[0];
    let (duration, codecs) = probe(&stage.file(part));
    assert_eq!(codecs, ["h264", "aac"]);
    let told = Duration::from_millis(part.duration_ms.expect("a duration").unsigned_abs()).as_secs_f64();
    assert!((duration - told).abs() < 0.1, "{duration} {part:?}");
    assert_eq!(stage.left_in_parts_folder(), 0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_reports_what_a_killed_one_could_not() {
    let stage = Stage::set(None).await;
    stage.book.is_away.store(true, Ordering::Relaxed);
    let mut client = Client::publishing(stage.address, "room_7").await;
    client.play(1, tags()).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
    let record = stage.data.path().join("parts/boot-1.session");
    let lines = async || fs::read_to_string(&record).unwrap_or_default();
    let lines = until(lines, |text| text.lines().count() == 2).await;
    // The disk at the moment of the kill; another record ends amid a line.
    let data = tempfile::tempdir().expect("folder");
    let folder = data.path().join("parts");
    fs::create_dir(&folder).expect("folder");
    fs::write(folder.join("boot-1.session"), &lines).expect("written");
    let cut = lines.replace(r#""key":"1""#, r#""key":"2""#);
    fs::write(folder.join("boot-2.session"), &cut[..cut.len() - 9]).expect("written");
    // It was also killed while it wrote a record, while it took a part off the disk, and before the first record of a part.
    fs::write(folder.join("boot-3-1.x1.tmp"), "{").expect("written");
    let record = r#"{"source":7,"boot":"boot","key":"3","bucket":"tapes","domain":"push.example.com","app":"live",
        "stream":"room_7","started_at":1,"end":null,"upload":null}"#;
    fs::write(folder.join("boot-3-2.json"), record).expect("written");
    fs::write(folder.join("boot-3-3.flv"), "FLV\u{1}\0\0\0\0\t\0\0\0\0").expect("written");
    stage.book.is_away.store(false, Ordering::Relaxed);
    assert_eq!(story(&stage.until_ended("1").await), "SE");
    stage.close().await;

    let stage = Stage::set_on(data, None, |_| {}).await;
    let hints = stage.until_ended("1").await;
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SE", None));
    let hints = stage.until("2", |hint| matches!(hint, Hint::Started { .. })).await;
    assert_eq!(story(&hints), "S");
    // No part is left of a session that was open, so its recording is over.
    stage.until("99", |hint| matches!(hint, Hint::RecordingEnded { .. })).await;
    let left = async || fs::read_dir(stage.data.path().join("parts")).expect("a folder").count();
    until(left, |left| *left == 1).await;
    stage.close().await;
}

//! The built-in ingest, pushed to by a real ffmpeg.

pub(crate) mod attacks;
pub(crate) mod client;
mod encoders;
mod leftovers;
mod s3;
mod stage;

use std::process::Command;
use std::time::Duration;

use callsheet::model::{AppName, DomainName, StreamName};
use callsheet::streams::{ClosedPart, Hint};
use callsheet_server::rtmp::{ListenError, RtmpIngest};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use stage::{PATIENCE, Stage, config};

use crate::support::media::{AAC, AUDIO, H264, VIDEO, probe, stderr};
use crate::support::until;

/// Signal for writing beyond the file size limit.
const SIGXFSZ: i32 = 25;

/// One letter per hint, heartbeats left out: Started, part Opened, part Closed, part not made (X), recording Failed, Ended.
fn story(hints: &[Hint]) -> String {
    let letter = |hint: &Hint| match hint {
        Hint::Started { .. } => Some('S'),
        Hint::PartOpened { .. } => Some('O'),
        Hint::PartClosed(part) if part.failure.is_none() => Some('C'),
        Hint::PartClosed(_) => Some('X'),
        Hint::RecordingFailed { .. } => Some('F'),
        Hint::Ended { .. } => Some('E'),
        Hint::Alive { .. } | Hint::RecordingEnded { .. } | Hint::PartsPending { .. } => None,
        Hint::RecordingStarted { .. } => Some('?'),
    };
    hints.iter().filter_map(letter).collect()
}

fn parts(hints: &[Hint]) -> Vec<&ClosedPart> {
    hints.iter().filter_map(|hint| if let Hint::PartClosed(part) = hint { Some(part) } else { None }).collect()
}

fn failure(hints: &[Hint]) -> Option<&str> {
    match hints.last() {
        Some(Hint::Ended { failure, .. }) => failure.as_deref(),
        other => panic!("not the end: {other:?}"),
    }
}

fn seconds(part: &ClosedPart) -> f64 {
    Duration::from_millis(part.duration_ms.expect("a duration").unsigned_abs()).as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_told_in_order_and_its_parts_play() {
    let stage = Stage::set(Some(2)).await;
    let pusher = stage.push(
        "push.example.com",
        "room_7?token=x&domain=other.example.com",
        &[VIDEO, AUDIO, H264, AAC, &["-t", "6"]],
    );
    let hints = stage.until_ended("1").await;
    assert!(pusher.finish().await.status.success());

    assert_eq!(story(&hints), "SOCOCOCE");
    assert_eq!(failure(&hints), None);
    let Hint::Started { push, .. } = &hints[0] else { panic!("{hints:?}") };
    assert_eq!((push.domain.ascii(), push.app.as_str(), push.stream.as_str()), ("push.example.com", "live", "room_7"));
    assert_eq!(push.params[0], ("token".to_owned(), "x".to_owned()));
    assert_eq!(push.client.as_deref(), Some("127.0.0.1"));
    assert_eq!(stage.book.asked.lock().expect("lock")[0].hosts, ["push.example.com", "other.example.com"]);

    let mut total = 0.0;
    let mut end_before = None;
    for (opened, part) in hints.iter().filter(|hint| matches!(hint, Hint::PartOpened { .. })).zip(parts(&hints)) {
        let (duration, codecs) = probe(&stage.file(part));
        assert!((duration - seconds(part)).abs() < 0.1, "{duration} {part:?}");
        assert_eq!(codecs, ["h264", "aac"]);
        let length = std::fs::metadata(stage.file(part)).expect("file").len();
        assert_eq!(part.bytes.map(i64::unsigned_abs), Some(length));
        let Hint::PartOpened { at, location } = opened else { unreachable!() };
        assert_eq!(part.started_at, Some(*at));
        assert!(end_before.is_none_or(|end| end == *at), "the next part begins where the one before ends");
        let open_name = location.as_ref().expect("location").trim_end_matches(".flv");
        assert!(part.location.as_ref().expect("location").starts_with(open_name));
        assert!(open_name.starts_with("tapes/record/2") && open_name.contains("/push.example.com/live/room_7/2"));
        end_before = Some(part.stopped_at);
        total += duration;
    }
    assert!((total - 6.0).abs() < 0.1, "{total}");
    assert_eq!(stage.left_in_parts_folder(), 0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_stops_the_publisher() {
    let stage = Stage::set(None).await;
    let output = stage.push("push.example.com", "forbidden", &[VIDEO, H264, &["-t", "6"]]).finish().await;
    assert!(!output.status.success());
    assert!(stderr(&output).contains("this stream is forbidden"), "{}", stderr(&output));
    assert!(stage.book.hints.borrow().is_empty());
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_has_one_publisher_until_that_is_dropped() {
    let stage = Stage::set_with(None, |config| config.heartbeat = Duration::from_millis(200)).await;
    let live = [&["-re"], VIDEO, &["-re"], AUDIO, H264, AAC];
    let first = stage.push("push.example.com", "room_7?token=a", &live);
    stage.until("1", |hint| matches!(hint, Hint::Started { .. })).await;

    let second = stage.push("push.example.com", "room_7?token=b", &live).finish().await;
    assert!(!second.status.success());
    assert!(stderr(&second).contains("this stream is already being published"), "{}", stderr(&second));

    // The same name below another domain is another stream.
    let elsewhere = stage.push("other.example.com", "room_7?token=a", &[VIDEO, H264, &["-t", "1"]]);
    assert_eq!(story(&stage.until_ended("2").await), "SE");
    assert!(elsewhere.finish().await.status.success());

    let known = |hint: &Hint| match hint {
        Hint::Alive { media: Some(media), .. } => {
            media.video_codec.as_deref() == Some("h264")
                && media.audio_codec.as_deref() == Some("aac")
                && (media.width, media.height) == (Some(320), Some(240))
                && media.bitrate.is_some_and(|rate| rate > 0)
        }
        _ => false,
    };
    stage.until("1", known).await;

    let name = |domain: &str| {
        let domain = DomainName::parse(domain).expect("domain");
        (domain, AppName::parse("live").expect("app"), StreamName::parse("room_7").expect("stream"))
    };
    let (domain, app, stream) = name("other.example.com");
    until(async || stage.publishers.disconnect(&domain, &app, &stream), |is_there| !is_there).await;
    let (domain, app, stream) = name("push.example.com");
    assert!(stage.publishers.disconnect(&domain, &app, &stream));
    let hints = stage.until_ended("1").await;
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SE", None));
    assert!(!first.finish().await.status.success());

    let again = stage.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "1"]]);
    assert_eq!(story(&stage.until_ended("3").await), "SE");
    assert!(again.finish().await.status.success());
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_alone_is_cut_too() {
    let stage = Stage::set(Some(2)).await;
    let pusher = stage.push("push.example.com", "radio", &[AUDIO, AAC, &["-t", "5"]]);
    let hints = stage.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!(story(&hints), "SOCOCOCE");
    for part in parts(&hints) {
        let (duration, codecs) = probe(&stage.file(part));
        assert!((duration - seconds(part)).abs() < 0.1, "{duration} {part:?}");
        assert_eq!(codecs, ["aac"]);
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_wait_for_a_keyframe() {
    let stage = Stage::set(Some(1)).await;
    let sparse =
        ["-c:v", "libx264", "-preset", "ultrafast", "-g", "75", "-keyint_min", "75", "-sc_threshold", "0", "-t", "6"];
    let pusher = stage.push("push.example.com", "room_7", &[VIDEO, &sparse]);
    let hints = stage.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    let durations: Vec<_> = parts(&hints).into_iter().map(|part| part.duration_ms).collect();
    assert_eq!(durations, [Some(3000), Some(3000)]);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_a_recording_the_publish_goes_on() {
    let stage = Stage::set(Some(2)).await;
    let parts_folder = stage.data.path().join("parts");
    std::os::unix::fs::symlink("/dev/full", parts_folder.join("boot-1-1.flv")).expect("link");
    let pusher = stage.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "6"]]);
    let hints = stage.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SFE", None));
    assert!(
        matches!(&hints[1], Hint::RecordingFailed { reason, .. } if reason == "the disk is full (no space left on device)")
    );

    // The same with a bucket that is no folder.
    std::fs::remove_dir(stage.data.path().join("buckets/tapes")).expect("an empty bucket");
    std::fs::write(stage.data.path().join("buckets/tapes"), "").expect("file");
    let pusher = stage.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "6"]]);
    let hints = stage.until_ended("2").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SFE", None));
    assert!(
        matches!(&hints[1], Hint::RecordingFailed { reason, .. } if reason == "a file is where the folder should be")
    );
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_fails_one_part_and_the_next_is_tried() {
    let stage = Stage::set(Some(2)).await;
    let parts_folder = stage.data.path().join("parts");
    std::os::unix::fs::symlink("/dev/full", parts_folder.join("boot-1-2.flv")).expect("link");
    let pusher = stage.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "6"]]);
    let hints = stage.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    // The part that cannot be opened is told; the next key frame begins another.
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SOCOXOCOCE", None));
    let failed = parts(&hints)[1];
    assert_eq!(failed.failure.as_deref(), Some("the disk is full (no space left on device)"));
    assert_eq!(failed.location, None);
    assert_eq!(stage.left_in_parts_folder(), 0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_amid_a_part_ends_it_there_and_the_next_begins() {
    // No file of this process may be longer, as on a disk that is full again and again.
    let _survives = signal(SignalKind::from_raw(SIGXFSZ)).expect("a handler");
    rlimit::Resource::FSIZE.set(300_000, rlimit::INFINITY).expect("a limit");
    let stage = Stage::set(Some(60)).await;
    let noise = ["-vf", "noise=alls=100:allf=t", "-qp", "20", "-t", "6"];
    let pusher = stage.push("push.example.com", "room_7", &[VIDEO, H264, &noise]);
    let hints = stage.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!(failure(&hints), None);
    let told = story(&hints);
    let parts = parts(&hints);
    assert!(parts.len() > 1 && told == format!("S{}E", "OC".repeat(parts.len())), "{told}");
    for part in parts {
        let (duration, _) = probe(&stage.file(part));
        assert!((duration - seconds(part)).abs() < 0.1, "{duration} {part:?}");
    }
    assert_eq!(stage.left_in_parts_folder(), 0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_cannot_be_stored_stays() {
    let stage = Stage::set(Some(2)).await;
    std::fs::create_dir_all(stage.data.path().join("buckets/tapes")).expect("folder");
    std::fs::write(stage.data.path().join("buckets/tapes/record"), "").expect("file");
    let pusher = stage.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "1"]]);
    let hints = stage.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SOXE", None));
    assert_eq!(parts(&hints)[0].failure.as_deref(), Some("a file is where the folder should be"));
    probe(&stage.data.path().join("parts/boot-1-1.flv"));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_publisher_ends_and_its_part_plays() {
    let stage = Stage::set(Some(60)).await;
    let pusher = stage.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    stage.until("1", |hint| matches!(hint, Hint::PartOpened { .. })).await;
    pusher.signal("-KILL");
    let hints = stage.until_ended("1").await;
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SOCE", None));
    probe(&stage.file(parts(&hints)[0]));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_publisher_is_dropped() {
    let stage = Stage::set_with(Some(60), |config| config.idle_timeout = Duration::from_secs(1)).await;
    let pusher = stage.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    stage.until("1", |hint| matches!(hint, Hint::PartOpened { .. })).await;
    pusher.signal("-STOP");
    let hints = stage.until_ended("1").await;
    assert_eq!((story(&hints).as_str(), failure(&hints)), ("SOCE", Some("no media for 1 s")));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_every_publish_and_leaves_its_part_to_the_next_run() {
    let stage = Stage::set_with(Some(60), |config| config.upload_for = PATIENCE).await;
    let blocked = stage.data.path().join("buckets/tapes/record");
    std::fs::create_dir_all(blocked.parent().expect("a folder")).expect("folder");
    std::fs::write(&blocked, "").expect("file");
    let _pusher = stage.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    stage.until("1", |hint| matches!(hint, Hint::PartOpened { .. })).await;
    stage.shutdown.cancel();
    timeout(PATIENCE, stage.serving).await.expect("stops in time").expect("no panic");
    std::fs::remove_file(blocked).expect("removed");
    let told: Vec<Hint> = stage.book.hints.borrow().iter().map(|(_, hint)| hint.clone()).collect();
    assert_eq!(story(&told), "SOE");
    let stage = Stage::set_on(stage.data, Some(60), |_| {}).await;
    let hints = stage.until("1", |hint| matches!(hint, Hint::RecordingEnded { .. })).await;
    assert_eq!(story(&hints), "C");
    probe(&stage.file(parts(&hints)[0]));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_plays_here() {
    let stage = Stage::set(None).await;
    let _pusher = stage.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    stage.until("1", |hint| matches!(hint, Hint::Started { .. })).await;
    let address = format!("rtmp://{}/live/room_7", stage.address);
    let player = tokio::task::spawn_blocking(|| Command::new("ffprobe").args(["-v", "error"]).arg(address).output());
    let output = player.await.expect("no panic").expect("ffprobe");
    assert!(!output.status.success());
    assert!(stderr(&output).contains("cannot be played here"), "{}", stderr(&output));
    stage.close().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let stage = Stage::set(None).await;
    let error = RtmpIngest::bind(config(stage.data.path(), stage.address)).await.expect_err("taken");
    assert!(matches!(error, ListenError::InUse(address) if address == stage.address));
    assert!(error.to_string().starts_with(&format!("port {} is in use", stage.address.port())), "{error}");
    stage.close().await;
}

//! The built-in ingest with real ffmpeg publishers.

pub(crate) mod attacks;
pub(crate) mod client;
mod encoders;
mod interrupted_runs;
mod s3_buckets;
mod test_server;

use std::process::Command;
use std::time::Duration;

use callsheet::model::{AppName, DomainName, StreamName};
use callsheet::streams::{ClosedPart, SourceEvent};
use callsheet_server::rtmp::{ListenError, RtmpIngest};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use test_server::{PATIENCE, TestServer, config};

use crate::support::media::{AAC, AUDIO, H264, VIDEO, probe, stderr};
use crate::support::until;

/// Sent when a write exceeds the file size limit.
const SIGXFSZ: i32 = 25;

/// Returns one letter per event, without heartbeats: Started, part Opened, part Closed, part failed (X), recording Failed, Ended.
fn letters(events: &[SourceEvent]) -> String {
    let letter = |event: &SourceEvent| match event {
        SourceEvent::Started { .. } => Some('S'),
        SourceEvent::PartOpened { .. } => Some('O'),
        SourceEvent::PartClosed(part) if part.failure.is_none() => Some('C'),
        SourceEvent::PartClosed(_) => Some('X'),
        SourceEvent::RecordingFailed { .. } => Some('F'),
        SourceEvent::Ended { .. } => Some('E'),
        SourceEvent::Alive { .. } | SourceEvent::RecordingEnded { .. } | SourceEvent::PartsPending { .. } => None,
        SourceEvent::RecordingStarted { .. } => Some('?'),
    };
    events.iter().filter_map(letter).collect()
}

fn parts(events: &[SourceEvent]) -> Vec<&ClosedPart> {
    events
        .iter()
        .filter_map(|event| if let SourceEvent::PartClosed(part) = event { Some(part) } else { None })
        .collect()
}

fn failure(events: &[SourceEvent]) -> Option<&str> {
    match events.last() {
        Some(SourceEvent::Ended { failure, .. }) => failure.as_deref(),
        other => panic!("not an end: {other:?}"),
    }
}

fn seconds(part: &ClosedPart) -> f64 {
    Duration::from_millis(part.duration_ms.expect("a duration").unsigned_abs()).as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_reported_in_order_and_its_parts_play() {
    let server = TestServer::start(Some(2)).await;
    let pusher = server.push(
        "push.example.com",
        "room_7?token=x&domain=other.example.com",
        &[VIDEO, AUDIO, H264, AAC, &["-t", "6"]],
    );
    let events = server.until_ended("1").await;
    assert!(pusher.finish().await.status.success());

    assert_eq!(letters(&events), "SOCOCOCE");
    assert_eq!(failure(&events), None);
    let SourceEvent::Started { push, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((push.domain.ascii(), push.app.as_str(), push.stream.as_str()), ("push.example.com", "live", "room_7"));
    assert_eq!(push.params[0], ("token".to_owned(), "x".to_owned()));
    assert_eq!(push.client.as_deref(), Some("127.0.0.1"));
    assert_eq!(server.sink.pushes.lock().expect("lock")[0].hosts, ["push.example.com", "other.example.com"]);

    let mut total = 0.0;
    let mut previous_end = None;
    for (opened, part) in
        events.iter().filter(|event| matches!(event, SourceEvent::PartOpened { .. })).zip(parts(&events))
    {
        let (duration, codecs) = probe(&server.file(part));
        assert!((duration - seconds(part)).abs() < 0.1, "{duration} {part:?}");
        assert_eq!(codecs, ["h264", "aac"]);
        let length = std::fs::metadata(server.file(part)).expect("file").len();
        assert_eq!(part.bytes.map(i64::unsigned_abs), Some(length));
        let SourceEvent::PartOpened { at, location } = opened else { unreachable!() };
        assert_eq!(part.started_at, Some(*at));
        assert!(previous_end.is_none_or(|end| end == *at), "the next part starts at the end of the previous one");
        let open_name = location.as_ref().expect("location").trim_end_matches(".flv");
        assert!(part.location.as_ref().expect("location").starts_with(open_name));
        assert!(open_name.starts_with("tapes/record/2") && open_name.contains("/push.example.com/live/room_7/2"));
        previous_end = Some(part.stopped_at);
        total += duration;
    }
    assert!((total - 6.0).abs() < 0.1, "{total}");
    assert_eq!(server.files_in_parts_folder(), 0);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_publisher_stops() {
    let server = TestServer::start(None).await;
    let output = server.push("push.example.com", "forbidden", &[VIDEO, H264, &["-t", "6"]]).finish().await;
    assert!(!output.status.success());
    assert!(stderr(&output).contains("this stream is forbidden"), "{}", stderr(&output));
    assert!(server.sink.events.borrow().is_empty());
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_one_publisher_until_it_is_disconnected() {
    let server = TestServer::start_with(None, |config| config.heartbeat = Duration::from_millis(200)).await;
    let live = [&["-re"], VIDEO, &["-re"], AUDIO, H264, AAC];
    let first = server.push("push.example.com", "room_7?token=a", &live);
    server.until("1", |event| matches!(event, SourceEvent::Started { .. })).await;

    let second = server.push("push.example.com", "room_7?token=b", &live).finish().await;
    assert!(!second.status.success());
    assert!(stderr(&second).contains("this stream is already being published"), "{}", stderr(&second));

    // The same name in another domain is another stream.
    let elsewhere = server.push("other.example.com", "room_7?token=a", &[VIDEO, H264, &["-t", "1"]]);
    assert_eq!(letters(&server.until_ended("2").await), "SE");
    assert!(elsewhere.finish().await.status.success());

    let known = |event: &SourceEvent| match event {
        SourceEvent::Alive { media: Some(media), .. } => {
            media.video_codec.as_deref() == Some("h264")
                && media.audio_codec.as_deref() == Some("aac")
                && (media.width, media.height) == (Some(320), Some(240))
                && media.bitrate.is_some_and(|rate| rate > 0)
        }
        _ => false,
    };
    server.until("1", known).await;

    let name = |domain: &str| {
        let domain = DomainName::parse(domain).expect("domain");
        (domain, AppName::parse("live").expect("app"), StreamName::parse("room_7").expect("stream"))
    };
    let (domain, app, stream) = name("other.example.com");
    until(async || server.publishers.disconnect(&domain, &app, &stream), |is_there| !is_there).await;
    let (domain, app, stream) = name("push.example.com");
    assert!(server.publishers.disconnect(&domain, &app, &stream));
    let events = server.until_ended("1").await;
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SE", None));
    assert!(!first.finish().await.status.success());

    let again = server.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "1"]]);
    assert_eq!(letters(&server.until_ended("3").await), "SE");
    assert!(again.finish().await.status.success());
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_only_streams_are_split_into_parts() {
    let server = TestServer::start(Some(2)).await;
    let pusher = server.push("push.example.com", "radio", &[AUDIO, AAC, &["-t", "5"]]);
    let events = server.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!(letters(&events), "SOCOCOCE");
    for part in parts(&events) {
        let (duration, codecs) = probe(&server.file(part));
        assert!((duration - seconds(part)).abs() < 0.1, "{duration} {part:?}");
        assert_eq!(codecs, ["aac"]);
    }
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_start_with_a_key_frame() {
    let server = TestServer::start(Some(1)).await;
    let sparse =
        ["-c:v", "libx264", "-preset", "ultrafast", "-g", "75", "-keyint_min", "75", "-sc_threshold", "0", "-t", "6"];
    let pusher = server.push("push.example.com", "room_7", &[VIDEO, &sparse]);
    let events = server.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    let durations: Vec<_> = parts(&events).into_iter().map(|part| part.duration_ms).collect();
    assert_eq!(durations, [Some(3000), Some(3000)]);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_the_recording_but_not_the_publish() {
    let server = TestServer::start(Some(2)).await;
    let parts_folder = server.data.path().join("parts");
    std::os::unix::fs::symlink("/dev/full", parts_folder.join("boot-1-1.flv")).expect("link");
    let pusher = server.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "6"]]);
    let events = server.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SFE", None));
    assert!(
        matches!(&events[1], SourceEvent::RecordingFailed { reason, .. } if reason == "the disk is full (no space left on device)")
    );

    // The same for a bucket that is not a folder.
    std::fs::remove_dir(server.data.path().join("buckets/tapes")).expect("an empty bucket");
    std::fs::write(server.data.path().join("buckets/tapes"), "").expect("file");
    let pusher = server.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "6"]]);
    let events = server.until_ended("2").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SFE", None));
    assert!(
        matches!(&events[1], SourceEvent::RecordingFailed { reason, .. } if reason == "a file is where the folder should be")
    );
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_one_part_and_the_next_is_attempted() {
    let server = TestServer::start(Some(2)).await;
    let parts_folder = server.data.path().join("parts");
    std::os::unix::fs::symlink("/dev/full", parts_folder.join("boot-1-2.flv")).expect("link");
    let pusher = server.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "6"]]);
    let events = server.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    // The part that cannot be opened is reported; the next key frame starts another.
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SOCOXOCOCE", None));
    let failed = parts(&events)[1];
    assert_eq!(failed.failure.as_deref(), Some("the disk is full (no space left on device)"));
    assert_eq!(failed.location, None);
    assert_eq!(server.files_in_parts_folder(), 0);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_ends_the_part_and_the_next_starts() {
    // Limits the size of every file of this process, like a disk that fills up repeatedly.
    let _handler = signal(SignalKind::from_raw(SIGXFSZ)).expect("a handler");
    rlimit::Resource::FSIZE.set(300_000, rlimit::INFINITY).expect("a limit");
    let server = TestServer::start(Some(60)).await;
    let noise = ["-vf", "noise=alls=100:allf=t", "-qp", "20", "-t", "6"];
    let pusher = server.push("push.example.com", "room_7", &[VIDEO, H264, &noise]);
    let events = server.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!(failure(&events), None);
    let reported = letters(&events);
    let parts = parts(&events);
    assert!(parts.len() > 1 && reported == format!("S{}E", "OC".repeat(parts.len())), "{reported}");
    for part in parts {
        let (duration, _) = probe(&server.file(part));
        assert!((duration - seconds(part)).abs() < 0.1, "{duration} {part:?}");
    }
    assert_eq!(server.files_in_parts_folder(), 0);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_cannot_be_stored_stays_on_the_disk() {
    let server = TestServer::start(Some(2)).await;
    std::fs::create_dir_all(server.data.path().join("buckets/tapes")).expect("folder");
    std::fs::write(server.data.path().join("buckets/tapes/record"), "").expect("file");
    let pusher = server.push("push.example.com", "room_7", &[VIDEO, H264, &["-t", "1"]]);
    let events = server.until_ended("1").await;
    assert!(pusher.finish().await.status.success());
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SOXE", None));
    assert_eq!(parts(&events)[0].failure.as_deref(), Some("a file is where the folder should be"));
    probe(&server.data.path().join("parts/boot-1-1.flv"));
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_publisher_ends_the_publish_and_its_part_plays() {
    let server = TestServer::start(Some(60)).await;
    let pusher = server.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    server.until("1", |event| matches!(event, SourceEvent::PartOpened { .. })).await;
    pusher.signal("-KILL");
    let events = server.until_ended("1").await;
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SOCE", None));
    probe(&server.file(parts(&events)[0]));
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_publisher_is_disconnected() {
    let server = TestServer::start_with(Some(60), |config| config.idle_timeout = Duration::from_secs(1)).await;
    let pusher = server.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    server.until("1", |event| matches!(event, SourceEvent::PartOpened { .. })).await;
    pusher.signal("-STOP");
    let events = server.until_ended("1").await;
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SOCE", Some("no media for 1 s")));
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_every_publish_and_leaves_parts_to_the_next_run() {
    let server = TestServer::start_with(Some(60), |config| config.upload_for = PATIENCE).await;
    let blocked = server.data.path().join("buckets/tapes/record");
    std::fs::create_dir_all(blocked.parent().expect("a folder")).expect("folder");
    std::fs::write(&blocked, "").expect("file");
    let _pusher = server.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    server.until("1", |event| matches!(event, SourceEvent::PartOpened { .. })).await;
    server.shutdown.cancel();
    timeout(PATIENCE, server.serving).await.expect("stops in time").expect("no panic");
    std::fs::remove_file(blocked).expect("removed");
    let reported: Vec<SourceEvent> = server.sink.events.borrow().iter().map(|(_, event)| event.clone()).collect();
    assert_eq!(letters(&reported), "SOE");
    let server = TestServer::start_on(server.data, Some(60), |_| {}).await;
    let events = server.until("1", |event| matches!(event, SourceEvent::RecordingEnded { .. })).await;
    assert_eq!(letters(&events), "C");
    probe(&server.file(parts(&events)[0]));
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_cannot_be_played() {
    let server = TestServer::start(None).await;
    let _pusher = server.push("push.example.com", "room_7", &[&["-re"], VIDEO, H264]);
    server.until("1", |event| matches!(event, SourceEvent::Started { .. })).await;
    let address = format!("rtmp://{}/live/room_7", server.address);
    let player = tokio::task::spawn_blocking(|| Command::new("ffprobe").args(["-v", "error"]).arg(address).output());
    let output = player.await.expect("no panic").expect("ffprobe");
    assert!(!output.status.success());
    assert!(stderr(&output).contains("cannot be played here"), "{}", stderr(&output));
    server.shut_down().await;
}

#[tokio::test]
async fn a_port_in_use_is_reported() {
    let server = TestServer::start(None).await;
    let error = RtmpIngest::bind(config(server.data.path(), server.address)).await.expect_err("taken");
    assert!(matches!(error, ListenError::InUse(address) if address == server.address));
    assert!(error.to_string().starts_with(&format!("port {} is in use", server.address.port())), "{error}");
    server.shut_down().await;
}

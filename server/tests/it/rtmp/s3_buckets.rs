//! Recordings into an S3 store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callsheet::model::{Clock, Millis, SystemClock};
use callsheet::streams::SourceEvent;
use callsheet_server::buckets::{Buckets, S3Bucket};
use callsheet_server::rtmp::RtmpConfig;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::time::timeout;

use super::client::{Amf, Client, Tag, tags, text};
use super::test_server::{PATIENCE, TestServer};
use super::{letters, parts};
use crate::support::gateway::{Gateway, GatewayAction, completes_upload};
use crate::support::media::{AAC, AUDIO, H264, VIDEO, probe};
use crate::support::{Keys, S3Store, until};

/// Records one push into a bucket.
async fn record(tapes: S3Bucket, media: &[&[&str]]) -> (TestServer, Vec<SourceEvent>) {
    let server = TestServer::start_with(Some(60), |config| set_bucket(config, tapes)).await;
    let pusher = server.push("push.example.com", "room_7", media);
    server.until_ended("1").await;
    // The end of the stream may be reported before the part.
    let events = server.until("1", |event| matches!(event, SourceEvent::PartClosed(_))).await;
    assert!(pusher.finish().await.status.success());
    (server, events)
}

fn set_bucket(config: &mut RtmpConfig, tapes: S3Bucket) {
    config.buckets = Buckets::new(&config.data_dir, BTreeMap::from([("tapes".to_owned(), tapes)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_several_pieces_is_stored() {
    let store = S3Store::start().await;
    let noise = ["-vf", "noise=alls=100:allf=t", "-qp", "1", "-t", "6"];
    let (server, events) = record(store.bucket("s3://console/tapes"), &[VIDEO, AUDIO, H264, AAC, &noise]).await;
    let part = parts(&events)[0];
    assert_eq!(part.failure, None);
    let location = part.location.as_ref().expect("a location");
    assert!(location.starts_with("tapes/record/2"), "{location}");
    let whole = store.open("s3://console").await;
    let file = whole.get(&Path::from(location.as_str())).await.expect("the part").bytes().await.expect("its content");
    assert_eq!(part.bytes.and_then(|bytes| usize::try_from(bytes).ok()), Some(file.len()));
    assert!(file.len() > 2 * 8 * 1024 * 1024, "{} bytes are not several pieces", file.len());
    let copy = server.data.path().join("copy.flv");
    std::fs::write(&copy, &file).expect("written");
    let (duration, codecs) = probe(&copy);
    assert!((duration - 6.0).abs() < 0.1, "{duration}");
    assert_eq!(codecs, ["h264", "aac"]);
    assert!(!server.data.path().join("buckets").exists(), "nothing is stored locally");
    let left = until(async || server.files_in_parts_folder(), |left| *left == 0).await;
    assert_eq!(left, 0);
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_the_store_rejects_stays_and_is_reported_as_failed() {
    let mut store = S3Store::start().await;
    let refused = store.bucket_with(Keys::Wrong, "s3://console");
    let down = store.bucket("s3://console");
    for (tapes, reason) in
        [(refused, "the bucket refuses the console's keys"), (down, "the bucket does not answer as it should")]
    {
        let (server, events) = record(tapes, &[VIDEO, H264, &["-t", "1"]]).await;
        assert_eq!(parts(&events)[0].failure.as_deref(), Some(reason));
        probe(&server.data.path().join("parts/boot-1-1.flv"));
        server.shut_down().await;
        store.stop();
    }
}

/// A stopped clock, so that all parts of a stream get the same name.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Millis {
        1_800_000_000_000
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

/// Starts an ingest with a stopped clock that records into `tapes`.
async fn start_with_stopped_clock(data: tempfile::TempDir, tapes: S3Bucket) -> TestServer {
    TestServer::start_on(data, Some(60), |config| {
        set_bucket(config, tapes);
        config.clock = Arc::new(StoppedClock);
        config.upload_for = PATIENCE;
    })
    .await
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("folder")
}

/// Publishes `media` as one part and ends the publish.
async fn publish(server: &TestServer, media: &[Tag]) {
    let mut client = Client::publishing(server.address, "room_7").await;
    client.play(1, media).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
}

/// Returns the URL of a scenario's folder. All scenarios share a bucket, because the store allocates volumes per bucket.
fn folder_url(scenario: &str) -> String {
    format!("s3://console/{scenario}")
}

/// Returns the names and sizes of the objects in a folder, sorted by name.
async fn objects(store: &S3Store, url: &str) -> Vec<(String, u64)> {
    let objects: Vec<_> = store.open(url).await.list(None).try_collect().await.expect("a list");
    let mut objects: Vec<_> =
        objects.iter().map(|object| (object.location.filename().expect("a name").to_owned(), object.size)).collect();
    objects.sort_unstable();
    objects
}

/// Waits until the part is reported. Returns its name and size.
async fn stored_part(server: &TestServer) -> (String, u64) {
    let events = server.until("1", |event| matches!(event, SourceEvent::RecordingEnded { .. })).await;
    let [part] = parts(&events)[..] else { panic!("{events:#?}") };
    assert_eq!(part.failure, None);
    let name = part.location.as_ref().and_then(|location| location.rsplit('/').next()).expect("a location");
    (name.to_owned(), part.bytes.expect("a length").unsigned_abs())
}

/// All scenarios share one store, which takes seconds to start.
#[tokio::test(flavor = "multi_thread")]
async fn no_part_is_overwritten_lost_or_stored_twice() {
    let store = S3Store::start().await;
    // Write-only keys cannot create a bucket.
    store.make_bucket("console").await;
    tokio::join!(
        an_object_of_another_ingest_is_not_overwritten(&store, Keys::All, "taken"),
        an_object_of_another_ingest_is_not_overwritten(&store, Keys::Write, "taken-unseen"),
        a_store_without_conditional_requests_gets_parts_under_different_names(&store),
        a_part_is_stored_once_if_the_response_is_lost(&store, Keys::All, "lost"),
        a_part_is_stored_once_if_the_response_is_lost(&store, Keys::Write, "lost-unseen"),
        the_next_run_finds_a_part_after_a_lost_response(&store, Keys::All, "found"),
        the_next_run_finds_a_part_after_a_lost_response(&store, Keys::Write, "found-unseen"),
        a_shutdown_does_not_wait_for_a_hanging_store_and_the_next_run_aborts_the_upload(&store),
    );
}

async fn an_object_of_another_ingest_is_not_overwritten(store: &S3Store, keys: Keys, scenario: &str) {
    let url = folder_url(scenario);
    let tapes = || store.bucket_with(keys, &url);
    let (first, second) =
        (start_with_stopped_clock(folder(), tapes()).await, start_with_stopped_clock(folder(), tapes()).await);
    publish(&first, tags()).await;
    let first_part = stored_part(&first).await;
    publish(&second, &tags()[..40]).await;
    let second_part = stored_part(&second).await;
    assert_eq!(first_part.0, "20270115080000_20270115080000.flv");
    assert_eq!(second_part.0, "20270115080000_20270115080001.flv");
    assert_eq!(objects(store, &url).await, [first_part, second_part], "{keys:?}");
    assert_eq!(store.unfinished_uploads(scenario).await, 0);
    first.shut_down().await;
    second.shut_down().await;
}

async fn a_store_without_conditional_requests_gets_parts_under_different_names(store: &S3Store) {
    let url = folder_url("unconditional");
    let gateway = Gateway::start(store, |request| {
        if request.headers.contains_key("if-none-match") {
            GatewayAction::NotImplemented
        } else {
            GatewayAction::Forward
        }
    })
    .await;
    let tapes = || gateway.bucket(Keys::All, &url);
    let (first, second) =
        (start_with_stopped_clock(folder(), tapes()).await, start_with_stopped_clock(folder(), tapes()).await);
    publish(&first, tags()).await;
    let first_part = stored_part(&first).await;
    publish(&second, &tags()[..40]).await;
    let second_part = stored_part(&second).await;
    assert_eq!(objects(store, &url).await, [first_part, second_part]);
    first.shut_down().await;
    second.shut_down().await;
}

async fn a_part_is_stored_once_if_the_response_is_lost(store: &S3Store, keys: Keys, scenario: &str) {
    let url = folder_url(scenario);
    let has_dropped = AtomicBool::new(false);
    let gateway = Gateway::start(store, move |request| {
        let drops = completes_upload(request) && !has_dropped.swap(true, Ordering::Relaxed);
        if drops { GatewayAction::DropResponse } else { GatewayAction::Forward }
    })
    .await;
    let server = start_with_stopped_clock(folder(), gateway.bucket(keys, &url)).await;
    publish(&server, tags()).await;
    assert_eq!(vec![stored_part(&server).await], objects(store, &url).await, "{keys:?}");
    assert_eq!(store.unfinished_uploads(scenario).await, 0);
    server.shut_down().await;
}

/// Stops the ingest. Returns its events and its data.
async fn stop(server: TestServer) -> (String, tempfile::TempDir) {
    server.shutdown.cancel();
    timeout(PATIENCE, server.serving).await.expect("stops in time").expect("no panic");
    let reported: Vec<SourceEvent> = server.sink.events.borrow().iter().map(|(_, event)| event.clone()).collect();
    (letters(&reported), server.data)
}

async fn the_next_run_finds_a_part_after_a_lost_response(store: &S3Store, keys: Keys, scenario: &str) {
    let url = folder_url(scenario);
    // The response to the completing request is lost, and then the store is unreachable.
    let is_unreachable = AtomicBool::new(false);
    let gateway = Gateway::start(store, move |request| {
        let completes = completes_upload(request);
        match is_unreachable.fetch_or(completes, Ordering::Relaxed) {
            true => GatewayAction::Disconnect,
            false if completes => GatewayAction::DropResponse,
            false => GatewayAction::Forward,
        }
    })
    .await;
    let server = start_with_stopped_clock(folder(), gateway.bucket(keys, &url)).await;
    publish(&server, tags()).await;
    let objects_before = until(async || objects(store, &url).await, |objects| !objects.is_empty()).await;
    let (reported, data) = stop(server).await;
    assert_eq!(reported, "SOE");

    let server = start_with_stopped_clock(data, store.bucket_with(keys, &url)).await;
    assert_eq!(vec![stored_part(&server).await], objects_before, "{keys:?}");
    assert_eq!(objects(store, &url).await, objects_before);
    assert_eq!(store.unfinished_uploads(scenario).await, 0);
    server.shut_down().await;
}

async fn a_shutdown_does_not_wait_for_a_hanging_store_and_the_next_run_aborts_the_upload(store: &S3Store) {
    let url = folder_url("hanging");
    let gateway = Gateway::start(store, |request| {
        let sends_piece = request.uri.query().is_some_and(|query| query.contains("partNumber="));
        if sends_piece { GatewayAction::Hang } else { GatewayAction::Forward }
    })
    .await;
    let server = start_with_stopped_clock(folder(), gateway.bucket(Keys::All, &url)).await;
    publish(&server, tags()).await;
    until(async || store.unfinished_uploads("hanging").await, |uploads| *uploads == 1).await;
    let (reported, data) = stop(server).await;
    assert_eq!(reported, "SOE");

    let server = start_with_stopped_clock(data, store.bucket(&url)).await;
    assert_eq!(vec![stored_part(&server).await], objects(store, &url).await);
    assert_eq!(store.unfinished_uploads("hanging").await, 0);
    assert_eq!(server.files_in_parts_folder(), 0);
    server.shut_down().await;
}

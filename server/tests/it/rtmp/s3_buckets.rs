//! Recordings into an S3 store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callsheet::model::{Clock, Millis, SystemClock};
use callsheet::streams::Hint;
use callsheet_server::buckets::{Buckets, S3Bucket};
use callsheet_server::rtmp::RtmpConfig;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::time::timeout;

use super::client::{Amf, Client, Tag, tags, text};
use super::test_server::{PATIENCE, Stage};
use super::{parts, story};
use crate::support::gateway::{Fate, Gateway, completes_upload};
use crate::support::media::{AAC, AUDIO, H264, VIDEO, probe};
use crate::support::{Keys, S3Store, until};

/// Pushes once into a bucket.
async fn record(tapes: S3Bucket, media: &[&[&str]]) -> (Stage, Vec<Hint>) {
    let stage = Stage::set_with(Some(60), |config| set_bucket(config, tapes)).await;
    let pusher = stage.push("push.example.com", "room_7", media);
    stage.until_ended("1").await;
    // The end of the stream does not wait long for a part.
    let hints = stage.until("1", |hint| matches!(hint, Hint::PartClosed(_))).await;
    assert!(pusher.finish().await.status.success());
    (stage, hints)
}

fn set_bucket(config: &mut RtmpConfig, tapes: S3Bucket) {
    config.buckets = Buckets::new(&config.data_dir, BTreeMap::from([("tapes".to_owned(), tapes)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_several_pieces_is_in_the_bucket() {
    let store = S3Store::start().await;
    let noise = ["-vf", "noise=alls=100:allf=t", "-qp", "1", "-t", "6"];
    let (stage, hints) = record(store.bucket("s3://console/tapes"), &[VIDEO, AUDIO, H264, AAC, &noise]).await;
    let part = parts(&hints)[0];
    assert_eq!(part.failure, None);
    let location = part.location.as_ref().expect("a location");
    assert!(location.starts_with("tapes/record/2"), "{location}");
    let whole = store.open("s3://console").await;
    let file = whole.get(&Path::from(location.as_str())).await.expect("the part").bytes().await.expect("its content");
    assert_eq!(part.bytes.and_then(|bytes| usize::try_from(bytes).ok()), Some(file.len()));
    assert!(file.len() > 2 * 8 * 1024 * 1024, "{} bytes are not several pieces", file.len());
    let copy = stage.data.path().join("copy.flv");
    std::fs::write(&copy, &file).expect("written");
    let (duration, codecs) = probe(&copy);
    assert!((duration - 6.0).abs() < 0.1, "{duration}");
    assert_eq!(codecs, ["h264", "aac"]);
    assert!(!stage.data.path().join("buckets").exists(), "nothing lies here");
    let left = until(async || stage.left_in_parts_folder(), |left| *left == 0).await;
    assert_eq!(left, 0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_the_store_does_not_take_stays_and_its_failure_is_told() {
    let mut store = S3Store::start().await;
    let refused = store.bucket_with(Keys::Wrong, "s3://console");
    let down = store.bucket("s3://console");
    for (tapes, reason) in
        [(refused, "the bucket refuses the console's keys"), (down, "the bucket does not answer as it should")]
    {
        let (stage, hints) = record(tapes, &[VIDEO, H264, &["-t", "1"]]).await;
        assert_eq!(parts(&hints)[0].failure.as_deref(), Some(reason));
        probe(&stage.data.path().join("parts/boot-1-1.flv"));
        stage.close().await;
        store.stop();
    }
}

/// Always the same second, so that all parts of a stream want the same name.
struct Still;

impl Clock for Still {
    fn now(&self) -> Millis {
        1_800_000_000_000
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

/// An ingest on which time does not pass, recording into `tapes`.
async fn still(data: tempfile::TempDir, tapes: S3Bucket) -> Stage {
    Stage::set_on(data, Some(60), |config| {
        set_bucket(config, tapes);
        config.clock = Arc::new(Still);
        config.upload_for = PATIENCE;
    })
    .await
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("folder")
}

/// Publishes `media` as one part, to the end.
async fn publish(stage: &Stage, media: &[Tag]) {
    let mut client = Client::publishing(stage.address, "room_7").await;
    client.play(1, media).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
}

/// Address of one scenario's folder in the bucket. Each bucket would take volumes of its own in the store.
fn folder_of(scenario: &str) -> String {
    format!("s3://console/{scenario}")
}

/// Names and lengths of the objects in a folder, by name.
async fn objects(store: &S3Store, url: &str) -> Vec<(String, u64)> {
    let objects: Vec<_> = store.open(url).await.list(None).try_collect().await.expect("a list");
    let mut objects: Vec<_> =
        objects.iter().map(|object| (object.location.filename().expect("a name").to_owned(), object.size)).collect();
    objects.sort_unstable();
    objects
}

/// Waits for the report of the part; answers with its name and length.
async fn stored(stage: &Stage) -> (String, u64) {
    let hints = stage.until("1", |hint| matches!(hint, Hint::RecordingEnded { .. })).await;
    let [part] = parts(&hints)[..] else { panic!("{hints:#?}") };
    assert_eq!(part.failure, None);
    let name = part.location.as_ref().and_then(|location| location.rsplit('/').next()).expect("a location");
    (name.to_owned(), part.bytes.expect("a length").unsigned_abs())
}

/// All on one store, because it takes seconds to start.
#[tokio::test(flavor = "multi_thread")]
async fn no_part_is_overwritten_lost_or_stored_twice() {
    let store = S3Store::start().await;
    // Keys that may only write cannot make it.
    store.make_bucket("console").await;
    tokio::join!(
        an_object_of_another_ingest_is_not_overwritten(&store, Keys::All, "taken"),
        an_object_of_another_ingest_is_not_overwritten(&store, Keys::Write, "taken-unseen"),
        a_store_that_does_not_know_conditions_gets_each_part_under_a_name_of_its_own(&store),
        a_part_whose_answer_was_lost_is_stored_once(&store, Keys::All, "lost"),
        a_part_whose_answer_was_lost_is_stored_once(&store, Keys::Write, "lost-unseen"),
        the_next_run_finds_a_part_whose_answer_was_lost(&store, Keys::All, "found"),
        the_next_run_finds_a_part_whose_answer_was_lost(&store, Keys::Write, "found-unseen"),
        a_stop_does_not_wait_for_a_store_that_hangs_and_the_next_run_aborts_its_upload(&store),
    );
}

async fn an_object_of_another_ingest_is_not_overwritten(store: &S3Store, keys: Keys, scenario: &str) {
    let url = folder_of(scenario);
    let tapes = || store.bucket_with(keys, &url);
    let (first, second) = (still(folder(), tapes()).await, still(folder(), tapes()).await);
    publish(&first, tags()).await;
    let first_part = stored(&first).await;
    publish(&second, &tags()[..40]).await;
    let second_part = stored(&second).await;
    assert_eq!(first_part.0, "20270115080000_20270115080000.flv");
    assert_eq!(second_part.0, "20270115080000_20270115080001.flv");
    assert_eq!(objects(store, &url).await, [first_part, second_part], "{keys:?}");
    assert_eq!(store.unfinished_uploads(scenario).await, 0);
    first.close().await;
    second.close().await;
}

async fn a_store_that_does_not_know_conditions_gets_each_part_under_a_name_of_its_own(store: &S3Store) {
    let url = folder_of("unconditional");
    let gateway = Gateway::before(store, |request| {
        if request.headers.contains_key("if-none-match") { Fate::NotImplemented } else { Fate::Passes }
    })
    .await;
    let tapes = || gateway.bucket(Keys::All, &url);
    let (first, second) = (still(folder(), tapes()).await, still(folder(), tapes()).await);
    publish(&first, tags()).await;
    let first_part = stored(&first).await;
    publish(&second, &tags()[..40]).await;
    let second_part = stored(&second).await;
    assert_eq!(objects(store, &url).await, [first_part, second_part]);
    first.close().await;
    second.close().await;
}

async fn a_part_whose_answer_was_lost_is_stored_once(store: &S3Store, keys: Keys, scenario: &str) {
    let url = folder_of(scenario);
    let is_lost = AtomicBool::new(false);
    let gateway = Gateway::before(store, move |request| {
        let loses = completes_upload(request) && !is_lost.swap(true, Ordering::Relaxed);
        if loses { Fate::LosesAnswer } else { Fate::Passes }
    })
    .await;
    let stage = still(folder(), gateway.bucket(keys, &url)).await;
    publish(&stage, tags()).await;
    assert_eq!(vec![stored(&stage).await], objects(store, &url).await, "{keys:?}");
    assert_eq!(store.unfinished_uploads(scenario).await, 0);
    stage.close().await;
}

/// Stops the ingest; answers with what it told and its data.
async fn stop(stage: Stage) -> (String, tempfile::TempDir) {
    stage.shutdown.cancel();
    timeout(PATIENCE, stage.serving).await.expect("stops in time").expect("no panic");
    let told: Vec<Hint> = stage.book.hints.borrow().iter().map(|(_, hint)| hint.clone()).collect();
    (story(&told), stage.data)
}

async fn the_next_run_finds_a_part_whose_answer_was_lost(store: &S3Store, keys: Keys, scenario: &str) {
    let url = folder_of(scenario);
    // With the answer to the last request, the store goes away.
    let is_away = AtomicBool::new(false);
    let gateway = Gateway::before(store, move |request| {
        let completes = completes_upload(request);
        match is_away.fetch_or(completes, Ordering::Relaxed) {
            true => Fate::Breaks,
            false if completes => Fate::LosesAnswer,
            false => Fate::Passes,
        }
    })
    .await;
    let stage = still(folder(), gateway.bucket(keys, &url)).await;
    publish(&stage, tags()).await;
    let objects_before = until(async || objects(store, &url).await, |objects| !objects.is_empty()).await;
    let (told, data) = stop(stage).await;
    assert_eq!(told, "SOE");

    let stage = still(data, store.bucket_with(keys, &url)).await;
    assert_eq!(vec![stored(&stage).await], objects_before, "{keys:?}");
    assert_eq!(objects(store, &url).await, objects_before);
    assert_eq!(store.unfinished_uploads(scenario).await, 0);
    stage.close().await;
}

async fn a_stop_does_not_wait_for_a_store_that_hangs_and_the_next_run_aborts_its_upload(store: &S3Store) {
    let url = folder_of("hanging");
    let gateway = Gateway::before(store, |request| {
        let sends_piece = request.uri.query().is_some_and(|query| query.contains("partNumber="));
        if sends_piece { Fate::Hangs } else { Fate::Passes }
    })
    .await;
    let stage = still(folder(), gateway.bucket(Keys::All, &url)).await;
    publish(&stage, tags()).await;
    until(async || store.unfinished_uploads("hanging").await, |uploads| *uploads == 1).await;
    let (told, data) = stop(stage).await;
    assert_eq!(told, "SOE");

    let stage = still(data, store.bucket(&url)).await;
    assert_eq!(vec![stored(&stage).await], objects(store, &url).await);
    assert_eq!(store.unfinished_uploads("hanging").await, 0);
    assert_eq!(stage.left_in_parts_folder(), 0);
    stage.close().await;
}

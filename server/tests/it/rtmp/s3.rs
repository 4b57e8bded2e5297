//! Recordings into an S3 store.

use std::collections::BTreeMap;

use callsheet::streams::Hint;
use callsheet_server::buckets::{Buckets, S3Bucket};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::parts;
use super::stage::Stage;
use crate::support::S3Store;
use crate::support::media::{AAC, AUDIO, H264, VIDEO, probe};

/// Pushes once into a bucket.
async fn record(tapes: S3Bucket, media: &[&[&str]]) -> (Stage, Vec<Hint>) {
    let stage = Stage::set_with(Some(60), |config| {
        config.buckets = Buckets::new(&config.data_dir, BTreeMap::from([("tapes".to_owned(), tapes)]));
    })
    .await;
    let pusher = stage.push("push.example.com", "room_7", media);
    stage.until_ended("1").await;
    // The end of the stream does not wait long for a part.
    let hints = stage.until("1", |hint| matches!(hint, Hint::PartClosed(_))).await;
    assert!(pusher.finish().await.status.success());
    (stage, hints)
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
    assert_eq!(stage.left_in_parts_folder(), 0);
    assert!(!stage.data.path().join("buckets").exists(), "nothing lies here");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_the_store_does_not_take_stays_and_its_failure_is_told() {
    let mut store = S3Store::start().await;
    let refused = store.bucket_with("s3://console", "another-secret");
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

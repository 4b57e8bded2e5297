//! What the buckets hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use callsheet::model::{Actor, SystemClock};
use callsheet::stats::{Granularity, Metric, OTHER, TimeRange, UsageQuery};
use callsheet_server::buckets::Buckets;
use callsheet_server::jobs::{InventoryError, Pulse, count_buckets};
use futures::StreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;

use super::oracle::POINT;
use super::stage::{NOW, Stage};
use crate::support::{DOMAIN, Database, PLAY, S3Store, TestConsole, on_both_databases, until};

on_both_databases!(
    files_are_counted_for_their_domain,
    a_point_shows_its_end_and_a_day_its_peak,
    a_running_console_counts_by_itself,
    files_in_an_s3_store_are_counted,
);

const VOD: &str = "vod.example.com";

fn write(data: &Path, path: &str, bytes: usize) {
    let path = data.join("buckets").join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, vec![0; bytes]).expect("written");
}

async fn count(stage: &Stage) {
    count_buckets(&stage.console.stats, &Buckets::new(stage.data.path(), Default::default()), &Pulse::default())
        .await
        .expect("counted");
}

/// Bytes and files held at the end of the slot, and before it.
async fn held(stage: &Stage, domains: &[&str], slot: TimeRange) -> [(i64, Option<i64>); 2] {
    let cards = stage.usage(Metric::Storage, domains, slot, None).await.cards;
    [(cards.storage.now, cards.storage.before), (cards.files.now, cards.files.before)]
}

async fn files_are_counted_for_their_domain(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    stage.add_domain().await;
    let (stats, cli) = (&stage.console.stats, Actor::cli());
    stats.add_vod_domain(&cli, VOD, "films/public").await.expect("added");
    stats.add_vod_domain(&cli, "best.example.com", "films/public/*/best/").await.expect("added");
    let data = stage.data.path();
    write(data, &format!("tapes/record/20261122/{DOMAIN}/app/room/1_2.flv"), 1_000);
    write(data, &format!("other-tapes/record/20261122/{DOMAIN}/app/room/1_2.flv"), 500);
    write(data, "tapes/record/20261122/gone.example.com/app/room/1_2.flv", 70);
    write(data, "films/public/a.mp4", 20_000);
    write(data, "films/public/2026/best/b.mp4", 3);
    write(data, "films/public/2026/b.mp4", 40_000);
    write(data, "films/publications/c.mp4", 9);
    count(&stage).await;
    let today = stage.days("2026-11-22", "2026-11-22");
    for (domains, bytes, files) in [
        (&[PLAY][..], 1_500, 2),
        (&[VOD], 60_000, 2),
        (&["best.example.com"], 3, 1),
        (&[OTHER], 79, 2),
        (&[PLAY, VOD], 61_500, 4),
        (&[], 61_582, 7),
    ] {
        assert_eq!(held(&stage, domains, today).await, [(bytes, None), (files, None)], "{domains:?}");
    }
}

async fn a_point_shows_its_end_and_a_day_its_peak(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    stage.add_domain().await;
    let data = stage.data.path().to_owned();
    let file = |n: usize| format!("tapes/record/20261122/{DOMAIN}/app/room/{n}.flv");
    let first = NOW / 1000;
    // What a count finds, in the point of that time: the file's bytes, or that it is gone.
    let mut at = first;
    for (seconds, bytes) in [(0, Some(100)), (10, Some(5_000)), (600, Some(70)), (86_400, None), (90_000, Some(30))] {
        stage.clock.advance((first + seconds - at) * 1000);
        at = first + seconds;
        match bytes {
            Some(bytes) => write(&data, &file(1), bytes),
            None => std::fs::remove_file(data.join("buckets").join(file(1))).expect("removed"),
        }
        count(&stage).await;
    }
    let series = async |slot: TimeRange, granularity| -> Vec<(i64, i64)> {
        let view = stage.usage(Metric::Storage, &[PLAY], slot, Some(granularity)).await;
        view.bins.iter().map(|point| (point.at, point.value)).collect()
    };
    let slot = TimeRange { from: first - 2 * POINT, to: first + 4 * POINT };
    let expected = [0, 0, 5_000, 5_000, 70, 70];
    let expected: Vec<_> = (slot.from..slot.to).step_by(300).zip(expected).collect();
    assert_eq!(series(slot, Granularity::Minutes).await, expected, "the last count of a point, until the next");
    let days = stage.days("2026-11-22", "2026-11-24");
    let day = |n: i64| days.from + n * 86_400;
    // On the second day 70 bytes are held until noon, then nothing, then 30; the third day has not begun.
    assert_eq!(series(days, Granularity::Day).await, [(day(0), 5_000), (day(1), 70)]);
    let hour = TimeRange { from: first + 86_400, to: first + 86_400 + 7_200 };
    assert_eq!(series(hour, Granularity::Hour).await, [(hour.from, 0), (hour.from + 3_600, 30)]);
    let second = TimeRange { from: day(1), to: day(2) };
    assert_eq!(held(&stage, &[PLAY], second).await, [(30, Some(70)), (1, Some(1))]);
    assert_eq!(held(&stage, &[], second).await, [(30, Some(70)), (1, Some(1))]);
}

async fn a_running_console_counts_by_itself(database: Database) {
    let data = tempfile::tempdir().expect("folder");
    write(data.path(), "tapes/film.mp4", 1_234);
    let test = TestConsole::start_on(data, database, Arc::new(SystemClock), |_| {}).await;
    let stats = &test.console.stats;
    let held = || async {
        let query = UsageQuery {
            metric: Metric::Storage,
            domains: Vec::new(),
            range: stats.last_days(1),
            granularity: None,
            compare: false,
        };
        stats.usage(&Actor::cli(), query).await.expect("usage").cards.storage.now
    };
    until(held, |bytes| *bytes == 1_234).await;
    test.stop().await;
}

/// More of them than a store lists at once.
async fn files_in_an_s3_store_are_counted(database: Database) {
    const FILES: usize = 1_100;
    let mut store = S3Store::start().await;
    let stage = Stage::set(database, "UTC").await;
    stage.add_domain().await;
    stage.console.stats.add_vod_domain(&Actor::cli(), VOD, "films/public").await.expect("added");
    let archive = store.open("s3://archive").await;
    let put = async |key: String, bytes: usize| {
        archive.put(&Key::from(key), vec![0; bytes].into()).await.expect("stored");
    };
    let films = (0..FILES).map(|n| put(format!("console/public/{n:04}.mp4"), 10));
    futures::stream::iter(films).buffer_unordered(16).collect::<()>().await;
    put(format!("console/record/20261122/{DOMAIN}/app/room/1_2.flv"), 5).await;
    put("elsewhere/private.mp4".to_owned(), 1_000_000).await;
    write(stage.data.path(), &format!("tapes/record/20261122/{DOMAIN}/app/room/1_2.flv"), 2);

    let s3 = BTreeMap::from([("films".to_owned(), store.bucket("s3://archive/console"))]);
    let buckets = Buckets::new(stage.data.path(), s3);
    count_buckets(&stage.console.stats, &buckets, &Pulse::default()).await.expect("counted");
    let today = stage.days("2026-11-22", "2026-11-22");
    let bytes = i64::try_from(10 * FILES).expect("a number");
    let files = i64::try_from(FILES).expect("a number");
    assert_eq!(held(&stage, &[VOD], today).await, [(bytes, None), (files, None)]);
    assert_eq!(held(&stage, &[PLAY], today).await, [(7, None), (2, None)]);
    assert_eq!(held(&stage, &[], today).await, [(bytes + 7, None), (files + 2, None)]);

    // While the store is away, what was counted last stands.
    store.stop();
    let failed = count_buckets(&stage.console.stats, &buckets, &Pulse::default()).await.expect_err("not counted");
    assert!(matches!(&failed, InventoryError::Bucket { bucket, .. } if bucket == "films"), "{failed:?}");
    assert_eq!(held(&stage, &[], today).await, [(bytes + 7, None), (files + 2, None)]);
}

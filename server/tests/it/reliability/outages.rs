//! What the built-in ingest needs is away for a while, and publishers do not notice: the database, or the bucket of the recordings.

use std::fs;

use tokio::time::sleep;

use super::postgres_crashes::Cluster;
use super::publishers::{Admitted, Publisher};
use super::studio::{Expected, Studio, assert_sessions};
use super::{Tables, numbers};
use crate::support::{Database, Process, on_both_databases, until};

on_both_databases!(a_bucket_that_is_away_gets_all_parts_afterwards);

/// A bit more than two parts.
const SOME: usize = 240;

/// Publishers at the moment when the database comes back: one is live all the time, one ended meanwhile, one began meanwhile.
struct Outage {
    cluster: Cluster,
    studio: Studio,
    process: Process,
    through: Publisher,
    ended: usize,
    late: Publisher,
}

impl Outage {
    async fn begin() -> Self {
        let cluster = Cluster::start();
        let studio = Studio::set(Database::at(&cluster.url), 2).await;
        let (process, rtmp) = studio.start();
        let through = Publisher::start(rtmp, "through").await;
        let before = Publisher::start(rtmp, "before").await;
        let late = Admitted::to(rtmp, "late").await;
        through.more(SOME).await;
        before.more(SOME).await;
        until(async || studio.recorded_reports(), |reports| *reports == 2).await;
        cluster.crash();
        let late = late.play();
        let ended = before.finish().await;
        // The start of each, and one end.
        until(async || studio.recorded_reports(), |reports| *reports == 4).await;
        until(async || studio.waiting_parts("before"), |(complete, open)| *complete > 0 && *open == 0).await;
        for stream in ["through", "late"] {
            until(async || studio.waiting_parts(stream).0, |complete| *complete > 0).await;
        }
        sleep(numbers().database_away).await;
        Self { cluster, studio, process, through, ended, late }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_gets_all_reports_afterwards() {
    let Outage { cluster, studio, process, through, ended, late } = Outage::begin().await;
    cluster.come_back();
    through.more(SOME).await;
    let (through, late) = (through.finish().await, late.finish().await);
    let received = studio.until_over(3).await;
    studio.end([process]).await;
    for (stream, frames) in [("through", through), ("before", ended), ("late", late)] {
        assert_sessions(&received, stream, &[studio.data.path()], &[Expected::ended(frames)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_database_is_away_loses_no_report() {
    let Outage { cluster, studio, process, through, ended, late } = Outage::begin().await;
    process.signal("-KILL");
    process.wait();
    let (through, late) = (through.dropped().await, late.dropped().await);
    cluster.come_back();
    let (process, _) = studio.start();
    let received = studio.until_over(3).await;
    studio.end([process]).await;
    assert_sessions(&received, "before", &[studio.data.path()], &[Expected::ended(ended)]);
    for (stream, frames) in [("through", through), ("late", late)] {
        assert_sessions(&received, stream, &[studio.data.path()], &[Expected::killed(frames)]);
    }
}

async fn a_bucket_that_is_away_gets_all_parts_afterwards(database: Database) {
    let studio = Studio::set(database, 2).await;
    let (process, rtmp) = studio.start();
    let through = Publisher::start(rtmp, "through").await;
    let before = Publisher::start(rtmp, "before").await;
    let bucket = studio.data.path().join("buckets/tapes");
    until(async || bucket.join("record").is_dir(), |is_dir| *is_dir).await;
    // Where its folder was is a file.
    fs::rename(bucket.join("record"), bucket.join("kept")).expect("renamed");
    fs::write(bucket.join("record"), "").expect("written");
    let late = Publisher::start(rtmp, "late").await;
    let ended = before.finish().await;
    for stream in ["through", "late"] {
        until(async || studio.waiting_parts(stream).0, |complete| *complete >= 3).await;
    }
    if !numbers().bucket_away.is_zero() {
        let mut tables = Tables::open(studio.database.url()).await;
        sleep(numbers().bucket_away / 2).await;
        let heard = tables.heard().await;
        sleep(numbers().bucket_away / 2).await;
        assert!(tables.heard().await > heard, "heartbeats go on");
    }
    fs::remove_file(bucket.join("record")).expect("removed");
    fs::rename(bucket.join("kept"), bucket.join("record")).expect("renamed");
    let (through, late) = (through.finish().await, late.finish().await);
    let received = studio.until_over(3).await;
    studio.end([process]).await;
    for (stream, frames) in [("through", through), ("before", ended), ("late", late)] {
        assert_sessions(&received, stream, &[studio.data.path()], &[Expected::ended(frames)]);
    }
}

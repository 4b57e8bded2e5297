//! Five-minute points go after 400 days; hours and days stay.

use callsheet::stats::{Granularity, Metric, TimeRange};
use callsheet_server::buckets::Buckets;
use callsheet_server::jobs::{Pulse, count_buckets};

use super::stage::{A, B, NOW, Stage};
use crate::support::{Database, on_both_databases};

on_both_databases!(old_points_go_and_their_days_stay, old_counts_of_files_leave_their_days);

const DAY_MS: i64 = 86_400_000;

async fn clean_up(stage: &Stage) {
    while stage.console.stats.clean_up().await.expect("cleaned up") {}
}

async fn traffic(stage: &Stage, slot: TimeRange, granularity: Granularity) -> Vec<i64> {
    let view = stage.usage(Metric::Traffic, &[A], slot, Some(granularity)).await;
    view.bins.iter().map(|point| point.value).collect()
}

async fn old_points_go_and_their_days_stay(database: Database) {
    let mut stage = Stage::set(database, "Asia/Shanghai").await;
    let old = stage.days("2026-11-01", "2026-11-01");
    let kept = stage.days("2026-11-02", "2026-11-03");
    stage.serve(&[(A, old.from, 700), (A, old.to - 300, 70), (B, old.from + 300, 50), (A, kept.from, 7)]).await;
    // 400 days that end on 2027-12-06 begin on 2026-11-02.
    stage = stage.restart("Asia/Shanghai", NOW + 379 * DAY_MS).await;
    clean_up(&stage).await;
    assert_eq!(traffic(&stage, old, Granularity::Minutes).await, vec![0; 288]);
    assert_eq!(traffic(&stage, old, Granularity::Day).await, [770]);
    assert_eq!(traffic(&stage, old, Granularity::Hour).await.iter().sum::<i64>(), 770);
    assert_eq!(traffic(&stage, kept, Granularity::Minutes).await[0], 7);
    let card = stage.usage(Metric::Bandwidth, &[A], old, None).await.cards;
    assert_eq!((card.traffic.now, card.peak.now, card.peak_at), (770, 700 * 8 / 300, Some(old.from)));
    assert_eq!(card.p95, None, "no points are left to take it of");
    let both = TimeRange { from: old.from, to: kept.to };
    let days = stage.usage(Metric::Traffic, &[A, B], both, Some(Granularity::Day)).await;
    assert_eq!(days.bins.iter().map(|point| point.value).collect::<Vec<_>>(), [820, 7, 0]);
    assert_eq!((days.cards.traffic.now, days.cards.peak.now), (827, 700 * 8 / 300));
    // In another zone, days that have lost their points stay as they were, and nothing counts twice or is lost.
    stage = stage.restart("America/New_York", NOW + 379 * DAY_MS).await;
    let all = TimeRange { from: old.from - 3 * 86_400, to: kept.to + 3 * 86_400 };
    assert_eq!(traffic(&stage, all, Granularity::Day).await.iter().sum::<i64>(), 777);
    assert_eq!(traffic(&stage, all, Granularity::Hour).await.iter().sum::<i64>(), 777);
    assert_eq!(stage.usage(Metric::Traffic, &[], all, None).await.cards.traffic.now, 827);
}

async fn old_counts_of_files_leave_their_days(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    let file = stage.data.path().join("buckets/tapes/file.flv");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    for bytes in [10, 900, 30, 20, 40] {
        std::fs::write(&file, vec![0; bytes]).expect("written");
        count_buckets(&stage.console.stats, &Buckets::new(stage.data.path(), Default::default()), &Pulse::default())
            .await
            .expect("counted");
        stage.clock.advance(300_000);
    }
    let days = stage.days("2026-11-22", "2026-11-23");
    let held = async |granularity| {
        let view = stage.usage(Metric::Storage, &[], days, Some(granularity)).await;
        view.bins.iter().map(|point| point.value).collect::<Vec<_>>()
    };
    stage.clock.advance(500 * DAY_MS);
    assert_eq!(held(Granularity::Day).await, [900, 40]);
    let noon = 144;
    assert_eq!(held(Granularity::Minutes).await[noon..noon + 6], [10, 900, 30, 20, 40, 40]);
    clean_up(&stage).await;
    assert_eq!(held(Granularity::Day).await, [900, 40]);
    assert_eq!(held(Granularity::Minutes).await[noon..noon + 6], [10, 900, 900, 900, 40, 40]);
}

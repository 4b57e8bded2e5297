//! Each line counts once.

use callsheet::model::Actor;
use callsheet::stats::{Granularity, Import, Metric, StatsError, UsageRow};

use super::stage::{A, B, Stage, row, step};
use crate::support::{Database, on_both_databases};

on_both_databases!(
    sums_and_progress_are_one,
    two_imports_of_one_file_count_once,
    imports_side_by_side_lose_nothing,
    imports_are_found_by_their_head,
);

const HEAD: [u8; 32] = [7; 32];

async fn sums_and_progress_are_one(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    let (stats, cli) = (&stage.console.stats, Actor::cli());
    let day = stage.days("2026-05-05", "2026-05-05");
    let rows = [row(A, day.from, 100)];
    let traffic = async || stage.usage(Metric::Traffic, &[], day, None).await.cards.traffic.now;
    let id = stats.add_usage(&cli, &rows, &step(None, 0, 50, HEAD)).await.expect("begun");
    assert_eq!(stats.add_usage(&cli, &rows, &step(Some(id), 50, 80, HEAD)).await.expect("moved on"), id);
    assert_eq!(traffic().await, 200);
    // A process that was taken for dead goes on from where it was.
    for stale in [step(Some(id), 50, 80, HEAD), step(Some(id), 0, 90, HEAD), step(Some(id + 1), 80, 90, HEAD)] {
        let refused = stats.add_usage(&cli, &rows, &stale).await;
        assert!(matches!(refused, Err(StatsError::ImportMoved)), "{refused:?}");
    }
    assert_eq!(traffic().await, 200, "neither moved nor counted");
    let imports = stats.list_imports(&cli, 10).await.expect("imports");
    let [Import { progress, bytes, .. }] = &imports[..] else { panic!("{imports:?}") };
    assert_eq!((progress.taken, progress.lines, *bytes), (80, 80, 200));
}

async fn two_imports_of_one_file_count_once(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    let (stats, cli) = (&stage.console.stats, Actor::cli());
    let day = stage.days("2026-05-05", "2026-05-05");
    let rows = [row(A, day.from, 100)];
    let begin = step(None, 0, 50, HEAD);
    let both = futures::join!(stats.add_usage(&cli, &rows, &begin), stats.add_usage(&cli, &rows, &begin));
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    assert_eq!(stage.usage(Metric::Traffic, &[A], day, None).await.cards.traffic.now, 100);
}

async fn imports_side_by_side_lose_nothing(database: Database) {
    let stage = Stage::set(database, "Asia/Kolkata").await;
    let (stats, cli) = (&stage.console.stats, Actor::cli());
    let day = stage.days("2026-05-05", "2026-05-05");
    // The same points, in opposite orders.
    let rows: Vec<_> = (0..288).flat_map(|n| [A, B].map(|name| row(name, day.from + n * 300, n + 1))).collect();
    let backward: Vec<_> = rows.iter().rev().cloned().collect();
    let import = async |rows: &[UsageRow], file: u8| {
        let mut import = None;
        for taken in 1..=5 {
            let step = step(import, taken - 1, taken, [file; 32]);
            import = Some(stats.add_usage(&cli, rows, &step).await.expect("added"));
        }
    };
    futures::join!(import(&rows, 1), import(&backward, 2), import(&rows, 3));
    let view = stage.usage(Metric::Bandwidth, &[], day, Some(Granularity::Day)).await;
    let (sum, highest) = (15 * 2 * 288 * 289 / 2, 15 * 2 * 288);
    assert_eq!((view.cards.traffic.now, view.bins[0].value), (sum, highest * 8 / 300));
    let view = stage.usage(Metric::Bandwidth, &[A], day, Some(Granularity::Hour)).await;
    assert_eq!((view.cards.traffic.now, view.cards.peak_at), (sum / 2, Some(day.to - 300)));
}

async fn imports_are_found_by_their_head(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    let (stats, cli) = (&stage.console.stats, Actor::cli());
    let short = stats.add_usage(&cli, &[], &step(None, 0, 50, [1; 32])).await.expect("begun");
    let long = stats.add_usage(&cli, &[], &step(None, 0, 9_000, HEAD)).await.expect("begun");
    let other = stats.add_usage(&cli, &[], &step(None, 0, 7_000, HEAD)).await.expect("begun");
    let found = async |heads: &[[u8; 32]]| -> Vec<i64> {
        stats.imports_by_head(&cli, heads).await.expect("imports").into_iter().map(|import| import.id).collect()
    };
    assert_eq!(found(&[HEAD]).await, [long, other], "most taken first");
    assert_eq!(found(&[[1; 32], HEAD]).await, [long, other, short]);
    assert_eq!(found(&[[2; 32]]).await, [0; 0]);
    assert_eq!(found(&[]).await, [0; 0]);
    // It has grown to more than a head.
    stats.add_usage(&cli, &[], &step(Some(short), 50, 8_000, [3; 32])).await.expect("moved on");
    assert_eq!(found(&[[1; 32], [3; 32]]).await, [short]);
}

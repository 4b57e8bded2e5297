//! Days and hours of the console's zone.

use callsheet::model::Actor;
use callsheet::stats::{Granularity, Metric, OTHER, StatsError, TimeRange, UsageQuery};

use super::stage::{A, B, NOW, Stage, noise, row, step};
use crate::support::{Database, on_both_databases};

on_both_databases!(
    days_begin_at_midnight_of_the_zone,
    another_zone_makes_hours_and_days_anew,
    a_process_left_in_another_zone_adds_nothing,
);

/// Zone, day, its start and end in Unix seconds (by Python's `zoneinfo`).
const DAYS: [(&str, &str, i64, i64); 5] = [
    ("Asia/Shanghai", "2026-03-08", 1_772_899_200, 1_772_985_600),
    ("Asia/Kolkata", "2026-03-08", 1_772_908_200, 1_772_994_600),
    ("America/New_York", "2026-03-08", 1_772_946_000, 1_773_028_800),
    ("America/New_York", "2026-11-01", 1_793_505_600, 1_793_595_600),
    ("America/New_York", "2026-06-01", 1_780_286_400, 1_780_372_800),
];

async fn days_begin_at_midnight_of_the_zone(database: Database) {
    let mut stage = Stage::set(database, "UTC").await;
    for (zone, day, from, to) in DAYS {
        stage = stage.restart(zone, NOW).await;
        assert_eq!(stage.days(day, day), TimeRange { from, to }, "{zone} {day}");
        // One unit in each point from an hour before the day to an hour behind it.
        let unit = 3_000;
        let name = format!("{day}.{}", zone.replace(['/', '_'], "-").to_lowercase());
        let sent: Vec<_> = (from - 3_600..to + 3_600).step_by(300).map(|at| (name.as_str(), at, unit)).collect();
        stage.serve(&sent).await;
        let around = TimeRange { from: from - 3_600, to: to + 3_600 };
        let view = stage.usage(Metric::Traffic, &[&name], around, Some(Granularity::Day)).await;
        let shown: Vec<_> = view.bins.iter().map(|point| (point.at, point.value)).collect();
        let whole = (to - from) / 300 * unit;
        assert_eq!(shown, [(from - 3_600, 12 * unit), (from, whole), (to, 12 * unit)], "{zone} {day}");
        let view = stage.usage(Metric::Traffic, &[&name], TimeRange { from, to }, Some(Granularity::Hour)).await;
        let shown: Vec<_> = view.bins.iter().map(|point| (point.at, point.value)).collect();
        assert_eq!(shown, (from..to).step_by(3_600).map(|at| (at, 12 * unit)).collect::<Vec<_>>(), "{zone} {day}");
    }
}

async fn another_zone_makes_hours_and_days_anew(database: Database) {
    let mut stage = Stage::set(database, "Asia/Shanghai").await;
    let (from, to) = (1_793_300_000 / 300 * 300, 1_793_800_000 / 300 * 300);
    let sent: Vec<(&str, i64, i64)> = (0..600)
        .map(|n| {
            let at = from + (noise(n) % ((to - from) / 300) as u64) as i64 * 300;
            ([A, B, OTHER][(noise(n + 7_000) % 3) as usize], at, (noise(n + 9_000) % 1_000_000) as i64)
        })
        .collect();
    stage.serve(&sent).await;
    for zone in ["Asia/Shanghai", "America/New_York", "Asia/Kolkata", "UTC"] {
        stage = stage.restart(zone, NOW).await;
        for domains in [&[][..], &[A], &[A, B]] {
            stage.check(domains, TimeRange { from, to }).await;
        }
        // And goes on in the new zone.
        stage.serve(&[(A, from + 86_400, 12_345), (B, to - 300, 999_999)]).await;
        stage.check(&[], TimeRange { from, to }).await;
        stage.check(&[B], TimeRange { from: from - 86_400, to: to + 86_400 }).await;
    }
}

async fn a_process_left_in_another_zone_adds_nothing(database: Database) {
    let stage = Stage::set(database, "Asia/Shanghai").await;
    let moved = stage.beside("UTC").await;
    let day = stage.days("2026-05-05", "2026-05-05");
    let rows = [row(A, day.from, 1)];
    let refused = stage.console.stats.add_usage(&Actor::cli(), &rows, &step(None, 0, 1, [1; 32])).await;
    assert!(matches!(refused, Err(StatsError::Store(_))), "{refused:?}");
    moved.stats.add_usage(&Actor::cli(), &rows, &step(None, 0, 1, [1; 32])).await.expect("added");
    let query =
        UsageQuery { metric: Metric::Traffic, domains: Vec::new(), range: day, granularity: None, compare: false };
    assert_eq!(moved.stats.usage(&Actor::cli(), query).await.expect("usage").cards.traffic.now, 1, "once");
}

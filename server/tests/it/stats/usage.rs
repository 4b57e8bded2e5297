//! Sums, peaks and percentiles.

use callsheet::model::Actor;
use callsheet::stats::{Granularity, Metric, OTHER, StatsError, TimeRange, UsageQuery};

use super::stage::{A, B, NOW, Stage, noise};
use crate::support::{Database, on_both_databases};

on_both_databases!(
    any_slot_shows_what_was_sent,
    the_percentile_of_thirty_days_is_the_433rd,
    the_peak_of_several_domains_is_that_of_their_sum,
    the_same_point_twice_adds_up,
    late_lines_land_where_they_belong,
    the_period_before_stands_beside,
    the_length_of_points_follows_the_slot,
    the_busiest_domains_come_first,
    today_ends_now,
    slots_that_are_none_are_refused,
);

async fn any_slot_shows_what_was_sent(database: Database) {
    let mut stage = Stage::set(database, "America/New_York").await;
    // Around the day on which clocks go forward.
    let (from, to) = (1_772_700_000, 1_773_300_000);
    for batch in 0..3 {
        let sent: Vec<(&str, i64, i64)> = (batch * 400..batch * 400 + 400)
            .map(|n| {
                let domain = [A, B, OTHER][(noise(n) % 3) as usize];
                let at = from + (noise(n + 10_000) % ((to - from) / 300) as u64) as i64 * 300;
                (domain, at, (noise(n + 20_000) % 1_000_000_000) as i64)
            })
            .collect();
        stage.serve(&sent).await;
    }
    for slot in [
        TimeRange { from, to },
        TimeRange { from: from + 7 * 300, to: to - 11 * 300 },
        TimeRange { from: 1_772_946_000, to: 1_773_028_800 },
        TimeRange { from: 1_772_946_300, to: 1_773_028_500 },
        TimeRange { from: 1_772_949_600, to: 1_772_949_900 },
        TimeRange { from: from - 86_400, to: to + 86_400 },
    ] {
        for domains in [&[][..], &[A], &[A, B], &[A, B, OTHER]] {
            stage.check(domains, slot).await;
        }
    }
}

async fn the_percentile_of_thirty_days_is_the_433rd(database: Database) {
    let mut stage = Stage::set(database, "Asia/Shanghai").await;
    let slot = stage.days("2026-10-01", "2026-10-30");
    // The values 1 to 8,640, each once, in an order of no meaning: 7 and 8,640 have no common divisor.
    let unit = 37_500;
    let of_rank = |point: i64| (point * 7 % 8_640 + 1) * unit;
    let sent: Vec<_> = (0..8_640).map(|point| (A, slot.from + point * 300, of_rank(point))).collect();
    stage.serve(&sent).await;
    let view = stage.usage(Metric::Bandwidth, &[A], slot, None).await;
    // 432 are dropped, 8,640 to 8,209; the 433rd is 8,208. A unit is 1,000 bit/s.
    assert_eq!(view.cards.p95.expect("points").now, 8_208_000);
    assert_eq!(view.cards.peak.now, 8_640_000);
    // In a domain with 433 points above nothing it is the lowest of these, with 432 it is 0.
    let busy = |count: i64| (0..count).map(|n| (B, slot.from + n * 300, (n + 1) * unit)).collect::<Vec<_>>();
    stage.serve(&busy(432)).await;
    assert_eq!(stage.usage(Metric::Bandwidth, &[B], slot, None).await.cards.p95.expect("points").now, 0);
    stage.serve(&[(B, slot.from + 432 * 300, 433 * unit)]).await;
    assert_eq!(stage.usage(Metric::Bandwidth, &[B], slot, None).await.cards.p95.expect("points").now, 1_000);
    let both = stage.usage(Metric::Bandwidth, &[A, B], slot, None).await.cards;
    assert_eq!(both.p95.expect("points").now, stage.oracle.p95(&[A, B], slot), "of the sum, not the sum of both");
    assert_eq!(stage.usage(Metric::Bandwidth, &[], slot, None).await.cards, both);
}

async fn the_peak_of_several_domains_is_that_of_their_sum(database: Database) {
    let mut stage = Stage::set(database, "UTC").await;
    let day = stage.days("2026-05-05", "2026-05-05");
    let at = |minute: i64| day.from + minute * 60;
    stage.serve(&[(A, at(0), 900), (A, at(5), 500), (B, at(5), 600), (B, at(10), 800)]).await;
    for granularity in [Granularity::Hour, Granularity::Day] {
        let view = stage.usage(Metric::Bandwidth, &[A, B], day, Some(granularity)).await;
        assert_eq!(view.bins[0].value, 1_100 * 8 / 300);
        assert_eq!((view.cards.peak.now, view.cards.peak_at), (1_100 * 8 / 300, Some(at(5))));
    }
    stage.check(&[A], day).await;
    stage.check(&[], day).await;
}

async fn the_same_point_twice_adds_up(database: Database) {
    let mut stage = Stage::set(database, "UTC").await;
    let day = stage.days("2026-05-05", "2026-05-05");
    let (first, second) = (day.from + 3_600, day.from + 3_900);
    stage.serve(&[(A, first, 6_000), (A, second, 5_000)]).await;
    stage.check(&[A], day).await;
    // The second one is highest only with what comes later.
    stage.serve(&[(A, second, 1_500), (B, first, 200), (A, second, 1)]).await;
    for domains in [&[][..], &[A], &[B], &[A, B]] {
        stage.check(domains, day).await;
    }
    let view = stage.usage(Metric::Traffic, &[A], day, None).await;
    assert_eq!(view.cards.peak_at, Some(second));
    assert_eq!(view.top[0].requests, 4);
}

async fn late_lines_land_where_they_belong(database: Database) {
    let mut stage = Stage::set(database, "Asia/Kolkata").await;
    let slot = stage.days("2026-06-01", "2026-06-07");
    stage.serve(&[(A, slot.to - 300, 1_000), (A, slot.to - 7_200, 400)]).await;
    // Two and six days late.
    stage.serve(&[(A, slot.from + 300, 70_000), (A, slot.to - 2 * 86_400, 3_000)]).await;
    stage.check(&[A], slot).await;
    stage.check(&[], slot).await;
}

async fn the_period_before_stands_beside(database: Database) {
    let mut stage = Stage::set(database, "UTC").await;
    let week = stage.days("2026-05-08", "2026-05-14");
    let before = stage.days("2026-05-01", "2026-05-07");
    stage.serve(&[(A, week.from, 30_000), (A, before.to - 300, 7_500), (B, before.from, 100)]).await;
    let cards = stage.usage(Metric::Traffic, &[A], week, None).await.cards;
    assert_eq!((cards.traffic.now, cards.traffic.before), (30_000, Some(7_500)));
    assert_eq!((cards.peak.now, cards.peak.before), (800, Some(200)));
    for metric in [Metric::Traffic, Metric::Bandwidth] {
        let view = stage.usage(metric, &[A], week, None).await;
        assert_eq!(view.before, stage.usage(metric, &[A], before, None).await.bins);
        assert!(view.before.iter().any(|point| point.value > 0));
        assert_eq!(view.before.len(), view.bins.len());
        assert_eq!(stage.usage(metric, &[A], before, None).await.before, []);
    }
    let cards = stage.usage(Metric::Traffic, &[A], before, None).await.cards;
    assert_eq!((cards.traffic.now, cards.traffic.before), (7_500, None), "nothing is known of what was before");
    assert_eq!(cards.storage.before, None);
}

async fn the_length_of_points_follows_the_slot(database: Database) {
    let stage = Stage::set(database, "America/New_York").await;
    for (first, last, granularity, points) in [
        ("2026-06-01", "2026-06-01", Granularity::Minutes, 288),
        ("2026-06-01", "2026-06-03", Granularity::Minutes, 864),
        ("2026-10-30", "2026-11-01", Granularity::Minutes, 876),
        ("2026-03-06", "2026-03-08", Granularity::Minutes, 852),
        ("2026-06-01", "2026-06-04", Granularity::Hour, 96),
        ("2026-10-02", "2026-11-01", Granularity::Hour, 745),
        ("2026-06-01", "2026-07-02", Granularity::Day, 32),
        ("2025-06-01", "2026-05-31", Granularity::Day, 365),
    ] {
        let view = stage.usage(Metric::Traffic, &[], stage.days(first, last), None).await;
        assert_eq!((view.granularity, view.bins.len()), (granularity, points), "{first} to {last}");
        assert_eq!(view.zone, "America/New_York");
    }
}

async fn the_busiest_domains_come_first(database: Database) {
    let mut stage = Stage::set(database, "Asia/Shanghai").await;
    let slot = stage.days("2026-05-01", "2026-05-30");
    let names: Vec<String> = (0..25).map(|n| format!("d{n:02}.example.com")).collect();
    let of = |n: usize| (n * 7 % 25) as i64 * 1_000;
    let sent: Vec<_> =
        names.iter().enumerate().map(|(n, name)| (name.as_str(), slot.from + n as i64 * 90_000, of(n))).collect();
    stage.serve(&sent).await;
    // Outside of the slot.
    stage.serve(&[(names[0].as_str(), slot.to, 1_000_000), (names[0].as_str(), slot.from - 300, 1_000_000)]).await;
    let view = stage.usage(Metric::Traffic, &[], slot, None).await;
    let top: Vec<_> = view.top.iter().map(|top| (top.traffic, top.peak, top.requests)).collect();
    assert_eq!(top, (5..25).rev().map(|n| (n * 1_000, n * 8_000 / 300, 1)).collect::<Vec<_>>());
    let known =
        async |part: &str, limit| stage.console.stats.domain_names(&Actor::cli(), part, limit).await.expect("names");
    assert_eq!(known("", 100).await, names);
    assert_eq!(known(" D1", 3).await, ["d10.example.com", "d11.example.com", "d12.example.com"]);
    assert!(known("d_1", 3).await.is_empty() && known("", 0).await.is_empty());
    let two = stage.usage(Metric::Traffic, &["d01.example.com", "d02.example.com"], slot, None).await;
    let top: Vec<_> = two.top.iter().map(|top| top.domain.as_str()).collect();
    assert_eq!(top, ["d02.example.com", "d01.example.com"]);
}

async fn today_ends_now(database: Database) {
    let mut stage = Stage::set(database, "UTC").await;
    let today = stage.console.stats.last_days(1);
    assert_eq!(today, stage.days("2026-11-22", "2026-11-22"));
    assert_eq!(stage.console.stats.last_days(30), stage.days("2026-10-24", "2026-11-22"));
    stage.serve(&[(A, today.from, 10)]).await;
    let view = stage.usage(Metric::Traffic, &[A], today, None).await;
    assert_eq!(view.bins.last().map(|point| point.at), Some(NOW / 1000));
    // A clock that is ahead: what it stamped is counted, so it is shown.
    stage.serve(&[(A, NOW / 1000 + 900, 5)]).await;
    let view = stage.usage(Metric::Traffic, &[A], today, None).await;
    assert_eq!(view.bins.last().map(|point| (point.at, point.value)), Some((NOW / 1000 + 900, 5)));
    assert_eq!(view.cards.traffic.now, view.bins.iter().map(|point| point.value).sum::<i64>());
}

async fn slots_that_are_none_are_refused(database: Database) {
    let stage = Stage::set(database, "UTC").await;
    let ask = async |from, to, domain: Option<&str>| {
        let domains = domain.map(str::to_owned).into_iter().collect();
        let query = UsageQuery {
            metric: Metric::Traffic,
            domains,
            range: TimeRange { from, to },
            granularity: None,
            compare: false,
        };
        stage.console.stats.usage(&Actor::cli(), query).await
    };
    let start = 1_777_593_600;
    for (from, to) in [
        (start, start),
        (start, start - 300),
        (start + 1, start + 600),
        (start, start + 301),
        (0, i64::MAX),
        (i64::MIN, 300),
    ] {
        assert!(matches!(ask(from, to, None).await, Err(StatsError::BadRange)), "{from} {to}");
    }
    assert!(matches!(ask(start, start + 300, Some("nobody.example.com")).await, Err(StatsError::UnknownDomain(_))));
    let slot = TimeRange { from: start, to: start + 400 * 86_400 };
    let query = UsageQuery {
        metric: Metric::Traffic,
        domains: Vec::new(),
        range: slot,
        granularity: Some(Granularity::Minutes),
        compare: false,
    };
    let refused = stage.console.stats.usage(&Actor::cli(), query).await;
    assert!(matches!(refused, Err(StatsError::TooManyBins(_))));
}

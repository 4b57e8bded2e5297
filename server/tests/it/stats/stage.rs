//! A console with statistics of one's own.

use std::path::Path;
use std::sync::Arc;

use callsheet::Console;
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, Millis, TestClock};
use callsheet::stats::{
    Digest, Granularity, ImportStep, Metric, Progress, Sums, TimeRange, UsageQuery, UsageRow, UsageView,
};
use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::oracle::{Oracle, Zone};
use crate::support::{DOMAIN, Database, PLAY, use_cases_with};

/// 2026-11-22 12:00 UTC, behind all that is counted.
pub(super) const NOW: Millis = 1_795_348_800_000;

pub(super) const A: &str = "a.example.com";
pub(super) const B: &str = "b.example.com";

pub(super) struct Stage {
    pub(super) console: Console,
    pub(super) clock: Arc<TestClock>,
    pub(super) zone: Zone,
    pub(super) oracle: Oracle,
    pub(super) data: TempDir,
    database: Database,
    files: u8,
}

impl Stage {
    pub(super) async fn set(database: Database, zone: &'static str) -> Self {
        let data = tempfile::tempdir().expect("folder");
        let (console, clock) = open(&database, data.path(), zone, NOW).await;
        Self { console, clock, zone: Zone(zone), oracle: Oracle::default(), data, database, files: 0 }
    }

    /// Opens the same data in another zone, at another time.
    pub(super) async fn restart(self, zone: &'static str, now: Millis) -> Self {
        self.console.close().await;
        let (console, clock) = open(&self.database, self.data.path(), zone, now).await;
        Self { console, clock, zone: Zone(zone), ..self }
    }

    /// Another process on the same data.
    pub(super) async fn beside(&self, zone: &str) -> Console {
        open(&self.database, self.data.path(), zone, NOW).await.0
    }

    /// Adds [`DOMAIN`], which is played by [`PLAY`].
    pub(super) async fn add_domain(&self) {
        let new = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
        self.console.domains.create(&Actor::cli(), new).await.expect("created");
    }

    /// Imports a file that sends so many bytes for these domains in these points.
    pub(super) async fn serve(&mut self, sent: &[(&str, i64, i64)]) {
        let rows: Vec<UsageRow> = sent.iter().map(|(domain, at, bytes)| row(domain, *at, *bytes)).collect();
        self.files += 1;
        let step = step(None, 0, 1, [self.files; 32]);
        self.console.stats.add_usage(&Actor::cli(), &rows, &step).await.expect("added");
        for (domain, at, bytes) in sent {
            self.oracle.add(domain, *at, *bytes);
        }
    }

    pub(super) async fn usage(
        &self,
        metric: Metric,
        domains: &[&str],
        slot: TimeRange,
        granularity: Option<Granularity>,
    ) -> UsageView {
        let domains = domains.iter().map(|name| (*name).to_owned()).collect();
        let query = UsageQuery { metric, domains, range: slot, granularity, compare: true };
        self.console.stats.usage(&Actor::cli(), query).await.expect("usage")
    }

    /// The days of the console's zone.
    pub(super) fn days(&self, first: &str, last: &str) -> TimeRange {
        self.console.stats.calendar().days(first, last).expect("days")
    }

    /// Asks for the slot in every way, and compares with the oracle.
    pub(super) async fn check(&self, domains: &[&str], slot: TimeRange) {
        for granularity in [Granularity::Minutes, Granularity::Hour, Granularity::Day] {
            let expected = self.oracle.series(self.zone, domains, slot, granularity);
            let traffic = self.usage(Metric::Traffic, domains, slot, Some(granularity)).await;
            let bandwidth = self.usage(Metric::Bandwidth, domains, slot, Some(granularity)).await;
            let shown: Vec<_> =
                traffic.bins.iter().zip(&bandwidth.bins).map(|(t, b)| (t.at, t.value, b.value)).collect();
            assert_eq!(shown, expected, "{domains:?} {slot:?} {granularity} {:?}", self.zone);
            for view in [traffic, bandwidth] {
                let (at, peak) = self.oracle.peak(domains, slot);
                assert_eq!(view.cards.traffic.now, self.oracle.traffic(domains, slot));
                assert_eq!(view.cards.peak.now, peak);
                assert_eq!(view.cards.peak_at, (peak > 0).then_some(at));
                assert_eq!(view.cards.p95.expect("points").now, self.oracle.p95(domains, slot));
            }
        }
    }
}

async fn open(database: &Database, data: &Path, zone: &str, now: Millis) -> (Console, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(now));
    let console = use_cases_with(database, clock.clone(), data, |config| {
        config.time_zone = TimeZone::get(zone).expect("a zone");
    });
    (console.await, clock)
}

pub(super) fn row(domain: &str, at: i64, bytes: i64) -> UsageRow {
    UsageRow { domain: domain.into(), at, sums: Sums { bytes, requests: 1, s2xx: 1, ..Sums::default() } }
}

/// A step of a file known by `head`, from `from` to `taken`.
pub(super) fn step(import: Option<i64>, from: i64, taken: i64, head: Digest) -> ImportStep {
    let mut prefix = head;
    prefix[..8].copy_from_slice(&taken.to_be_bytes());
    let progress = Progress { taken, prefix, head, lines: taken, bad: 0 };
    ImportStep { import, name: "access.log".to_owned(), from, progress, now: NOW / 1000 }
}

/// The same numbers in each run, spread over all of `u64`.
pub(super) fn noise(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

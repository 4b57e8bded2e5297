//! What the figures must be, counted point by point.

use std::collections::BTreeMap;

use callsheet::stats::{Granularity, TimeRange};

pub(super) const POINT: i64 = 300;
const DAY: i64 = 86_400;

/// A zone of which the oracle knows how far it is ahead of UTC in 2026, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone(pub(super) &'static str);

impl Zone {
    fn ahead(self, at: i64) -> i64 {
        match self.0 {
            "UTC" => 0,
            "Asia/Shanghai" => 8 * 3600,
            "Asia/Kolkata" => 5 * 3600 + 1800,
            // Summer time from 2026-03-08 07:00 UTC to 2026-11-01 06:00 UTC.
            "America/New_York" if (1_772_953_200..1_793_512_800).contains(&at) => -4 * 3600,
            "America/New_York" => -5 * 3600,
            other => panic!("nothing is known of {other}"),
        }
    }

    pub(super) fn day_start(self, at: i64) -> i64 {
        let local = at + self.ahead(at);
        let midnight = local - local.rem_euclid(DAY);
        // None of these zones changes clocks within five hours before or one after its midnight.
        midnight - self.ahead(midnight + 5 * 3600)
    }

    fn start(self, at: i64, granularity: Granularity) -> i64 {
        let day = self.day_start(at);
        match granularity {
            Granularity::Minutes => at - at.rem_euclid(POINT),
            Granularity::Hour => at - (at - day) % 3600,
            Granularity::Day => day,
        }
    }
}

/// Bytes by domain and point.
#[derive(Debug, Clone, Default)]
pub(super) struct Oracle(BTreeMap<(String, i64), i64>);

impl Oracle {
    pub(super) fn add(&mut self, domain: &str, at: i64, bytes: i64) {
        *self.0.entry((domain.to_owned(), at)).or_default() += bytes;
    }

    /// The bytes of each point of the slot; no domains: all.
    fn points(&self, domains: &[&str], slot: TimeRange) -> Vec<(i64, i64)> {
        let mut points: BTreeMap<i64, i64> = (slot.from..slot.to).step_by(300).map(|at| (at, 0)).collect();
        for ((domain, at), bytes) in &self.0 {
            if domains.is_empty() || domains.contains(&domain.as_str()) {
                points.entry(*at).and_modify(|sum| *sum += bytes);
            }
        }
        points.into_iter().collect()
    }

    pub(super) fn traffic(&self, domains: &[&str], slot: TimeRange) -> i64 {
        self.points(domains, slot).iter().map(|(_, bytes)| bytes).sum()
    }

    /// Start and bits a second of the highest point, the first of equal ones.
    pub(super) fn peak(&self, domains: &[&str], slot: TimeRange) -> (i64, i64) {
        let mut peak = (slot.from, 0);
        for (at, bytes) in self.points(domains, slot) {
            if bytes * 8 / POINT > peak.1 {
                peak = (at, bytes * 8 / POINT);
            }
        }
        peak
    }

    /// Bits a second: all points in descending order, without the first twentieth.
    pub(super) fn p95(&self, domains: &[&str], slot: TimeRange) -> i64 {
        let mut points: Vec<i64> = self.points(domains, slot).into_iter().map(|(_, bytes)| bytes).collect();
        points.sort_by_key(|bytes| -bytes);
        points[(points.len() as f64 * 0.05).floor() as usize] * 8 / POINT
    }

    /// Traffic and bandwidth of each point of this length.
    pub(super) fn series(
        &self,
        zone: Zone,
        domains: &[&str],
        slot: TimeRange,
        granularity: Granularity,
    ) -> Vec<(i64, i64, i64)> {
        let mut series: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for (at, bytes) in self.points(domains, slot) {
            let point = series.entry(zone.start(at, granularity).max(slot.from)).or_default();
            *point = (point.0 + bytes, point.1.max(bytes * 8 / POINT));
        }
        series.into_iter().map(|(at, (traffic, bandwidth))| (at, traffic, bandwidth)).collect()
    }
}

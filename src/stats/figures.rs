//! From stored rows to what is shown.

use std::collections::BTreeMap;

use super::calendar::POINT;
use super::{Counted, Granularity, Held, Metric, Sample, UsagePoint};

/// Bits a second of a five-minute point.
pub(super) const fn bits_per_second(bytes: i64) -> i64 {
    bytes.saturating_mul(8) / POINT
}

/// Sums over a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) bytes: i64,
    /// Bytes of the highest five-minute point, and its start.
    pub(super) peak: Option<(i64, i64)>,
}

impl Totals {
    /// Of equal peaks the first.
    pub(super) fn of(rows: &[Counted]) -> Self {
        let peak = rows.iter().map(|row| (row.peak, row.peak_at)).max_by_key(|(bytes, at)| (*bytes, -at));
        Self { bytes: rows.iter().map(|row| row.bytes).sum(), peak: peak.filter(|(bytes, _)| *bytes > 0) }
    }
}

/// The point that `above` others exceed; 0 if there are no more than these.
pub(super) fn nth_highest(mut points: Vec<i64>, above: i64) -> i64 {
    match usize::try_from(above) {
        Ok(above) if above < points.len() => *points.select_nth_unstable_by(above, |a, b| b.cmp(a)).1,
        _ => 0,
    }
}

/// A value for each of `starts`, of rows in any order. Points that have not begun at `now` are left out, unless something is known of them.
pub(super) fn usage_series(rows: &[Counted], starts: &[i64], metric: Metric, now: i64) -> Vec<UsagePoint> {
    let mut points: Vec<UsagePoint> = starts.iter().map(|at| UsagePoint { at: *at, value: 0 }).collect();
    for row in rows {
        let found = starts.partition_point(|start| *start <= row.at).checked_sub(1);
        if let Some(point) = found.and_then(|index| points.get_mut(index)) {
            match metric {
                Metric::Bandwidth => point.value = point.value.max(bits_per_second(row.peak)),
                _ => point.value += row.bytes,
            }
        }
    }
    let known = points.iter().rposition(|point| point.at <= now || point.value > 0).map_or(0, |last| last + 1);
    points.truncate(known);
    points
}

/// What is held before a slot, in each of its points that have begun, and at its end. `None`: nothing was counted yet.
pub(super) struct HeldSeries {
    pub(super) before: Option<Held>,
    pub(super) points: Vec<(i64, Held)>,
    pub(super) last: Option<Held>,
    /// The start of the first point that something is known of.
    pub(super) known_from: Option<i64>,
}

impl HeldSeries {
    /// Of samples by time. A day's value is the highest that was held at the end of one of its points, else it is what was held last.
    pub(super) fn of(samples: &[Sample], starts: &[i64], to: i64, granularity: Granularity, now: i64) -> Self {
        let mut by_domain: BTreeMap<i64, Held> = BTreeMap::new();
        let mut held = None;
        let mut take = |sample: &Sample, held: &mut Option<Held>| {
            let before = by_domain.insert(sample.domain, sample.held).unwrap_or_default();
            let sum = held.unwrap_or_default();
            *held = Some(Held {
                bytes: sum.bytes - before.bytes + sample.held.bytes,
                files: sum.files - before.files + sample.held.files,
            });
        };
        let mut samples = samples.iter().peekable();
        let first = starts.first().copied().unwrap_or(to);
        while let Some(sample) = samples.next_if(|sample| sample.at < first) {
            take(sample, &mut held);
        }
        let before = held;
        let mut points = Vec::with_capacity(starts.len());
        let mut known_from = None;
        let ends = starts.iter().skip(1).copied().chain([to]);
        for (start, end) in starts.iter().copied().zip(ends).take_while(|(start, _)| *start <= now) {
            let mut highest = if samples.peek().is_some_and(|next| next.at < start + POINT) { None } else { held };
            while let Some(at) = samples.peek().map(|next| next.at).filter(|at| *at < end) {
                while let Some(sample) = samples.next_if(|sample| sample.at == at) {
                    take(sample, &mut held);
                }
                highest = match (highest, held) {
                    (Some(a), Some(b)) => Some(Held { bytes: a.bytes.max(b.bytes), files: a.files.max(b.files) }),
                    (a, b) => a.or(b),
                };
            }
            let shown = if granularity == Granularity::Day { highest } else { held };
            if shown.is_some() {
                known_from = known_from.or(Some(start));
            }
            points.push((start, shown.unwrap_or_default()));
        }
        Self { before, points, last: held, known_from }
    }

    /// As points of storage or of files.
    pub(super) fn points_of(&self, metric: Metric) -> Vec<UsagePoint> {
        let figure = |held: &Held| if metric == Metric::Files { held.files } else { held.bytes };
        self.points.iter().map(|(at, held)| UsagePoint { at: *at, value: figure(held) }).collect()
    }
}

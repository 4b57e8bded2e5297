//! Turns stored rows into the figures of a view.

use std::collections::BTreeMap;

use super::{BIN_S, BinTotals, Granularity, InventorySample, Metric, StoredTotals, UsageBin};

/// Converts the bytes of a five-minute bin to bits per second.
pub(super) const fn bits_per_second(bytes: i64) -> i64 {
    bytes.saturating_mul(8) / BIN_S
}

/// Totals over a time range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) bytes: i64,
    /// Bytes and start of the highest five-minute bin.
    pub(super) peak: Option<(i64, i64)>,
}

impl Totals {
    /// Sums rows. Ties resolve to the earliest peak.
    pub(super) fn of(rows: &[BinTotals]) -> Self {
        let peak = rows.iter().map(|row| (row.peak, row.peak_at)).max_by_key(|(bytes, at)| (*bytes, -at));
        Self { bytes: rows.iter().map(|row| row.bytes).sum(), peak: peak.filter(|(bytes, _)| *bytes > 0) }
    }
}

/// Returns the value that `above` other values exceed; 0 if there are not enough values.
pub(super) fn nth_highest(mut values: Vec<i64>, above: i64) -> i64 {
    match usize::try_from(above) {
        Ok(above) if above < values.len() => *values.select_nth_unstable_by(above, |a, b| b.cmp(a)).1,
        _ => 0,
    }
}

/// Returns a bin for each of `starts`. Rows may be in any order. Future bins at the end are left out unless they have data.
pub(super) fn usage_series(rows: &[BinTotals], starts: &[i64], metric: Metric, now: i64) -> Vec<UsageBin> {
    let mut bins: Vec<UsageBin> = starts.iter().map(|at| UsageBin { at: *at, value: 0 }).collect();
    for row in rows {
        let found = starts.partition_point(|start| *start <= row.at).checked_sub(1);
        if let Some(bin) = found.and_then(|index| bins.get_mut(index)) {
            match metric {
                Metric::Bandwidth => bin.value = bin.value.max(bits_per_second(row.peak)),
                _ => bin.value += row.bytes,
            }
        }
    }
    let shown = bins.iter().rposition(|bin| bin.at <= now || bin.value > 0).map_or(0, |last| last + 1);
    bins.truncate(shown);
    bins
}

/// Stored bytes and files over a time range. Totals are `None` before the first inventory.
pub(super) struct StoredSeries {
    /// At the start of the range.
    pub(super) before: Option<StoredTotals>,
    /// Starts and totals of the bins that have begun.
    pub(super) bins: Vec<(i64, StoredTotals)>,
    /// At the end of the range.
    pub(super) last: Option<StoredTotals>,
    /// Start of the first bin with data.
    pub(super) known_from: Option<i64>,
}

impl StoredSeries {
    /// Builds the series from samples in order of time. A bin has the totals at its end; a day has the highest totals at the end of any
    /// of its five-minute bins.
    pub(super) fn of(samples: &[InventorySample], starts: &[i64], to: i64, granularity: Granularity, now: i64) -> Self {
        let mut by_domain: BTreeMap<i64, StoredTotals> = BTreeMap::new();
        let mut current = None;
        let mut apply = |sample: &InventorySample, current: &mut Option<StoredTotals>| {
            let before = by_domain.insert(sample.domain, sample.stored).unwrap_or_default();
            let sum = current.unwrap_or_default();
            *current = Some(StoredTotals {
                bytes: sum.bytes - before.bytes + sample.stored.bytes,
                files: sum.files - before.files + sample.stored.files,
            });
        };
        let mut samples = samples.iter().peekable();
        let first = starts.first().copied().unwrap_or(to);
        while let Some(sample) = samples.next_if(|sample| sample.at < first) {
            apply(sample, &mut current);
        }
        let before = current;
        let mut bins = Vec::with_capacity(starts.len());
        let mut known_from = None;
        let ends = starts.iter().skip(1).copied().chain([to]);
        for (start, end) in starts.iter().copied().zip(ends).take_while(|(start, _)| *start <= now) {
            let mut highest = if samples.peek().is_some_and(|next| next.at < start + BIN_S) { None } else { current };
            while let Some(at) = samples.peek().map(|next| next.at).filter(|at| *at < end) {
                while let Some(sample) = samples.next_if(|sample| sample.at == at) {
                    apply(sample, &mut current);
                }
                highest = match (highest, current) {
                    (Some(a), Some(b)) => {
                        Some(StoredTotals { bytes: a.bytes.max(b.bytes), files: a.files.max(b.files) })
                    }
                    (a, b) => a.or(b),
                };
            }
            let shown = if granularity == Granularity::Day { highest } else { current };
            if shown.is_some() {
                known_from = known_from.or(Some(start));
            }
            bins.push((start, shown.unwrap_or_default()));
        }
        Self { before, bins, last: current, known_from }
    }

    /// Returns the bins of `Metric::Files`, else of `Metric::Storage`.
    pub(super) fn bins_of(&self, metric: Metric) -> Vec<UsageBin> {
        let figure = |totals: &StoredTotals| if metric == Metric::Files { totals.files } else { totals.bytes };
        self.bins.iter().map(|(at, totals)| UsageBin { at: *at, value: figure(totals) }).collect()
    }
}

//! Distributes the bytes of a request over the bins in which it ran.

use crate::stats::{BIN_S, bin_start};

/// Returns the start (Unix seconds) of the bin that contains a time in Unix milliseconds.
pub(super) fn bin_start_of_ms(ms: i64) -> i64 {
    bin_start(ms.div_euclid(1000))
}

/// Distributes the bytes of a request that ended at `end_ms` (Unix milliseconds) after `duration_ms` evenly over time. Returns the start
/// (Unix seconds) and the bytes of each bin. Shares are rounded down and the last bin gets the rest, so that they sum to `bytes`.
///
/// A request that ends exactly between two bins counts for the first. All bytes of a request without duration count for the bin of its end.
pub fn spread(end_ms: i64, duration_ms: i64, bytes: i64) -> impl Iterator<Item = (i64, i64)> {
    let start_ms = end_ms - duration_ms;
    let first = bin_start_of_ms(start_ms);
    let last = if duration_ms > 0 { bin_start_of_ms(end_ms - 1) } else { first };
    let mut left = bytes;
    (0..=(last - first) / BIN_S).map(move |index| {
        let at = first + index * BIN_S;
        if at == last {
            return (at, left);
        }
        let ran_ms = (at + BIN_S) * 1000 - start_ms.max(at * 1000);
        let share = i128::from(bytes) * i128::from(ran_ms) / i128::from(duration_ms);
        let share = i64::try_from(share).unwrap_or(bytes);
        left -= share;
        (at, share)
    })
}

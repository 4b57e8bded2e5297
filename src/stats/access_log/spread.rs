//! Bytes of a request over the points in which it ran.

/// The length of a point.
pub const POINT_SECONDS: i64 = 300;

const POINT_MS: i64 = POINT_SECONDS * 1000;

/// The point that holds a moment: its start in Unix seconds.
pub(super) fn point_of(ms: i64) -> i64 {
    ms.div_euclid(POINT_MS) * POINT_SECONDS
}

/// The bytes of each point in which a request ran that ended at `end_ms` (Unix milliseconds) after `duration_ms`, by the start of the point
/// (Unix seconds), evenly by time. Each share is rounded down and the last point gets what is left, so that they sum to `bytes`.
///
/// A request that ends on the border of two points has run in the first alone; one without duration is all of the point of its end.
pub fn spread(end_ms: i64, duration_ms: i64, bytes: i64) -> impl Iterator<Item = (i64, i64)> {
    let start_ms = end_ms - duration_ms;
    let first = point_of(start_ms);
    let last = if duration_ms > 0 { point_of(end_ms - 1) } else { first };
    let mut left = bytes;
    (0..=(last - first) / POINT_SECONDS).map(move |index| {
        let at = first + index * POINT_SECONDS;
        if at == last {
            return (at, left);
        }
        let ran_ms = (at + POINT_SECONDS) * 1000 - start_ms.max(at * 1000);
        let share = i128::from(bytes) * i128::from(ran_ms) / i128::from(duration_ms);
        let share = i64::try_from(share).unwrap_or(bytes);
        left -= share;
        (at, share)
    })
}

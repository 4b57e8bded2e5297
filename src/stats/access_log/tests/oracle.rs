//! An independent implementation of the sums of the nginx JSON format, with a JSON library, a calendar library, and bytes spread second by
//! second.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Totals;
use crate::stats::Sums;

/// Returns the shares of a request by bin, rounded down; the last gets the rest.
pub(super) fn shares(end_ms: i64, duration_ms: i64, bytes: i64) -> Vec<(i64, i64)> {
    if duration_ms == 0 {
        return vec![(end_ms.div_euclid(300_000) * 300, bytes)];
    }
    let start_ms = end_ms - duration_ms;
    let mut ran: BTreeMap<i64, i64> = BTreeMap::new();
    for second in start_ms.div_euclid(1000)..=end_ms.div_euclid(1000) {
        let overlap = end_ms.min(second * 1000 + 1000) - start_ms.max(second * 1000);
        if overlap > 0 {
            *ran.entry(second - second.rem_euclid(300)).or_default() += overlap;
        }
    }
    assert_eq!(ran.values().sum::<i64>(), duration_ms);
    let exact = |ms: i64| i64::try_from(i128::from(bytes) * i128::from(ms) / i128::from(duration_ms)).expect("a share");
    let mut shares: Vec<_> = ran.into_iter().map(|(at, ms)| (at, exact(ms))).collect();
    let given: i64 = shares.iter().map(|(_, share)| share).sum();
    shares.last_mut().expect("a bin").1 += bytes - given;
    shares
}

/// Returns the totals of valid lines. Hosts are compared literally with `known`.
pub(super) fn totals(content: &str, known: &[&str]) -> Totals {
    let mut totals = Totals::new();
    for line in content.lines() {
        let line: Value = serde_json::from_str(line).expect("json");
        let ms = |name: &str| {
            let text = line[name].to_string();
            let (seconds, fraction) = text.split_once('.').unwrap_or((&text, "0"));
            seconds.parse::<i64>().expect("seconds") * 1000
                + format!("{fraction:0<3}").parse::<i64>().expect("thousandths")
        };
        let host = line["host"].as_str().expect("host");
        let domain = if known.contains(&host) { host } else { "(other)" };
        let (end, duration) = (ms("msec"), ms("request_time"));
        for (at, share) in shares(end, duration, line["bytes_sent"].as_i64().expect("bytes")) {
            totals.entry((domain.to_owned(), at)).or_default().bytes += share;
        }
        let sums: &mut Sums = totals.entry((domain.to_owned(), end.div_euclid(300_000) * 300)).or_default();
        sums.requests += 1;
        match line["status"].as_i64().expect("status") {
            200..=299 => sums.s2xx += 1,
            300..=399 => sums.s3xx += 1,
            400..=499 => sums.s4xx += 1,
            500..=599 => sums.s5xx += 1,
            _ => {}
        }
    }
    totals
}

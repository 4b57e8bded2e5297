//! Tests of sums against the independent implementation.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::tally::Lines;
use super::super::{BadLine, Format, KnownHosts, LineError, Tally, UnknownHost, spread};
use super::{NGINX_COMBINED, NGINX_JSON, NOW_MS, count, json_line, oracle};

#[test]
fn a_long_request_is_spread_evenly() {
    // From 09:20:00 to 10:00:00, the end of a bin: eight bins, nothing in the ninth.
    let shares: Vec<_> = spread(NOW_MS, 2_400_000, 8_000_000_003).collect();
    let start = NOW_MS / 1000 - 2400;
    let expected: Vec<_> =
        (0..8).map(|bin| (start + bin * 300, 1_000_000_000 + if bin == 7 { 3 } else { 0 })).collect();
    assert_eq!(shares, expected);
    assert_eq!(spread(NOW_MS, 0, 7).collect::<Vec<_>>(), [(NOW_MS / 1000, 7)], "no duration: the bin of the end");
    assert_eq!(spread(NOW_MS + 1, 3, 10).collect::<Vec<_>>(), [(NOW_MS / 1000 - 300, 6), (NOW_MS / 1000, 4)]);
}

#[test]
fn a_request_is_counted_in_the_bin_of_its_end() {
    let (totals, report) = count(json_line("play.test.com", NOW_MS, 600_000, 100, 503).as_bytes(), Format::NginxJson);
    let at = |offset: i64| totals[&("play.test.com".to_owned(), NOW_MS / 1000 + offset)];
    assert_eq!((at(-600).bytes, at(-300).bytes, at(0).bytes), (50, 50, 0));
    assert_eq!((at(-600).requests, at(-300).requests, at(0).requests, at(0).s5xx), (0, 0, 1, 1));
    assert_eq!((report.bytes, report.lines, report.bad, report.unknown), (100, 1, 0, 0));
}

#[test]
fn recorded_files_have_the_expected_sums() {
    let (totals, report) = count(NGINX_JSON.as_bytes(), Format::NginxJson);
    assert_eq!(totals, oracle::totals(NGINX_JSON, &["play.test.com"]));
    assert_eq!(report.bytes, 20_000_248 + 1272 + 248 + 5_275_896 + 308);
    assert_eq!(report.unknown_hosts, [UnknownHost { host: "a\"b\\x".to_owned(), requests: 1 }]);
    let mut given = Tally::new(Format::Combined, super::known(), Some("Vod.Test.com"), NOW_MS);
    for (line, number) in NGINX_COMBINED.lines().zip(1..) {
        given.line(number, line.as_bytes());
    }
    let (rows, lines) = given.take();
    assert_eq!((rows.len(), &*rows[0].domain), (1, "vod.test.com"));
    assert_eq!(lines, Lines { all: 5, bad: 0, unknown: 0 });
    assert_eq!((rows[0].sums.bytes, rows[0].sums.requests, rows[0].sums.s4xx), (25_276_801, 5, 1));
    assert_eq!(given.take(), (Vec::new(), Lines::default()), "taken once");
}

#[test]
fn rows_are_sorted_by_domain_and_time() {
    let known = Arc::new(KnownHosts::new(["b.test", "a.test", "b.test"]));
    let mut tally = Tally::new(Format::NginxJson, known, None, NOW_MS);
    for (host, minutes) in [("b.test", 0), ("a.test", 5), ("x.test", 10), ("a.test", 0), ("b.test", 50)] {
        tally.line(1, json_line(host, NOW_MS - minutes * 60_000, 0, 1, 200).trim_end().as_bytes());
    }
    let (rows, ..) = tally.take();
    let order: Vec<_> = rows.iter().map(|row| (&*row.domain, (NOW_MS / 1000 - row.at) / 60)).collect();
    assert_eq!(order, [("(other)", 10), ("a.test", 5), ("a.test", 0), ("b.test", 50), ("b.test", 0)]);
}

#[test]
fn implausible_numbers_are_refused() {
    let day = 86_400_000;
    let mut tally = super::tally(Format::NginxJson);
    for (number, end, duration, bytes) in [
        (1, NOW_MS + day, 0, 1),
        (2, NOW_MS + day + 1, 0, 1),
        (3, 946_684_800_000, 0, 1),
        (4, 946_684_800_000, 1, 1),
        (5, NOW_MS, 31 * day, 1),
        (6, NOW_MS, 31 * day + 1, 1),
        (7, NOW_MS, 0, 1 << 42),
        (8, NOW_MS, 0, (1 << 42) + 1),
        (9, i64::MAX / 1000 * 1000, 0, 1),
    ] {
        tally.line(number, json_line("play.test.com", end, duration, bytes, 200).trim_end().as_bytes());
    }
    let report = tally.report();
    let bad = |line, reason| BadLine { line, reason };
    assert_eq!(
        report.bad_lines,
        [
            bad(2, LineError::Future),
            bad(4, LineError::Past),
            bad(6, LineError::Duration),
            bad(8, LineError::Bytes),
            bad(9, LineError::Future)
        ]
    );
    assert_eq!((report.lines, report.bad), (9, 5));
}

#[test]
fn twenty_bad_lines_and_twenty_unknown_hosts_are_shown() {
    let mut content = String::new();
    for number in 0..50 {
        content += "garbage\n\n";
        for _ in 0..=number {
            content += &json_line(&format!("h{number}.example"), NOW_MS, 0, 1, 200);
        }
    }
    let (_, report) = count(content.as_bytes(), Format::NginxJson);
    assert_eq!((report.bad, report.bad_lines.len(), report.unknown_hosts.len()), (50, 20, 20));
    assert_eq!(report.bad_lines[1], BadLine { line: 4, reason: LineError::Json }, "blank lines have numbers too");
    assert_eq!((report.lines, report.unknown), (50 + 1275, 1275));
    assert_eq!(report.unknown_hosts[0], UnknownHost { host: "h49.example".to_owned(), requests: 50 });
}

prop_compose! {
    fn any_line()(
        host in prop::sample::select(vec!["play.test.com", "vod.test.com", "x.test", "", "a\\\"b"]),
        end in NOW_MS - 3_600_000..NOW_MS,
        duration in prop_oneof![Just(0), 1..5_000i64, 1..4_000_000i64],
        bytes in prop_oneof![0..10i64, 0..(1i64 << 42)],
        status in prop_oneof![Just(200u16), Just(206), Just(304), Just(404), Just(499), Just(502), Just(101), Just(0)],
    ) -> String {
        json_line(host, end, duration, bytes, status)
    }
}

proptest! {
    #[test]
    fn shares_match_the_independent_implementation(end in NOW_MS - 600_000..NOW_MS, duration in 0..5_000_000i64, bytes in 0..(1i64 << 42)) {
        let shares: Vec<_> = spread(end, duration, bytes).collect();
        prop_assert_eq!(shares.iter().map(|(_, share)| share).sum::<i64>(), bytes);
        prop_assert_eq!(shares, oracle::shares(end, duration, bytes));
    }

    #[test]
    fn totals_match_the_independent_implementation(lines in prop::collection::vec(any_line(), 0..30)) {
        let content: String = lines.concat();
        let (totals, report) = count(content.as_bytes(), Format::NginxJson);
        prop_assert_eq!(report.bytes, totals.values().map(|sums| sums.bytes).sum::<i64>());
        prop_assert_eq!(totals, oracle::totals(&content, &["play.test.com", "vod.test.com"]));
    }
}

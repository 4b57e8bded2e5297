//! Invalid and malicious log content.

use std::io::Cursor;
use std::ops::ControlFlow;

use proptest::prelude::*;
use serde_json::Value;

use super::super::{BadLine, Format, LineError, LogReader, Parser, Tail};
use super::{NGINX_JSON, NOW_MS, Pieces, add, count, json_line, tally};

#[test]
fn one_line_in_a_hundred_is_garbage() {
    let (mut clean, mut dirty) = (String::new(), String::new());
    for number in 0..2000 {
        let line = json_line("play.test.com", NOW_MS - number * 1000, number * 7, number * 1001, 200);
        clean += &line;
        dirty += &line;
        if number % 100 == 0 {
            dirty += &line[..line.len() / 2];
            dirty += "\n";
        }
    }
    let ((clean, _), (dirty, report)) =
        (count(clean.as_bytes(), Format::NginxJson), count(dirty.as_bytes(), Format::NginxJson));
    assert_eq!(clean, dirty);
    assert_eq!((report.lines, report.bad), (2020, 20));
}

#[test]
fn a_line_of_ten_megabytes_is_one_bad_line() {
    let line = json_line("play.test.com", NOW_MS, 0, 5, 200);
    let long = format!("{{\"ua\":\"{}\"", "x".repeat(10 << 20));
    let longest =
        format!("{}{}\n", &line[..line.len() - 2], " ".repeat((1 << 20) - line.len() + 1)).replacen("\n", "}\n", 1);
    assert_eq!(longest.len(), (1 << 20) + 1, "1 MiB and its line feed");
    let over = longest.replacen('}', " }", 1);
    for sizes in [&[usize::MAX][..], &[100_000], &[1 << 20, 3]] {
        let content = format!("{line}{long}\n{line}{longest}{over}{line}{long}");
        let mut reader = LogReader::open(|| Ok(Pieces::new(content.as_bytes(), sizes))).expect("open");
        let mut tally = tally(Format::NginxJson);
        let mut batches = Vec::new();
        let _ = reader.run(&mut tally, Tail::Finished, |batch| {
            batches.push(batch);
            ControlFlow::Continue(())
        });
        let report = tally.report();
        assert_eq!((report.lines, report.bytes), (7, 20), "{sizes:?}");
        let bad: Vec<_> = [2, 5, 7].map(|line| BadLine { line, reason: LineError::TooLong }).into();
        assert_eq!(report.bad_lines, bad, "{sizes:?}");
        assert_eq!(batches.last().expect("a batch").offset, content.len() as u64, "{sizes:?}");
    }
}

#[test]
fn nul_bytes_are_reported_and_windows_line_ends_are_accepted() {
    let line = json_line("play.test.com", NOW_MS, 0, 5, 200);
    let content = format!(
        "{line}\0\0\0\0{line}\0\0\n{}{}",
        line.replace("play", "pl\0ay").replace('{', "\0}"),
        line.replace('\n', "\r\n")
    );
    let (totals, report) = count(content.as_bytes(), Format::NginxJson);
    assert_eq!(report.bad_lines, [3, 4].map(|line| BadLine { line, reason: LineError::Nul }));
    assert_eq!((totals.len(), report.bytes), (1, 15));
}

#[test]
fn an_empty_file_has_no_batch() {
    let mut reader = LogReader::open(|| Ok(Cursor::new(b""))).expect("open");
    assert_eq!(reader.detect_format(), None);
    let mut tally = tally(Format::NginxJson);
    let end = reader.run(&mut tally, Tail::Finished, |_| panic!("no batch"));
    assert!(matches!(end, super::ReadEnd::Complete));
    assert_eq!(tally.report().lines, 0);
}

/// Generates fragments of log lines.
fn scraps() -> impl Strategy<Value = Vec<u8>> {
    let scrap = prop_oneof![
        prop::sample::select(vec![
            "\n",
            "\0",
            " ",
            "\t",
            "\"",
            "\\",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "-",
            ".",
            "/",
            "\\u",
            "\\ud83d",
            "1",
            "99999999999999999999",
            "{\"msec\":",
            "\"host\":\"",
            "\"bytes_sent\":",
            "#Fields: date time sc-bytes x",
            "#Fields:",
            "2026-11-22",
            "09:01:03",
            "[22/Nov/2026:09:01:03 +0000] ",
            "22/Nov/2026:09:01:03",
            "+0800",
            "20261122170103",
            "GET http://a/",
            "é",
            "1.",
            ".5",
            "\"EdgeEndTimestamp\":",
            "\"EdgeStartTimestamp\":",
            "\"2026-11-22T09:01:03Z\"",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(scrap, 0..40).prop_map(|scraps| scraps.concat())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\"\\\\{}\\[\\],:]*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics(content in scraps()) {
        for format in Format::ALL {
            let (_, report) = count(&content, *format);
            prop_assert!(report.bad <= report.lines);
        }
        let _ = Format::detect(&content);
    }

    #[test]
    fn a_line_changed_anywhere_does_not_panic(at in 0..2000usize, byte: u8) {
        let mut content = NGINX_JSON.as_bytes().to_vec();
        let at = at % content.len();
        content[at] = byte;
        let (totals, report) = count(&content, Format::NginxJson);
        prop_assert_eq!(totals.values().map(|sums| sums.requests).sum::<i64>().unsigned_abs(), report.lines - report.bad);
    }

    #[test]
    fn any_other_members_are_ignored(host: String, others in prop::collection::vec(("[^a-z]*", any_json()), 0..6), at in 0..6usize) {
        let mut members: Vec<_> = others.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        members.insert(at.min(members.len()), ("host", Value::from(host.as_str())));
        members.insert(at.min(members.len()), ("msec", Value::from(1_795_338_063)));
        members.extend([("status", Value::from("200")), ("bytes_sent", Value::from(7))]);
        let member = |(name, value): &(&str, Value)| format!("{}: {value}", Value::from(*name));
        let line = format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(" ,"));
        let mut parser = Parser::new(Format::NginxJson);
        let entry = parser.parse(line.as_bytes()).expect("a line").expect("an entry");
        prop_assert_eq!(entry.host, Some(host.as_str()).filter(|host| !matches!(*host, "" | "-")));
        prop_assert_eq!(entry.bytes, 7);
    }

    #[test]
    fn the_sizes_of_reads_do_not_matter(content in scraps(), sizes in prop::collection::vec(1..50usize, 1..5)) {
        for format in [Format::NginxJson, Format::W3c] {
            let mut reader = LogReader::open(|| Ok(Pieces::new(&content, &sizes))).expect("open");
            let mut pieces = tally(format);
            let mut totals = super::Totals::new();
            reader.run(&mut pieces, Tail::Finished, |batch| {
                add(&mut totals, &batch);
                ControlFlow::Continue(())
            });
            prop_assert_eq!((totals, pieces.report()), count(&content, format));
        }
    }
}

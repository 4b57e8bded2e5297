//! Valid lines count regardless of junk, byte order marks, white space, line ends, padding and compression around them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::super::{Format, LogReader, ReadEnd, UnsupportedContent, is_compressed};
use super::{NGINX_COMBINED, NOW_MS, Pieces, Totals, count_given, json_line, known, run};
use crate::stats::access_log::{Tail, Tally};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content).expect("pack");
    packer.finish().expect("pack")
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 0).expect("pack")
}

fn tally(format: Format) -> Tally {
    Tally::new(format, known(), Some("play.test.com"), NOW_MS)
}

fn bytes(totals: &Totals) -> i64 {
    totals.values().map(|sums| sums.bytes).sum()
}

fn three_lines() -> String {
    (1..=3)
        .map(|n| json_line("play.test.com", NOW_MS - n * 1000, 0, 10_i64.pow(u32::try_from(n).expect("small")), 200))
        .collect()
}

/// gzip(1) manual: zeros after a member are padding of tapes and block-wise copies.
#[test]
fn padding_between_and_after_members_is_skipped() {
    let lines = three_lines();
    let (first, rest) = lines.split_at(lines.find('\n').expect("a line") - 9);
    let in_gzip = gzip(rest.as_bytes());
    for pack in [gzip, zstd] {
        let (first, rest, empty) = (pack(first.as_bytes()), pack(rest.as_bytes()), pack(b""));
        for zeros in [0, 1, 2, 512, 200_000] {
            let zeros = vec![0; zeros];
            for file in [
                [&first[..], &rest, &zeros].concat(),
                [&first[..], &zeros, &rest].concat(),
                [&first[..], &zeros, &empty, &zeros, &rest, &zeros].concat(),
                [&first[..], &zeros, &in_gzip, &zeros].concat(),
            ] {
                for sizes in [&[usize::MAX][..], &[1, 3], &[4096]] {
                    let mut reader = LogReader::open(|| Ok(Pieces::new(&file, sizes))).expect("open");
                    let mut tally = tally(Format::NginxJson);
                    let end = reader.run(&mut tally, Tail::Finished, |_| std::ops::ControlFlow::Continue(()));
                    assert!(matches!(end, ReadEnd::Complete), "{end:?}");
                    let report = tally.report();
                    assert_eq!((report.lines, report.bad, report.bytes), (3, 0, 1110));
                }
            }
        }
    }
}

#[test]
fn other_bytes_after_the_content_are_an_error_after_counting() {
    let lines = three_lines();
    for pack in [gzip, zstd] {
        for trailing in [&b"junk"[..], b"\0\0junk", b"\x1f", b"\0\x50\x2a"] {
            // The last line has no line feed.
            for content in [lines.as_str(), lines.trim_end()] {
                let file = [&pack(content.as_bytes()), trailing].concat();
                let (totals, report, end) = run(&file, tally(Format::NginxJson));
                let ReadEnd::Broken(why) = end else { panic!("{end:?}") };
                assert_eq!(
                    why.to_string(),
                    "the compressed content is followed by bytes that are neither gzip nor zstd"
                );
                assert_eq!((report.lines, report.bad, bytes(&totals)), (3, 0, 1110));
            }
        }
    }
}

#[test]
fn a_last_line_without_line_feed_counts_if_it_is_complete() {
    let (json, combined) = (three_lines(), NGINX_COMBINED.to_owned());
    for (content, format) in [(json, Format::NginxJson), (combined, Format::Combined)] {
        let whole = count_given(content.as_bytes(), format, Some("play.test.com")).0;
        let content = content.trim_end();
        assert_eq!(count_given(content.as_bytes(), format, Some("play.test.com")).0, whole);
        // Without the trailer: the content is complete, but that is unknown.
        let packed = gzip(content.as_bytes());
        let (totals, report, end) = run(&packed[..packed.len() - 8], tally(format));
        assert!(matches!(end, ReadEnd::Broken(_)), "{end:?}");
        assert_eq!((totals, report.bad), (whole, 0));
    }
}

#[test]
fn unsupported_content_is_detected() {
    let line = three_lines();
    let wide = |order: fn(u16) -> [u8; 2]| line.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
    for (content, foreign) in [
        ([b"\xff\xfe", &little[..]].concat(), Some(UnsupportedContent::Utf16)),
        ([b"\xfe\xff", &big[..]].concat(), Some(UnsupportedContent::Utf16)),
        (little, Some(UnsupportedContent::Utf16)),
        (big, Some(UnsupportedContent::Utf16)),
        (b"PAR1\x15\x04".to_vec(), Some(UnsupportedContent::Parquet)),
        (line.into_bytes(), None),
        (vec![0; 100], None),
        (b"P".to_vec(), None),
        (Vec::new(), None),
    ] {
        for file in [gzip(&content), content] {
            let reader = LogReader::open(|| Ok(Pieces::new(&file, &[1000]))).expect("open");
            assert_eq!(reader.unsupported_content(), foreign);
        }
    }
}

#[test]
fn only_gzip_and_zstd_are_compressed() {
    for start in [&gzip(b"a")[..], &zstd(b"a"), &[0x5f, 0x2a, 0x4d, 0x18]] {
        assert!(is_compressed(start));
    }
    for start in [&b""[..], b"\x1f", b"\xef\xbb\xbf#Fields:", b"{}", b"\x80\x81"] {
        assert!(!is_compressed(start), "{start:?}");
    }
}

/// Returns a valid line with a number of bytes sent.
fn good(format: Format, bytes: i64) -> String {
    match format {
        Format::Combined => {
            format!("192.0.2.1 - a [b] [22/Nov/2026:09:01:03 +0000] \"GET / HTTP/1.1\" 200 {bytes} \"-\" \"c [d] \"")
        }
        Format::NginxJson => json_line("play.test.com", NOW_MS, 0, bytes, 200).trim_end().to_owned(),
        Format::W3c => format!("2026-11-22 09:01:03 {bytes} \"a \"\"b\"\" c\" play.test.com"),
        Format::CloudfrontJson => format!(
            r#"{{"date":"2026-11-22","time":"09:01:03","sc-bytes":"{bytes}","sc-status":"200","x-host-header":"play.test.com"}}"#
        ),
        Format::Cloudflare => format!(
            r#"{{"ClientRequestHost":"play.test.com","EdgeStartTimestamp":1795338060,"EdgeEndTimestamp":1795338063,"EdgeResponseBytes":{bytes},"EdgeResponseStatus":200}}"#
        ),
        Format::Aliyun => {
            format!(
                "[22/Nov/2026:17:01:03 +0800] 10.0.0.1 - 15 \"-\" \"GET https://play.test.com/a\" 206 1 {bytes} HIT \"curl\" \"video/mp4\""
            )
        }
        Format::Tencent => format!(
            "20261122170103 10.0.0.1 play.test.com /v.mp4 {bytes} 22 26 206 NULL 15 \"curl\" \"-\" GET HTTP/1.1 hit 51517"
        ),
        Format::Huawei => {
            format!(
                "[22/Nov/2026:17:01:03 +0800] 10.0.0.1 1 \"-\" \"HTTP/1.1\" \"GET\" \"play.test.com\" \"/a\" 206 {bytes} HIT \"a\" \"-\""
            )
        }
        Format::Jd => format!(
            "22/Nov/2026:17:01:03 +0800 10.0.0.1 - 0.175 - GET HTTP/1.1 https://play.test.com/a 200 242 {bytes} MISS a -"
        ),
    }
}

/// Generates bytes around a line, within the line.
fn margin() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        "",
        "\u{feff}",
        " ",
        "\t",
        "\0\0",
        " \u{feff}\t",
        "\u{feff}\u{feff}",
        "\0 \u{feff}",
    ])
}

/// Generates lines that no format accepts.
fn junk() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "junk",
        "{\"a\":1}",
        "\u{feff}",
        "#Remark: none",
        "\"",
        "[",
        "-- rotated --",
        "\0",
        "{\"msec\":",
    ])
}

/// A valid line with the bytes around it, its line end, and the junk before it.
type Part = (Vec<&'static str>, &'static str, i64, &'static str, &'static str);

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\r\r\n", " \n\n"]);
    let part = (prop::collection::vec(junk(), 0..3), margin(), 0..1_000_000i64, margin(), line_end);
    prop::collection::vec(part, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn valid_lines_count_regardless_of_their_surroundings(
        parts in parts(),
        format in prop::sample::select(Format::ALL.to_vec()),
        (has_last_end, packing) in (any::<bool>(), 0..4u8),
        cuts in prop::collection::vec(0.0..1.0f64, 0..4),
        zeros in 0..2000usize,
    ) {
        let mut content = String::new();
        if format == Format::W3c {
            content += "#Version: 1.0\n#Fields: date time sc-bytes cs(User-Agent) cs-host\n";
        }
        for (junk, before, bytes, behind, end) in &parts {
            for line in junk {
                content += line;
                content += end;
            }
            content += before;
            content += &good(format, *bytes);
            content += behind;
            content += end;
        }
        let content = if has_last_end { content.as_str() } else { content.trim_end_matches(['\n', '\r']) };
        prop_assert_eq!(Format::detect(content.as_bytes()), Some(format), "{}", content);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| (cut * content.len() as f64) as usize).collect();
        cuts.extend([0, content.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|range| &content.as_bytes()[range[0]..range[1]]);
        let packed = |pack: fn(&[u8]) -> Vec<u8>| pieces.clone().flat_map(|piece| [pack(piece), vec![0; zeros]].concat()).collect::<Vec<u8>>();
        let file = match packing {
            0 => content.as_bytes().to_vec(),
            1 => packed(gzip),
            2 => packed(zstd),
            _ => [packed(gzip), b"junk".to_vec()].concat(),
        };
        let (totals, report, end) = run(&file, tally(format));
        prop_assert_eq!(matches!(end, ReadEnd::Complete), packing < 3, "{:?}", end);
        prop_assert_eq!(bytes(&totals), parts.iter().map(|part| part.2).sum::<i64>(), "{:?}", report);
        prop_assert_eq!(report.lines - report.bad, parts.len() as u64);
        prop_assert_eq!(totals.keys().map(|(domain, _)| domain.as_str()).collect::<Vec<_>>(), ["play.test.com"]);
    }

    #[test]
    fn all_complete_lines_before_a_break_count(lines in prop::collection::vec(0..1_000_000i64, 1..40), cut in 0.0..1.0f64, format in prop::sample::select(vec![Format::NginxJson, Format::Combined, Format::Cloudflare])) {
        let lines: Vec<(String, i64)> = lines.iter().map(|bytes| (good(format, *bytes) + "\n", *bytes)).collect();
        let packed: Vec<Vec<u8>> = lines.iter().map(|(line, _)| gzip(line.as_bytes())).collect();
        let file = packed.concat();
        let file = &file[..20 + ((file.len() - 20) as f64 * cut) as usize];
        // One member per line: complete members count, and the truncated one if its content is complete.
        let (mut length, mut least, mut most) = (0, 0, 0);
        for (member, (_, bytes)) in packed.iter().zip(&lines) {
            most = if length < file.len() { most + bytes } else { most };
            length += member.len();
            least = if length <= file.len() { least + bytes } else { least };
        }
        let Ok(mut reader) = LogReader::open(|| Ok(Pieces::new(file, &[4096]))) else { return Ok(()) };
        let mut tally = tally(format);
        let _ = reader.run(&mut tally, Tail::Finished, |_| std::ops::ControlFlow::Continue(()));
        let counted = tally.report().bytes;
        prop_assert!(counted == least || counted == most, "{} of {} or {}", counted, least, most);
        prop_assert_eq!(tally.report().bad, 0);
    }
}

//! Real-world log files with their expected sums. A new report from users is one more row.

use super::super::{Format, Note, NoteCount};
use super::{NOW_MS, count_given};

/// A file and its expected result.
struct Row {
    about: &'static str,
    content: &'static str,
    format: Format,
    /// Minutes after 09:00 and bytes of each bin with counted lines.
    bins: &'static [(i64, i64)],
    bad: u64,
    notes: &'static [(Note, u64)],
}

/// End of a `combined` line.
macro_rules! request {
    () => {
        "\"GET /v.mp4 HTTP/1.1\" 206 1000000 \"-\" \"curl/8.5.0\"\n"
    };
}

const BOM: &str = "\u{feff}";

const ROWS: &[Row] = &[
    // RFC 3629, section 6: a leading byte order mark is a signature.
    Row {
        about: "IIS, saved with a byte order mark: its milliseconds stay milliseconds",
        content: "\u{feff}#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-11-22 09:00:00\r\n\
            #Fields: date time c-ip sc-status sc-bytes time-taken cs-host\r\n\
            2026-11-22 09:02:30 198.51.100.7 206 6000000 4500 play.test.com\r\n\
            2026-11-22 09:04:59 198.51.100.8 200 3000000 1200 play.test.com\r\n",
        format: Format::W3c,
        bins: &[(0, 9_000_000)],
        bad: 0,
        notes: &[],
    },
    Row {
        about: "a byte order mark right before the columns, and spaces around directives",
        content: "\u{feff}#Fields: date time cs-host sc-status sc-bytes time-taken\n2026-11-22 09:02:30 play.test.com 200 1 0.500\n\
            \t \u{feff} #fields:\tdate time sc-bytes cs-host \n2026-11-22 09:02:31 2 play.test.com\n",
        format: Format::W3c,
        bins: &[(0, 3)],
        bad: 0,
        notes: &[],
    },
    Row {
        about: "two concatenated files: the columns and the unit of the second one apply from there",
        content: "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time sc-bytes time-taken cs-host\n\
            2026-11-22 09:02:30 1000 150000 play.test.com\n\
            \u{feff}#Version: 1.0\n#Fields: date time cs-host sc-bytes time-taken\n2026-11-22 09:14:59 play.test.com 9 0.250\n",
        format: Format::W3c,
        bins: &[(0, 1000), (10, 9)],
        bad: 0,
        notes: &[],
    },
    Row {
        about: "the software after the columns, with junk between",
        content: "#Fields: date time sc-bytes time-taken cs-host\njunk\n#Software: Microsoft IIS\n2026-11-22 09:04:30 6 4500 play.test.com\n",
        format: Format::W3c,
        bins: &[(0, 6)],
        bad: 1,
        notes: &[],
    },
    Row {
        about: "unknown software: W3C prescribes seconds, and a note says that they were assumed",
        content: "#Software: Some Server 1.0\n#Fields: date time sc-bytes time-taken cs-host\n2026-11-22 09:07:30 200 300 play.test.com\n\
            2026-11-22 09:04:30 7 0 play.test.com\n2026-11-22 09:04:30 7 0.5 play.test.com\n",
        format: Format::W3c,
        bins: &[(0, 114), (5, 100)],
        bad: 0,
        notes: &[(Note::TimeTaken, 1)],
    },
    // User names as written by nginx 1.22 and Apache 2.4; nginx logs that of any Authorization header.
    Row {
        about: "combined: user names with brackets, spaces, times, escaped quotes, and empty ones",
        content: concat!(
            "203.0.113.9 - [vip] [22/Nov/2026:09:01:03 +0000] ",
            request!(),
            "203.0.113.9 - team a [2] [22/Nov/2026:09:01:04 +0000] ",
            request!(),
            "203.0.113.9 - a] [22/Nov/2020:01:01:01 +0000] b [22/Nov/2026:09:01:04 +0000] ",
            request!(),
            r"203.0.113.9 - x] \x22GET / HTTP/1.1\x22 404 0 [22/Nov/2026:09:01:04 +0000] ",
            request!(),
            r#"203.0.113.9 - x [22/Nov/2020:01:01:01 +0000] \"GET / HTTP/1.1\" 404 0 [22/Nov/2026:09:01:04 +0000] "#,
            request!(),
            r"203.0.113.9 - DOMAIN\\user\\ [22/Nov/2026:09:01:04 +0000] ",
            request!(),
            r"203.0.113.9 - DOMAIN\x5C [22/Nov/2026:09:01:04 +0000] ",
            request!(),
            "203.0.113.9 - \"\" [22/Nov/2026:09:01:04 +0000] ",
            request!(),
            "203.0.113.9 - [a] \"b\" [22/Nov/2026:09:01:04 +0000] ",
            request!(),
            "2001:db8::7 -  [22/Nov/2026:09:01:05 +0000] ",
            request!(),
        ),
        format: Format::Combined,
        bins: &[(0, 10_000_000)],
        bad: 0,
        notes: &[(Note::DomainGiven, 10)],
    },
    Row {
        about: "combined, recorded from nginx 1.22.1: user names, referers and user agents that clients chose to confuse",
        content: include_str!("samples/nginx_user_names.log"),
        format: Format::Combined,
        bins: &[(0, 78)],
        bad: 0,
        notes: &[(Note::DomainGiven, 13)],
    },
    Row {
        about: "combined: unusual requests and referers",
        content: concat!(
            "203.0.113.9 - - [22/Nov/2026:09:01:03 +0000] \"\" 400 5 \"-\" \"-\"\n",
            "203.0.113.9 - - [22/Nov/2026:09:01:03 +0000] \"-\" 408 - \"-\" \"-\"\n",
            r"203.0.113.9 - - [22/Nov/2026:09:01:03 +0000] \x22 200 7",
            "\n",
            r#"203.0.113.9 - - [22/Nov/2026:09:01:03 +0000] "GET /\"a\" [x] HTTP/1.1" 200 7 "a [22/Nov/2020:01:01:01 +0000] " "x""#,
            "\n",
        ),
        format: Format::Combined,
        bins: &[(0, 12)],
        bad: 1,
        notes: &[(Note::DomainGiven, 3)],
    },
    // W3C WD-logfile, <string>: a quote inside is doubled, and spaces do not end the cell.
    Row {
        about: "W3C: strings with doubled quotes",
        content: "#Fields: date time cs(User-Agent) sc-status sc-bytes cs-host\n\
            2026-11-22 09:00:01 \"Demo \"\"quoted player\"\" 1.0\" 200 5000000 play.test.com\n\
            2026-11-22 09:00:02 \"Plain player 2.0\" 200 3000000 play.test.com\n\
            2026-11-22 09:00:02 \"\" 200 1 play.test.com\n\
            2026-11-22 09:00:02 \"\"\"a\"\"\" 200 1 \"play.test.com\"\n",
        format: Format::W3c,
        bins: &[(0, 8_000_002)],
        bad: 0,
        notes: &[],
    },
    Row {
        about: "IIS: a quote is an ordinary character",
        content: "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time cs(User-Agent) cs(Referer) sc-status sc-bytes cs-host\n\
            2026-11-22 09:00:01 \"Mozilla/5.0+(Demo) - 200 5000000 play.test.com\n\
            2026-11-22 09:00:02 \"Mozilla/5.0 http://x/\" 200 1 play.test.com\n\
            2026-11-22 09:00:02 Mozilla/5.0+(Demo) - 200 3000000 play.test.com\n",
        format: Format::W3c,
        bins: &[(0, 8_000_001)],
        bad: 0,
        notes: &[],
    },
    Row {
        about: "quotes that violate the rule of the software: the rule that fits the columns is used and noted",
        content: "#Fields: date time cs(User-Agent) cs(Referer) sc-status sc-bytes cs-host\n\
            2026-11-22 09:00:01 \"Mozilla/5.0+(Demo) \"x 200 5 play.test.com\n\
            2026-11-22 09:00:02 a - 200 3 play.test.com\n\
            #Software: Microsoft IIS\n#Fields: date time cs(User-Agent) sc-status sc-bytes cs-host\n\
            2026-11-22 09:00:02 \"a player\" 200 1 play.test.com\n",
        format: Format::W3c,
        bins: &[(0, 9)],
        bad: 0,
        notes: &[(Note::Quotes, 2)],
    },
    Row {
        about: "CloudFront: tabs separate the cells, and a quote is an ordinary character",
        content: "#Version: 1.0\n#Fields: date time sc-bytes cs(Host) sc-status cs(User-Agent) x-host-header time-taken\n\
            2026-11-22\t09:00:01\t5\td1.cloudfront.net\t200\t\"a b\tplay.test.com\t0.001\n\
            2026-11-22\t09:00:02\t6\td1.cloudfront.net\t000\t\tPLAY.test.com\t-\n\
            2026-11-22\t09:00:02\t7\tplay.test.com\t200\ta\t-\t0.001\n",
        format: Format::W3c,
        bins: &[(0, 18)],
        bad: 0,
        notes: &[],
    },
    Row {
        about: "CloudFront, real-time columns in a W3C file: a timestamp instead of date and time",
        content: "#Version: 1.0\n#Fields: timestamp(ms) sc-bytes x-host-header time-taken\n1795338063688\t5\tplay.test.com\t0.001\n\
            #Fields: timestamp sc-bytes x-host-header\n1795338063\t6\tplay.test.com\n1795338063.688\t7\tplay.test.com\n",
        format: Format::W3c,
        bins: &[(0, 18)],
        bad: 0,
        notes: &[],
    },
    Row {
        about: "nginx JSON without bytes_sent",
        content: "{\"msec\":1795338063.688,\"host\":\"play.test.com\",\"status\":200,\"body_bytes_sent\":5}\n",
        format: Format::NginxJson,
        bins: &[(0, 5)],
        bad: 0,
        notes: &[(Note::BodyBytes, 1)],
    },
    Row {
        about: "Cloudflare Logpush: all timestamp formats",
        content: concat!(
            r#"{"ClientRequestHost":"play.test.com","EdgeStartTimestamp":1795338060,"EdgeEndTimestamp":1795338063,"EdgeResponseBytes":1,"EdgeResponseStatus":200}"#,
            "\n",
            r#"{"ClientRequestHost":"play.test.com","EdgeStartTimestamp":1795338060000,"EdgeEndTimestamp":1795338063000,"EdgeResponseBytes":1,"EdgeResponseStatus":200}"#,
            "\n",
            r#"{"ClientRequestHost":"play.test.com","EdgeStartTimestamp":1795338060000000,"EdgeEndTimestamp":1795338063000000,"EdgeResponseBytes":1,"EdgeResponseStatus":200}"#,
            "\n",
            r#"{"ClientRequestHost":"play.test.com","EdgeStartTimestamp":1795338060000000000,"EdgeEndTimestamp":1795338063000000000,"EdgeResponseBytes":1,"EdgeResponseStatus":200}"#,
            "\n",
            r#"{"ClientRequestHost":"play.test.com","EdgeStartTimestamp":"2026-11-22T09:01:00.000Z","EdgeEndTimestamp":"2026-11-22T09:01:03.000Z","EdgeResponseBytes":1,"EdgeResponseStatus":200}"#,
            "\n",
            r#"{"ClientRequestHost":"play.test.com","EdgeStartTimestamp":"2026-11-22T09:01:00.000000000Z","EdgeEndTimestamp":"2026-11-22T09:01:03.000000000Z","EdgeResponseBytes":1,"EdgeResponseStatus":200}"#,
            "\n",
        ),
        format: Format::Cloudflare,
        bins: &[(0, 6)],
        bad: 0,
        notes: &[],
    },
];

#[test]
fn real_world_files_have_the_expected_sums() {
    for &Row { about, content, format, bins, bad, notes } in ROWS {
        assert_eq!(Format::detect(content.as_bytes()), Some(format), "{about}");
        // Unchanged, with a byte order mark, with Windows line ends, and without the last line end.
        let windows = content.replace("\r\n", "\n").replace('\n', "\r\n");
        for variant in [content, &format!("{BOM}{content}"), &windows, content.trim_end()] {
            let (totals, report) = count_given(variant.as_bytes(), format, Some("play.test.com"));
            let told: Vec<_> = totals
                .iter()
                .map(|((domain, at), sums)| (domain.as_str(), (at - NOW_MS / 1000) / 60 + 60, sums.bytes))
                .collect();
            let expected: Vec<_> = bins.iter().map(|&(minutes, bytes)| ("play.test.com", minutes, bytes)).collect();
            assert_eq!((told, report.bad), (expected, bad), "{about}: {report:?}");
            let noted: Vec<_> = notes.iter().map(|&(note, lines)| NoteCount { note, lines }).collect();
            assert_eq!(report.notes, noted, "{about}");
        }
    }
}

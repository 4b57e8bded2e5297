//! Each format: documented lines, unusual lines, and detection.

use super::super::{Format, LineError, LogEntry, NGINX_LOG_FORMAT, Notes, Parser};
use super::{NGINX_COMBINED, NGINX_JSON, known};

const CLOUDFRONT: &str = include_str!("samples/cloudfront.log");
const W3C: &str = include_str!("samples/w3c.log");
const CLOUDFRONT_JSON: &str = include_str!("samples/cloudfront_json.log");
const CLOUDFLARE: &str = include_str!("samples/cloudflare.log");
const ALIYUN: &str = include_str!("samples/aliyun.log");
const HUAWEI: &str = include_str!("samples/huawei.log");
const TENCENT: &str = include_str!("samples/tencent.log");
const JD: &str = include_str!("samples/jd.log");

/// A parsed line: host, time of the end in RFC 3339, duration in ms, bytes, status, cache hit.
type Said = (Option<String>, String, i64, i64, u16, Option<bool>);

fn said(entry: &LogEntry<'_>) -> Said {
    let end = jiff::Timestamp::from_millisecond(entry.end_ms).expect("time").to_string();
    (entry.host.map(str::to_owned), end, entry.duration_ms, entry.bytes, entry.status, entry.cache_hit)
}

fn lines(format: Format, content: &str) -> Vec<Said> {
    let mut parser = Parser::new(format);
    content.lines().filter_map(|line| parser.parse(line.as_bytes()).expect(line).map(|entry| said(&entry))).collect()
}

fn row(host: &str, end: &str, duration: i64, bytes: i64, status: u16, hit: Option<bool>) -> Said {
    (Some(host.to_owned()), end.to_owned(), duration, bytes, status, hit)
}

#[test]
fn nginx_json() {
    assert_eq!(
        lines(Format::NginxJson, NGINX_JSON),
        [
            row("play.test.com", "2026-11-22T09:01:03.688Z", 3771, 20_000_248, 200, None),
            row("play.test.com", "2026-11-22T09:01:03.699Z", 0, 1272, 206, None),
            row("play.test.com", "2026-11-22T09:01:03.714Z", 0, 248, 200, None),
            row("play.test.com", "2026-11-22T09:01:04.73Z", 1000, 5_275_896, 200, None),
            row("a\"b\\x", "2026-11-22T09:01:04.737Z", 0, 308, 404, None),
        ]
    );
}

#[test]
fn the_log_format_directive_produces_these_lines() {
    let (_, object) = NGINX_LOG_FORMAT.split_once("escape=json '").expect("escape=json");
    let mut line = object.trim_end_matches("';").replace("'\n  '", "");
    let recorded: serde_json::Value = serde_json::from_str(NGINX_JSON.lines().next().expect("a line")).expect("json");
    for (name, value) in recorded.as_object().expect("an object") {
        let (_, after) = line.split_once(&format!("\"{name}\":")).expect(name);
        let variable: String = after
            .trim_start_matches('"')
            .chars()
            .take_while(|c| matches!(c, '$' | '_' | 'a'..='z' | '0'..='9'))
            .collect();
        line = line.replacen(&format!("{variable}\""), &format!("{}\"", value.as_str().unwrap_or_default()), 1);
        line = line.replacen(&format!("{variable},"), &format!("{value},"), 1);
    }
    let line = line.replace("$upstream_cache_status", "HIT");
    assert!(!line.contains('$'), "every variable was recorded from nginx: {line}");
    let mut expected = lines(Format::NginxJson, NGINX_JSON).swap_remove(0);
    expected.5 = Some(true);
    assert_eq!(lines(Format::NginxJson, &line), [expected]);
}

#[test]
fn nginx_json_with_other_members() {
    let line = r#"{"t":"2026-11-22T17:01:03.5+08:00","body_bytes_sent":9,"status":502,"upstream_cache_status":"%"}"#;
    for (word, hit) in [
        ("HIT", Some(true)),
        ("STALE", Some(true)),
        ("UPDATING", Some(true)),
        ("REVALIDATED", Some(true)),
        ("MISS", Some(false)),
        ("EXPIRED", Some(false)),
        ("-", None),
        ("", None),
    ] {
        let said = lines(Format::NginxJson, &line.replace('%', word));
        assert_eq!(said, [(None, "2026-11-22T09:01:03.5Z".to_owned(), 0, 9, 502, hit)], "{word}");
    }
}

#[test]
fn combined_has_no_host_and_no_duration() {
    let rows = lines(Format::Combined, NGINX_COMBINED);
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[0], (None, "2026-11-22T09:01:03Z".to_owned(), 0, 20_000_000, 200, None));
    let odd = r#"::1 - a b [02/Jan/2026:23:59:60 -0330] "GET /\"x\" [y] HTTP/1.1" 304 - "-" "\\" extra"#;
    assert_eq!(lines(Format::Combined, odd), [(None, "2026-01-03T03:30:00Z".to_owned(), 0, 0, 304, None)]);
}

#[test]
fn days_change_within_a_file() {
    let mut parser = Parser::new(Format::Combined);
    let mut days = Vec::new();
    for date in [
        "22/Nov/2026",
        "22/Nov/2026",
        "23/Nov/2026",
        "2/Nov/2026",
        "22/Nov/2025",
        "29/Feb/2024",
        "31/Dec/1999",
        "1/Jan/2000",
    ] {
        let line = format!("::1 - - [{date}:12:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"");
        days.push(
            parser
                .parse(line.as_bytes())
                .expect("a line")
                .map(|entry| said(&entry).1[..10].to_owned())
                .expect("an entry"),
        );
    }
    assert_eq!(
        days,
        [
            "2026-11-22",
            "2026-11-22",
            "2026-11-23",
            "2026-11-02",
            "2025-11-22",
            "2024-02-29",
            "1999-12-31",
            "2000-01-01"
        ]
    );
}

#[test]
fn w3c() {
    assert_eq!(
        lines(Format::W3c, CLOUDFRONT),
        [
            row("play.test.com", "2019-12-04T21:02:31Z", 1, 392, 200, Some(true)),
            row("play.test.com", "2019-12-04T21:02:32Z", 3771, 20_000_248, 206, Some(false)),
        ]
    );
    assert_eq!(
        lines(Format::W3c, W3C),
        [
            row("play.test.com", "2026-11-22T09:01:03Z", 15, 1272, 206, None),
            row("play.test.com", "2026-11-22T09:01:04Z", 0, 308, 404, None),
        ],
        "IIS writes milliseconds"
    );
}

#[test]
fn w3c_columns_may_change_and_must_be_named() {
    let mut parser = Parser::new(Format::W3c);
    assert_eq!(parser.parse(b"2026-11-22 09:01:03 5"), Err(LineError::Fields));
    assert_eq!(parser.parse(b"#Fields: date time sc-bytes"), Ok(None));
    assert_eq!(parser.parse(b"2026-11-22 09:01:03 5").expect("line").map(|entry| entry.bytes), Some(5));
    assert_eq!(parser.parse(b"#Fields: sc-bytes time date"), Ok(None));
    assert_eq!(parser.parse(b"7 09:01:03.25 2026-11-22").expect("line").map(|entry| entry.end_ms % 1000), Some(250));
    assert_eq!(parser.parse(b"7 09:01:03"), Err(LineError::Layout));
}

#[test]
fn cloudfront_json_in_all_timestamp_formats() {
    assert_eq!(
        lines(Format::CloudfrontJson, CLOUDFRONT_JSON),
        [
            row("play.test.com", "2026-11-22T09:01:03Z", 250, 392_000, 200, Some(true)),
            row("play.test.com", "2026-11-22T09:01:04.25Z", 250, 608_000, 206, Some(false)),
            row("d111111abcdef8.cloudfront.net", "2026-11-22T09:01:05Z", 0, 0, 0, Some(false)),
            row("play.test.com", "2026-11-22T09:01:06.125Z", 0, 7, 0, None),
        ]
    );
}

#[test]
fn cloudflare_in_all_timestamp_formats() {
    assert_eq!(
        lines(Format::Cloudflare, CLOUDFLARE),
        [
            row("play.test.com", "2026-11-22T09:01:03Z", 3000, 20_000_248, 200, Some(true)),
            row("play.test.com", "2026-11-22T09:01:03Z", 3000, 1272, 206, Some(false)),
            row("play.test.com", "2026-11-22T09:01:03.703Z", 7, 248, 403, Some(false)),
        ]
    );
}

#[test]
fn offline_logs_of_cdns() {
    assert_eq!(
        lines(Format::Aliyun, ALIYUN),
        [
            row("www.aliyun.com", "2015-06-08T17:58:09Z", 1542, 2830, 200, Some(false)),
            row("play.test.com:443", "2026-11-22T09:01:03Z", 15, 1272, 206, Some(true)),
        ]
    );
    assert_eq!(
        lines(Format::Huawei, HUAWEI),
        [
            row("www.test.com", "2018-02-04T23:54:52Z", 1, 720, 206, Some(true)),
            row("www.test.com", "2018-02-04T23:54:53Z", 250, 7200, 200, Some(false)),
        ]
    );
    assert_eq!(
        lines(Format::Tencent, TENCENT),
        [
            row("www.test.com", "2026-11-22T09:01:03Z", 15, 1272, 206, Some(true)),
            row("www.test.com", "2026-11-22T09:01:04Z", 1000, 5_275_896, 200, Some(false)),
        ]
    );
    assert_eq!(
        lines(Format::Jd, JD),
        [
            row("www.jdcloud.com", "2017-11-30T20:13:10Z", 175, 1014, 200, Some(false)),
            row("www.jdcloud.com", "2017-11-30T20:13:11Z", 2000, 20_000_248, 206, Some(true)),
        ]
    );
}

#[test]
fn formats_are_detected_by_content() {
    for (content, format) in [
        (NGINX_COMBINED, Format::Combined),
        (NGINX_JSON, Format::NginxJson),
        (CLOUDFRONT, Format::W3c),
        (W3C, Format::W3c),
        (CLOUDFRONT_JSON, Format::CloudfrontJson),
        (CLOUDFLARE, Format::Cloudflare),
        (ALIYUN, Format::Aliyun),
        (HUAWEI, Format::Huawei),
        (TENCENT, Format::Tencent),
        (JD, Format::Jd),
    ] {
        for line in content.lines().filter(|line| format != Format::W3c || line.starts_with('#')) {
            if line.starts_with("#Date") {
                continue;
            }
            assert_eq!(Format::detect(line.as_bytes()), Some(format), "{line}");
        }
        let with_garbage = format!("\n\0\0\0 garbage\n{{\"a\":1}}\r\n{content}");
        assert_eq!(Format::detect(with_garbage.as_bytes()), Some(format));
    }
    for content in ["", "\n\n", "hello\nworld\n", "{}\n", "[]\n", "%PDF-1.7\n"] {
        assert_eq!(Format::detect(content.as_bytes()), None, "{content}");
    }
    assert!(Format::ALL.iter().all(|format| format.as_str().parse() == Ok(*format)));
}

#[test]
fn json_in_any_order_with_nesting_escapes_and_white_space() {
    let line = r#" { "x" : { "host" : "no", "a" : [ "}", "\"]" , {} ] } , "bytes_sent" : "12" ,
        "host":"\u0070lay\u002etest\/.com","status":"200","n":null,"f":-1.5e+3,"b":true,"msec":"1795338063.6","😀":"😀" } "#;
    let line = line.replace('\n', "\t");
    let mut parser = Parser::new(Format::NginxJson);
    let entry = parser.parse(line.as_bytes()).expect("a line").expect("an entry");
    assert_eq!(
        entry,
        LogEntry {
            host: Some("play.test/.com"),
            end_ms: 1_795_338_063_600,
            duration_ms: 0,
            bytes: 12,
            status: 200,
            cache_hit: None,
            notes: Notes::default(),
        }
    );
    let pair = r#"{"host":"\ud83d\ude00","bytes_sent":1,"msec":1,"status":200}"#;
    assert_eq!(
        parser.parse(pair.as_bytes()).expect("a line").and_then(|entry| entry.host.map(str::to_owned)),
        Some("😀".to_owned())
    );
}

#[test]
fn errors_name_the_reason() {
    let good = r#"{"msec":1795338063.688,"host":"play.test.com","status":200,"bytes_sent":1,"request_time":0.1}"#;
    let mut parser = Parser::new(Format::NginxJson);
    assert!(matches!(parser.parse(good.as_bytes()), Ok(Some(_))));
    for (from, to, reason) in [
        ("}", "", LineError::Json),
        ("}", "}}", LineError::Json),
        ("}", ",}", LineError::Json),
        ("{", "", LineError::Json),
        (",\"host\"", "\"host\"", LineError::Json),
        ("\"host\":", "\"host\" ", LineError::Json),
        ("play.test.com", r"\q", LineError::Json),
        ("play.test.com", r"\ud83d", LineError::Json),
        ("play.test.com", r"\u12", LineError::Json),
        ("\"play.test.com\"", "7", LineError::Host),
        ("1795338063.688", "-1", LineError::Time),
        ("1795338063.688", "1795338063.", LineError::Time),
        ("1795338063.688", "9999999999999999999", LineError::Time),
        ("1795338063.688", "\"\"", LineError::Time),
        ("msec", "other", LineError::Time),
        ("\"bytes_sent\":1", "\"bytes_sent\":-1", LineError::Bytes),
        ("\"bytes_sent\":1", "\"bytes_sent\":1e3", LineError::Bytes),
        ("\"bytes_sent\":1", "\"bytes_sent\":{}", LineError::Bytes),
        ("bytes_sent", "bytes", LineError::Bytes),
        ("0.1", "-0.1", LineError::Duration),
        ("0.1", "null", LineError::Duration),
        ("200", "2000", LineError::Status),
        ("200", "\"ok\"", LineError::Status),
    ] {
        let line = good.replacen(from, to, 1);
        assert_eq!(parser.parse(line.as_bytes()), Err(reason), "{line}");
    }
    let mut line = good.replace("play", "pl@y").into_bytes();
    line.iter_mut().filter(|b| **b == b'@').for_each(|b| *b = 0xff);
    assert_eq!(parser.parse(&line), Err(LineError::Host));
    for (format, content, from, to, reason) in [
        (Format::Combined, NGINX_COMBINED, "22/Nov/2026", "31/Nov/2026", LineError::Time),
        (Format::Combined, NGINX_COMBINED, "22/Nov/2026", "29/Feb/2026", LineError::Time),
        (Format::Combined, NGINX_COMBINED, ":09:01:03", ":24:01:03", LineError::Time),
        (Format::Combined, NGINX_COMBINED, " 20000000 ", " many ", LineError::Bytes),
        (Format::Combined, NGINX_COMBINED, "\"GET", "GET", LineError::Layout),
        (Format::Aliyun, ALIYUN, " 1542 ", " 1.5 ", LineError::Duration),
        (Format::Huawei, HUAWEI, " 206 ", " OK ", LineError::Status),
        (Format::Tencent, TENCENT, "20261122", "20261322", LineError::Time),
        (Format::Jd, JD, " 0.175 ", " -0.175 ", LineError::Duration),
        (Format::Cloudflare, CLOUDFLARE, "EdgeStart", "Start", LineError::Time),
    ] {
        let line = content.lines().next().expect("a line").replacen(from, to, 1);
        assert_eq!(Parser::new(format).parse(line.as_bytes()), Err(reason), "{line}");
    }
}

#[test]
fn hosts_are_compared_without_case_port_and_last_dot() {
    use super::super::hosts::{HostIndex, HostTable};
    let mut hosts = HostTable::new(known());
    let play = hosts.resolve("play.test.com");
    assert!(matches!(play, HostIndex::Known(_)));
    for same in ["PLAY.Test.com", "play.test.com.", "play.test.com:8080", "Play.Test.Com.:443"] {
        assert_eq!(hosts.resolve(same), play, "{same}");
    }
    for other in ["play.test.com:x", "[::1]:80", "::1", "", "(other)", "test.com", "a.play.test.com"] {
        assert!(matches!(hosts.resolve(other), HostIndex::Unknown(_)), "{other}");
    }
    assert_eq!(hosts.resolve("[::1]:80"), hosts.resolve("[::1]"));
    for number in 0..20_000 {
        hosts.resolve(&format!("host-{number}.example"));
    }
    assert_eq!(hosts.resolve("one-more.example"), HostIndex::Unnamed);
    assert_eq!(hosts.resolve(&"x".repeat(300)), HostIndex::Unnamed);
    assert_eq!(hosts.resolve("play.test.com:9"), play, "known hosts are known however many others came");
}

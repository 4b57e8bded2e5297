//! What the console shows of access logs is what DuckDB counts in the same files: see `judge.py`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use axum::body::Body;
use axum::http::{Request, header};
use callsheet::model::Actor;
use callsheet::stats::{Metric, TimeRange, UsageQuery};
use serde::Deserialize;
use serde_json::Value;

use super::support::{Api, NOW};

const DOMAINS: [&str; 2] = ["play.example.com", "play.example.net"];
const OTHER: &str = "(other)";
/// 2026-11-19T00:00:00Z, and three days later.
const SLOT: TimeRange = TimeRange { from: NOW / 1000 / 86_400 * 86_400 - 3 * 86_400, to: NOW / 1000 / 86_400 * 86_400 };

/// What the judge says of a domain.
#[derive(Debug, PartialEq, Deserialize)]
struct Counted {
    bytes: i64,
    requests: i64,
    /// Bytes by start.
    points: BTreeMap<i64, i64>,
}

fn judge(format: &str, log: &str, domains: &[&str]) -> BTreeMap<String, Counted> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("access.log");
    std::fs::write(&file, log).expect("written");
    let python = std::env::var("CALLSHEET_TEST_PYTHON").expect("CALLSHEET_TEST_PYTHON; run the tests by `make test`");
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/api/judge.py"));
    let output = command.arg(format).arg(&file).args(domains).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Takes a log in, and reads back what REST shows of each domain; requests come from the table of domains.
async fn shown(api: &Api, query: &str, log: &str, domains: &[&str]) -> BTreeMap<String, Counted> {
    let request = Request::post(format!("/api/v1/access-logs?name=log{query}"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {}", api.operator));
    let answer = api.send_raw(request.body(Body::from(log.to_owned())).expect("a request")).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(answer.json["bad"], 40);
    let query =
        UsageQuery { metric: Metric::Traffic, domains: Vec::new(), range: SLOT, granularity: None, compare: false };
    let all = api.console.stats.usage(&Actor::cli(), query).await.expect("usage");
    let mut shown = BTreeMap::new();
    for domain in domains {
        let [from, to] = [SLOT.from, SLOT.to].map(|at| jiff::Timestamp::from_second(at).expect("a time"));
        let path = format!("/stats/usage?metric=traffic&granularity=5m&from={from}&to={to}&domain={domain}");
        let json = api.get(&path).await;
        let point = |point: &Value| (point[0].as_i64().expect("a time"), point[1].as_i64().expect("bytes"));
        let points = json["points"].as_array().expect("points").iter().map(point).filter(|(_, bytes)| *bytes > 0);
        let requests = all.top.iter().find(|top| top.domain == *domain).map_or(0, |top| top.requests);
        let bytes = json["summary"]["total"].as_i64().expect("a total");
        shown.insert((*domain).to_owned(), Counted { bytes, requests, points: points.collect() });
    }
    shown
}

/// The same numbers in each run.
fn scattered(n: i64) -> i64 {
    (n * 7_919 + 12_345) * 104_729 % 1_000_003
}

/// A log of 20,000 lines, of which 40 are none.
fn log(line: impl Fn(&mut String, i64, i64) -> std::fmt::Result) -> String {
    let mut log = String::new();
    for n in 0..20_000 {
        let ended = SLOT.from + 43_200 + scattered(n) % (2 * 86_400);
        match n % 500 {
            7 => writeln!(log, "{{\"msec\":{ended}.000,\"host\":\"play.example.com\",\"sta"),
            _ => line(&mut log, n, ended),
        }
        .expect("in memory");
    }
    log
}

#[tokio::test]
async fn a_json_log_shows_what_duckdb_counts() {
    let api = Api::start().await;
    let hosts = ["play.example.com", "PLAY.example.net", "nobody.example.org", "play.example.com"];
    // Some run for hours, some end on the border of a point, some last no time at all.
    let log = log(|log, n, ended| {
        let ran = [0, scattered(n + 1) % 900, scattered(n + 2) % 20_000_000, 300_000][(n % 4) as usize];
        let (ended, ms) = if n % 9 == 0 { (ended / 300 * 300, 0) } else { (ended, scattered(n + 3) % 1_000) };
        writeln!(
            log,
            r#"{{"msec":{ended}.{ms:03},"host":"{}","uri":"/v \"{n}\".mp4","status":206,"bytes_sent":{},"request_time":{}.{:03}}}"#,
            hosts[(scattered(n) % 4) as usize],
            scattered(n + 4) * 9_973 % 4_000_000_000,
            ran / 1_000,
            ran % 1_000
        )
    });
    let counted = judge("nginx-json", &log, &DOMAINS);
    assert_eq!(counted.values().map(|sums| sums.requests).sum::<i64>(), 19_960);
    assert_eq!(shown(&api, "", &log, &[DOMAINS[0], DOMAINS[1], OTHER]).await, counted);
}

#[tokio::test]
async fn a_combined_log_shows_what_duckdb_counts() {
    let api = Api::start().await;
    let log = log(|log, n, ended| {
        // As written nine hours west and in the middle of Australia.
        let (offset, name) = [(-32_400, "-0900"), (34_200, "+0930")][(n % 2) as usize];
        let time = jiff::Timestamp::from_second(ended + offset).expect("a time").strftime("%d/%b/%Y:%H:%M:%S");
        let bytes = scattered(n + 4);
        writeln!(log, r#"192.0.2.{} - - [{time} {name}] "GET /{n}.ts HTTP/1.1" 200 {bytes} "-" "-""#, n % 250)
    });
    let counted = judge("combined", &log, &DOMAINS[..1]);
    assert_eq!(counted[DOMAINS[0]].requests, 19_960);
    assert_eq!(shown(&api, "&domain=play.example.com", &log, &DOMAINS[..1]).await, counted);
}

//! `/access-logs`.

use std::io::Write;

use axum::body::Body;
use axum::http::{Request, header};
use callsheet::model::Actor;
use callsheet::stats::{Metric, TimeRange, UsageQuery};
use serde_json::{Value, json};

use super::support::{Answer, Api, NOW};

/// The play domain of the sample domain group.
const PLAY: &str = "play.example.com";

async fn post(api: &Api, token: &str, query: &str, log: Vec<u8>) -> Answer {
    let request = Request::post(format!("/api/v1/access-logs{query}"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    api.send_raw(request.body(Body::from(log)).expect("a request")).await
}

/// So many requests of 1,000 bytes each, a minute apart, the last one at noon.
fn lines(host: &str, count: i64) -> String {
    let line = |n: i64| {
        let time = NOW / 1000 - (count - n) * 60;
        format!(
            r#"{{"msec":{time}.000,"host":"{host}","uri":"/v.mp4","status":200,"bytes_sent":1000,"request_time":0.000}}"#
        ) + "\n"
    };
    (0..count).map(line).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).expect("in memory");
    packed.finish().expect("in memory")
}

/// All bytes of the ten days up to tomorrow.
async fn traffic(api: &Api, domain: &str) -> i64 {
    let today = NOW / 1000 / 86_400 * 86_400;
    let slot = TimeRange { from: today - 9 * 86_400, to: today + 86_400 };
    let query = UsageQuery {
        metric: Metric::Traffic,
        domains: vec![domain.to_owned()],
        range: slot,
        granularity: None,
        compare: false,
    };
    api.console.stats.usage(&Actor::cli(), query).await.expect("figures").cards.traffic.now
}

fn told(answer: &Answer) -> [&Value; 5] {
    ["lines", "bad", "bytes", "duplicate", "broken"].map(|field| &answer.json[field])
}

#[tokio::test]
async fn a_line_counts_once_however_often_and_in_what_wrapping_it_comes() {
    let api = Api::start().await;
    let whole = lines(PLAY, 500);
    let half = &whole[..whole.len() / 2];
    let half = &half[..=half.rfind('\n').expect("lines")];
    let count = half.lines().count();

    let answer = post(&api, &api.operator, "?name=one.log", half.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(told(&answer), [&json!(count), &json!(0), &json!(count * 1000), &json!(false), &Value::Null]);
    assert_eq!(answer.json["format"], "nginx-json");
    let import = answer.json["importId"].clone();

    // The same, packed and under another name; then grown; then cut short while it was packed, and whole again.
    let answer = post(&api, &api.operator, "?name=two.log", gzip(half)).await;
    assert_eq!((&answer.json["duplicate"], &answer.json["importId"]), (&json!(true), &import));
    let answer = post(&api, &api.operator, "", whole.clone().into()).await;
    assert_eq!((&answer.json["lines"], &answer.json["importId"]), (&json!(500 - count), &import));
    assert_eq!(traffic(&api, PLAY).await, 500_000);

    let longer = lines(PLAY, 700).replace("/v.mp4", "/w.mp4");
    let packed = gzip(&longer);
    let answer = post(&api, &api.operator, "", packed[..packed.len() / 2].into()).await;
    assert!(
        answer.json["broken"].is_string() && answer.json["lines"].as_i64().is_some_and(|n| n < 700),
        "{}",
        answer.json
    );
    let answer = post(&api, &api.operator, "", packed).await;
    assert_eq!(answer.json["broken"], Value::Null);
    assert_eq!(traffic(&api, PLAY).await, 1_200_000);
}

#[tokio::test]
async fn bad_lines_and_unknown_hosts_are_told_and_stop_nothing() {
    let api = Api::start().await;
    let log = lines(PLAY, 2)
        + "oops\n\0\0\0\n"
        + &lines("cdn.other.example", 3)
        + &"x".repeat(10 << 20)
        + "\n"
        + &lines(PLAY, 1);
    let answer = post(&api, &api.operator, "", log.into()).await;
    assert_eq!(told(&answer)[..3], [&json!(9), &json!(3), &json!(6_000)]);
    assert_eq!(answer.json["unknownHosts"], json!([{ "host": "cdn.other.example", "requests": 3 }]));
    assert_eq!(answer.json["badLines"].as_array().map(Vec::len), Some(3));
    assert_eq!((traffic(&api, PLAY).await, traffic(&api, "(other)").await), (3_000, 3_000));
}

#[tokio::test]
async fn padding_behind_packed_lines_is_no_fault_and_other_bytes_are_reported() {
    let api = Api::start().await;
    let (first, second) = (gzip(&lines(PLAY, 2)), gzip(lines(PLAY, 3).replace("/v.mp4", "/w.mp4").trim_end()));
    let padded = [&first[..], &[0; 512], &second, &[0; 512]].concat();
    let answer = post(&api, &api.operator, "", padded).await;
    assert_eq!(told(&answer), [&json!(5), &json!(0), &json!(5_000), &json!(false), &Value::Null]);
    assert_eq!(answer.json["notes"], json!([]));

    let followed = [&gzip(lines(PLAY, 4).replace("/v.mp4", "/x.mp4").trim_end())[..], b"junk"].concat();
    let answer = post(&api, &api.operator, "", followed).await;
    let why = "the compressed content is followed by bytes that are neither gzip nor zstd";
    assert_eq!(told(&answer), [&json!(4), &json!(0), &json!(4_000), &json!(false), &json!(why)]);
    assert_eq!(traffic(&api, PLAY).await, 9_000);
}

#[tokio::test]
async fn guesses_that_could_change_sums_are_reported() {
    let api = Api::start().await;
    let (date, time) = ("2026-11-22", "09:01:03");
    let unnamed =
        format!("\u{feff}#Fields: date time sc-bytes time-taken\n{date} {time} 700 250\n{date} {time} 1 0.5\n");
    let answer = post(&api, &api.operator, &format!("?domain={PLAY}"), unnamed.into()).await;
    assert_eq!(told(&answer)[..3], [&json!(2), &json!(0), &json!(701)]);
    let notes = json!([
        { "code": "time_taken_in_seconds", "lines": 1, "text": "time-taken was read as seconds, as W3C specifies; no #Software line identifies IIS, which logs milliseconds" },
        { "code": "domain_given", "lines": 2, "text": "the line contains no host; it was counted under the domain given for the import" },
    ]);
    assert_eq!(answer.json["notes"], notes);
    assert_eq!(traffic(&api, PLAY).await, 701);
}

#[tokio::test]
async fn what_is_no_text_is_refused_by_its_name() {
    let api = Api::start().await;
    let wide: Vec<u8> = lines(PLAY, 2).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (query, log, code) in [
        ("", [b"\xff\xfe", &wide[..]].concat(), "access_log_utf16"),
        ("?format=nginx-json", wide, "access_log_utf16"),
        ("", b"PAR1\x15\x04\x15\x1e".to_vec(), "access_log_parquet"),
    ] {
        let answer = post(&api, &api.operator, query, log).await;
        assert_eq!((answer.problem().0, answer.problem().1), (422, code), "{}", answer.json);
    }
    assert_eq!(traffic(&api, PLAY).await, 0);
}

#[tokio::test]
async fn what_cannot_be_taken_in_is_refused_with_its_field() {
    let api = Api::start().await;
    let combined = "192.0.2.1 - - [22/Nov/2026:09:01:03 +0000] \"GET /v.mp4 HTTP/1.1\" 200 1000 \"-\" \"curl\"\n";
    let (operator, reviewer) = (api.operator.clone(), api.reviewer.clone());
    for (query, log, status, field) in [
        ("", "neither this\nnor that\n", 422, "format"),
        ("", combined, 422, "domain"),
        ("?domain=nobody.example.org", combined, 404, "domain"),
        ("?format=nginx", combined, 422, "format"),
    ] {
        let answer = post(&api, &operator, query, log.into()).await;
        let (is, _, named) = answer.problem();
        assert_eq!((is, named), (status, field), "{query}: {}", answer.json);
    }
    assert_eq!(post(&api, &operator, &format!("?domain={PLAY}"), combined.into()).await.json["lines"], 1);
    assert_eq!(post(&api, &reviewer, "", combined.into()).await.problem(), (403, "forbidden", ""));
    assert_eq!(post(&api, &api.stranger, "", combined.into()).await.problem(), (403, "forbidden", ""));
    assert_eq!(post(&api, "nobody", "", combined.into()).await.problem(), (401, "signed_out", ""));
}

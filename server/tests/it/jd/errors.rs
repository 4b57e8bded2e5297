//! Every error is an envelope, and no operation is open by oversight.

use callsheet::model::Role;
use jiff::{Timestamp, ToSpan};
use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{Client, Sdk, key};
use crate::support::{DOMAIN, Database, PLAY, TestConsole};

/// Where the operations are listed.
const TABLE: &str = include_str!("../../../src/http/jd/mod.rs");

/// Method and path of each operation, as `PUT domains:start`.
fn table() -> Vec<(Method, String)> {
    let arms = TABLE.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split_once("\", ["));
    let arms = arms.map(|(method, rest)| {
        let (segments, _) = rest.split_once(']').expect("segments");
        let segment = |segment: &str| match segment.trim() {
            "domain" => DOMAIN.to_owned(),
            "template" => "t".to_owned(),
            literal => literal.trim_matches('"').to_owned(),
        };
        let path: Vec<String> = segments.split(", ").map(segment).collect();
        (method.parse().expect("a method"), format!("/v1/{}", path.join("/")))
    });
    arms.collect()
}

/// Every operation that changes something, with what it needs.
fn writes() -> Vec<(&'static str, Value)> {
    let domain = || json!({ "publishDomain": DOMAIN });
    let notify = || json!({ "publishDomain": DOMAIN, "notifyUrl": "http://127.0.0.1/" });
    let by = || json!({ "publishDomain": DOMAIN, "template": "t" });
    let stream = || json!({ "publishDomain": DOMAIN, "appName": "live", "streamName": "room_7" });
    let template = json!({ "template": "t", "recordPeriod": 15, "saveBucket": "tapes", "recordFileType": "flv" });
    vec![
        ("addLiveDomain", json!({ "publishDomain": "push.example.net", "playDomain": "play.example.net" })),
        ("startLiveDomain", domain()),
        ("stopLiveDomain", domain()),
        ("deleteLiveDomain", domain()),
        ("setLiveStreamNotifyConfig", notify()),
        ("deleteLiveStreamNotifyConfig", domain()),
        ("setLiveStreamRecordNotifyConfig", notify()),
        ("deleteLiveStreamRecordNotifyConfig", domain()),
        ("addCustomLiveStreamRecordTemplate", template),
        ("deleteCustomLiveStreamRecordTemplate", json!({ "template": "t" })),
        ("addLiveStreamDomainRecord", by()),
        ("deleteLiveStreamDomainRecord", by()),
        ("forbidLiveStream", stream()),
        ("interruptLiveStream", stream()),
        ("resumeLiveStream", stream()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_an_envelope_with_an_error() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let client = reqwest::Client::new();
    let operations = table();
    assert_eq!(operations.len(), 27, "{operations:?}");
    let more = ["/v1", "/v1/", "/v1/nothing", "/v1//domains", "/v1/domains;x", "/v1/Domains"];
    let paths = more.into_iter().map(|path| (Method::GET, path.to_owned()));
    let token = key(&console, Role::Admin, &[]).await.token;
    for (method, path) in operations.into_iter().chain(paths) {
        for bearer in [None, Some(&token)] {
            let mut request = client.request(method.clone(), format!("http://{}{path}", console.http));
            if let Some(token) = bearer {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 401, "{method} {path}");
            let id = answer.headers()["x-jdcloud-request-id"].to_str().expect("text").to_owned();
            let body: Value = answer.json().await.expect("JSON");
            assert_eq!(body["requestId"], id, "{method} {path}");
            assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(401), &json!("UNAUTHENTICATED")));
            assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
        }
    }
    let long = client.put(console.url("/v1/streams:forbid")).body(vec![b'x'; 100_000]).send().await.expect("an answer");
    assert_eq!(long.status(), 400);
    let body: Value = long.json().await.expect("JSON");
    assert_eq!(body["error"]["status"], "INVALID_ARGUMENT");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_changes_nothing() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let changing = table().into_iter().filter(|(method, _)| *method != Method::GET).count();
    assert_eq!(writes().len(), changing, "each has its case here");
    let mut reviewer = Client::start(Sdk::Python, console.http, &key(&console, Role::Reviewer, &[]).await);
    let limited = key(&console, Role::Admin, &["push.example.org".to_owned()]).await;
    let mut stranger = Client::start(Sdk::Python, console.http, &limited);
    for (operation, parameters) in writes() {
        reviewer.fails(operation, parameters.clone(), 403, "HTTP_FORBIDDEN");
        stranger.fails(operation, parameters, 403, "HTTP_FORBIDDEN");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_are_told() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let time = |days: i64| (Timestamp::now() - (days * 24).hours()).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (day, long) = (json!({ "startTime": time(1) }), json!({ "startTime": time(31) }));
    let since = |more: Value| {
        let mut parameters = day.clone();
        for (name, value) in more.as_object().expect("an object") {
            parameters[name] = value.clone();
        }
        parameters
    };
    let template = |name: &str, period: i64, bucket: &str, kind: &str| json!({ "template": name, "recordPeriod": period, "saveBucket": bucket, "recordFileType": kind });
    let published = |since: i64| json!({ "publishDomain": DOMAIN, "startTime": time(since) });
    let stream =
        |seconds: i64| json!({ "publishDomain": DOMAIN, "appName": "live", "streamName": "a", "forbidTime": seconds });
    let nobody = json!({ "publishDomain": "push.example.org" });
    let (invalid, range) = ("INVALID_ARGUMENT", "OUT_OF_RANGE");
    let cases = vec![
        ("addLiveDomain", json!({ "publishDomain": "*.example.com", "playDomain": PLAY }), 400, invalid),
        ("addLiveDomain", json!({ "publishDomain": "a.example.com", "playDomain": "" }), 400, invalid),
        ("addLiveDomain", json!({ "publishDomain": "a.example.com", "playDomain": "a.example.com" }), 400, invalid),
        ("addLiveDomain", json!({ "publishDomain": DOMAIN, "playDomain": "b.example.com" }), 409, "ALREADY_EXISTS"),
        ("addLiveDomain", json!({ "publishDomain": "a.example.com", "playDomain": PLAY }), 409, "ALREADY_EXISTS"),
        ("describeLiveDomains", json!({ "pageSize": 9 }), 400, invalid),
        ("describeLiveDomains", json!({ "pageNum": 0 }), 400, invalid),
        ("describeLiveDomainDetail", nobody.clone(), 404, "NOT_FOUND"),
        ("startLiveDomain", nobody.clone(), 404, "NOT_FOUND"),
        ("deleteLiveDomain", nobody.clone(), 404, "NOT_FOUND"),
        ("setLiveStreamNotifyConfig", json!({ "publishDomain": DOMAIN, "notifyUrl": "ftp://a.cn/" }), 400, invalid),
        (
            "setLiveStreamNotifyConfig",
            json!({ "publishDomain": DOMAIN, "notifyUrl": "http://10.0.0.1/" }),
            400,
            invalid,
        ),
        ("describeLiveStreamNotifyConfig", nobody.clone(), 404, "NOT_FOUND"),
        ("addCustomLiveStreamRecordTemplate", template("t", 14, "tapes", "flv"), 400, invalid),
        ("addCustomLiveStreamRecordTemplate", template("t", 361, "tapes", "flv"), 400, invalid),
        ("addCustomLiveStreamRecordTemplate", template("t t", 15, "tapes", "flv"), 400, invalid),
        ("addCustomLiveStreamRecordTemplate", template("t", 15, "../tapes", "flv"), 400, invalid),
        ("addCustomLiveStreamRecordTemplate", template("t", 15, "tapes", "flv;mp4"), 400, invalid),
        (
            "describeCustomLiveStreamRecordTemplates",
            json!({ "filters": [{ "name": "x", "values": ["y"] }] }),
            400,
            invalid,
        ),
        ("describeLiveStreamOnlineList", nobody, 404, "NOT_FOUND"),
        ("describeLiveStreamPublishList", published(31), 400, range),
        ("describeLiveStreamPublishList", published(-1), 400, invalid),
        ("forbidLiveStream", stream(-1), 400, invalid),
        (
            "interruptLiveStream",
            json!({ "publishDomain": DOMAIN, "appName": "live", "streamName": "a" }),
            404,
            "NOT_FOUND",
        ),
        ("describeLiveStreamTrafficData", json!({ "startTime": "yesterday" }), 400, invalid),
        ("describeLiveStreamTrafficData", long.clone(), 400, range),
        ("describeLiveStreamTrafficData", json!({ "startTime": time(430), "endTime": time(420) }), 400, range),
        ("describeLiveStreamTrafficData", since(json!({ "period": "month" })), 400, invalid),
        ("describeLiveStreamTrafficData", since(json!({ "domainName": "none.example.com" })), 404, "NOT_FOUND"),
        ("describeLiveStreamBandwidthData", since(json!({ "ispName": "x" })), 400, invalid),
        ("describeLiveFileStorageData", since(json!({ "period": "hour" })), 400, invalid),
        ("describeLiveFileStorageData", long.clone(), 400, range),
        ("describeLiveTranscodingDurationData", since(json!({ "grade": "video_av1_hd_1" })), 400, invalid),
        ("describeLivePublishStreamNum", long, 400, range),
        ("describeLivePublishStreamNum", since(json!({ "domainName": "none.example.com" })), 404, "NOT_FOUND"),
    ];
    for sdk in Sdk::ALL {
        let mut client = Client::of_admin(sdk, &console).await;
        for (operation, parameters, code, status) in &cases {
            client.fails(operation, parameters.clone(), *code, status);
        }
    }
    console.stop().await;
}

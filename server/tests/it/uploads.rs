//! Access logs uploaded on their page, by a browser without script and by the page's own script.

use callsheet::model::{Actor, Role};
use callsheet::stats::{Metric, UsageQuery};
use serde_json::Value;

use crate::support::{Browser, Database, PLAY, TestConsole, multipart, on_both_databases};

on_both_databases!(a_log_is_uploaded_and_counts_once, what_is_wrong_with_a_log_is_told);

const PAGE: &str = "/statistics/imports";
const COMBINED: &str = "192.0.2.1 - - [22/Nov/2026:09:01:03 +0000] \"GET /v.mp4 HTTP/1.1\" 200 1000 \"-\" \"curl\"\n";

/// So many requests of 1,000 bytes each, a second apart, the last one now.
fn lines(console: &TestConsole, host: &str, count: i64) -> String {
    let now = console.console.clock.now() / 1000;
    let line =
        |n: i64| format!(r#"{{"msec":{}.000,"host":"{host}","status":200,"bytes_sent":1000}}"#, now - count + n) + "\n";
    (0..count).map(line).collect()
}

/// All bytes of the last two days.
async fn traffic(console: &TestConsole) -> i64 {
    let stats = &console.console.stats;
    let query = UsageQuery {
        metric: Metric::Traffic,
        domains: Vec::new(),
        slot: stats.last_days(2),
        granularity: None,
        compare: false,
    };
    stats.usage(&Actor::cli(), query).await.expect("figures").cards.traffic.now
}

async fn a_log_is_uploaded_and_counts_once(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let browser = Browser::of(&console, Role::Operator).await;
    browser.open(PAGE).await.says(&["No logs yet", "Upload and count", &format!("<option value=\"{PLAY}\">")]);

    let log = lines(&console, PLAY, 40) + "oops\n" + &lines(&console, "cdn.other.example", 3);
    let form = multipart(&[("format", ""), ("domain", "")], Some(("play.log", log.as_bytes())));
    let shown = browser.upload(PAGE, form.clone(), "text/html").await;
    let shown = browser.shown(shown).await;
    assert_eq!((shown.status, shown.address.as_str()), (200, PAGE));
    shown.says(&[
        "play.log is counted.",
        "<dt>Lines</dt><dd>44</dd>",
        "<dt>Traffic</dt><dd>43.00 KB</dd>",
        "1 bad line",
        "<th scope=\"row\">41</th><td>The line is not a JSON object.</td>",
        "3 lines of unknown hosts",
        "href=\"/settings?vod=cdn.other.example#add-vod-domain\"",
        "<th scope=\"row\">play.log</th><td data-label=\"Lines\" class=\"num\">44</td>",
    ]);
    assert_eq!(traffic(&console).await, 43_000);
    let again = browser.open(PAGE).await;
    assert!(!again.html.contains("is counted."), "the outcome shows once");

    // The same by the page's script, which gets it as data.
    let told: Value = browser.upload(PAGE, form, "application/json").await.json().await.expect("JSON");
    assert_eq!(told["title"], "play.log is known already. Nothing was added.");
    let grown = log.clone() + &lines(&console, PLAY, 5);
    let form = multipart(&[], Some(("C:\\logs\\other.log", grown.as_bytes())));
    let told: Value = browser.upload(PAGE, form, "application/json").await.json().await.expect("JSON");
    assert_eq!((&told["title"], &told["facts"][1][1]), (&"other.log is counted.".into(), &"5".into()), "{told}");
    assert_eq!(traffic(&console).await, 48_000);

    let form = multipart(&[("format", "combined"), ("domain", PLAY)], Some(("old.log", COMBINED.as_bytes())));
    let told: Value = browser.upload(PAGE, form, "application/json").await.json().await.expect("JSON");
    assert_eq!((&told["tone"], &told["facts"][0][1]), (&"Good".into(), &"nginx or Apache combined".into()), "{told}");
    console.stop().await;
}

async fn what_is_wrong_with_a_log_is_told(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let browser = Browser::of(&console, Role::Operator).await;
    let garbage: &[u8] = b"neither this\nnor that\n";
    let cut = multipart(&[], Some(("cut.log", lines(&console, PLAY, 9).as_bytes())));
    let file = |content| Some(("a.log", content));
    let long = "x".repeat(2_000);
    for (body, status, field, code) in [
        (multipart(&[("format", "")], file(garbage)), 422, Some("format"), "access_log_unknown_format"),
        (multipart(&[("format", "nginx")], file(garbage)), 422, Some("format"), "access_log_unknown_format"),
        (multipart(&[("domain", " ")], file(COMBINED.as_bytes())), 422, Some("domain"), "access_log_no_domain"),
        (
            multipart(&[("domain", "nobody.example.org")], file(COMBINED.as_bytes())),
            404,
            Some("domain"),
            "stats_unknown_domain",
        ),
        (multipart(&[], file(b"\x1f\x8bnot gzip")), 422, None, "access_log_unreadable"),
        (multipart(&[], Some(("", b""))), 422, Some("file"), "upload_no_file"),
        (multipart(&[], None), 422, Some("file"), "upload_no_file"),
        (multipart(&[("more", "")], file(garbage)), 422, None, "bad_request"),
        (multipart(&[("domain", &long)], file(garbage)), 422, None, "bad_request"),
        (cut[..cut.len() - 30].to_vec(), 422, Some("file"), "upload_broken"),
        (b"no form at all".to_vec(), 422, Some("file"), "upload_broken"),
    ] {
        let answer = browser.upload(PAGE, body, "application/json").await;
        let got = answer.status();
        let error: Value = answer.json().await.expect("JSON");
        assert_eq!(
            (got.as_u16(), error["field"].as_str(), error["code"].as_str()),
            (status, field, Some(code)),
            "{error}"
        );
        assert!(error["message"].as_str().is_some_and(|text| text.ends_with('.')), "{error}");
    }
    // Without script the page tells it at the field, and keeps what was chosen.
    let body = multipart(&[("format", "combined"), ("domain", "nobody.example.org")], file(COMBINED.as_bytes()));
    let shown = browser.shown(browser.upload(PAGE, body, "text/html").await).await;
    shown.says(&[
        "There are no statistics of nobody.example.org.",
        "value=\"nobody.example.org\"",
        "<option value=\"combined\" selected",
        "aria-describedby=\"domain-help domain-error\"",
    ]);
    assert_eq!(traffic(&console).await, 0);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_brings_logs_in() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let body = || multipart(&[], Some(("a.log", b"oops")));
    let reviewer = Browser::of(&console, Role::Reviewer).await;
    let page = reviewer.open(PAGE).await;
    page.says(&["Operators and admins upload logs here.", "No logs yet"]);
    assert!(!page.html.contains("type=\"file\""), "{}", page.html);
    assert_eq!(reviewer.upload(PAGE, body(), "application/json").await.status(), 403);
    let shown = reviewer.shown(reviewer.upload(PAGE, body(), "text/html").await).await;
    shown.says(&["Your role may not do this."]);

    let nobody = reqwest::Client::new();
    let send = |accept: &str| {
        let request = nobody.post(console.url(PAGE)).header("accept", accept).body(body());
        request.header("content-type", "multipart/form-data; boundary=cut").send()
    };
    assert_eq!(send("application/json").await.expect("an answer").status(), 401);
    let shown = send("text/html").await.expect("an answer");
    assert_eq!(shown.url().as_str(), console.url("/login?next=%2Fstatistics%2Fimports"));

    // Nothing that is no form makes it stumble.
    let operator = Browser::of(&console, Role::Operator).await;
    let form = operator.submit(PAGE, PAGE, &[("file", "x")]).await;
    form.says(&["The form was incomplete."]);
    let from_elsewhere = operator.upload_from("https://evil.example", PAGE, body()).await;
    assert_eq!(from_elsewhere.status(), 403);
    console.stop().await;
}

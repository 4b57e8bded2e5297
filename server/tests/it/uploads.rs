//! Access logs uploaded on their page.

use callsheet::model::{Actor, Role};
use callsheet::stats::{Metric, UsageQuery};

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
        range: stats.last_days(2),
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
    let shown = browser.upload(PAGE, form.clone()).await;
    assert_eq!((shown.status, shown.address.as_str()), (200, PAGE));
    shown.says(&[
        "play.log has been counted.",
        "<dt>Lines</dt><dd>44</dd>",
        "<dt>Traffic</dt><dd>43.00 KB</dd>",
        "1 invalid line",
        "<th scope=\"row\">41</th><td>The line is not a JSON object.</td>",
        "3 lines of unknown hosts",
        "href=\"/settings?vod=cdn.other.example#add-vod-domain\"",
        "<th scope=\"row\">play.log</th><td data-label=\"Lines\" class=\"numeric\">44</td>",
    ]);
    assert_eq!(traffic(&console).await, 43_000);
    let again = browser.open(PAGE).await;
    assert!(!again.html.contains("has been counted."), "the outcome shows once");

    browser.upload(PAGE, form).await.says(&["play.log was already imported. Nothing was added."]);
    let grown = log.clone() + &lines(&console, PLAY, 5);
    let form = multipart(&[], Some(("C:\\logs\\other.log", grown.as_bytes())));
    browser.upload(PAGE, form).await.says(&["other.log has been counted.", "<dt>Lines</dt><dd>5</dd>"]);
    assert_eq!(traffic(&console).await, 48_000);

    let form = multipart(&[("format", "combined"), ("domain", PLAY)], Some(("old.log", COMBINED.as_bytes())));
    browser.upload(PAGE, form).await.says(&[
        "notice success import-result",
        "<dt>Format</dt><dd>nginx or Apache combined</dd>",
        "It was counted under the domain given for the import. Lines: 1.",
    ]);

    // The unit of time-taken is a guess; the page says so in each language.
    let guessed = |second: i64| {
        let log = format!("#Fields: date time cs-host sc-bytes time-taken\n2026-11-22 09:01:0{second} {PLAY} 5 250\n");
        multipart(&[], Some(("w3c.log", log.as_bytes())))
    };
    let english = "No #Software line identifies IIS, which logs milliseconds. Lines: 1.";
    browser.upload(PAGE, guessed(1)).await.says(&["notice warning import-result", english]);
    browser.open(&format!("{PAGE}?lang=zh-CN")).await;
    browser.upload(PAGE, guessed(2)).await.says(&["time-taken 按 W3C 标准以秒为单位读取。", "涉及 1 行。"]);
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
    let unknown = "The format could not be detected.";
    for (body, field, text) in [
        (multipart(&[("format", "")], file(garbage)), Some("format"), unknown),
        (multipart(&[("format", "nginx")], file(garbage)), Some("format"), unknown),
        (
            multipart(&[("domain", " ")], file(COMBINED.as_bytes())),
            Some("domain"),
            "The lines of this format contain no host. Enter the domain of the log.",
        ),
        (
            multipart(&[("domain", "nobody.example.org")], file(COMBINED.as_bytes())),
            Some("domain"),
            "There are no statistics for nobody.example.org.",
        ),
        (multipart(&[], file(b"\x1f\x8bnot gzip")), None, "Nothing was counted. Check that it is a log"),
        (multipart(&[], file(b"\xff\xfe{\0")), None, "The file is UTF-16 text. Nothing was counted."),
        (multipart(&[], file(b"PAR1")), None, "Parquet files are not supported."),
        (multipart(&[], Some(("", b""))), Some("file"), "Choose a file."),
        (multipart(&[], None), Some("file"), "Choose a file."),
        (multipart(&[("more", "")], file(garbage)), None, "The form was incomplete."),
        (multipart(&[("domain", &long)], file(garbage)), None, "The form was incomplete."),
        (cut[..cut.len() - 30].to_vec(), Some("file"), "The upload was interrupted."),
        (b"no form at all".to_vec(), Some("file"), "The upload was interrupted."),
    ] {
        let shown = browser.upload(PAGE, body).await;
        match field {
            Some(field) => {
                shown.says(&[&format!("<p id=\"{field}-error\" class=\"error-text\">{text}"), "aria-invalid=\"true\""])
            }
            None => shown.says(&[text, "role=\"alert\""]),
        }
        assert_eq!(shown.html.matches("aria-invalid").count(), usize::from(field.is_some()), "{}", shown.html);
    }
    // What was chosen is kept.
    let body = multipart(&[("format", "combined"), ("domain", "nobody.example.org")], file(COMBINED.as_bytes()));
    let shown = browser.upload(PAGE, body).await;
    shown.says(&[
        "There are no statistics for nobody.example.org.",
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
    page.says(&["Only operators and admins can upload logs.", "No logs yet"]);
    assert!(!page.html.contains("type=\"file\""), "{}", page.html);
    reviewer.upload(PAGE, body()).await.says(&["Your role does not have this permission."]);

    let nobody = reqwest::Client::new();
    let request = nobody.post(console.url(PAGE)).header("content-type", "multipart/form-data; boundary=cut");
    let shown = request.body(body()).send().await.expect("an answer");
    assert_eq!(shown.url().as_str(), console.url("/login?next=%2Fstatistics%2Fimports"));

    // Nothing that is no form makes it stumble.
    let operator = Browser::of(&console, Role::Operator).await;
    let form = operator.submit(PAGE, PAGE, &[("file", "x")]).await;
    form.says(&["The form was incomplete."]);
    let from_elsewhere = operator.upload_from("https://evil.example", PAGE, body()).await;
    assert_eq!(from_elsewhere.status(), 403);
    console.stop().await;
}

//! The overview's figures of today: of the day in the console's zone, and never in the way of the rest of the page.

use std::sync::Arc;

use callsheet::model::{Actor, Millis, Role, TestClock};
use callsheet::stats::{ImportStep, Progress, Sums, UsageRow};
use jiff::tz::TimeZone;
use sqlx::{AnyConnection, Connection, Executor};

use crate::support::{Browser, Database, TestConsole, on_both_databases};

on_both_databases!(
    todays_traffic_and_peak_are_those_of_the_consoles_zone,
    figures_that_cannot_be_read_leave_the_rest_of_the_page,
);

/// 2026-11-22 18:00 UTC: 2 h past midnight in Shanghai.
const NOW: Millis = 1_795_370_400_000;
/// Midnight in Shanghai, Unix seconds.
const MIDNIGHT: i64 = NOW / 1000 - 2 * 3_600;

async fn start(database: Database) -> (TestConsole, Browser) {
    let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
    let clock = Arc::new(TestClock::at(NOW));
    let console = TestConsole::start_at(database, clock, |config| config.time_zone = zone).await;
    let browser = Browser::of(&console, Role::Reviewer).await;
    (console, browser)
}

/// Counts a file that sent so many bytes in these points.
async fn count(console: &TestConsole, file: u8, sent: &[(i64, i64)]) {
    let row = |(at, bytes): &(i64, i64)| UsageRow {
        domain: "play.example.com".into(),
        at: *at,
        sums: Sums { bytes: *bytes, requests: 1, s2xx: 1, ..Sums::default() },
    };
    let rows: Vec<UsageRow> = sent.iter().map(row).collect();
    let progress = Progress { taken: 1, prefix: [file; 32], head: [file; 32], lines: 1, bad: 0 };
    let step = ImportStep { import: None, name: "access.log".to_owned(), from: 0, progress, now: NOW / 1000 };
    console.console.stats.add_usage(&Actor::cli(), &rows, &step).await.expect("counted");
}

async fn todays_traffic_and_peak_are_those_of_the_consoles_zone(database: Database) {
    let (console, browser) = start(database).await;
    browser.open("/").await.says(&["No data yet.", "href=\"/statistics/usage\""]);
    count(&console, 1, &[(MIDNIGHT - 300, 9_000_000_000)]).await;
    let yesterday = ["<b>0<small> B</small></b>", "<b>0<small> bps</small></b>", "until 2026-11-23 00:00"];
    browser.open("/").await.says(&yesterday);
    count(&console, 2, &[(MIDNIGHT, 300_000_000), (MIDNIGHT + 300, 600_000_000)]).await;
    let shown = browser.open("/").await;
    shown.says(&["Traffic today", "<b>900.00<small> MB</small></b>", "until 00:10"]);
    shown.says(&["Peak bandwidth today", "<b>16.00<small> Mbps</small></b>", "at 00:05"]);
    shown.says(&["/statistics/usage?slot=1d&amp;metric=traffic", "/statistics/usage?slot=1d&amp;metric=bandwidth"]);
    console.stop().await;
}

async fn figures_that_cannot_be_read_leave_the_rest_of_the_page(database: Database) {
    let (console, browser) = start(database).await;
    let url = match console.database.url() {
        url if url.starts_with("postgres") => url.to_owned(),
        _ => format!("sqlite://{}", console.data.path().join("stats.db").display()),
    };
    let mut stats = AnyConnection::connect(&url).await.expect("the statistics' database");
    stats.execute("alter table usage_5m rename to usage_gone").await.expect("renamed");
    let shown = browser.open("/").await;
    assert_eq!(shown.status, 200);
    shown.says(&["Traffic today", "Internal error.", "Live streams", "No callback is turned on yet."]);
    assert!(!shown.html.contains("Peak bandwidth today"), "{}", shown.html);
    console.stop().await;
}

//! Retention: old data is removed, newer data stays.

use std::sync::Arc;

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, Clock, Millis, SourceId, SystemClock, TestClock};
use callsheet::recordings::{RecordingChange, RecordingSettings};
use callsheet::streams::{ClosedPart, IngestSink, PushRequest, SessionKey, SourceEvent};
use callsheet_server::jobs::{Pulse, clean_up_once};
use sqlx::{AnyConnection, Connection, Row};

use crate::support::{DOMAIN, Database, PLAY, on_both_databases, use_cases, use_cases_in};

on_both_databases!(
    nothing_of_a_past_session_stays,
    old_rows_go_a_batch_at_a_time,
    a_clock_that_leaps_removes_nothing_until_a_day_has_passed,
);

const DAY_MS: Millis = 24 * 3_600_000;

async fn connect(database: &Database) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(database.url()).await.expect("the database")
}

async fn count(database: &Database, table: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) as n from {table}"));
    sqlx::query(sql).fetch_one(&mut connect(database).await).await.expect("counted").get("n")
}

async fn nothing_of_a_past_session_stays(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    let cli = Actor::cli();
    console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
    let settings = RecordingSettings { enabled: true, part_seconds: 60, bucket: "tapes".to_owned() };
    let change = RecordingChange::parse(settings).expect("settings");
    console.recordings.put(&cli, DOMAIN, &change).await.expect("on");
    let key = |name: &str| SessionKey { source: SourceId(1), boot: String::new(), key: name.to_owned() };
    let start = async |name: &str| {
        let push = PushRequest {
            source: SourceId(1),
            hosts: vec![DOMAIN.to_owned()],
            app: "live".to_owned(),
            stream: name.to_owned(),
            client: None,
            params: vec![("token".to_owned(), "s3cret".to_owned()), ("room".to_owned(), "7".to_owned())],
        };
        let push = console.streams.admit(push).await.expect("admitted");
        let at = clock.now();
        console.streams.report(&key(name), SourceEvent::Started { at, push }).await.expect("reported");
        console.streams.report(&key(name), SourceEvent::PartOpened { at, location: None }).await.expect("reported");
    };
    start("past").await;
    start("live").await;
    let state = async |name: &str| {
        let sql = "select state from sessions where source_key = $1";
        let row = sqlx::query(sql).bind(name.to_owned()).fetch_one(&mut connect(&database).await).await;
        row.expect("a session").get::<String, _>("state")
    };
    assert!(state("past").await.contains("s3cret"));
    let at = clock.now();
    let part = ClosedPart {
        recorder: String::new(),
        location: Some("tapes/record/a.flv".to_owned()),
        started_at: Some(at),
        stopped_at: at + 5_000,
        duration_ms: Some(5_000),
        bytes: Some(1),
        failure: None,
    };
    console.streams.report(&key("past"), SourceEvent::PartClosed(part)).await.expect("reported");
    console.streams.report(&key("past"), SourceEvent::RecordingEnded { at }).await.expect("reported");
    console.streams.report(&key("past"), SourceEvent::Ended { at, failure: None }).await.expect("reported");
    clock.advance(10_000);
    console.streams.reap().await.expect("closed");
    let closed = state("past").await;
    assert!(!closed.contains("s3cret") && closed.contains(r#"["room","7"]"#), "{closed}");
    assert!(state("live").await.contains("s3cret"));

    let pass_days = async |days: i64| {
        clock.advance(days * DAY_MS);
        clean_up_once(&console, &Pulse::default()).await;
    };
    pass_days(29).await;
    assert_eq!((count(&database, "sessions").await, count(&database, "parts").await), (2, 1), "not yet");
    pass_days(2).await;
    assert_eq!((count(&database, "sessions").await, count(&database, "parts").await), (1, 0));
    assert_eq!((count(&database, "events").await, count(&database, "deliveries").await), (0, 0));
    console.close().await;
}

async fn old_rows_go_a_batch_at_a_time(database: Database) {
    let now = SystemClock.now();
    let (console, _data) = use_cases(&database, Arc::new(TestClock::at(now))).await;
    let mut connection = connect(&database).await;
    let source = console.sources.built_in().await.expect("there from the start");
    let rows: Vec<String> =
        (0..1_200).map(|number| format!("({source}, 'msg_{number}', {})", now - 2 * DAY_MS)).collect();
    let insert = format!("insert into source_receipts (source_id, webhook_id, at) values {}", rows.join(","));
    sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut connection).await.expect("inserted");
    let batch = async || console.db.delete_old_receipts(now - DAY_MS).await.expect("removed");
    assert_eq!([batch().await, batch().await, batch().await, batch().await], [500, 500, 200, 0]);
    console.close().await;
}

async fn a_clock_that_leaps_removes_nothing_until_a_day_has_passed(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let (console, data) = use_cases(&database, clock.clone()).await;
    let source = console.sources.built_in().await.expect("there from the start");
    let add_receipt = async |id: &str| {
        let sql = "insert into source_receipts (source_id, webhook_id, at) values ($1, $2, $3)";
        let query = sqlx::query(sql).bind(source.0).bind(id.to_owned()).bind(clock.now());
        query.execute(&mut connect(&database).await).await.expect("inserted");
    };
    let receipts = async || count(&database, "source_receipts").await;
    add_receipt("first").await;
    clean_up_once(&console, &Pulse::default()).await;
    assert_eq!(receipts().await, 1, "it is new");

    // Off for a power cut, and on again ten years ahead.
    clock.jump(3_650 * DAY_MS);
    clean_up_once(&console, &Pulse::default()).await;
    clock.advance(3_600_000);
    // A restart does not make the clock better.
    let again = use_cases_in(&database, clock.clone(), data.path()).await;
    clean_up_once(&again, &Pulse::default()).await;
    assert_eq!(receipts().await, 1);
    clock.jump(-3_650 * DAY_MS + 2 * DAY_MS);
    clean_up_once(&again, &Pulse::default()).await;
    assert_eq!(receipts().await, 1, "nor is a clock believed that has just been set");
    clock.advance(DAY_MS);
    clean_up_once(&again, &Pulse::default()).await;
    assert_eq!(receipts().await, 0);

    // Off for a holiday, and then for years.
    for (days, kept) in [(30, 0), (1_000, 1)] {
        add_receipt("another").await;
        clock.advance(days * DAY_MS);
        clean_up_once(&again, &Pulse::default()).await;
        assert_eq!(receipts().await, kept, "{days} days");
    }
    clock.advance(DAY_MS);
    clean_up_once(&again, &Pulse::default()).await;
    assert_eq!(receipts().await, 0, "nothing stays for ever");
    console.close().await;
    again.close().await;
}

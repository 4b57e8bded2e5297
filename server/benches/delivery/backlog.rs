//! A console with a past: a million deliveries that wait, or a million to remove.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callsheet_server::config::Roles;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::Outcome;
use crate::machine::{describe, fsyncs, peak_mib, quantile, reset_peak};
use crate::receiver::Receiver;
use crate::scenarios::{ALL, delays, good, round, seconds, steady, until_received};
use crate::test_server::{Stage, sqlite};

const ROWS: u64 = 1_000_000;
const DAY_MS: i64 = 86_400_000;

/// Makes domains with callbacks, and deliveries for them that were made `age` ms ago; waiting ones, or delivered ones with an attempt.
async fn make(dir: &Path, addresses: &[String], age: i64, waiting: bool) -> Outcome<()> {
    let nothing = Roles { web: false, worker: false, ingest: true };
    let stage = Stage::start(dir, &sqlite(dir), nothing, addresses).await?;
    let now = stage.console.clock.now();
    stage.stop().await?;
    let mut db = SqliteConnection::connect(&sqlite(dir)).await?;
    let (first, many) = ((now - age) << 20, addresses.len().max(1));
    let numbers = format!("with recursive n (i) as (select 0 union all select i + 1 from n where i < {ROWS} - 1)");
    // Of each domain's two callbacks the first is that of publishes.
    let callback = format!("(2 * (i % {many}) + 1)");
    let (state, attempts) = if waiting { ("pending", 0) } else { ("delivered", 1) };
    let mut statements = vec![
        format!(
            "insert into events {numbers} select {first} + 2 * i, 1, 1, 'publish_started', 'success', 1, {now}, {now}, '{{}}' \
             from n"
        ),
        format!(
            "insert into deliveries (id, event_id, callback_id, domain_id, session_id, kind, event, app, stream, sequence, \
             happened_at, body, state, attempts, tries, out_of_order) {numbers} select {first} + 2 * i + 1, {first} + 2 * i, \
             {callback}, i % {many} + 1, 1, 'publish', 'publish_started', 'live', 'room_' || i, 1, {now}, \
             cast('{{\"stream\":\"room_' || i || '\",\"event\":\"publish_started\"}}' as blob), '{state}', {attempts}, {attempts}, 0 \
             from n"
        ),
    ];
    if waiting {
        statements.push(format!(
            "insert into queue (callback_id, delivery_id, stream_key, due_at, retry, queued_at) {numbers} \
             select {callback}, {first} + 2 * i + 1, 'live/room_' || i, {now}, 0, {now} from n"
        ));
    } else {
        statements.push(format!(
            "insert into attempts (delivery_id, number, started_at, millis, address, succeeded, status, phases, \
             request_headers, response_headers, response_body) {numbers} select {first} + 2 * i + 1, 1, {now}, 1, \
             'http://127.0.0.1/', 1, 200, '[]', '[]', '[]', zeroblob(500) from n"
        ));
    }
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut db).await?;
    }
    Ok(db.close().await?)
}

/// The first answer and the first delivery of a console that starts with a million waiting.
pub(crate) async fn backlog() -> Outcome<Value> {
    let dir = tempfile::tempdir()?;
    let syncs = fsyncs(dir.path())?;
    let receiver = Receiver::start()?;
    make(dir.path(), &good(&receiver), 60_000, true).await?;
    reset_peak();
    let started = Instant::now();
    let stage = Stage::start(dir.path(), &sqlite(dir.path()), ALL, &[]).await?;
    // reqwest is built without a TLS provider of its own.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::get(format!("http://{}/readyz", stage.http)).await?.error_for_status()?;
    let answered = started.elapsed();
    while receiver.count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let delivered = started.elapsed();
    while receiver.count() < ROWS {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let drained = started.elapsed().as_secs_f64();
    stage.stop().await?;
    Ok(json!({
        "bench": "backlog", "engine": "sqlite", "waiting": ROWS, "firstAnswerMillis": answered.as_millis(),
        // Counted by the receiver twenty times a second.
        "firstDeliveryMillis": delivered.as_millis(), "drainedSeconds": round(drained),
        "deliveriesPerSecond": (ROWS as f64 / drained).round(), "peakMiB": peak_mib("self"), "machine": describe(syncs),
    }))
}

/// The delay at 1,000 events a second while a million old deliveries are removed, and without.
pub(crate) async fn retention() -> Outcome<Value> {
    let mut figures = Vec::new();
    let mut syncs = 0.0;
    for removing in [false, true] {
        let dir = tempfile::tempdir()?;
        syncs = fsyncs(dir.path())?;
        let receiver = Receiver::start()?;
        if removing {
            make(dir.path(), &[], 40 * DAY_MS, false).await?;
        }
        let stage = Arc::new(Stage::start(dir.path(), &sqlite(dir.path()), ALL, &good(&receiver)).await?);
        let accepted = steady(&stage, 1_000, seconds() / 3).await?;
        let lost = until_received(&stage, &receiver).await?;
        let delays = delays(&accepted, &receiver.finish()?, |_| true);
        Arc::into_inner(stage).ok_or("still in use")?.stop().await?;
        let mut db = SqliteConnection::connect(&sqlite(dir.path())).await?;
        let left: i64 = sqlx::query_scalar("select count(*) from deliveries").fetch_one(&mut db).await?;
        let removed = if removing { ROWS.cast_signed() + delays.len() as i64 - left } else { 0 };
        figures.push(json!({
            "p50Micros": quantile(&delays, 0.5), "p99Micros": quantile(&delays, 0.99), "maxMicros": delays.last(),
            "lost": lost, "removed": removed,
        }));
    }
    let [without, with] = &figures[..] else { return Err("two runs".into()) };
    Ok(json!({
        "bench": "retention", "engine": "sqlite", "eventsPerSecond": 1_000, "removing": with, "without": without,
        "machine": describe(syncs),
    }))
}

//! The audit log, on both databases: each change has its entry, and no entry changes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use callsheet::audit::{ACTIONS, ActorKind, AuditFilter, AuditRow};
use callsheet::callbacks::{CallbackSettings, Dialect};
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, Clock, KeyId, PageRequest, SystemClock, TestClock, UserId, Who};
use callsheet::recordings::{RecordingChange, RecordingSettings};
use callsheet::{Console, UseCases};
use serde_json::json;
use sqlx::Connection;

use crate::support::{DOMAIN, Database, PLAY, on_both_databases, use_cases};

on_both_databases!(
    each_change_tells_before_and_after,
    entries_are_found_by_what_they_say,
    a_user_is_told_from_a_key_of_the_same_name,
    the_database_refuses_to_change_or_hide_an_entry,
    entries_pass_their_time,
    rows_of_before_keep_their_meaning,
);

const DAY: i64 = 86_400_000;

async fn log(console: &Console, filter: AuditFilter) -> Vec<AuditRow> {
    let page = PageRequest { number: 1, size: 100 };
    console.audit.list(&Actor::cli(), &filter, page).await.expect("the log").rows
}

fn ada() -> Actor {
    Actor { who: Who::User { id: UserId(7), name: "ada".to_owned() }, address: "192.0.2.7".to_owned(), ..Actor::cli() }
}

async fn add_domain(console: &Console, actor: &Actor) {
    let new = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
    console.domains.create(actor, new).await.expect("created");
}

async fn each_change_tells_before_and_after(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let (ada, kind) = (ada(), CallbackKind::Publish);
    add_domain(&console, &ada).await;
    let UseCases { domains, callbacks, recordings, sources, stats, .. } = &*console;
    let change = CallbackSettings {
        enabled: true,
        address: Some("http://127.0.0.1:8099/".to_owned()),
        dialect: Dialect::V1_1,
        ordered: false,
        timeout_seconds: 5,
        headers: vec![("X-Token".to_owned(), "hunter2".to_owned())],
    };
    callbacks.put(&ada, DOMAIN, kind, change).await.expect("changed");
    callbacks.set_enabled(&ada, DOMAIN, kind, false).await.expect("off");
    let settings = RecordingSettings { enabled: true, part_seconds: 60, bucket: "tapes".to_owned() };
    let recording = RecordingChange::parse(settings).expect("settings");
    recordings.put(&ada, DOMAIN, &recording).await.expect("recorded");
    domains.set_enabled(&ada, DOMAIN, false).await.expect("disabled");
    domains.set_enabled(&ada, DOMAIN, false).await.expect("it is already");
    domains.delete(&ada, DOMAIN, DOMAIN).await.expect("deleted");
    let source = sources.create(&ada, "generic", "edge", Some(DOMAIN)).await.expect("added").view;
    sources.delete(&ada, source.id).await.expect("removed");
    stats.add_vod_domain(&ada, "vod.example.com", "films").await.expect("added");
    stats.remove_vod_domain(&ada, "vod.example.com").await.expect("removed");

    let rows = log(&console, AuditFilter::default()).await;
    let told: Vec<(&str, &str)> = rows.iter().rev().map(|row| (row.action.as_str(), row.target.as_str())).collect();
    let expected = [
        ("domain.create", DOMAIN),
        ("callback.change", DOMAIN),
        ("callback.change", DOMAIN),
        ("recording.change", DOMAIN),
        ("domain.disable", DOMAIN),
        ("domain.delete", DOMAIN),
        ("source.create", "edge"),
        ("source.delete", "edge"),
        ("vod_domain.add", "vod.example.com"),
        ("vod_domain.remove", "vod.example.com"),
    ];
    assert_eq!(told, expected);
    for row in &rows {
        let made = ["create", "add"].iter().any(|verb| row.action.ends_with(verb));
        let removed = ["delete", "remove"].iter().any(|verb| row.action.ends_with(verb));
        assert_eq!((row.detail["before"].is_object(), row.detail["after"].is_object()), (!made, !removed), "{row:?}");
        assert_eq!((row.actor_kind, row.actor.as_str(), row.address.as_str()), (ActorKind::User, "ada", "192.0.2.7"));
        assert!(!row.detail.to_string().contains("hunter2"), "{row:?}");
    }
    let detail = |place: usize| rows[rows.len() - 1 - place].detail.clone();
    assert_eq!(detail(0), json!({ "after": { "play": [PLAY] } }));
    let before = json!({
        "enabled": false, "address": null, "dialect": "v1.0", "ordered": true, "timeoutSeconds": 15, "headers": {},
    });
    let mut after = json!({
        "enabled": true, "address": "http://127.0.0.1:8099/", "dialect": "v1.1", "ordered": false, "timeoutSeconds": 5,
        // The first 8 digits of `printf hunter2 | sha256sum`.
        "headers": { "X-Token": "f52fbd32" },
    });
    assert_eq!(detail(1), json!({ "kind": "publish", "before": before, "after": after }));
    let before = after.clone();
    after["enabled"] = false.into();
    assert_eq!(detail(2), json!({ "kind": "publish", "before": before, "after": after }));
    assert_eq!(detail(4), json!({ "before": { "enabled": true }, "after": { "enabled": false } }));
    assert_eq!(detail(9), json!({ "before": { "path": "films" } }));
}

async fn entries_are_found_by_what_they_say(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    add_domain(&console, &ada()).await;
    clock.advance(60_000);
    let later = clock.now();
    console.sources.create(&Actor::cli(), "generic", "Kante", None).await.expect("added");
    console.sources.create(&Actor::cli(), "nginx-rtmp", "100%", None).await.expect("added");
    let found = async |filter: AuditFilter| {
        let rows = log(&console, filter).await;
        rows.into_iter().map(|row| row.target).collect::<Vec<_>>()
    };
    let filter = AuditFilter::default;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(filter()).await, ["100%", "Kante", DOMAIN], "the newest first");
    assert_eq!(found(AuditFilter { actor: text("ada"), ..filter() }).await, [DOMAIN]);
    assert_eq!(found(AuditFilter { action: text("domain.create"), ..filter() }).await, [DOMAIN]);
    assert_eq!(found(AuditFilter { target: text("Kante"), ..filter() }).await, ["Kante"]);
    assert_eq!(found(AuditFilter { since: Some(later), ..filter() }).await, ["100%", "Kante"]);
    assert_eq!(found(AuditFilter { until: Some(later), ..filter() }).await, [DOMAIN]);
    for (part, expected) in
        [("KANT", "Kante"), ("192.0.2", DOMAIN), ("play.EXAMPLE", DOMAIN), ("nginx-rtmp", "100%"), ("0%", "100%")]
    {
        assert_eq!(found(AuditFilter { text: text(part), ..filter() }).await, [expected], "{part}");
    }
    assert!(found(AuditFilter { text: text("_"), action: text("domain.create"), ..filter() }).await.is_empty());
    let batch = console.audit.batch(&Actor::cli(), &filter(), None).await.expect("a batch");
    assert_eq!(batch.len(), 3);
    let rest = console.audit.batch(&Actor::cli(), &filter(), Some(batch[1].id)).await.expect("a batch");
    assert_eq!(rest, batch[2..]);
    let page = console.audit.list(&Actor::cli(), &filter(), PageRequest { number: 2, size: 2 }).await.expect("a page");
    assert_eq!((page.total, page.rows), (3, rest));
}

async fn a_user_is_told_from_a_key_of_the_same_name(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let by = |who| Actor { who, ..Actor::cli() };
    let user = by(Who::User { id: UserId(1), name: "key ci".to_owned() });
    for (name, actor) in [("a", user), ("b", by(Who::Key { id: KeyId(1), name: "ci".to_owned() })), ("c", Actor::cli())]
    {
        console.sources.create(&actor, "generic", name, None).await.expect("added");
    }
    let who: Vec<_> =
        log(&console, AuditFilter::default()).await.into_iter().map(|row| (row.actor_kind, row.actor)).collect();
    let expected = [(ActorKind::Cli, "command line"), (ActorKind::Key, "ci"), (ActorKind::User, "key ci")];
    assert_eq!(who, expected.map(|(kind, name)| (kind, name.to_owned())));
}

async fn the_database_refuses_to_change_or_hide_an_entry(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    add_domain(&console, &Actor::cli()).await;
    let before = log(&console, AuditFilter::default()).await;
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(database.url()).await.expect("the database");
    let truncate = if database.url().starts_with("postgres") { "truncate audit" } else { "delete from audit" };
    for sql in ["update audit set actor = 'nobody'", "delete from audit where id > 0", truncate] {
        let error = sqlx::query(sql).execute(&mut connection).await.expect_err(sql).to_string();
        assert!(error.contains("the audit log is"), "{sql}: {error}");
    }
    assert_eq!(log(&console, AuditFilter::default()).await, before);
}

async fn entries_pass_their_time(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now() - 400 * DAY));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    add_domain(&console, &Actor::cli()).await;
    clock.advance(40 * DAY);
    console.domains.set_enabled(&Actor::cli(), DOMAIN, false).await.expect("disabled");
    let old = clock.now() - DAY;
    assert_eq!(console.db.delete_old_audit(old).await.expect("removed"), 1);
    assert_eq!(console.db.delete_old_audit(old).await.expect("removed"), 0);
    let rows = log(&console, AuditFilter::default()).await;
    assert_eq!(rows.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["domain.disable"]);
}

/// What stood in the tables before names meant one key, and before entries told of what kind their actor was.
async fn rows_of_before_keep_their_meaning(database: Database) {
    let postgres = database.url().starts_with("postgres");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let folder = folder.join(if postgres { "postgres" } else { "sqlite" });
    sqlx::any::install_default_drivers();
    let separator = if postgres { "" } else { "?mode=rwc" };
    let mut connection =
        sqlx::AnyConnection::connect(&format!("{}{separator}", database.url())).await.expect("the database");
    let run = async |connection: &mut sqlx::AnyConnection, name: &str| {
        let sql = std::fs::read_to_string(folder.join(name)).expect("a migration");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await.expect("migrated");
    };
    run(&mut connection, "0001_foundation.sql").await;
    for (name, access_key) in [("ci", "AK1"), ("ci", "AK2"), ("nightly", "AK3"), ("ci", "AK4")] {
        let sql = "insert into api_keys (name, role, access_key, secret_sealed, token_hash, created_at) values ($1, 'admin', $2, $3, $2, 0)";
        let key = sqlx::query(sql).bind(name).bind(access_key).bind(vec![0_u8]);
        key.execute(&mut connection).await.expect("a key");
    }
    for (id, actor) in [(1_i64, "ada"), (2, "key ci"), (3, "command line")] {
        let sql =
            "insert into audit (id, at, actor, address, action, target, detail) values ($1, 0, $2, '', '', '', '{}')";
        sqlx::query(sql).bind(id).bind(actor).execute(&mut connection).await.expect("an entry");
    }
    run(&mut connection, "0008_keys.sql").await;
    let column = async |connection: &mut sqlx::AnyConnection, sql: &'static str| {
        let rows = sqlx::query_as::<_, (String,)>(sql).fetch_all(connection).await.expect("rows");
        rows.into_iter().map(|(text,)| text).collect::<Vec<_>>()
    };
    let names = column(&mut connection, "select name from api_keys order by id").await;
    assert_eq!(names, ["ci", "ci AK2", "nightly", "ci AK4"]);
    let who = column(&mut connection, "select actor_kind || ':' || actor from audit order by id").await;
    assert_eq!(who, ["user:ada", "key:ci", "cli:command line"]);
}

/// The actions of all entries that the use cases make, as their sources say.
fn actions_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            // Storage writes what it is given.
            if !path.ends_with("storage") {
                actions_in(&path, found);
            }
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        if !text.contains("AuditEntry::") || path.ends_with("audit/mod.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let literals = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| line.split('"').skip(1).step_by(2));
        let is_action = |text: &&str| {
            let mut parts = text.split('.');
            let word = |part: Option<&str>| {
                part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
            };
            word(parts.next()) && word(parts.next()) && parts.next().is_none()
        };
        found.extend(literals.filter(is_action).map(str::to_owned));
    }
}

#[test]
fn every_action_of_the_code_is_known_to_readers() {
    let mut found = BTreeSet::new();
    actions_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"), &mut found);
    let known: BTreeSet<String> = ACTIONS.iter().map(|action| (*action).to_owned()).collect();
    assert_eq!(found, known, "`audit::ACTIONS` and the catalogs name each action that the code writes, and no other");
    assert!(ACTIONS.is_sorted());
}

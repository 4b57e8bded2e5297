//! `callsheet secrets rotate`: everything that is sealed gets another key, and opens at any moment.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use callsheet::accounts::FactorView;
use callsheet::audit::AuditFilter;
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, CallbackKind, PageRequest, Role, SystemClock, Who};
use callsheet::sealing::{LockedKeyFile, Sealer};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use tempfile::TempDir;

use crate::accounts::two_factor::code_at;
use crate::support::{
    Browser, Database, GenericSource, TestConsole, callsheet, on_both_databases, run, text, use_cases_in,
};

on_both_databases!(
    all_that_is_sealed_gets_the_new_key,
    an_interrupted_rotation_leaves_all_open_and_is_gone_on_with,
    a_running_console_is_left_as_it_is,
);

/// All columns that hold sealed values. Whoever seals another one adds it here and where it is sealed again.
const SEALED: [&str; 9] = [
    "api_keys.secret_sealed",
    "callbacks.previous_secret_sealed",
    "callbacks.secret_sealed",
    "idempotent_requests.answer",
    "sources.signing_secret_sealed",
    "sources.url_secret_sealed",
    "users.totp_pending_sealed",
    "users.totp_sealed",
    "web_sessions.data",
];

fn rotate(data: &Path, database: &Database) -> Output {
    let mut command = callsheet(data, database.url());
    command.args(["secrets", "rotate"]).env("RUST_LOG", "off");
    run(command, "")
}

/// What a console with these keys can open. The file may be in use.
fn sealer(keys: &[u8]) -> Sealer {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("secret.key");
    std::fs::write(&path, keys).expect("written");
    Sealer::open(&path).expect("keys")
}

fn keys(data: &Path) -> Vec<u8> {
    std::fs::read(data.join("secret.key")).expect("a key file")
}

/// The columns of all tables, with their values in hexadecimal.
async fn columns(database: &Database) -> Vec<(String, Vec<Vec<u8>>)> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(database.url()).await.expect("the database");
    let is_sqlite = database.url().starts_with("sqlite:");
    let sql = if is_sqlite {
        "select m.name as t, c.name as c, c.type as kind from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'"
    } else {
        "select cast(table_name as text) as t, cast(column_name as text) as c, cast(data_type as text) as kind \
         from information_schema.columns where table_schema = 'public'"
    };
    let mut columns = Vec::new();
    for row in connection.fetch_all(sql).await.expect("columns") {
        let [table, column, kind] = ["t", "c", "kind"].map(|name| row.get::<String, _>(name));
        let hex = match kind.as_str() {
            _ if is_sqlite => format!("hex({column})"),
            "bytea" => format!("encode({column}, 'hex')"),
            _ => format!("encode(convert_to(cast({column} as text), 'UTF8'), 'hex')"),
        };
        let sql = AssertSqlSafe(format!("select {hex} as value from {table} where {column} is not null"));
        let values = connection.fetch_all(sql).await.expect("values");
        let values = values.iter().map(|row| hex::decode(row.get::<String, _>("value")).expect("hexadecimal"));
        columns.push((format!("{table}.{column}"), values.collect()));
    }
    columns
}

/// The columns with values that these keys open.
async fn opened_by(database: &Database, keys: &[u8]) -> BTreeSet<String> {
    let sealer = sealer(keys);
    let opens = |value: &Vec<u8>| {
        sealer.open_text(value).is_ok() || BASE64.decode(value).is_ok_and(|value| sealer.open_text(&value).is_ok())
    };
    let columns = columns(database).await.into_iter();
    columns.filter(|(_, values)| values.iter().any(opens)).map(|(name, _)| name).collect()
}

/// A stopped console in which something of each kind is sealed.
async fn with_secrets(database: Database) -> (TempDir, Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    console.turn_on(CallbackKind::Publish, "https://hooks.example.org").await;
    GenericSource::add_to(&console).await;
    Browser::of(&console, Role::Reviewer).await;
    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    for (name, confirms) in [("ada", true), ("grace", false)] {
        let user = accounts.create_user(&cli, name, Role::Admin, "correct horse").await.expect("created");
        let actor = Actor { who: Who::User { id: user.id, name: name.to_owned() }, ..Actor::cli() };
        accounts.start_factor(&actor).await.expect("started");
        let FactorView::Pending { secret, .. } = accounts.factor(&actor).await.expect("a factor") else {
            panic!("not pending")
        };
        if confirms {
            accounts.confirm_factor(&actor, &code_at(&secret, console.console.clock.now())).await.expect("confirmed");
        }
    }
    let key = console.console.keys.create(&cli, KeyDraft::new("ci", Role::Admin)).await.expect("a key");
    let request = reqwest::Client::new().post(console.url("/api/v1/keys")).bearer_auth(&key.token);
    let request = request.header("idempotency-key", "1").json(&json!({ "name": "second", "role": "reviewer" }));
    assert_eq!(request.send().await.expect("an answer").status(), 201);
    console.stop().await
}

/// The paths of all sources, whose secret parts are sealed.
async fn paths(data: &Path, database: &Database) -> Vec<Option<String>> {
    let console = use_cases_in(database, Arc::new(SystemClock), data).await;
    let sources = console.sources.list(&Actor::cli()).await.expect("all secrets open");
    console.close().await;
    sources.into_iter().map(|source| source.ingest_path).collect()
}

async fn all_that_is_sealed_gets_the_new_key(database: Database) {
    let (data, database) = with_secrets(database).await;
    let (old, sources) = (keys(data.path()), paths(data.path(), &database).await);
    let sealed = BTreeSet::from(SEALED.map(str::to_owned));
    assert_eq!(opened_by(&database, &old).await, sealed, "each kind is there, and no other");
    let named = columns(&database).await.into_iter().map(|(name, _)| name).filter(|name| name.contains("sealed"));
    assert!(named.clone().all(|name| sealed.contains(&name)), "{:?}", named.collect::<Vec<_>>());

    let output = rotate(data.path(), &database);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let new = keys(data.path());
    assert_eq!(new.len(), 32);
    assert_eq!(opened_by(&database, &old).await, BTreeSet::new());
    assert_eq!(opened_by(&database, &new).await, sealed);
    let console = use_cases_in(&database, Arc::new(SystemClock), data.path()).await;
    let log = console.audit.list(&Actor::cli(), &AuditFilter::default(), PageRequest::of_console(1)).await;
    assert_eq!(log.expect("the log").rows[0].action, "secrets.rotate");
    console.close().await;
    assert_eq!(paths(data.path(), &database).await, sources);
}

async fn an_interrupted_rotation_leaves_all_open_and_is_gone_on_with(database: Database) {
    let (data, database) = with_secrets(database).await;
    let (old, sources) = (keys(data.path()), paths(data.path(), &database).await);
    drop(LockedKeyFile::lock(&data.path().join("secret.key")).expect("not in use").begin_rotation().expect("begun"));
    assert_eq!(keys(data.path())[32..], old);
    assert_eq!(paths(data.path(), &database).await, sources);
    // It goes on to work, and seals with the new key.
    let console = use_cases_in(&database, Arc::new(SystemClock), data.path()).await;
    console.keys.create(&Actor::cli(), KeyDraft::new("third", Role::Reviewer)).await.expect("a key");
    console.close().await;
    drop(console);
    let new = keys(data.path())[..32].to_vec();
    assert_eq!(opened_by(&database, &new).await, BTreeSet::from(["api_keys.secret_sealed".to_owned()]));

    let output = rotate(data.path(), &database);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("Resuming an interrupted rotation."));
    assert_eq!(keys(data.path()), new);
    assert_eq!(opened_by(&database, &old).await, BTreeSet::new());
    assert_eq!(paths(data.path(), &database).await, sources);
}

async fn a_running_console_is_left_as_it_is(database: Database) {
    let console = TestConsole::start(database).await;
    let before = keys(console.data.path());
    let output = rotate(console.data.path(), &console.database);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("secret.key is in use; stop the console and other commands first"), "{said}");
    assert_eq!(keys(console.data.path()), before);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_on_another_machine_is_left_as_it_is() {
    let console = TestConsole::start(Database::postgres().await).await;
    let here = tempfile::tempdir().expect("folder");
    std::fs::copy(console.data.path().join("secret.key"), here.path().join("secret.key")).expect("copied");
    let output = rotate(here.path(), &console.database);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("the database is in use by a console; stop all its processes first"), "{said}");
    assert_eq!(keys(here.path()), keys(console.data.path()));
    console.stop().await;
}

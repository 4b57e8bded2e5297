//! `callsheet backup`: taken of a console that works, and unpacked as people would.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use callsheet::domains::DomainFilter;
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, CallbackKind, PageRequest, Role, SystemClock};
use callsheet::stats::Metric;
use callsheet::stats::UsageQuery;
use callsheet::streams::SessionFilter;
use reqwest::Client;
use secrecy::ExposeSecret;

use crate::support::{
    DOMAIN, Database, GenericSource, PLAY, Receiver, TestConsole, callsheet, run, text, use_cases_in,
};

const PASSWORD: &str = "correct horse";

fn back_up(data: &Path, database_url: &str, file: &Path) -> Output {
    let mut command = callsheet(data, database_url);
    command.arg("backup").arg(file).env("RUST_LOG", "off");
    run(command, "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_working_console_is_that_console() {
    let console = TestConsole::start(Database::sqlite()).await;
    let receiver = Receiver::start();
    let (secret, _) = console.send_all_to(&receiver).await;
    let (accounts, keys, cli) = (&console.console.accounts, &console.console.keys, Actor::cli());
    accounts.create_user(&cli, "ada", Role::Admin, PASSWORD).await.expect("created");
    let key = keys.create(&cli, KeyDraft::new("ci", Role::Operator)).await.expect("a key");
    let now = console.console.clock.now() / 1000;
    let log = format!(r#"{{"msec":{now}.000,"host":"{PLAY}","status":200,"bytes_sent":1000}}"#);
    let upload = Client::new().post(console.url("/api/v1/access-logs")).bearer_auth(&key.token).body(log);
    assert_eq!(upload.send().await.expect("an answer").status(), 200);
    // Streams come and go all the while.
    let source = GenericSource::add_to(&console).await;
    source.tell("publish_started", "before").await;
    let copies = tempfile::tempdir().expect("folder");
    let file = copies.path().join("console.tar");
    std::fs::write(&file, "an older one").expect("written");
    let telling = async {
        for n in 0..40 {
            source.tell("publish_started", &format!("room_{n}")).await;
        }
    };
    let (data, url) = (console.data.path().to_owned(), console.database.url().to_owned());
    let copying = tokio::task::spawn_blocking({
        let file = file.clone();
        move || back_up(&data, &url, &file)
    });
    let ((), output) = tokio::join!(telling, copying);
    let output = output.expect("no panic");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let size = std::fs::metadata(&file).expect("a file");
    assert_eq!(text(&output.stdout), format!("{}: {} bytes\n", file.display(), size.len()));
    assert_eq!(size.permissions().mode() & 0o777, 0o600, "it holds the key");
    let left: Vec<_> = std::fs::read_dir(copies.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
    console.stop().await;

    let data = tempfile::tempdir().expect("folder");
    let unpacked = Command::new("tar").arg("-xf").arg(&file).arg("-C").arg(data.path()).status();
    assert!(unpacked.expect("tar runs").success());
    let restored = Database::at(&format!("sqlite://{}", data.path().join("callsheet.db").display()));
    let restored = TestConsole::start_on(data, restored, Arc::new(SystemClock), |_| {}).await;
    let all = &restored.console;
    let page = PageRequest::of_console(1);
    assert_eq!(all.domains.list(&cli, DomainFilter::default(), page).await.expect("a list").total, 1);
    all.accounts.log_in("ada", PASSWORD, "local").await.expect("signed in");
    all.keys.token_actor(&key.token, "local").await.expect("known");
    let (_, secret_key) = all.keys.signer(&key.access_key, "local").await.expect("known");
    assert_eq!(secret_key.expose_secret(), key.secret_key, "the key opens what it sealed");
    let sessions = all.streams.list(&cli, SessionFilter::default(), page).await.expect("a list").total;
    assert!((1..=41).contains(&sessions), "{sessions}");
    let query = UsageQuery {
        metric: Metric::Traffic,
        domains: Vec::new(),
        range: all.stats.last_days(2),
        granularity: None,
        compare: false,
    };
    assert_eq!(all.stats.usage(&cli, query).await.expect("figures").cards.traffic.now, 1000);

    // It goes on: what happens now is signed by the secret of before.
    let seen = receiver.received().len();
    let path = source.url.split_once("/ingest/").map(|(_, path)| format!("/ingest/{path}")).expect("a path");
    GenericSource::new(restored.url(&path), source.secret).tell("publish_started", "after").await;
    let received = receiver.until(|received| received.iter().any(|one| one.field("stream") == "after")).await;
    assert!(received.len() > seen);
    let after = received.iter().find(|one| one.field("stream") == "after").expect("a callback");
    assert!(after.is_signed_with(&secret));
    assert!(restored.console.callbacks.get(&cli, DOMAIN, CallbackKind::Publish).await.expect("found").settings.enabled);
    restored.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_backed_up_says_why_and_leaves_the_older_one() {
    let (data, copies) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    let file = copies.path().join("console.tar");
    std::fs::write(&file, "an older one").expect("written");
    let fails = |url: &str, file: &Path, code: i32, says: &str| {
        let output = back_up(data.path(), url, file);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.starts_with(&format!("callsheet: {says}")) && said.lines().count() == 1, "{said}");
    };
    let postgres = Database::postgres().await;
    fails(postgres.url(), &file, 2, "database_url: back up PostgreSQL with pg_dump");
    let sqlite = Database::sqlite();
    fails(sqlite.url(), &file, 1, "data_dir: no console found in ");
    assert!(!data.path().join("secret.key").exists(), "nothing was made");
    let gone = Database::at(&format!("sqlite://{}", data.path().join("gone.db").display()));
    use_cases_in(&sqlite, Arc::new(SystemClock), data.path()).await.close().await;
    fails(gone.url(), &file, 1, "database_url: cannot open the database: ");
    fails(sqlite.url(), &copies.path().join("none/console.tar"), 1, &format!("{}", copies.path().display()));
    assert_eq!(std::fs::read_to_string(&file).expect("text"), "an older one");
    assert_eq!(std::fs::read_dir(copies.path()).expect("a folder").count(), 1);
}

//! The disk of the data folder runs full, and has room again.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Role, SystemClock};
use leptos::server_fn::axum::server_fn_paths;

use super::{Stage, often};
use crate::support::{Database, GenericSource, use_cases_in};

/// Where the small disk is, in the process that has one.
const DISK: &str = "CALLSHEET_TEST_SMALL_DISK";
const PASSWORD: &str = "correct horse";

/// Runs the test of this name in a process of its own that has a small disk. It goes with the process.
fn with_small_disk(test: &str) {
    let folder = tempfile::tempdir().expect("folder");
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(folder.path());
        command
    };
    // What the test stores grows with its length.
    let mount = format!("mount -t tmpfs -o size={}m tmpfs \"$0\"", often(24));
    let tried = unshare(&mount).output().expect("util-linux is installed");
    assert!(
        tried.status.success(),
        "This test needs a small disk, and may not mount one, not even in a namespace of its own: {}",
        String::from_utf8_lossy(&tried.stderr)
    );
    let mut command = unshare(&format!("{mount} && exec \"$@\""));
    command.arg(std::env::current_exe().expect("a path")).args(["--exact", test, "--nocapture"]);
    let status = command.env(DISK, folder.path()).status().expect("the test runs");
    assert!(status.success(), "the test with the small disk failed");
}

/// Leaves no room on the disk.
fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("filler");
    let mut file = File::create(&path).expect("a file");
    loop {
        match file.write_all(&[0; 4096]) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return path,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing() {
    match std::env::var_os(DISK) {
        Some(disk) => on(Path::new(&disk)).await,
        None => with_small_disk("reliability::disk_full::a_full_disk_loses_nothing"),
    }
}

async fn on(disk: &Path) {
    let database = format!("sqlite://{}/callsheet.db", disk.display());
    let stage = Stage::set(Database::at(&database), disk).await;
    let token = {
        let console = use_cases_in(&Database::at(&database), Arc::new(SystemClock), disk).await;
        console.accounts.create_user(&Actor::cli(), "eye", Role::Reviewer, PASSWORD).await.expect("a reviewer");
        let key = console.keys.create(&Actor::cli(), KeyDraft::new("ci", Role::Reviewer)).await.expect("a key");
        console.db.close().await;
        key.token
    };
    let (process, address) = stage.serve("all");
    let reviewer = reqwest::Client::builder().cookie_store(true).build().expect("a client");
    let sign_in = server_fn_paths().find(|(path, _)| path.ends_with("sign_in")).expect("a way in").0;
    let login = [("name", "eye"), ("password", PASSWORD), ("next", "")];
    let answer = reviewer.post(format!("{address}{sign_in}")).form(&login).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);

    let load = stage.publish(&address);
    for time in 0..often(3) {
        stage.witness.more(30).await;
        let filler = fill(disk);
        load.turned_away(5).await;
        // A publish that begins is turned away like the rest, not refused for good.
        let late = format!("late_{time}");
        let mut body = GenericSource::event("publish_started", &late);
        body["domain"] = "push0.example.com".into();
        let answer = stage.source(&address).post(&late, &body).await.expect("an answer");
        assert_eq!(answer.status(), 503, "{}", answer.text().await.expect("text"));
        for page in ["/domains", "/deliveries", "/sources", "/healthz", "/readyz"] {
            let answer = reviewer.get(format!("{address}{page}")).send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{page}");
            assert_eq!(answer.url().path(), page, "signed in still");
        }
        for path in ["/domains", "/deliveries", "/events"] {
            let request = reviewer.get(format!("{address}/api/v1{path}")).bearer_auth(&token);
            assert_eq!(request.send().await.expect("an answer").status(), 200, "{path}");
        }
        stage.tables().await.check().await;
        std::fs::remove_file(filler).expect("removed");
    }
    stage.end(load, vec![process]).await;
}

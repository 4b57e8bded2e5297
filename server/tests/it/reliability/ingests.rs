//! Several processes with a built-in ingest on one PostgreSQL: each stream has one publisher, and none ends because a process comes or goes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use callsheet::Console;
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, SourceId, SystemClock};
use callsheet::streams::{Admitted, IngestSink, PushRequest, SessionKey};
use tempfile::TempDir;

use crate::support::media::{AAC, AUDIO, H264, Pusher, VIDEO};
use crate::support::{DOMAIN, Database, PLAY, Process, Receiver, callsheet, use_cases_in};

/// Two machines with one database.
struct Stage {
    database: Database,
    console: Console,
    machines: [TempDir; 2],
    receiver: Receiver,
}

impl Stage {
    async fn set() -> Self {
        let database = Database::postgres().await;
        let machines = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
        let console = use_cases_in(&database, Arc::new(SystemClock), machines[0].path()).await;
        std::fs::copy(machines[0].path().join("secret.key"), machines[1].path().join("secret.key")).expect("copied");
        let (cli, receiver) = (Actor::cli(), Receiver::start());
        console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
        let kind = CallbackKind::Publish;
        console.callbacks.set_address(&cli, DOMAIN, kind, &receiver.url("/")).await.expect("an address");
        console.callbacks.set_enabled(&cli, DOMAIN, kind, true).await.expect("on");
        Self { database, console, machines, receiver }
    }

    fn start(&self, machine: &Path, roles: &[&str]) -> (Process, SocketAddr) {
        let mut command = callsheet(machine, self.database.url());
        command.args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--role"]).args(roles);
        command.env("CALLSHEET_ALLOWED_NETWORKS", "127.0.0.0/8");
        let process = Process::start(command);
        let line = process.line("  RTMP ingest ");
        let address = line.split("rtmp://").nth(1).expect("an address").trim();
        (process, address.parse().expect("an address"))
    }

    /// The events of a stream with their statuses, once there are so many of all streams.
    async fn events(&self, stream: &str, count: usize) -> Vec<String> {
        let received = self.receiver.count(count).await;
        let of_stream = received.iter().filter(|one| one.field("stream") == stream);
        of_stream.map(|one| format!("{} {}", one.event(), one.field("status"))).collect()
    }
}

fn push(to: SocketAddr, stream: &str, seconds: &str) -> Pusher {
    Pusher::start(to, DOMAIN, stream, &[&["-re"], VIDEO, &["-re"], AUDIO, H264, AAC, &["-t", seconds]])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ingest_ends_no_stream_of_the_first() {
    let stage = Stage::set().await;
    let (first, at_first) = stage.start(stage.machines[0].path(), &["all"]);
    let publisher = push(at_first, "room_7", "60");
    assert_eq!(stage.events("room_7", 1).await, ["publish_started success"]);
    let (second, at_second) = stage.start(stage.machines[1].path(), &["web", "ingest"]);
    let output = push(at_second, "room_7", "60").finish().await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("this stream is already being published"), "{error}");
    assert!(push(at_second, "room_8", "1").finish().await.status.success());
    assert_eq!(stage.events("room_8", 3).await, ["publish_started success", "publish_done success"]);

    // The order reaches the process that has the publisher, and the name is free for the other.
    stage.console.streams.disconnect(&Actor::cli(), DOMAIN, "live", "room_7").await.expect("ordered");
    assert!(!publisher.finish().await.status.success(), "its connection was closed");
    assert_eq!(stage.events("room_7", 4).await, ["publish_started success", "publish_done success"]);
    let publisher = push(at_second, "room_7", "60");
    stage.events("room_7", 5).await;
    stage.console.streams.disconnect(&Actor::cli(), DOMAIN, "live", "room_7").await.expect("ordered");
    assert!(!publisher.finish().await.status.success(), "its connection was closed");
    assert_eq!(stage.events("room_7", 6).await.len(), 4);
    for process in [first, second] {
        process.signal("-TERM");
        assert!(process.wait().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_ingest_gives_its_streams_back_at_its_next_start() {
    let stage = Stage::set().await;
    let (first, at_first) = stage.start(stage.machines[0].path(), &["web", "ingest"]);
    let (second, at_second) = stage.start(stage.machines[1].path(), &["all"]);
    let _publisher = push(at_first, "room_7", "60");
    stage.events("room_7", 1).await;
    let bystander = push(at_second, "room_8", "60");
    stage.events("room_8", 2).await;
    first.signal("-KILL");
    first.wait();
    let (first, _) = stage.start(stage.machines[0].path(), &["web", "ingest"]);
    assert_eq!(stage.events("room_7", 3).await, ["publish_started success", "publish_done fail"]);
    assert!(push(at_second, "room_7", "1").finish().await.status.success());
    assert_eq!(stage.events("room_7", 5).await.len(), 4);
    bystander.signal("-INT");
    assert_eq!(stage.events("room_8", 6).await, ["publish_started success", "publish_done success"]);
    for process in [first, second] {
        process.signal("-TERM");
        assert!(process.wait().success());
    }
}

fn key(boot: &str, session: &str) -> SessionKey {
    SessionKey { source: SourceId(1), boot: boot.to_owned(), key: session.to_owned() }
}

async fn admitted(console: &Console, stream: &str) -> Admitted {
    let push = PushRequest {
        source: SourceId(1),
        hosts: vec![DOMAIN.to_owned()],
        app: "live".to_owned(),
        stream: stream.to_owned(),
        client: None,
        params: Vec::new(),
    };
    console.streams.admit(push).await.expect("admitted")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_lease_expired_learns_what_it_lost() {
    let stage = Stage::set().await;
    let (streams, room) = (&stage.console.streams, admitted(&stage.console, "room_7").await);
    for boot in ["a", "b"] {
        assert_eq!(streams.renew_run(boot).await.expect("renewed").map(|held| held.len()), Some(0));
    }
    streams.hold(&key("a", "1"), &room).await.expect("free");
    assert_eq!(streams.hold(&key("b", "1"), &room).await.expect_err("held").code, "already_live");
    streams.release(&key("a", "1")).await.expect("released");
    streams.hold(&key("b", "1"), &room).await.expect("free again");
    // A late release of another session changes nothing.
    streams.release(&key("a", "1")).await.expect("nothing to release");
    assert_eq!(streams.hold(&key("a", "2"), &room).await.expect_err("held").code, "already_live");

    stage.database.execute("update ingest_runs set expires_at = 0 where boot = 'b'").await;
    streams.hold(&key("a", "2"), &room).await.expect("its holder is gone");
    let held = streams.renew_run("b").await.expect("renewed").expect("a shared database");
    assert!(!held.contains("1"), "the publisher of its session is dropped");
    assert!(streams.renew_run("a").await.expect("renewed").expect("a shared database").contains("2"));
    assert_eq!(streams.hold(&key("b", "2"), &room).await.expect_err("held").code, "already_live");
    streams.end_run("a").await.expect("ended");
    streams.hold(&key("b", "2"), &room).await.expect("free");
}

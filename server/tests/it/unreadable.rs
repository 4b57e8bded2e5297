//! Rows that cannot be read, as after a fault of a disk or a change by hand: they stop nothing but their own deliveries.

use std::sync::Arc;

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, Clock, SourceId, SystemClock, TestClock};
use callsheet::streams::{IngestSink, PushRequest, SessionKey, SourceEvent};
use callsheet_server::config::Roles;
use sqlx::{AnyConnection, Connection};

use crate::support::{DOMAIN, Database, Receiver, TestConsole, on_both_databases};

on_both_databases!(an_unreadable_row_stops_only_its_own_deliveries);

const OTHER: &str = "push.example.net";
const KIND: CallbackKind = CallbackKind::Publish;
const ROOMS: usize = 6;

async fn start(console: &TestConsole, domain: &str, room: usize) {
    let push = PushRequest {
        source: SourceId(1),
        hosts: vec![domain.to_owned()],
        app: "live".to_owned(),
        stream: format!("room_{room}"),
        client: None,
        params: Vec::new(),
    };
    let streams = &console.console.streams;
    let push = streams.admit(push).await.expect("admitted");
    let key = SessionKey { source: SourceId(1), boot: String::new(), key: format!("room_{room}") };
    streams.report(&key, SourceEvent::Started { at: console.console.clock.now(), push }).await.expect("reported");
}

async fn change(url: &str, statements: &[&'static str]) {
    sqlx::any::install_default_drivers();
    let mut database = AnyConnection::connect(url).await.expect("the database answers");
    for statement in statements {
        sqlx::query(*statement).execute(&mut database).await.expect("changed");
    }
    database.close().await.expect("closed");
}

/// The rooms of the requests, in their order.
fn rooms(receiver: &Receiver) -> Vec<String> {
    receiver.received().iter().map(|one| one.field("stream")).collect()
}

async fn an_unreadable_row_stops_only_its_own_deliveries(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let idle = Roles { web: true, worker: false, ingest: true };
    let console = TestConsole::start_at(database, clock.clone(), |config| config.roles = idle).await;
    let receiver = Receiver::start();
    console.add_domain().await;
    console.turn_on(KIND, &receiver.url("/")).await;
    let (cli, callbacks) = (Actor::cli(), &console.console.callbacks);
    let other = NewDomain::parse(OTHER, &["play.example.net"]).expect("a domain");
    console.console.domains.create(&cli, other).await.expect("created");
    callbacks.set_address(&cli, OTHER, KIND, &receiver.url("/other")).await.expect("an address");
    callbacks.set_enabled(&cli, OTHER, KIND, true).await.expect("on");
    for room in 0..ROOMS {
        start(&console, if room == 2 { OTHER } else { DOMAIN }, room).await;
    }
    let (data, database) = console.stop().await;
    let damage = [
        "update deliveries set event = 'nonsense' where stream = 'room_1'",
        "update callbacks set headers = '{' where address like '%/other'",
    ];
    change(database.url(), &damage).await;

    // All of them depart in one group.
    let console = TestConsole::start_on(data, database, clock.clone(), |_| {}).await;
    receiver.count(ROOMS - 2).await;
    let mut received = rooms(&receiver);
    received.sort_unstable();
    assert_eq!(received, ["room_0", "room_3", "room_4", "room_5"]);

    let repair = [
        "update deliveries set event = 'publish_started' where stream = 'room_1'",
        "update callbacks set headers = '[]' where address like '%/other'",
    ];
    change(console.database.url(), &repair).await;
    // The damage may be noticed only now, and what is put off now is not due yet.
    for room in ROOMS.. {
        assert!(room < 100, "still put off");
        clock.advance(3_600_000);
        start(&console, DOMAIN, room).await;
        receiver.until(|received| received.iter().any(|one| one.field("stream") == format!("room_{room}"))).await;
        if ["room_1", "room_2"].iter().all(|late| rooms(&receiver).iter().any(|room| room == late)) {
            break;
        }
    }
    console.stop().await;
}

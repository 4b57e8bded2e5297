//! Leases of shards, and what they are worth to the tables.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use callsheet::Console;
use callsheet::callbacks::OffReason;
use callsheet::deliveries::Epochs;
use callsheet::deliveries::{
    CallbackOff, CompletedAttempt, DeliveryOutcome, DeliveryState, Ownership, PreparedDelivery, QueuedDelivery, SHARDS,
    shard_of,
};
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackId, CallbackKind, DeliveryId, Millis, SourceId, TestClock};
use callsheet::storage::Db;
use callsheet::streams::{IngestSink, PushRequest, SessionKey, SourceEvent};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::{DOMAIN, Database, PATIENCE, PLAY, on_both_databases, until, use_cases};

on_both_databases!(an_attempt_is_recorded_once, one_worker_owns_all);

const NOW: Millis = 1_795_357_880_000;
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(1);

/// A console with one delivery that waits.
struct Stage {
    console: Console,
    waiting: QueuedDelivery,
    _data: TempDir,
}

impl Stage {
    async fn set(database: &Database) -> Self {
        let (console, data) = use_cases(database, Arc::new(TestClock::at(NOW))).await;
        let cli = Actor::cli();
        console.domains.create(&cli, NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain")).await.expect("created");
        let callbacks = &console.callbacks;
        callbacks.set_address(&cli, DOMAIN, CallbackKind::Publish, "http://127.0.0.1:8080/").await.expect("an address");
        callbacks.set_enabled(&cli, DOMAIN, CallbackKind::Publish, true).await.expect("on");
        let source = SourceId(1);
        let push = PushRequest {
            source,
            hosts: vec![DOMAIN.to_owned()],
            app: "live".to_owned(),
            stream: "room".to_owned(),
            client: None,
            params: Vec::new(),
        };
        let push = console.streams.admit(push).await.expect("admitted");
        let key = SessionKey { source, boot: String::new(), key: "room".to_owned() };
        console.streams.report(&key, SourceEvent::Started { at: NOW, push }).await.expect("reported");
        let waiting =
            console.db.queued_deliveries(&Ownership::All, (CallbackId(0), DeliveryId(0)), 2).await.expect("read");
        let [waiting] = waiting.try_into().expect("one");
        Self { console, waiting, _data: data }
    }

    fn db(&self) -> &Db {
        &self.console.db
    }

    /// The first attempt, which failed.
    fn failed(&self) -> CompletedAttempt {
        CompletedAttempt {
            delivery: self.waiting.delivery,
            callback: self.waiting.callback,
            kind: CallbackKind::Publish,
            number: 1,
            started_at: NOW,
            millis: 5,
            address: "http://127.0.0.1:8080/".to_owned(),
            status: Some(500),
            error_class: Some("http_status"),
            error: Some("500".to_owned()),
            phases: Vec::new(),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            response_body: Vec::new(),
            out_of_order: false,
            counts: true,
            outcome: DeliveryOutcome::Retry { due_at: NOW + 1_000, wait: 1_000 },
            off: None,
        }
    }

    async fn prepared(&self) -> PreparedDelivery {
        let dispatch = self.waiting.dispatch();
        let mut prepared = self.db().prepare_deliveries(&[dispatch]).await.expect("read");
        prepared.remove(&dispatch.delivery).expect("queued")
    }

    async fn complete(&self, owned: &Ownership, off: &[CallbackOff]) -> Vec<DeliveryId> {
        self.db().complete(owned, &[self.failed()], off).await.expect("written")
    }

    /// State and number of attempts of the delivery.
    async fn delivery(&self) -> (DeliveryState, usize) {
        let detail = self.db().delivery_detail(self.waiting.delivery).await.expect("read").expect("a delivery");
        (detail.delivery.state, detail.attempts.len())
    }
}

/// The shards of an ownership, each with its epoch.
fn epochs(owned: &Ownership) -> Epochs {
    match owned {
        Ownership::All => panic!("leased"),
        Ownership::Shards { epochs, .. } => epochs.clone(),
    }
}

/// Renews the leases of a worker that has nothing in flight: what it is to leave it hands over at once.
async fn lease(db: &Db, worker: &str, time: Duration) -> Ownership {
    let leases = timeout(PATIENCE, db.lease(worker, time, &Epochs::new())).await.expect("in time").expect("leased");
    db.hand_over(worker, &leases.leaving).await.expect("handed over");
    leases.owned
}

async fn an_attempt_is_recorded_once(database: Database) {
    let stage = Stage::set(&database).await;
    let owned = lease(stage.db(), "ada", LONG).await;
    // The second time is that of a worker that does not know whether its commit came through.
    for _ in 0..2 {
        assert_eq!(stage.complete(&owned, &[]).await, []);
        assert_eq!(stage.delivery().await, (DeliveryState::Retrying, 1));
    }
    let prepared = stage.prepared().await;
    assert_eq!((prepared.attempts, prepared.tries), (1, 1));
}

async fn one_worker_owns_all(database: Database) {
    let (console, _data) = use_cases(&database, Arc::new(TestClock::at(NOW))).await;
    let owned = lease(&console.db, "ada", LONG).await;
    assert!((1..1_000).all(|callback| owned.holds(CallbackId(callback))));
    assert_eq!(lease(&console.db, "ada", LONG).await, owned, "renewed");
    console.db.release("ada").await.expect("released");
    let next = lease(&console.db, "eve", LONG).await;
    assert!((1..1_000).all(|callback| next.holds(CallbackId(callback))), "free at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_over_is_refused() {
    let stage = Stage::set(&Database::postgres().await).await;
    let late = lease(stage.db(), "ada", SHORT).await;
    let everything = |owned: &Ownership| epochs(owned).len() == SHARDS as usize;
    assert!(everything(&late));
    let now = until(|| lease(stage.db(), "eve", LONG), everything).await;
    let off = CallbackOff { callback: stage.waiting.callback, at: NOW, reason: OffReason::Gone };
    assert_eq!(stage.complete(&late, std::slice::from_ref(&off)).await, [stage.waiting.delivery]);
    assert_eq!(stage.delivery().await, (DeliveryState::Pending, 0));
    assert!(stage.prepared().await.callback.settings.enabled, "nor is the callback turned off");
    assert_eq!(stage.complete(&now, &[]).await, []);
    assert_eq!(stage.delivery().await, (DeliveryState::Retrying, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_nobody_replaced_goes_on() {
    let stage = Stage::set(&Database::postgres().await).await;
    let before = lease(stage.db(), "ada", SHORT).await;
    // By now the lease is over, but nobody took it.
    let after = lease(stage.db(), "ada", SHORT).await;
    assert_eq!(before, after);
    assert_eq!(stage.complete(&before, &[]).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_worker_that_froze_within_a_transaction() {
    let database = Database::postgres().await;
    let stage = Stage::set(&database).await;
    lease(stage.db(), "ada", SHORT).await;
    let mut frozen = PgConnection::connect(database.url()).await.expect("PostgreSQL answers");
    for sql in ["begin", "select * from workers for update", "select * from shard_leases where shard < 10 for share"] {
        sqlx::query(sql).execute(&mut frozen).await.expect("locked");
    }
    let free = |owned: &Ownership| epochs(owned).len();
    // The share of one of two: nobody can strike the frozen one off the list.
    until(|| lease(stage.db(), "eve", LONG), |owned| free(owned) == 128).await;
    sqlx::query("rollback").execute(&mut frozen).await.expect("released");
    until(|| lease(stage.db(), "eve", LONG), |owned| free(owned) == 256).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_evenly_and_each_shard_has_one() {
    let (console, _data) = use_cases(&Database::postgres().await, Arc::new(TestClock::at(NOW))).await;
    let workers = ["ada", "bob", "cyd", "dan", "eve"];
    for alive in 1..=workers.len() {
        let mut shares = Vec::new();
        // Who has too much gives back at its next renewal; who has too little takes at the one after.
        for _ in 0..3 {
            shares.clear();
            for worker in &workers[..alive] {
                shares.push(lease(&console.db, worker, LONG).await);
            }
        }
        let sizes: Vec<usize> = shares.iter().map(|owned| epochs(owned).len()).collect();
        let (least, most) = (sizes.iter().min().expect("some"), sizes.iter().max().expect("some"));
        assert!(most - least <= 1, "{sizes:?}");
        let owned: Vec<i64> = shares.iter().flat_map(|owned| epochs(owned).into_keys()).collect();
        assert_eq!(owned.len(), SHARDS as usize);
        assert_eq!(owned.iter().collect::<BTreeSet<_>>().len(), owned.len(), "one owner each");
        // Also the callbacks of a small customer base.
        for owned in &shares {
            assert!((1..=10 * alive as i64).any(|callback| owned.holds(CallbackId(callback))), "{alive}: {owned:?}");
        }
    }
    console.db.release("eve").await.expect("released");
    let mut sizes = Vec::new();
    for worker in &workers[..4] {
        sizes.push(epochs(&lease(&console.db, worker, LONG).await).len());
    }
    assert_eq!(sizes, [64, 64, 64, 64], "what is given back is free at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_is_taken_only_once_it_was_handed_over() {
    let (console, _data) = use_cases(&Database::postgres().await, Arc::new(TestClock::at(NOW))).await;
    let db = &console.db;
    let renew = async |worker, leaving: &Epochs| db.lease(worker, LONG, leaving).await.expect("leased");
    let none = Epochs::new();
    assert_eq!(epochs(&renew("ada", &none).await.owned).len(), 256);
    assert_eq!(epochs(&renew("bob", &none).await.owned).len(), 0);
    let ada = renew("ada", &none).await;
    assert_eq!((epochs(&ada.owned).len(), ada.leaving.len()), (128, 128));
    assert_eq!(epochs(&renew("bob", &none).await.owned).len(), 0, "nothing was handed over");
    let (first, rest) = (ada.leaving.iter().next().expect("many"), &ada.leaving);
    let first = Epochs::from([(*first.0, *first.1)]);
    db.hand_over("ada", &first).await.expect("handed over");
    assert!(epochs(&renew("bob", &none).await.owned).keys().eq(first.keys()), "one is free");
    // A worker that could keep them by now goes on leaving them.
    db.release("bob").await.expect("released");
    let later = renew("ada", rest).await;
    assert_eq!((epochs(&later.owned).len(), later.leaving.len()), (129, 127));
    // An order that comes late takes away nothing that was won again.
    db.hand_over("ada", &first).await.expect("no effect");
    assert_eq!(renew("ada", &later.leaving).await, later);
}

#[test]
fn a_callback_has_one_shard() {
    for callback in 1..=1_000 {
        assert!((0..SHARDS).contains(&shard_of(CallbackId(callback))));
        assert_eq!(shard_of(CallbackId(callback)), shard_of(CallbackId(callback + SHARDS)));
    }
}

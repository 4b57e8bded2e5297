//! What must be true of the tables at every moment, and who owns which shards.

use std::collections::BTreeMap;

use callsheet::deliveries::shard_of;
use callsheet::model::CallbackId;
use sqlx::{AnyConnection, Connection, Row};

/// Each counts rows that must not be there. Every callback of the proofs is on and tells of every event.
const NEVER: [(&str, &str); 9] = [
    (
        "events without exactly one delivery",
        "select e.id from events e left join deliveries d on d.event_id = e.id group by e.id having count(d.id) <> 1",
    ),
    (
        "deliveries without an event",
        "select d.id from deliveries d left join events e on e.id = d.event_id where e.id is null",
    ),
    (
        "deliveries that wait and are not queued, or are queued and do not wait",
        "select d.id from deliveries d left join queue q on q.delivery_id = d.id and q.callback_id = d.callback_id \
         where (d.state in ('pending', 'retrying')) <> (q.delivery_id is not null)",
    ),
    (
        "rows of the queue without a delivery",
        "select q.delivery_id from queue q left join deliveries d on d.id = q.delivery_id where d.id is null",
    ),
    (
        "deliveries whose attempts are miscounted",
        "select d.id from deliveries d left join attempts a on a.delivery_id = d.id group by d.id, d.attempts \
         having count(a.number) <> d.attempts or coalesce(max(a.number), 0) <> d.attempts",
    ),
    (
        "deliveries that no attempt delivered",
        "select d.id from deliveries d where d.state = 'delivered' \
         and not exists (select 1 from attempts a where a.delivery_id = d.id and a.succeeded = 1)",
    ),
    (
        "deliveries that failed and are not counted as such, or the reverse",
        "select d.id from deliveries d left join failures f on f.callback_id = d.callback_id and f.delivery_id = d.id \
         where (d.state = 'failed') <> (f.delivery_id is not null)",
    ),
    (
        "sessions with a gap in their events",
        "select session_id from events group by session_id \
         having count(*) <> max(sequence) or count(distinct sequence) <> max(sequence)",
    ),
    (
        "reports that were taken and led to no session",
        "select r.webhook_id from source_receipts r where r.webhook_id like '%-publish_started-0' \
         and not exists (select 1 from sessions s where r.webhook_id = s.source_key || '-publish_started-0')",
    ),
];

/// The tables, read beside the console.
pub(super) struct Tables(AnyConnection);

impl Tables {
    pub(super) async fn open(url: &str) -> Self {
        sqlx::any::install_default_drivers();
        Self(AnyConnection::connect(url).await.expect("the database answers"))
    }

    async fn count(&mut self, rows: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) as n from ({rows}) x"));
        sqlx::query(sql).fetch_one(&mut self.0).await.expect("counted").get("n")
    }

    /// Nothing is half-written.
    pub(super) async fn check(&mut self) {
        for (what, rows) in NEVER {
            assert_eq!(self.count(rows).await, 0, "{what}");
        }
    }

    pub(super) async fn check_all_delivered(&mut self) {
        assert!(self.count("select id from deliveries").await > 0, "there are deliveries");
        assert_eq!(self.count("select id from deliveries where state <> 'delivered'").await, 0, "not delivered");
    }

    /// When the live sessions were last heard, the one that was heard first.
    pub(super) async fn heard(&mut self) -> i64 {
        let sql = "select cast(min(heard_at) as bigint) as heard from sessions where phase = 'live'";
        sqlx::query(sql).fetch_one(&mut self.0).await.expect("read").get("heard")
    }

    /// The owner of each shard; empty: nobody.
    async fn owners(&mut self) -> BTreeMap<i64, String> {
        let rows = sqlx::query("select shard, owner from shard_leases").fetch_all(&mut self.0).await.expect("read");
        rows.iter().map(|row| (row.get("shard"), row.get("owner"))).collect()
    }

    /// How many shards the process owns.
    pub(super) async fn share(&mut self, pid: u32) -> usize {
        let pid = format!("{pid}-");
        self.owners().await.values().filter(|owner| owner.starts_with(&pid)).count()
    }

    /// The paths of the callbacks for which the process delivers.
    pub(super) async fn paths(&mut self, pid: u32) -> Vec<String> {
        let owners = self.owners().await;
        let rows = sqlx::query("select id, address from callbacks").fetch_all(&mut self.0).await.expect("read");
        let owned =
            rows.iter().filter(|row| owners[&shard_of(CallbackId(row.get("id")))].starts_with(&format!("{pid}-")));
        owned.map(|row| url::Url::parse(row.get("address")).expect("an address").path().to_owned()).collect()
    }
}

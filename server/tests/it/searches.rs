//! Searches in the log of deliveries: others do not wait for them, and nobody counts millions of rows.

use callsheet::deliveries::{DeliveryFilter, DeliveryRow};
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, DeliveryId, Page, PageRequest, Role};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};

use crate::support::{Browser, Database, GenericSource, TestConsole, on_both_databases};

on_both_databases!(the_log_is_counted_up_to_a_bound);

async fn connect(database: &Database) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(database.url()).await.expect("the database")
}

/// A console whose log holds one delivery.
async fn with_a_delivery(database: Database) -> (TestConsole, GenericSource) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let source = GenericSource::add_to(&console).await;
    source.tell("publish_started", "first").await;
    (console, source)
}

/// Each look at a body lasts for ever. Deliveries can still be made.
async fn slow_down_bodies(database: &Database) {
    let mut connection = connect(database).await;
    let row = connection.fetch_one("select group_concat(name) as names from pragma_table_info('deliveries')").await;
    let names: String = row.expect("columns").get("names");
    let new: Vec<_> = names.split(',').map(|name| format!("new.{name}")).collect();
    let endless = "(with recursive n (i) as (select 1 union all select i + 1 from n) select max(i) from n) as body";
    let shown: Vec<_> = names.split(',').map(|name| if name == "body" { endless } else { name }).collect();
    let sql = format!(
        "alter table deliveries rename to kept; create view deliveries as select {} from kept; \
         create trigger made instead of insert on deliveries begin insert into kept ({names}) values ({}); end",
        shown.join(", "),
        new.join(", ")
    );
    connection.execute(AssertSqlSafe(sql)).await.expect("slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_people_search_all_else_goes_on() {
    let (console, source) = with_a_delivery(Database::sqlite()).await;
    slow_down_bodies(&console.database).await;
    let browser = Browser::of(&console, Role::Operator).await;
    let draft = KeyDraft { name: "reader", role: Role::Reviewer, domains: None, expires_at: None };
    let key = console.console.keys.create(&Actor::cli(), draft).await.expect("a key");
    let client = reqwest::Client::new();
    let get = |path: &str| client.get(console.url(path)).bearer_auth(&key.token).send();
    let searches: Vec<_> = (0..24).map(|_| tokio::spawn(get("/api/v1/deliveries?q=nothing"))).collect();
    for session in ["second", "third", "fourth", "fifth", "sixth"] {
        source.tell("publish_started", session).await;
    }
    for path in ["/readyz", "/api/v1/domains", "/api/v1/deliveries", "/api/v1/streams"] {
        assert_eq!(get(path).await.expect("an answer").status(), 200, "{path}");
    }
    assert_eq!(browser.open("/").await.status, 200);
    assert!(searches.iter().any(|search| !search.is_finished()), "they were to last");
    searches.iter().for_each(tokio::task::JoinHandle::abort);
    console.stop().await;
}

async fn the_log_is_counted_up_to_a_bound(database: Database) {
    let (console, _) = with_a_delivery(database).await;
    let first = list(&console, 1).await.rows[0].id;
    let mut connection = connect(&console.database).await;
    let columns = "event_id, callback_id, domain_id, session_id, kind, event, app, stream, sequence, happened_at, body, state, attempts, tries, \
         out_of_order";
    let sql = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 10029) \
         insert into deliveries (id, {columns}) select d.id + n.i, {columns} from n, deliveries d where d.id = {}",
        first.0
    );
    connection.execute(AssertSqlSafe(sql)).await.expect("made");
    let page = list(&console, 1).await;
    assert_eq!((page.total, page.exact, page.rows.len()), (10_001, false, 20));
    assert_eq!(page.rows[0].id, DeliveryId(first.0 + 10_029));
    let page = list(&console, 501).await;
    assert_eq!((page.total, page.exact, page.rows.len()), (10_021, false, 20), "and there is a next page");
    let page = list(&console, 502).await;
    assert_eq!((page.total, page.exact, page.rows.len()), (10_030, true, 10));
    assert_eq!(page.rows[9].id, first);
    let page = list(&console, 600).await;
    assert_eq!((page.total, page.exact, page.rows.len()), (10_030, true, 0));
    let browser = Browser::of(&console, Role::Reviewer).await;
    browser.open("/deliveries").await.says(&["1–20 of more than 10,000"]);
    console.stop().await;
}

async fn list(console: &TestConsole, number: i64) -> Page<DeliveryRow> {
    let request = PageRequest { number, size: 20 };
    console.console.deliveries.list(&Actor::cli(), DeliveryFilter::default(), request).await.expect("a page")
}

//! *Settings*: VOD domains by form, and what the configuration says.

use callsheet::model::{Actor, Role};
use serde_json::{Value, json};
use sqlx::{Connection, Row};

use crate::support::{Browser, Database, PLAY, TestConsole, on_both_databases};

on_both_databases!(
    vod_domains_are_added_and_removed_by_form,
    what_cannot_be_added_is_told_at_its_field,
    pages_tell_the_public_address,
);

const PAGE: &str = "/settings";
const VOD: &str = "vod.example.com";

async fn vod_domains_are_added_and_removed_by_form(database: Database) {
    let console = TestConsole::start(database).await;
    let browser = Browser::of(&console, Role::Operator).await;
    let [add, remove] = ["add_vod_domain", "remove_vod_domain"].map(|name| console.function(name));
    browser.open(PAGE).await.says(&["No VOD domains yet"]);
    browser
        .open("/settings?vod=cdn.example.com")
        .await
        .says(&["<details open class=\"disclosure\"", "value=\"cdn.example.com\""]);

    let shown = browser.submit(PAGE, &add, &[("name", " VOD.example.com"), ("path", "films/public/")]).await;
    assert_eq!((shown.status, shown.address.as_str()), (200, PAGE));
    shown.says(&["vod.example.com has been added.", "<code>films/public</code>"]);
    let shown = browser.submit(PAGE, &add, &[("name", "点播.example.cn"), ("path", "*")]).await;
    shown.says(&["Enter a bucket and a folder path", "value=\"点播.example.cn\""]);
    let shown = browser.submit(PAGE, &add, &[("name", "点播.example.cn"), ("path", "films")]).await;
    shown.says(&["点播.example.cn has been added."]);
    let name = console.console.stats.vod_domains(&Actor::cli()).await.expect("a list")[1].name.clone();
    let shown = browser.submit(PAGE, &remove, &[("name", VOD)]).await;
    shown.says(&["vod.example.com has been removed. Its statistics are kept."]);
    let shown = browser.submit(PAGE, &remove, &[("name", VOD)]).await;
    shown.says(&["VOD domain vod.example.com does not exist."]);

    let mut connection = sqlx::AnyConnection::connect(console.database.url()).await.expect("the database");
    let rows =
        sqlx::query("select actor, action, target, detail from audit where action like 'vod_domain.%' order by id");
    let rows = rows.fetch_all(&mut connection).await.expect("the audit log");
    let entries: Vec<_> = rows
        .iter()
        .map(|row| {
            let [who, action, target, detail] =
                ["actor", "action", "target", "detail"].map(|name| row.get::<String, _>(name));
            (who, action, target, serde_json::from_str::<Value>(&detail).expect("JSON"))
        })
        .collect();
    let entry =
        |action: &str, target: &str, detail| ("operator".to_owned(), action.to_owned(), target.to_owned(), detail);
    let expected = [
        entry("vod_domain.add", VOD, json!({ "after": { "path": "films/public" } })),
        entry("vod_domain.add", &name, json!({ "after": { "path": "films" } })),
        entry("vod_domain.remove", VOD, json!({ "before": { "path": "films/public" } })),
    ];
    assert_eq!(entries, expected);
    console.stop().await;
}

async fn what_cannot_be_added_is_told_at_its_field(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    console.console.stats.add_vod_domain(&Actor::cli(), VOD, "films").await.expect("added");
    let browser = Browser::of(&console, Role::Admin).await;
    let add = console.function("add_vod_domain");
    for (name, path, field, says) in [
        ("", "films", "name", "Enter a name."),
        ("*.example.com", "films", "name", "Wildcards (*) are not allowed"),
        ("https://a.example.com/", "films", "name", "Enter a host name only"),
        (PLAY, "films", "name", "play.example.com already belongs to this console."),
        (VOD, "films", "name", "vod.example.com already belongs to this console."),
        ("a.example.com", "", "path", "Enter a bucket and a folder path"),
        ("a.example.com", "films/../secret", "path", "Enter a bucket and a folder path"),
    ] {
        let shown = browser.submit(PAGE, &add, &[("name", name), ("path", path)]).await;
        shown.says(&[says, &format!("id=\"{field}-error\""), "<details open class=\"disclosure\""]);
    }
    assert_eq!(console.console.stats.vod_domains(&Actor::cli()).await.expect("a list").len(), 1);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_reads_the_settings() {
    let console = TestConsole::start_with(Database::sqlite(), |config| {
        config.allowed_networks = vec!["10.0.0.0/8".parse().expect("a network")];
        config.retry_schedule = crate::support::schedule(&[0, 5, 120]);
    })
    .await;
    console.console.stats.add_vod_domain(&Actor::cli(), VOD, "films").await.expect("added");
    let page = Browser::of(&console, Role::Reviewer).await.open(PAGE).await;
    page.says(&[
        VOD,
        "<code>time_zone</code>",
        "30 days",
        "<code>10.0.0.0/8</code>",
        "3 attempts: immediately, 5 s, 2 min",
        "400 days",
    ]);
    assert!(!page.html.contains("vod_domain\""), "no form: {}", page.html);
    console.stop().await;
}

async fn pages_tell_the_public_address(database: Database) {
    let public = "http://console.test:8080";
    let url = public.parse().expect("an address");
    let console = TestConsole::start_with(database, |config| config.public_url = Some(url)).await;
    let browser = Browser::of(&console, Role::Admin).await;
    let [key, source, user] = ["create_key", "create_source", "invite_user"].map(|name| console.function(name));
    let all = [("reach", "all"), ("moreDomains", ""), ("expiry", "never"), ("expiresAt", "")];
    let fields = [&[("name", "ci"), ("role", "operator")][..], &all].concat();
    browser.submit("/keys/new", &key, &fields).await.says(&[&format!("\n  {public}/api/v1/domains")]);
    for adapter in ["generic", "nginx-rtmp"] {
        let fields = [("adapter", adapter), ("name", adapter), ("defaultDomain", "")];
        browser.submit("/sources/new", &source, &fields).await.says(&[&format!("{public}/ingest/{adapter}/")]);
    }
    browser
        .submit("/users/new", &user, &[("name", "grace"), ("role", "operator")])
        .await
        .says(&[&format!("{public}/invite/")]);
    browser.open("/statistics/imports").await.says(&[&format!("{public}/api/v1/access-logs?name=")]);
    // What the log tells of is a click away.
    let id = console.console.accounts.list(&Actor::cli()).await.expect("a list")[1].id;
    browser.open("/audit").await.says(&[&format!("<a href=\"/users/{id}\">grace</a>")]);
    console.stop().await;
}

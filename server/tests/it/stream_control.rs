//! Publishers are dropped and kept away, whoever gives the order: this process or another one on the same database.

use std::sync::Arc;

use callsheet::deliveries::DeliveryState;
use callsheet::model::{Actor, CallbackKind, PageRequest, Problem, SystemClock};
use callsheet::streams::{BanLength, SessionFilter, SessionView};
use serde_json::json;

use crate::jd::{Client, Sdk};
use crate::support::media::{H264, Pusher, VIDEO, stderr};
use crate::support::nginx::Nginx;
use crate::support::{DOMAIN, Database, GenericSource, Receiver, TestConsole, on_both_databases, until, use_cases_in};

on_both_databases!(
    a_publisher_is_disconnected_from_another_process,
    a_forbidden_publisher_is_dropped_and_refused_until_allowed,
    nginx_drops_whom_it_is_told_to,
    a_source_without_control_refuses_the_next_publish,
    scripts_see_and_stop_streams,
);

fn push(console: &TestConsole) -> Pusher {
    Pusher::start(console.rtmp, DOMAIN, "room_7", &[&["-re"], VIDEO, H264])
}

async fn live(console: &TestConsole) -> Vec<SessionView> {
    let filter = SessionFilter { live: Some(true), ..SessionFilter::default() };
    let page = PageRequest { number: 1, size: 10 };
    console.console.streams.list(&Actor::cli(), filter, page).await.expect("a list").rows
}

async fn until_live(console: &TestConsole, count: usize) -> Vec<SessionView> {
    until(|| live(console), |rows| rows.len() == count).await
}

async fn a_publisher_is_disconnected_from_another_process(database: Database) {
    let url = database.url().to_owned();
    let console = TestConsole::start(database).await;
    let receiver = Receiver::start();
    console.add_domain().await;
    console.turn_on(CallbackKind::Publish, &receiver.url("/")).await;
    let other = use_cases_in(&Database::at(&url), Arc::new(SystemClock), console.data.path()).await;
    let cli = Actor::cli();
    let disconnect = async || other.streams.disconnect(&cli, DOMAIN, "live", "room_7").await;
    assert_eq!(disconnect().await.expect_err("nobody").code(), "stream_not_live");

    let pusher = push(&console);
    until_live(&console, 1).await;
    disconnect().await.expect("ordered");
    assert!(!pusher.finish().await.status.success(), "its connection was closed");
    let received = receiver.count(2).await;
    let told: Vec<_> = received.iter().map(|one| (one.event(), one.json()["status"].clone())).collect();
    assert_eq!(told, [("publish_started", json!("success")), ("publish_done", json!("success"))]);
    console.delivery_until(&received[1].id(), |detail| detail.delivery.state == DeliveryState::Delivered).await;

    // Nothing keeps it from coming back, and the order is gone.
    let again = push(&console);
    until_live(&console, 1).await;
    assert_eq!(other.streams.to_drop("other").await.expect("orders"), []);
    again.signal("-KILL");
    until_live(&console, 0).await;
    other.close().await;
    console.stop().await;
}

async fn a_forbidden_publisher_is_dropped_and_refused_until_allowed(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let (streams, cli) = (&console.console.streams, Actor::cli());
    let pusher = push(&console);
    until_live(&console, 1).await;
    let forbidden = streams.forbid(&cli, DOMAIN, "live", "room_7", BanLength::parse(Some(3_600)).expect("a time"));
    let until_then = forbidden.await.expect("forbidden").until.expect("an end");
    assert!(!pusher.finish().await.status.success());
    until_live(&console, 0).await;
    let output = push(&console).finish().await;
    assert!(stderr(&output).contains("an operator has forbidden this stream"), "{}", stderr(&output));

    let for_good = streams.forbid(&cli, DOMAIN, "live", "room_7", BanLength::parse(None).expect("for good")).await;
    assert_eq!(for_good.expect("forbidden").until, None);
    let page = PageRequest { number: 1, size: 10 };
    let listed = streams.list_forbidden(&cli, Some(DOMAIN.to_owned()), page).await.expect("a list");
    assert_eq!((listed.total, listed.rows[0].until), (1, None));
    console.console.db.delete_past_bans(until_then + 1).await.expect("cleaned up");
    assert_eq!(streams.list_forbidden(&cli, None, page).await.expect("a list").total, 1, "for good");

    streams.allow(&cli, DOMAIN, "live", "room_7").await.expect("allowed");
    assert_eq!(streams.list_forbidden(&cli, None, page).await.expect("a list").total, 0);
    let allowed = push(&console);
    until_live(&console, 1).await;
    allowed.signal("-KILL");
    for (seconds, code) in [(0, "stream_bad_length"), (-1, "stream_bad_length"), (i64::MAX, "stream_bad_length")] {
        assert_eq!(BanLength::parse(Some(seconds)).expect_err("no time").code(), code);
    }
    let bad = streams.allow(&cli, DOMAIN, "li ve", "room_7").await.expect_err("no name");
    assert_eq!((bad.code(), bad.field()), ("name_bad_character", Some("app")));
    console.stop().await;
}

async fn nginx_drops_whom_it_is_told_to(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let (streams, cli) = (&console.console.streams, Actor::cli());
    let created = console.console.sources.create(&cli, "nginx-rtmp", "nginx", None).await;
    let path = created.expect("created").view.ingest_path.expect("a path");
    let nginx = Nginx::start(&console.url(&path)).await;
    let push = || Pusher::start(nginx.address, DOMAIN, "room_7", &[&["-re"], VIDEO, H264]);

    let pusher = push();
    until_live(&console, 1).await;
    streams.disconnect(&cli, DOMAIN, "live", "room_7").await.expect("ordered");
    assert!(!pusher.finish().await.status.success(), "its connection was closed: {}", nginx.log());
    until_live(&console, 0).await;

    let pusher = push();
    until_live(&console, 1).await;
    streams.forbid(&cli, DOMAIN, "live", "room_7", BanLength::parse(None).expect("for good")).await.expect("forbidden");
    assert!(!pusher.finish().await.status.success(), "its connection was closed: {}", nginx.log());
    until_live(&console, 0).await;
    assert!(!push().finish().await.status.success(), "refused");

    // The same for scripts.
    let mut client = Client::of_admin(Sdk::ALL[0], &console).await;
    let named = json!({ "publishDomain": DOMAIN, "appName": "live", "streamName": "room_7" });
    client.done("resumeLiveStream", named.clone());
    let pusher = push();
    until_live(&console, 1).await;
    client.done("interruptLiveStream", named);
    assert!(!pusher.finish().await.status.success(), "its connection was closed: {}", nginx.log());
    until_live(&console, 0).await;
    console.stop().await;
}

async fn a_source_without_control_refuses_the_next_publish(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let source = GenericSource::add_to(&console).await;
    source.tell("publish_started", "room_7").await;
    let (streams, cli) = (&console.console.streams, Actor::cli());
    let refused = streams.disconnect(&cli, DOMAIN, "live", "room_7").await.expect_err("it cannot");
    assert_eq!(refused.code(), "stream_cannot_drop");
    streams.forbid(&cli, DOMAIN, "live", "room_7", BanLength::parse(None).expect("for good")).await.expect("forbidden");
    assert_eq!(live(&console).await.len(), 1, "it goes on");
    source.tell("publish_done", "room_7").await;
    let event = GenericSource::event("publish_started", "room_7");
    let answer = source.post("again", &event).await.expect("an answer");
    assert_eq!(answer.status(), 403);
    console.stop().await;
}

/// What the JD-compatible API tells and does about live streams.
async fn scripts_see_and_stop_streams(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let day_ago = (jiff::Timestamp::now() - jiff::ToSpan::hours(24)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut publishes = 0;
    for sdk in Sdk::ALL {
        let mut client = Client::of_admin(sdk, &console).await;
        let domain = json!({ "publishDomain": DOMAIN });
        let named = json!({ "publishDomain": DOMAIN, "appName": "live", "streamName": "room_7" });
        assert_eq!(client.done("describeLiveStreamOnlineList", domain.clone())["totalCount"], 0);
        for stop in ["interruptLiveStream", "forbidLiveStream"] {
            let pusher = push(&console);
            until_live(&console, 1).await;
            publishes += 1;
            let online = client.done("describeLiveStreamOnlineList", domain.clone());
            let info = &online["onlineStreamInfos"][0];
            assert_eq!((&info["streamName"], &info["appName"]), (&json!("room_7"), &json!("live")), "{sdk:?}");
            assert_eq!(info["publishUrl"], format!("rtmp://{DOMAIN}/live/room_7"));
            let elsewhere = json!({ "publishDomain": DOMAIN, "appName": "other" });
            assert_eq!(client.done("describeLiveStreamOnlineList", elsewhere)["onlineStreamInfos"], json!([]));
            client.done(stop, named.clone());
            assert!(!pusher.finish().await.status.success(), "{stop}");
            until_live(&console, 0).await;
        }
        assert!(!push(&console).finish().await.status.success(), "forbidden");
        client.done("resumeLiveStream", named.clone());
        let mut seconds = named.clone();
        seconds["forbidTime"] = json!(600);
        client.done("forbidLiveStream", seconds);
        client.done("resumeLiveStream", named.clone());

        let mut since = named;
        since["startTime"] = json!(day_ago);
        let history = client.done("describeLiveStreamPublishList", since);
        assert_eq!(history["totalCount"], publishes, "{sdk:?}");
        assert_eq!(history["liveStreamPublishInfos"][0]["streamName"], "room_7");
        let counted = json!({ "startTime": day_ago, "period": "followTime", "domainName": DOMAIN });
        let counted = client.done("describeLivePublishStreamNum", counted);
        assert_eq!(counted["dataList"][0]["data"], json!({ "count": 1 }), "one stream, published often");
        assert_eq!(counted["dataList"].as_array().map(Vec::len), Some(1));
    }
    console.stop().await;
}

//! Reports that come before the start of their session.

use callsheet::model::{Clock, SystemClock};
use serde_json::{Value, json};

use super::nginx_rtmp::call;
use super::stage::Stage;
use crate::support::{DOMAIN, Database, GenericSource, on_both_databases};

on_both_databases!(
    an_end_that_overtakes_its_start_ends_the_publish,
    the_same_where_keys_are_used_again,
    a_recording_may_come_before_its_start_in_any_order,
    a_signed_session_whose_start_is_lost_is_reported,
    the_end_of_a_refused_publish_ends_no_later_one,
    early_reports_that_cannot_be_read_stop_nothing,
);

async fn generic(stage: &Stage) -> GenericSource {
    let (path, secret) = stage.add_source("generic").await;
    GenericSource::new(format!("http://{}{path}", stage.address), secret)
}

async fn set(database: &Database) -> Stage {
    Stage::set(database, SystemClock.now(), DOMAIN).await
}

/// The names of the events so far, of one stream.
async fn events(stage: &Stage, stream: &str) -> Vec<String> {
    let told = stage.told().await;
    let of_stream = told.iter().filter_map(|line| line.strip_prefix(&format!("{stream} ")));
    of_stream.map(|line| line.split(' ').next().expect("an event").to_owned()).collect()
}

async fn an_end_that_overtakes_its_start_ends_the_publish(database: Database) {
    let stage = set(&database).await;
    let (source, (path, _)) = (generic(&stage).await, stage.add_source("nginx-rtmp").await);
    for number in 0..20 {
        let (signed, form) = (format!("generic_{number}"), format!("nginx_{number}"));
        source.tell("publish_done", &signed).await;
        source.tell("publish_started", &signed).await;
        let fields = format!("app=live&tcurl=rtmp://{DOMAIN}/live&addr=127.0.0.1&clientid={number}&name={form}");
        for name in ["publish_done", "publish"] {
            assert_eq!(call(&stage, &path, &format!("{fields}&call={name}")).await, 204, "{name}");
        }
        for stream in [signed, form] {
            assert_eq!(events(&stage, &stream).await, ["publish_started", "publish_done"], "{stream}");
        }
    }
    assert_eq!(stage.console.streams.live().await.expect("counted"), 0);
}

async fn the_same_where_keys_are_used_again(database: Database) {
    let stage = set(&database).await;
    let (source, (path, _)) = (generic(&stage).await, stage.add_source("nginx-rtmp").await);
    let fields = format!("app=live&tcurl=rtmp://{DOMAIN}/live&addr=127.0.0.1&clientid=1&name=nginx");
    for round in 1..=5 {
        stage.clock.advance(10_000);
        for name in ["publish_done", "publish_started"] {
            let body = GenericSource::event(name, "generic");
            assert_eq!(source.post(&format!("{name}-{round}"), &body).await.expect("an answer").status(), 204);
        }
        for name in ["publish_done", "publish"] {
            assert_eq!(call(&stage, &path, &format!("{fields}&call={name}")).await, 204, "{name}");
        }
        stage.proceed_to(stage.clock.now() + 10_000).await;
        for stream in ["generic", "nginx"] {
            assert_eq!(events(&stage, stream).await, ["publish_started", "publish_done"].repeat(round), "{stream}");
        }
    }
    // A repeat of an end ends no session that starts later.
    let mut body = GenericSource::event("publish_done", "generic");
    body["stopTime"] = (stage.clock.now() / 1000).into();
    for id in ["again", "and-again"] {
        assert_eq!(source.post(id, &body).await.expect("an answer").status(), 204);
    }
    stage.proceed_to(stage.clock.now() + 10_000).await;
    let body = GenericSource::event("publish_started", "generic");
    assert_eq!(source.post("later", &body).await.expect("an answer").status(), 204);
    assert_eq!(stage.console.streams.live().await.expect("counted"), 1);
}

async fn a_recording_may_come_before_its_start_in_any_order(database: Database) {
    let stage = set(&database).await;
    let source = generic(&stage).await;
    let tell = async |name: &str, fields: Value| source.tell_more(name, "room", &fields).await;
    tell("record_started", json!({ "startTime": 1_795_337_100 })).await;
    tell("record_part_started", json!({ "startTime": 1_795_337_100, "url": "a.flv" })).await;
    let end = json!({ "startTime": 1_795_337_100, "stopTime": 1_795_337_109, "url": "a.flv" });
    tell("record_part_done", end.clone()).await;
    // A repeat of what waits changes nothing.
    tell("record_part_done", end).await;
    stage.proceed_to(stage.clock.now() + 60_000).await;
    assert_eq!(stage.told().await, Vec::<String>::new());
    tell("publish_started", json!({ "startTime": 1_795_337_099 })).await;
    tell("publish_done", json!({ "stopTime": 1_795_337_110 })).await;
    tell("record_done", json!({ "stopTime": 1_795_337_110 })).await;
    let expected =
        ["publish_started", "record_started", "record_part_started", "record_part_done", "record_done", "publish_done"];
    let mut told = events(&stage, "room").await;
    told.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(told, sorted);
}

async fn a_signed_session_whose_start_is_lost_is_reported(database: Database) {
    let stage = set(&database).await;
    let source = generic(&stage).await;
    source.tell_more("publish_done", "room", &json!({ "stopTime": 1_795_337_110 })).await;
    stage.proceed_to(stage.clock.now() + 100_000).await;
    assert_eq!(stage.told().await, Vec::<String>::new(), "the start may still come");
    // The clock says nothing of how long that takes.
    stage.clock.jump(-3_600_000);
    stage.proceed_to(stage.clock.now() + 30_000).await;
    assert_eq!(events(&stage, "room").await, ["publish_started", "publish_done"]);

    let mut body = GenericSource::event("publish_done", "elsewhere");
    body["domain"] = "push.unknown.example.com".into();
    assert_eq!(source.post("elsewhere", &body).await.expect("an answer").status(), 204);
    stage.proceed_to(stage.clock.now() + 130_000).await;
    let refused = stage.console.sources.refusals(&callsheet::model::Actor::cli()).await.expect("a list");
    assert_eq!(refused[0].code, "unknown_domain", "it is on the list of refused publishes");
}

async fn the_end_of_a_refused_publish_ends_no_later_one(database: Database) {
    let stage = set(&database).await;
    let (path, _) = stage.add_source("nginx-rtmp").await;
    let fields = "app=live&addr=127.0.0.1&clientid=1&name=room";
    let refused = format!("{fields}&tcurl=rtmp://push.unknown.example.com/live");
    assert_eq!(call(&stage, &path, &format!("{refused}&call=publish")).await, 403);
    assert_eq!(call(&stage, &path, &format!("{refused}&call=publish_done")).await, 204);
    stage.proceed_to(stage.clock.now() + 15_000).await;
    // nginx was restarted, and counts from 1 again.
    let taken = format!("{fields}&tcurl=rtmp://{DOMAIN}/live");
    assert_eq!(call(&stage, &path, &format!("{taken}&call=publish")).await, 204);
    assert_eq!(events(&stage, "room").await, ["publish_started"]);
    assert_eq!(stage.console.streams.live().await.expect("counted"), 1);
}

async fn early_reports_that_cannot_be_read_stop_nothing(database: Database) {
    let stage = set(&database).await;
    let source = generic(&stage).await;
    source.tell("publish_done", "broken").await;
    database.execute("update early_reports set hint = 'from a later version'").await;
    source.tell("publish_done", "room").await;
    source.tell("publish_started", "broken").await;
    stage.proceed_to(stage.clock.now() + 130_000).await;
    assert_eq!(events(&stage, "room").await, ["publish_started", "publish_done"]);
    assert_eq!(events(&stage, "broken").await, ["publish_started"]);
}

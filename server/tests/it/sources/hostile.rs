//! Reports that no media server sends: each is refused with the field's name, or taken; none is the console's fault.

use callsheet::model::{Actor, Clock, PageRequest, SystemClock};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::Rng;
use rand::distr::Alphanumeric;
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::stage::{Stage, for_all};
use crate::support::{DOMAIN, Database, GenericSource, on_both_databases};

on_both_databases!(
    a_bad_field_of_nginx_rtmp_is_named,
    a_bad_field_of_the_generic_adapter_is_named,
    the_last_moment_can_be_shown,
    any_body_is_refused_or_taken,
    any_fields_are_refused_or_taken,
);

/// A console at the machine's time with a source of each adapter: where nginx-rtmp posts, and the generic one.
async fn stage(database: &Database) -> (Stage, String, GenericSource) {
    let stage = Stage::set(database, SystemClock.now(), DOMAIN).await;
    stage.record(DOMAIN).await;
    let (nginx, _) = stage.add_source("nginx-rtmp").await;
    let (generic, secret) = stage.add_source("generic").await;
    let url = |path: &str| format!("http://{}{path}", stage.address);
    let source = GenericSource::new(url(&generic), secret);
    let nginx = url(&nginx);
    (stage, nginx, source)
}

async fn said(answer: Response) -> (u16, String) {
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// Letters that do not compress, so that a database cannot make them short.
fn noise(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

async fn a_bad_field_of_nginx_rtmp_is_named(database: Database) {
    let (stage, url, _) = stage(&database).await;
    let client = Client::new();
    let publish = format!("app=live&tcurl=rtmp://{DOMAIN}/live&addr=192.0.2.7&clientid=1&name=a&call=publish");
    let post = async |body: String| said(client.post(&url).body(body).send().await.expect("an answer")).await;
    assert_eq!(post(publish.clone()).await.0, 204);
    for (body, field) in [
        (publish.replace("clientid=1", "clientid=%00"), "clientid"),
        (publish.replace("clientid=1", &format!("clientid={}", noise(9_000))), "clientid"),
        ("call=update_publish&clientid=a%00b".to_owned(), "clientid"),
        ("call=publish_done&clientid=a%00b".to_owned(), "clientid"),
        ("call=record_done&clientid=1&name=a&path=/rec/%00.flv".to_owned(), "path"),
        (format!("call=record_done&clientid=1&name=a&path=/rec/{}", noise(9_000)), "path"),
        ("call=record_done&clientid=1&name=a&path=/rec/a.flv&recorder=%00".to_owned(), "recorder"),
    ] {
        let (status, text) = post(body.clone()).await;
        assert_eq!(status, 400, "{body}: {text}");
        assert!(text.starts_with(&format!("`{field}` must be ")), "{body}: {text}");
    }
    // What names the stream is judged by the names' own rules, and shown under *refused* as far as it can be.
    for body in [
        publish.replace("name=a", "name=%00"),
        publish.replace("name=a", &format!("name={}", noise(9_000))),
        publish.replace("app=live", "app=%00%ff"),
        publish.replace(DOMAIN, "%00.example.com"),
        publish.replace("addr=192.0.2.7", "addr=%00").replace("name=a", "name=*"),
    ] {
        let (status, text) = post(body.clone()).await;
        assert_eq!(status, 403, "{body}: {text}");
    }
    assert_eq!(stage.console.sources.refusals(&Actor::cli()).await.expect("a list").len(), 5);
    // Odd, but no obstacle.
    let odd = publish.replace("clientid=1", "clientid=2").replace("name=a", "name=b") + "&token=%00&%00=&addr=nobody";
    assert_eq!(post(odd).await.0, 204);
    let told = stage.told().await;
    let published: Vec<_> = told.iter().filter(|line| line.ends_with(" publish_started")).collect();
    assert_eq!(published, ["a publish_started", "b publish_started"]);
}

async fn a_bad_field_of_the_generic_adapter_is_named(database: Database) {
    let (stage, _, source) = stage(&database).await;
    let mut id = 0;
    let mut post = async |event: &str, fields: Value| {
        let mut body = GenericSource::event(event, "a");
        for (field, value) in fields.as_object().expect("fields") {
            body[field] = value.clone();
        }
        id += 1;
        said(source.post(&id.to_string(), &body).await.expect("an answer")).await
    };
    assert_eq!(post("publish_started", json!({})).await.0, 204);
    for (event, fields, field) in [
        ("publish_started", json!({ "session": "a\0" }), "session"),
        ("publish_started", json!({ "session": noise(9_000) }), "session"),
        ("publish_done", json!({ "session": "\0" }), "session"),
        ("record_part_started", json!({ "url": "\0" }), "url"),
        ("record_part_done", json!({ "url": noise(9_000) }), "url"),
        ("record_part_done", json!({ "status": "fail", "errorMsg": "no\0space" }), "errorMsg"),
        ("publish_done", json!({ "status": "fail", "errorMsg": noise(9_000) }), "errorMsg"),
        ("publish_done", json!({ "stopTime": 253_402_300_799_i64 }), "stopTime"),
        ("record_part_done", json!({ "duration": 1e18 }), "duration"),
    ] {
        let (status, text) = post(event, fields.clone()).await;
        assert_eq!(status, 400, "{event} {fields}: {text}");
        assert!(text.starts_with(&format!("`{field}` must be ")), "{event} {fields}: {text}");
    }
    for fields in [json!({ "stream": "\0" }), json!({ "app": noise(9_000) }), json!({ "domain": "\0" })] {
        let (status, text) = post("publish_started", fields.clone()).await;
        assert_eq!(status, 403, "{fields}: {text}");
    }
    assert_eq!(stage.told().await, ["a publish_started"]);

    let body = GenericSource::event("publish_done", "a");
    for id in [String::new(), noise(9_000)] {
        let (status, text) = said(source.post(&id, &body).await.expect("an answer")).await;
        assert_eq!((status, text.split(' ').next()), (400, Some("`webhook-id`")), "{text}");
    }
    assert_eq!(stage.told().await, ["a publish_started"]);
}

/// The latest times that are taken can be written, in every view of them.
async fn the_last_moment_can_be_shown(database: Database) {
    let (stage, _, source) = stage(&database).await;
    let last = 253_402_207_200_i64;
    for (event, field) in
        [("publish_started", "startTime"), ("record_part_done", "stopTime"), ("publish_done", "stopTime")]
    {
        let mut later = GenericSource::event(event, "a");
        later[field] = json!(last + 1);
        assert_eq!(source.post(&format!("{event} late"), &later).await.expect("an answer").status(), 400, "{event}");
        source.tell_more(event, "a", &json!({ field: last })).await;
    }
    let page = PageRequest { number: 1, size: 100 };
    let events = stage.console.streams.list_events(&Actor::cli(), Default::default(), page).await.expect("events");
    assert!(!events.rows.is_empty());
    for event in events.rows {
        jiff::Timestamp::from_millisecond(event.happened_at).expect("a time that can be written");
    }
}

async fn any_body_is_refused_or_taken(database: Database) {
    let (_stage, nginx, generic) = stage(&database).await;
    let client = Client::new();
    let pair = "(call|clientid|name|app|path|recorder|tcurl|addr|[a-z%]{0,9})=(publish|update_publish|publish_done|record_done|live|[0-9]|%00|rtmp://push.example.com/live|[ -~]{0,40})";
    let body = prop_oneof![vec(any::<u8>(), 0..400), vec(pair, 0..12).prop_map(|pairs| pairs.join("&").into_bytes()),];
    for_all(200, body, async |body| {
        let answer = client.post(&nginx).body(body.clone()).send().await.expect("an answer");
        prop_assert!([204, 400, 403].contains(&answer.status().as_u16()), "{}", answer.status());
        let answer = generic.post_bytes(&noise(20), SystemClock.now() / 1000, body).await.expect("an answer");
        prop_assert!([204, 400, 401, 403].contains(&answer.status().as_u16()), "{}", answer.status());
        Ok(())
    });
}

/// A JSON value of any kind.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..2_000_000_000_i64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\x00a]{1,3}".prop_map(Value::from),
        "[0-9]{1,12}(\\.[0-9]{1,3})?".prop_map(Value::from),
        "[a-z]{0,400}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({ "a": 1 })),
    ]
}

async fn any_fields_are_refused_or_taken(database: Database) {
    const FIELDS: [&str; 12] = [
        "event",
        "domain",
        "app",
        "stream",
        "session",
        "clientIp",
        "url",
        "startTime",
        "stopTime",
        "duration",
        "status",
        "errorMsg",
    ];
    let (stage, _, source) = stage(&database).await;
    let event = prop::sample::select(vec![
        "publish_started",
        "publish_done",
        "record_started",
        "record_part_started",
        "record_part_done",
        "record_done",
    ]);
    let changes = vec((prop::sample::select(FIELDS.to_vec()), value()), 0..4);
    for_all(200, (event, "[a-c]", changes), async |(event, session, changes)| {
        let mut body = GenericSource::event(event, &session);
        for (field, value) in &changes {
            body[*field] = value.clone();
        }
        let answer = source.post(&noise(20), &body).await.expect("an answer");
        let (status, text) = said(answer).await;
        match status {
            204 => {}
            // The text names a field that was changed.
            400 => prop_assert!(changes.iter().any(|(field, _)| text.contains(&format!("`{field}`"))), "{text}"),
            403 => prop_assert!(changes.iter().any(|(field, _)| ["domain", "app", "stream"].contains(field)), "{text}"),
            _ => prop_assert!(false, "{status}: {text}"),
        }
        Ok(())
    });
    // Whatever was taken can be told and shown.
    stage.told().await;
}

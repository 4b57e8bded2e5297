//! Reports of several publishes of one stream in any order, through the whole console and its database.

use std::collections::BTreeMap;

use callsheet::model::{Actor, Clock, PageRequest, SystemClock};
use callsheet::streams::EventView;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::stage::{Stage, for_all};
use crate::support::{DOMAIN, Database, GenericSource};

const EVENTS: [&str; 6] =
    ["publish_started", "publish_done", "record_started", "record_part_started", "record_part_done", "record_done"];

/// What is told of which session, and how many seconds after the report before.
#[derive(Debug, Clone)]
struct Report {
    session: String,
    body: Value,
    pause: i64,
}

fn report() -> impl Strategy<Value = Report> {
    // Half of them begin or end something.
    let event = prop_oneof![Just(EVENTS[0]), Just(EVENTS[1]), prop::sample::select(EVENTS.to_vec())];
    (event, "[a-c]", 0..40_i64, any::<bool>(), 0..9_i64).prop_map(|(event, session, second, failed, pause)| {
        let mut body = GenericSource::event(event, &session);
        body["stream"] = "room".into();
        let time = 1_524_476_982 + second;
        let fields = json!({
            "startTime": time, "stopTime": time + 5, "url": format!("part-{second}"),
            "status": if failed && event != "publish_started" { "fail" } else { "success" },
        });
        for (field, value) in fields.as_object().expect("fields") {
            body[field] = value.clone();
        }
        Report { session, body, pause }
    })
}

/// The events by their sessions, in the order in which they were stored; sessions by their order.
async fn events(stage: &Stage) -> Vec<Vec<EventView>> {
    let page = PageRequest { number: 1, size: 1_000 };
    let listed = stage.console.streams.list_events(&Actor::cli(), Default::default(), page).await.expect("events");
    let mut sessions = BTreeMap::<_, Vec<_>>::new();
    for event in listed.rows.into_iter().rev() {
        sessions.entry(event.session).or_default().push(event);
    }
    sessions.into_values().collect()
}

/// Tells the reports, the whole list so many times; what was told is only taken once.
async fn tell(reports: &[Report], now: i64, times: usize) -> (Vec<Vec<EventView>>, Vec<String>) {
    let database = Database::sqlite();
    let stage = Stage::set(&database, now, DOMAIN).await;
    let (path, secret) = stage.add_source("generic").await;
    let source = GenericSource::new(format!("http://{}{path}", stage.address), secret);
    for _ in 0..times {
        for (number, Report { session, body, pause }) in reports.iter().enumerate() {
            stage.proceed_to(stage.clock.now() + pause * 1000).await;
            let answer = source.post(&format!("{number}-{session}"), body).await.expect("an answer");
            assert_eq!(answer.status(), 204, "{body}");
        }
    }
    stage.proceed_to(stage.clock.now() + 300_000).await;
    (events(&stage).await, stage.told().await)
}

/// An event without what differs between consoles.
fn plain(event: &EventView) -> String {
    format!("{} {} {} {:?}", event.sequence, event.name, event.status, event.error)
}

#[tokio::test(flavor = "multi_thread")]
async fn sequences_have_no_gap_and_repeats_change_nothing() {
    let now = SystemClock.now();
    for_all(25, vec(report(), 1..16), async |reports| {
        let (sessions, told) = tell(&reports, now, 1).await;
        for session in &sessions {
            let sequences: Vec<i64> = session.iter().map(|event| event.sequence).collect();
            let gapless: Vec<i64> = (1..).take(session.len()).collect();
            prop_assert_eq!(sequences, gapless, "{:?}", session);
            prop_assert_eq!(session[0].name.as_str(), "publish_started");
        }
        prop_assert_eq!(told.len(), sessions.iter().map(Vec::len).sum::<usize>(), "one callback for each event");

        let (again, told_again) = tell(&reports, now, 2).await;
        let story = |sessions: &[Vec<EventView>]| -> Vec<Vec<String>> {
            sessions.iter().map(|session| session.iter().map(plain).collect()).collect()
        };
        prop_assert_eq!(story(&sessions), story(&again));
        prop_assert_eq!(told, told_again);
        Ok(())
    });
}

use super::*;
use crate::model::{AppName, DomainId, DomainName, StreamName};
use crate::streams::ClosedPart;

mod contest;
mod properties;
mod recording;

const T0: Millis = 1_795_337_096_500;

const RULES: SessionRules = SessionRules {
    grace_ms: 5_000,
    sends_heartbeats: false,
    keeps_parts: false,
    records_at_publish: false,
    may_refuse: false,
};
const AT_PUBLISH: SessionRules = SessionRules { records_at_publish: true, ..RULES };

fn push() -> Admitted {
    Admitted {
        domain_id: DomainId(1),
        domain: DomainName::parse("push.example.com").expect("domain"),
        app: AppName::parse("live").expect("app"),
        stream: StreamName::parse("demo").expect("stream"),
        client: Some("192.0.2.7".to_owned()),
        params: vec![("token".to_owned(), "abc".to_owned())],
        recording: None,
    }
}

/// A session and everything it ever told. Seconds count from [`T0`].
struct Story {
    session: Session,
    rules: SessionRules,
    events: Vec<Event>,
    parts: Vec<Part>,
    told: usize,
}

impl Story {
    fn begin(rules: SessionRules, others_live: bool) -> Self {
        let (session, outcome) = Session::start(T0, T0, &push(), others_live, &rules);
        let Outcome { events, parts, .. } = outcome;
        Self { session, rules, events, parts, told: 0 }
    }

    fn take(&mut self, outcome: Outcome) {
        self.events.extend(outcome.events);
        self.parts.extend(outcome.parts);
        // What the database keeps is all that the next call sees.
        let kept = serde_json::to_string(&self.session).expect("serialises");
        self.session = serde_json::from_str(&kept).expect("reads back");
    }

    fn hear(&mut self, second: Millis, hint: &SourceEvent) {
        let outcome = self.session.apply(hint, T0 + second * 1000, &self.rules);
        self.take(outcome);
    }

    fn tick(&mut self, second: Millis) {
        let outcome = self.session.tick(T0 + second * 1000, &self.rules);
        self.take(outcome);
    }

    /// The source was silent for too long.
    fn fall_silent(&mut self, second: Millis) {
        if let Some(heard_at) = self.session.heartbeat() {
            let outcome = self.session.lose_silent(heard_at, T0 + second * 1000, &self.rules);
            self.take(outcome);
        }
    }

    /// The events since the last call; failures end with their reason.
    fn news(&mut self) -> Vec<String> {
        let news = self.events[self.told..].iter().map(|event| match &event.error {
            Some(error) => format!("{}: {error}", event.name),
            None => event.name.to_string(),
        });
        let news = news.collect();
        self.told = self.events.len();
        news
    }

    fn last(&self, name: EventName) -> &Event {
        self.events.iter().rfind(|event| event.name == name).expect("told")
    }
}

fn at(second: Millis) -> Millis {
    T0 + second * 1000
}

fn alive(second: Millis) -> SourceEvent {
    SourceEvent::Alive { at: at(second), media: None }
}

fn ended(second: Millis) -> SourceEvent {
    SourceEvent::Ended { at: at(second), failure: None }
}

fn opened(second: Millis) -> SourceEvent {
    SourceEvent::PartOpened { at: at(second), location: Some(format!("part-{second}")) }
}

/// The part that was opened at `start`.
fn closed(start: Millis, stop: Millis) -> SourceEvent {
    SourceEvent::PartClosed(closed_part(start, stop))
}

fn closed_part(start: Millis, stop: Millis) -> ClosedPart {
    ClosedPart {
        recorder: String::new(),
        location: Some(format!("part-{start}")),
        started_at: Some(at(start)),
        stopped_at: at(stop),
        duration_ms: None,
        bytes: Some(1_000),
        failure: None,
    }
}

#[test]
fn a_source_that_reports_everything() {
    let mut story = Story::begin(RULES, false);
    let started = story.last(EventName::PublishStarted);
    assert_eq!(started.client.as_deref(), Some("192.0.2.7"));
    assert_eq!(started.params, push().params);
    assert_eq!(story.news(), ["publish_started"]);

    story.hear(0, &opened(0));
    assert_eq!(story.news(), ["record_started", "record_part_started"]);
    assert_eq!(story.last(EventName::RecordPartStarted).url.as_deref(), Some("part-0"));
    story.hear(5, &closed(0, 5));
    story.hear(5, &opened(5));
    assert_eq!(story.news(), ["record_part_done", "record_part_started"]);
    story.hear(9, &closed(5, 9));
    story.hear(9, &ended(9));
    assert_eq!(story.news(), ["record_part_done", "record_done", "publish_done"]);
    assert_eq!(story.session.phase, Phase::Closed);
    assert_eq!(story.session.due_at, None);

    let done = story.last(EventName::RecordDone);
    assert_eq!(done.duration_ms, Some(9_000));
    assert_eq!((done.start_time_ms, done.stop_time_ms), (Some(at(0)), Some(at(9))));
    assert_eq!(done.url, None, "two parts have no common address");
    assert_eq!(story.last(EventName::RecordPartDone).bytes, Some(1_000));
}

#[test]
fn repeated_reports_change_nothing() {
    let started = SourceEvent::Started { at: T0, push: push() };
    let mut story = Story::begin(RULES, false);
    let script = [opened(0), closed(0, 5), opened(5), closed(5, 9), ended(9)];
    for (count, hint) in script.iter().enumerate() {
        story.hear(9, hint);
        story.news();
        for earlier in &script[..=count] {
            story.hear(9, earlier);
        }
        story.hear(9, &started);
        assert!(story.news().is_empty(), "after {hint:?}");
    }
    assert_eq!(story.parts.len(), 2);
}

#[test]
fn a_refused_second_publisher_tells_nothing() {
    let mut story = Story::begin(AT_PUBLISH, true);
    story.hear(0, &opened(0));
    story.hear(0, &ended(0));
    story.hear(0, &closed(0, 0));
    story.tick(60);
    assert!(story.events.is_empty() && story.parts.is_empty());
    assert_eq!(story.session.phase, Phase::Closed);
}

#[test]
fn a_waiting_publisher_goes_live() {
    let mut story = Story::begin(RULES, true);
    story.hear(1, &opened(1));
    assert!(story.news().is_empty());
    let outcome = story.session.apply(&alive(2), at(2), &RULES);
    assert!(outcome.promoted);
    story.take(outcome);
    assert_eq!(story.news(), ["publish_started", "record_started", "record_part_started"]);
    assert_eq!(story.last(EventName::PublishStarted).at, T0);

    let mut story = Story::begin(AT_PUBLISH, true);
    story.tick(4);
    assert!(story.news().is_empty());
    let outcome = story.session.tick(at(5), &AT_PUBLISH);
    assert!(outcome.promoted);
    story.take(outcome);
    assert_eq!(story.news(), ["publish_started", "record_started", "record_part_started"]);
    assert_eq!(story.session.due_at, None);

    let mut story = Story::begin(RULES, true);
    assert!(story.session.promote(&RULES).promoted);
    assert_eq!(story.session.promote(&RULES), Outcome::default());
}

#[test]
fn the_older_session_is_superseded() {
    let mut story = Story::begin(RULES, false);
    story.hear(0, &opened(0));
    story.news();
    let outcome = story.session.supersede(at(9), &RULES);
    story.take(outcome);
    assert_eq!(story.news(), ["publish_done: source lost"]);
    story.hear(10, &closed(0, 9));
    assert_eq!(story.news(), ["record_part_done", "record_done"]);
    assert_eq!(story.session.failure.as_deref(), Some("source lost"));
}

#[test]
fn only_a_source_with_heartbeats_is_lost_for_lack_of_them() {
    let mut story = Story::begin(RULES, false);
    assert_eq!(story.session.due_at, None);
    story.fall_silent(10_000);
    assert_eq!(story.session.phase, Phase::Live);

    story.hear(10_000, &alive(10_000));
    story.hear(10_030, &opened(10_030));
    assert_eq!((story.session.due_at, story.session.heartbeat()), (None, Some(at(10_030))));
    let outcome = story.session.lose_silent(at(10_000), at(10_090), &RULES);
    assert_eq!(outcome, Outcome::default(), "it was heard since");
    story.fall_silent(10_090);
    assert_eq!(story.news(), ["publish_started", "record_started", "record_part_started", "publish_done: source lost"]);
    story.tick(10_095);
    assert_eq!(story.session.phase, Phase::Closed);
}

#[test]
fn a_source_that_always_sends_heartbeats_can_be_lost_before_its_first() {
    let rules = SessionRules { sends_heartbeats: true, ..RULES };
    let mut story = Story::begin(rules, false);
    assert_eq!(story.session.heartbeat(), Some(T0));
    story.fall_silent(60);
    assert_eq!(story.news(), ["publish_started", "publish_done: source lost"]);
}

#[test]
fn only_a_publish_that_was_lost_by_silence_is_revived() {
    let is_revived = |session: &Session| session.is_revived_by(&alive(70)) && session.is_revived_by(&opened(70));
    let mut story = Story::begin(SessionRules { sends_heartbeats: true, ..RULES }, false);
    assert!(!is_revived(&story.session), "live");
    story.fall_silent(60);
    assert!(is_revived(&story.session), "closing");
    story.tick(65);
    assert_eq!(story.session.phase, Phase::Closed);
    assert!(
        is_revived(&story.session)
            && !story.session.is_revived_by(&ended(70))
            && !story.session.is_revived_by(&closed(0, 9))
    );

    let mut abandoned = Story::begin(RULES, false);
    let outcome = abandoned.session.abandon(at(9), &RULES);
    abandoned.take(outcome);
    assert!(is_revived(&abandoned.session), "another ingest began");
    let mut superseded = Story::begin(RULES, false);
    let outcome = superseded.session.supersede(at(9), &RULES);
    superseded.take(outcome);
    assert!(!is_revived(&superseded.session), "another publishes the stream");
    let mut done = Story::begin(RULES, false);
    done.hear(9, &ended(9));
    assert!(!is_revived(&done.session));
}

#[test]
fn a_start_is_repeated_soon_or_is_a_new_publish() {
    let mut story = Story::begin(RULES, false);
    assert!(story.session.is_repeat_of_start(at(5), &RULES));
    assert!(!story.session.is_repeat_of_start(at(6), &RULES));
    story.hear(1, &alive(1));
    assert!(!story.session.is_repeat_of_start(at(2), &RULES));
}

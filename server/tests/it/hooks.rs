//! Requests that media servers really sent (`fixtures/hooks`), read by their adapters.

use callsheet::model::{AppName, BadName, DomainId, DomainName, Millis, SourceId, StreamName};
use callsheet::streams::{Admitted, Event, Phase, PushRequest, Session, SessionRules, SourceEvent};
use callsheet_server::http::ingest::nginx_rtmp::{NginxCall, parse};

const BASIC: &str = include_str!("fixtures/hooks/nginx-rtmp.A_basic.txt");
const TWO_RECORDERS: &str = include_str!("fixtures/hooks/nginx-rtmp.B_two_recorders.txt");
const DENY_REDIRECT_INJECT: &str = include_str!("fixtures/hooks/nginx-rtmp.D_deny_redirect_inject.txt");

/// One request: when it came, and what the adapter made of it.
struct Recorded {
    at: Millis,
    call: NginxCall,
}

/// Reads a recording: requests begin with `=== #n t=… epoch=seconds …`, lines of a head end with a literal `\r\n`.
fn replay(recording: &str) -> Vec<Recorded> {
    let requests = recording.split("=== #").skip(1);
    let requests = requests.map(|request| {
        let epoch = request.split("epoch=").nth(1).expect("epoch");
        let epoch: f64 = epoch.split(' ').next().expect("number").parse().expect("seconds");
        let (_, body) = request.split_once("\n\\r\\n\n").expect("body");
        Recorded {
            at: (epoch * 1000.0).round() as Millis,
            call: parse(SourceId(1), body.trim_end().as_bytes()).expect("a good call"),
        }
    });
    requests.collect()
}

/// A call in one line.
fn line(call: &NginxCall) -> String {
    match call {
        NginxCall::Publish { key, push } => {
            let params: Vec<_> = push.params.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let client = push.client.as_deref().unwrap_or("-");
            let (hosts, params) = (push.hosts.join(","), params.join("&"));
            format!("{key} publish {hosts}/{}/{} by {client} ?{params}", push.app, push.stream)
        }
        NginxCall::Update { key } => format!("{key} update"),
        NginxCall::PublishDone { key } => format!("{key} publish_done"),
        NginxCall::RecordDone { key, file } => {
            let opened = file.started_at.map_or("-".to_owned(), |at| at.to_string());
            format!("{key} record_done [{}] {} since {opened}", file.recorder, file.path)
        }
        NginxCall::Ignored => "ignored".to_owned(),
    }
}

fn lines(recording: &str) -> Vec<String> {
    replay(recording).iter().map(|recorded| line(&recorded.call)).collect()
}

#[test]
fn nginx_rtmp_records_parts() {
    let file = |epoch: i64, rest: &str| {
        format!("1 record_done [] /var/lib/media/rec/demo-{epoch}_{rest}.flv since {epoch}000")
    };
    assert_eq!(
        lines(BASIC),
        [
            "ignored",
            "1 publish push.test.com/live/demo by 127.0.0.1 ?token=abc123&expire=1524476982",
            "1 update",
            &file(1_795_337_096, "20261122084456"),
            "1 update",
            "1 update",
            &file(1_795_337_101, "20261122084501"),
            "1 update",
            "1 update",
            "1 publish_done",
            "ignored",
            "ignored",
            &file(1_795_337_107, "20261122084507"),
        ]
    );
}

#[test]
fn nginx_rtmp_with_two_recorders() {
    assert_eq!(
        lines(TWO_RECORDERS),
        [
            "ignored",
            "15 publish 127.0.0.1,push.test.com/two/cam1 by 127.0.0.1 ?vhost=push.test.com",
            "15 record_done [part] /var/lib/media/rec_part/cam1-1795337146.flv since 1795337146000",
            "15 record_done [part] /var/lib/media/rec_part/cam1-1795337151.flv since 1795337151000",
            "15 publish_done",
            "15 record_done [whole] /var/lib/media/rec_whole/cam1-1795337146.flv since 1795337146000",
            "15 record_done [part] /var/lib/media/rec_part/cam1-1795337157.flv since 1795337157000",
            "ignored",
        ]
    );
}

#[test]
fn nginx_rtmp_with_hostile_and_foreign_names() {
    let renamed = |epoch: i64, rest: &str| {
        format!("28 record_done [] /var/lib/media/rec/renamed_stream-{epoch}_{rest}.flv since {epoch}000")
    };
    let calls = lines(DENY_REDIRECT_INJECT);
    assert_eq!(
        calls,
        [
            "ignored",
            "24 publish push.test.com/live/deny1 by 127.0.0.1 ?",
            "ignored",
            "ignored",
            "28 publish push.test.com/live/redir1 by 127.0.0.1 ?k=v",
            "28 update",
            &renamed(1_795_337_162, "20261122084602"),
            "28 update",
            "28 publish_done",
            "ignored",
            &renamed(1_795_337_167, "20261122084607"),
            "ignored",
            // The query says `call=publish_done&name=evil&app=other`: it comes second and does not count.
            "ignored",
            "ignored",
            "ignored",
            "41 publish push.test.com/live/中 by 127.0.0.1 ?",
            "41 publish_done",
            "ignored",
            "41 record_done [] /var/lib/media/rec/%E4%B8%AD-1795337171_20261122084611.flv since 1795337171000",
            "ignored",
        ]
    );
    assert_eq!(StreamName::parse("中"), Err(BadName::BadCharacter), "refused when it asks to publish");
}

fn admit(push: &PushRequest) -> Admitted {
    Admitted {
        domain_id: DomainId(1),
        domain: push.hosts.iter().find_map(|host| DomainName::parse(host).ok()).expect("a domain"),
        app: AppName::parse(&push.app).expect("app"),
        stream: StreamName::parse(&push.stream).expect("stream"),
        client: push.client.clone(),
        params: push.params.clone(),
        recording: None,
    }
}

/// Does what is due until `now`.
fn proceed(session: &mut Session, now: Millis, rules: &SessionRules, events: &mut Vec<Event>) {
    while let Some(due) = session.due_at.filter(|due| *due <= now) {
        events.extend(session.tick(due, rules).events);
    }
}

/// The events of a recording with one publish, and how its session ends.
fn story(recording: &str) -> (Vec<String>, Session) {
    let rules = SessionRules {
        grace_ms: 5_000,
        sends_heartbeats: false,
        keeps_parts: false,
        records_at_publish: true,
        may_refuse: true,
    };
    let mut session = None;
    let mut events = Vec::new();
    for Recorded { at, call } in replay(recording) {
        let hint = match call {
            NginxCall::Publish { push, .. } => {
                let (started, outcome) = Session::start(at, at, &admit(&push), false, &rules);
                session = Some(started);
                events.extend(outcome.events);
                continue;
            }
            NginxCall::Update { .. } => SourceEvent::Alive { at, media: None },
            NginxCall::PublishDone { .. } => SourceEvent::Ended { at, failure: None },
            NginxCall::RecordDone { file, .. } => SourceEvent::PartClosed(file.into_part(at, None)),
            NginxCall::Ignored => continue,
        };
        let session = session.as_mut().expect("the publish comes first");
        proceed(session, at, &rules, &mut events);
        events.extend(session.apply(&hint, at, &rules).events);
    }
    let mut session = session.expect("a publish");
    proceed(&mut session, Millis::MAX, &rules, &mut events);
    assert!(events.iter().all(|event| event.error.is_none()), "{events:?}");
    let names = events.iter().map(|event| event.name.to_string()).collect();
    (names, session)
}

#[test]
fn a_recorded_publish_becomes_our_events() {
    let (events, session) = story(BASIC);
    assert_eq!(
        events,
        [
            "publish_started",
            "record_started",
            "record_part_started",
            "record_part_done",
            "record_part_started",
            "record_part_done",
            "record_part_started",
            "publish_done",
            "record_part_done",
            "record_done",
        ]
    );
    assert_eq!((session.phase, session.parts_done), (Phase::Closed, 3));
}

#[test]
fn of_two_recorders_the_first_is_told() {
    let (events, session) = story(TWO_RECORDERS);
    let parts = events.iter().filter(|name| *name == "record_part_done").count();
    assert_eq!((parts, session.parts_done, session.phase), (3, 3, Phase::Closed));
    assert_eq!(events.last().map(String::as_str), Some("record_done"));
}

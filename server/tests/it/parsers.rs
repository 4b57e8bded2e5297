//! What holds for any bytes that reach the adapters' parsers.

use callsheet::model::{DomainName, Millis, SourceId};
use callsheet::streams::SourceEvent;
use callsheet_server::http::ingest::generic::{self, GenericCall};
use callsheet_server::http::ingest::nginx_rtmp::{self, NginxCall};
use callsheet_server::http::ingest::{BadHook, flv_facts};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: Millis = 1_795_337_096_500;

/// Text that is nearly a form.
fn form() -> impl Strategy<Value = Vec<u8>> {
    let name = "call|clientid|name|app|path|recorder|tcurl|addr|vhost|domain|[a-z%]{0,6}";
    let value = "publish|update_publish|publish_done|record_done|play|[0-9]{0,12}|rtmp://[a-z.:@\\[\\]/?]{0,20}|\\PC{0,20}|%[0-9a-f]{2}";
    prop_oneof![
        vec(any::<u8>(), 0..300),
        vec((name, value), 0..14).prop_map(|pairs| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join("&").into_bytes()
        }),
    ]
}

/// Text that is nearly a report of the generic adapter.
fn report() -> impl Strategy<Value = Vec<u8>> {
    let event =
        "publish_started|publish_done|record_started|record_part_started|record_part_done|record_done|[a-z]{0,9}";
    let text = || prop_oneof![6 => "[a-z.]{1,9}".boxed(), 2 => any::<String>().boxed(), 1 => "[\\x00a]{1,3}|a{190,210}".boxed()];
    let time = || {
        prop_oneof![
            Just(Value::Null),
            any::<f64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (0..4_000_000_000_u64).prop_map(Value::from),
            "[-+0-9.eE]{0,12}".prop_map(Value::from),
        ]
    };
    let names = (event, text(), text(), text(), text());
    let report = (names, text(), "success|fail|ok", time(), time(), time()).prop_map(
        |((event, domain, app, stream, session), url, status, start, stop, duration)| {
            json!({
                "event": event, "domain": domain, "app": app, "stream": stream, "session": session, "url": url,
                "status": status, "errorMsg": url, "startTime": start, "stopTime": stop, "duration": duration,
            })
        },
    );
    prop_oneof![
        1 => vec(any::<u8>(), 0..300).boxed(),
        1 => "[\\[\\]{}\":,a-z0-9\\\\]{0,60}".prop_map(String::into_bytes).boxed(),
        6 => report.prop_map(|report| report.to_string().into_bytes()).boxed(),
    ]
}

fn is_kept(text: &str, most: usize) -> bool {
    !text.is_empty() && !text.contains('\0') && text.chars().count() <= most
}

/// The first and the last moment that a report may tell.
fn is_moment(at: Millis) -> bool {
    at >= 0 && jiff::Timestamp::from_millisecond(at).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nginx_rtmp_reads_any_bytes(body in form()) {
        match nginx_rtmp::parse(SourceId(1), &body) {
            Ok(NginxCall::Publish { key, push }) => {
                prop_assert!(is_kept(&key, 200) && !push.app.is_empty() && !push.stream.is_empty());
                // They may be anything; what is no domain name is passed over.
                prop_assert!(push.hosts.iter().filter_map(|host| DomainName::parse(host).ok()).all(|name| is_kept(name.ascii(), 253)));
                prop_assert!(push.client.is_none_or(|client| client.parse::<std::net::IpAddr>().is_ok()));
            }
            Ok(NginxCall::Update { key } | NginxCall::PublishDone { key }) => prop_assert!(is_kept(&key, 200)),
            Ok(NginxCall::RecordDone { key, file }) => {
                prop_assert!(is_kept(&key, 200) && is_kept(&file.path, 2_048));
                prop_assert!(file.started_at.is_none_or(is_moment));
            }
            Ok(NginxCall::Ignored) => {}
            Err(error) => prop_assert_ne!(error, BadHook::NotJson),
        }
    }

    /// What a publisher appends to its push address changes nothing that the server wrote itself.
    #[test]
    fn a_publisher_cannot_speak_for_nginx_rtmp(query in "[ -~]{0,60}|(call|clientid|name|app|addr|tcurl|path)=[ -~]{0,20}") {
        let own = "app=live&tcurl=rtmp://push.example.com/live&addr=192.0.2.7&clientid=7&call=publish&name=demo&type=live";
        let body = format!("{own}&{query}");
        let Ok(NginxCall::Publish { key, push }) = nginx_rtmp::parse(SourceId(1), body.as_bytes()) else {
            return Err(TestCaseError::fail(body));
        };
        prop_assert_eq!((key.as_str(), push.app.as_str(), push.stream.as_str()), ("7", "live", "demo"));
        prop_assert_eq!(push.hosts.first().map(String::as_str), Some("push.example.com"));
        prop_assert_eq!(push.client.as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn the_generic_adapter_reads_any_bytes(body in report()) {
        let (key, at, texts) = match generic::parse(SourceId(1), &body, NOW) {
            Ok(GenericCall::Publish { key, at, push }) => {
                prop_assert!(!push.app.is_empty() && !push.stream.is_empty() && push.hosts.len() == 1);
                (key, vec![at], vec![])
            }
            Ok(GenericCall::Report { key, hint, .. }) => match hint {
                SourceEvent::Ended { at, failure } => (key, vec![at], vec![failure]),
                SourceEvent::RecordingStarted { at } | SourceEvent::RecordingEnded { at } => (key, vec![at], vec![]),
                SourceEvent::RecordingFailed { at, reason } => (key, vec![at], vec![Some(reason)]),
                SourceEvent::PartOpened { at, location } => (key, vec![at], vec![location]),
                SourceEvent::PartClosed(part) => {
                    prop_assert!(part.duration_ms.is_none_or(|duration| duration >= 0));
                    let times = [Some(part.stopped_at), part.started_at].into_iter().flatten().collect();
                    (key, times, vec![part.location, part.failure])
                }
                SourceEvent::Started { .. } | SourceEvent::Alive { .. } | SourceEvent::PartsPending { .. } => {
                    return Err(TestCaseError::fail("not of this adapter"));
                }
            },
            Ok(GenericCall::Ignored) | Err(_) => return Ok(()),
        };
        prop_assert!(is_kept(&key, 200), "{key:?}");
        prop_assert!(at.iter().all(|at| is_moment(*at)), "{at:?}");
        prop_assert!(texts.iter().flatten().all(|text| is_kept(text, 2_048)), "{texts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_facts_of_any_file_can_be_asked_for(file in vec(any::<u8>(), 0..80), is_flv in any::<bool>()) {
        let file = if is_flv { [&b"FLV"[..], &file].concat() } else { file };
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("part.flv");
        std::fs::write(&path, &file).expect("written");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        if let Some(facts) = runtime.block_on(flv_facts(&path)).expect("read") {
            prop_assert_eq!(facts.bytes, i64::try_from(file.len()).expect("short"));
            prop_assert!((0..=i64::from(u32::MAX)).contains(&facts.duration_ms));
        }
    }
}

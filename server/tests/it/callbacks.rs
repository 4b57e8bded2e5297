//! The two callbacks of a domain: what can be set, what is refused, and how requests are signed.

use std::sync::Arc;

use callsheet::Console;
use callsheet::callbacks::{CallbackSettings, Dialect};
use callsheet::deliveries::{DeliveryFilter, Ownership};
use callsheet::domains::NewDomain;
use callsheet::model::{
    Actor, CallbackId, CallbackKind, Clock, DeliveryId, PageRequest, Problem, SystemClock, TestClock,
};
use callsheet::streams::{ClosedPart, IngestSink, PushRequest, SessionKey, SourceEvent};
use serde_json::{Value, json};
use sqlx::{Connection, Row};

use crate::support::{Answer, DOMAIN, Database, DownReceiver, PLAY, Received, Receiver, on_both_databases, use_cases};

on_both_databases!(
    each_wrong_setting_is_told_with_its_field,
    all_settings_are_kept,
    changes_at_the_same_time_are_all_kept,
    an_address_can_be_typed_after_the_switch,
    the_former_secret_signs_for_a_day,
    the_former_secret_signs_for_as_long_as_is_said,
    changes_of_secrets_are_audited_without_them,
    the_later_dialect_tells_of_pushes_and_files,
    a_test_tells_each_phase,
    a_test_is_made_as_the_callback_is_set,
);

const KIND: CallbackKind = CallbackKind::Publish;
const DAY_MS: i64 = 24 * 3_600_000;

async fn with_domain(database: &Database, clock: Arc<dyn Clock>) -> (Console, tempfile::TempDir) {
    let (console, data) = use_cases(database, clock).await;
    let new = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
    console.domains.create(&Actor::cli(), new).await.expect("created");
    (console, data)
}

fn change(address: Option<&str>) -> CallbackSettings {
    CallbackSettings { enabled: true, address: address.map(str::to_owned), ..CallbackSettings::default() }
}

async fn each_wrong_setting_is_told_with_its_field(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    for address in ["", "push.example.com", "ftp://a.example.com/", "http://me:secret@a.example.com/", "https://"] {
        let error = callbacks.set_address(&cli, DOMAIN, KIND, address).await.expect_err(address);
        assert_eq!(error.field(), Some("address"), "{address}: {error}");
    }
    // Tests may reach this machine alone; everything else within is closed.
    for (address, code) in [
        ("http://10.0.0.1/", "blocked_private"),
        ("http://0xa000001/", "blocked_private"),
        ("http://[::1]/", "blocked_loopback"),
        ("http://169.254.169.254/", "blocked_metadata"),
        ("http://100.64.0.1/", "blocked_cgnat"),
    ] {
        let error = callbacks.set_address(&cli, DOMAIN, KIND, address).await.expect_err(address);
        assert_eq!((error.code(), error.field()), (code, Some("address")), "{address}: {error}");
    }
    let error = callbacks.put(&cli, DOMAIN, KIND, change(None)).await.expect_err("no address");
    assert_eq!((error.code(), error.field()), ("callback_no_address", Some("address")));
    let here = Some("http://127.0.0.1:8080/");
    for timeout_seconds in [0, 31, -1] {
        let change = CallbackSettings { timeout_seconds, ..change(here) };
        let error = callbacks.put(&cli, DOMAIN, KIND, change).await.expect_err("a bad timeout");
        assert_eq!((error.code(), error.field()), ("callback_bad_timeout", Some("timeoutSeconds")));
    }
    for (name, value, code) in [
        ("Webhook-Id", "x", "header_ours"),
        ("Content-Length", "0", "header_of_the_request"),
        ("two words", "x", "header_unreadable"),
        ("x-a", "line\nbreak", "header_bad_value"),
    ] {
        let change = CallbackSettings { headers: vec![(name.to_owned(), value.to_owned())], ..change(here) };
        let error = callbacks.put(&cli, DOMAIN, KIND, change).await.expect_err(name);
        assert_eq!((error.code(), error.field()), (code, Some("headers")), "{name}");
    }
    let error = callbacks.get(&cli, "other.example.com", KIND).await.expect_err("unknown");
    assert_eq!(error.code(), "domain_unknown");
    let view = callbacks.get(&cli, DOMAIN, KIND).await.expect("found");
    assert_eq!((view.settings.enabled, view.settings.address), (false, None), "nothing of it was kept");
}

async fn changes_at_the_same_time_are_all_kept(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    for round in 0..10 {
        let (address, enabled) = (format!("http://127.0.0.1:8080/{round}"), round % 2 == 0);
        let change_address = callbacks.set_address(&cli, DOMAIN, KIND, &address);
        let (first, second) = tokio::join!(change_address, callbacks.set_enabled(&cli, DOMAIN, KIND, enabled));
        first.expect("changed");
        second.expect("changed");
        let view = callbacks.get(&cli, DOMAIN, KIND).await.expect("found");
        assert_eq!((view.settings.address, view.settings.enabled), (Some(address), enabled));
    }
}

async fn all_settings_are_kept(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    let headers = vec![("x-tenant".to_owned(), "7".to_owned()), ("authorization".to_owned(), "Basic x".to_owned())];
    let all = CallbackSettings {
        enabled: false,
        ordered: false,
        timeout_seconds: 30,
        headers: headers.clone(),
        ..change(Some("http://127.0.0.1:8080/a?b=c"))
    };
    callbacks.put(&cli, DOMAIN, KIND, all).await.expect("changed");
    let settings = callbacks.set_enabled(&cli, DOMAIN, KIND, true).await.expect("on").settings;
    assert_eq!(settings.address.as_deref(), Some("http://127.0.0.1:8080/a?b=c"));
    assert_eq!(
        (settings.enabled, settings.ordered, settings.timeout_seconds, settings.headers),
        (true, false, 30, headers)
    );
    let other = callbacks.get(&cli, DOMAIN, CallbackKind::Record).await.expect("found").settings;
    assert_eq!((other.enabled, other.address), (false, None), "the other callback is another");
}

async fn an_address_can_be_typed_after_the_switch(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    let on = callbacks.set_enabled(&cli, DOMAIN, KIND, true).await.expect("on").settings;
    assert_eq!((on.enabled, on.address), (true, None));
    let saved = callbacks.set_address(&cli, DOMAIN, KIND, " http://127.0.0.1:8080/ ").await.expect("saved").settings;
    assert_eq!((saved.enabled, saved.address.as_deref()), (true, Some("http://127.0.0.1:8080/")));
}

/// Begins a publish and makes the one attempt of its event.
async fn publish_and_attempt(console: &Console, session: &str, receiver: &Receiver) -> Received {
    let source = console.sources.built_in().await.expect("a source");
    let push = PushRequest {
        source,
        hosts: vec![DOMAIN.to_owned()],
        app: "live".to_owned(),
        stream: session.to_owned(),
        client: None,
        params: Vec::new(),
    };
    let push = console.streams.admit(push).await.expect("admitted");
    let key = SessionKey { source, boot: "1".to_owned(), key: session.to_owned() };
    let at = console.clock.now();
    console.streams.report(&key, SourceEvent::Started { at, push }).await.expect("reported");
    let (all, start) = (Ownership::All, (CallbackId(0), DeliveryId(0)));
    let queued = console.db.queued_deliveries(&all, start, 10).await.expect("the queue");
    let [queued] = queued.as_slice() else { panic!("{queued:?}") };
    let (sender, dispatch) = (&console.delivery_sender, queued.dispatch());
    let prepared = sender.prepare(&[dispatch]).await.expect("read").remove(&dispatch.delivery).expect("queued");
    let attempt = sender.attempt(dispatch, prepared).await.expect("made").expect("the callback is on");
    console.db.complete(&all, &[attempt], &[]).await.expect("recorded");
    assert!(console.db.queued_deliveries(&all, start, 10).await.expect("the queue").is_empty());
    receiver.received().pop().expect("a request")
}

async fn the_former_secret_signs_for_a_day(database: Database) {
    // The public verifier reads the machine's clock, so the day ends now.
    let clock = Arc::new(TestClock::at(SystemClock.now() - DAY_MS - 60_000));
    let (console, _data) = with_domain(&database, clock.clone()).await;
    let receiver = Receiver::start();
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    callbacks.put(&cli, DOMAIN, KIND, change(Some(&receiver.url("/")))).await.expect("changed");
    let rotate = async || {
        let secret = callbacks.rotate_secret(&cli, DOMAIN, KIND, 24).await.expect("rotated");
        secret.0.expose().to_owned()
    };
    let old = rotate().await;
    clock.advance(60_000);
    let new = rotate().await;
    let view = callbacks.get(&cli, DOMAIN, KIND).await.expect("found");
    assert_eq!(view.previous_secret_until, Some(clock.now() + DAY_MS));

    clock.advance(DAY_MS - 1_000);
    let received = publish_and_attempt(&console, "both", &receiver).await;
    assert!(received.is_signed_with(&new) && received.is_signed_with(&old));
    clock.advance(1_000);
    let received = publish_and_attempt(&console, "one", &receiver).await;
    assert!(received.is_signed_with(&new) && !received.is_signed_with(&old));
    assert_eq!(callbacks.get(&cli, DOMAIN, KIND).await.expect("found").previous_secret_until, None);
}

async fn the_former_secret_signs_for_as_long_as_is_said(database: Database) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let (console, _data) = with_domain(&database, clock.clone()).await;
    let receiver = Receiver::start();
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    callbacks.put(&cli, DOMAIN, KIND, change(Some(&receiver.url("/")))).await.expect("changed");
    let error = callbacks.set_overlap(&cli, DOMAIN, KIND, 1).await.expect_err("none signs");
    assert_eq!(error.code(), "callback_no_former_secret");
    let old = callbacks.rotate_secret(&cli, DOMAIN, KIND, 0).await.expect("rotated").0;
    let until = async || callbacks.get(&cli, DOMAIN, KIND).await.expect("found").previous_secret_until;
    assert_eq!(until().await, None, "no overlap");
    let new = callbacks.rotate_secret(&cli, DOMAIN, KIND, 168).await.expect("rotated").0;
    assert_eq!(until().await, Some(clock.now() + 7 * DAY_MS));
    for hours in [-1, 169] {
        let set = callbacks.set_overlap(&cli, DOMAIN, KIND, hours).await.expect_err("bad hours");
        let rotate = callbacks.rotate_secret(&cli, DOMAIN, KIND, hours).await.map(drop).expect_err("bad hours");
        for error in [set, rotate] {
            assert_eq!((error.code(), error.field()), ("callback_bad_overlap", Some("overlapHours")), "{hours}");
        }
    }
    let view = callbacks.set_overlap(&cli, DOMAIN, KIND, 2).await.expect("set");
    assert_eq!(view.previous_secret_until, Some(clock.now() + 7_200_000));
    let received = publish_and_attempt(&console, "both", &receiver).await;
    assert!(received.is_signed_with(new.expose()) && received.is_signed_with(old.expose()));

    let view = callbacks.set_overlap(&cli, DOMAIN, KIND, 0).await.expect("ended");
    assert_eq!(view.previous_secret_until, None);
    let received = publish_and_attempt(&console, "one", &receiver).await;
    assert!(received.is_signed_with(new.expose()) && !received.is_signed_with(old.expose()));
    let stored = console.db.find_callback(DOMAIN, KIND).await.expect("read").expect("a callback");
    assert_eq!(stored.previous_secret_sealed, None, "what ended is erased");
}

async fn changes_of_secrets_are_audited_without_them(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    let old = callbacks.rotate_secret(&cli, DOMAIN, KIND, 24).await.expect("rotated").0;
    let new = callbacks.rotate_secret(&cli, DOMAIN, KIND, 12).await.expect("rotated").0;
    callbacks.set_overlap(&cli, DOMAIN, KIND, 0).await.expect("ended");
    let mut connection = sqlx::AnyConnection::connect(database.url()).await.expect("the database");
    let rows = sqlx::query("select action, detail from audit where action like 'callback.%' order by id");
    let rows = rows.fetch_all(&mut connection).await.expect("the audit log");
    let entry = |n: usize| {
        let detail: String = rows[n].get("detail");
        assert!(!detail.contains(old.expose()) && !detail.contains(new.expose()), "{detail}");
        (rows[n].get::<String, _>("action"), serde_json::from_str::<Value>(&detail).expect("JSON"))
    };
    let (old, new) = (old.fingerprint(), new.fingerprint());
    let rotated = json!({ "kind": KIND, "before": { "secret": old }, "after": { "secret": new }, "overlapHours": 12 });
    assert_eq!(entry(1), ("callback.rotate_secret".to_owned(), rotated));
    let (action, ended) = entry(2);
    assert_eq!(
        (action.as_str(), &ended["kind"], &ended["secret"]),
        ("callback.set_overlap", &json!(KIND), &json!(old))
    );
    let until = |side: &str| ended[side]["signsUntil"].as_str().expect("a moment").to_owned();
    assert!(until("after") < until("before"), "{ended}");
    assert_eq!((rows.len(), old == new), (3, false));
}

/// Two parts make two deliveries; what this dialect does not know makes none.
async fn the_later_dialect_tells_of_pushes_and_files(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let cli = Actor::cli();
    for kind in CallbackKind::ALL {
        let change = CallbackSettings { dialect: Dialect::V1_1, ..change(Some("http://127.0.0.1:8080/")) };
        console.callbacks.put(&cli, DOMAIN, *kind, change).await.expect("changed");
    }
    let source = console.sources.built_in().await.expect("a source");
    let push = PushRequest {
        source,
        hosts: vec![DOMAIN.to_owned()],
        app: "live".to_owned(),
        stream: "room_7".to_owned(),
        client: Some("203.0.113.7".to_owned()),
        params: vec![("room".to_owned(), "7".to_owned()), ("token".to_owned(), "t".to_owned())],
    };
    let push = console.streams.admit(push).await.expect("admitted");
    let key = SessionKey { source, boot: "1".to_owned(), key: "1".to_owned() };
    let at = console.clock.now();
    let part = |n: i64| {
        SourceEvent::PartClosed(ClosedPart {
            recorder: "main".to_owned(),
            location: Some(format!("tapes/{n}.flv")),
            started_at: Some(at + (n - 1) * 10_000),
            stopped_at: at + n * 10_000,
            duration_ms: None,
            bytes: Some(n * 1_000),
            failure: None,
        })
    };
    let hints = [
        SourceEvent::Started { at, push },
        SourceEvent::RecordingStarted { at },
        SourceEvent::PartOpened { at, location: None },
        part(1),
        SourceEvent::PartOpened { at: at + 10_000, location: None },
        part(2),
        SourceEvent::RecordingEnded { at: at + 20_000 },
        SourceEvent::Ended { at: at + 20_000, failure: None },
    ];
    for hint in hints {
        console.streams.report(&key, hint).await.expect("reported");
    }
    let page = console.deliveries.list(&cli, DeliveryFilter::default(), PageRequest::of_console(1)).await;
    let mut told = Vec::new();
    for row in page.expect("a list").rows.iter().rev() {
        let body = console.deliveries.get(&cli, row.id).await.expect("a delivery").body;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&body["version"], &body["event"]), (&json!("v1.1"), &json!(row.event)));
        told.push((row.event.as_str(), body["pushParams"].clone(), body["downloadUrl"].clone()));
    }
    let (none, file) = (Value::Null, |n: i64| ("record_done", Value::Null, json!(format!("tapes/{n}.flv"))));
    let started = ("publish_started", json!({ "room": "7" }), none.clone());
    assert_eq!(told, [started, file(1), file(2), ("publish_done", none.clone(), none)]);
}

async fn a_test_is_made_as_the_callback_is_set(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let receiver = Receiver::start();
    let cli = Actor::cli();
    let headers = vec![("X-Token".to_owned(), "abc".to_owned())];
    let set = CallbackSettings { dialect: Dialect::V1_1, headers, ..change(Some(&receiver.url("/"))) };
    console.callbacks.put(&cli, DOMAIN, KIND, set).await.expect("changed");
    let report = console.prober.test(&cli, Some(DOMAIN), KIND, &receiver.url("/other")).await.expect("tested");
    assert!(report.ok, "{report:?}");
    let received = receiver.received().pop().expect("a request");
    assert_eq!((received.header("x-token"), received.field("publishDomain").as_str()), ("abc", DOMAIN));
}

async fn a_test_tells_each_phase(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let receiver = Receiver::start();
    let cli = Actor::cli();
    let secret = console.callbacks.rotate_secret(&cli, DOMAIN, KIND, 24).await.expect("rotated");
    let test = async |address: &str| console.prober.test(&cli, Some(DOMAIN), KIND, address).await.expect("tested");
    let report = test(&receiver.url("/hook")).await;
    assert!(report.ok && report.phases.iter().all(|phase| phase.ok), "{report:?}");
    let received = receiver.received().pop().expect("a request");
    assert_eq!((received.path.as_str(), received.header("callsheet-test")), ("/hook", "true"));
    assert_eq!((received.event(), received.field("domain").as_str()), ("publish_started", DOMAIN));
    assert!(received.is_signed_with(secret.0.expose()));

    receiver.answer(|_| Answer::Status(404));
    let report = test(&receiver.url("/")).await;
    assert_eq!((report.ok, report.status, report.error_class.as_deref()), (false, Some(404), Some("http_status")));
    let down = DownReceiver::new();
    let report = test(&down.url("/")).await;
    assert_eq!((report.ok, report.error_class.as_deref()), (false, Some("connect")));
    assert!(report.failed_phase.is_some() && report.remedy.is_some(), "{report:?}");
    let report = console.prober.test(&cli, None, KIND, "http://10.0.0.1/").await.expect("tested");
    assert_eq!((report.ok, report.error_class.as_deref()), (false, Some("blocked_address")));

    // Ten a minute, and one more every six seconds: on a slow machine a few more.
    let mut refused = None;
    for _ in 0..30 {
        refused = refused.or(console.prober.test(&cli, None, KIND, &receiver.url("/")).await.err());
    }
    assert_eq!(refused.expect("too many").code(), "probe_too_many");
}

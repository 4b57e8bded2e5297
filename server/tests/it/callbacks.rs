//! The two callbacks of a domain: what can be set, what is refused, and how requests are signed.

use std::sync::Arc;

use callsheet::callbacks::{CallbackChange, Dialect};
use callsheet::deliveries::{DeliveryStore, Departure, Ownership, Waiting};
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackId, CallbackKind, Clock, DeliveryId, Problem, SystemClock, TestClock};
use callsheet::outbound::CallbackAddress;
use callsheet::streams::{Hint, IngestSink, PushRequest, SessionKey};
use callsheet::{Console, deliveries::Made};

use crate::support::{Answer, DOMAIN, Database, DownReceiver, PLAY, Received, Receiver, on_both_databases, use_cases};

on_both_databases!(
    each_wrong_setting_is_told_with_its_field,
    all_settings_are_kept,
    an_address_can_be_typed_after_the_switch,
    the_former_secret_signs_for_a_day,
    a_test_tells_each_phase,
);

const KIND: CallbackKind = CallbackKind::Publish;
const DAY_MS: i64 = 24 * 3_600_000;

async fn with_domain(database: &Database, clock: Arc<dyn Clock>) -> (Console, tempfile::TempDir) {
    let (console, data) = use_cases(database, clock).await;
    let new = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
    console.domains.create(&Actor::cli(), new).await.expect("created");
    (console, data)
}

fn change(address: Option<&str>) -> CallbackChange {
    CallbackChange {
        enabled: true,
        address: address.map(|address| CallbackAddress::parse(address).expect("an address")),
        dialect: Dialect::V1_0,
        ordered: true,
        timeout_seconds: 15,
        headers: Vec::new(),
    }
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
        let change = CallbackChange { timeout_seconds, ..change(here) };
        let error = callbacks.put(&cli, DOMAIN, KIND, change).await.expect_err("a bad timeout");
        assert_eq!((error.code(), error.field()), ("callback_bad_timeout", Some("timeoutSeconds")));
    }
    for (name, value) in [
        ("Webhook-Id", "x"),
        ("callsheet-event", "x"),
        ("Content-Length", "0"),
        ("host", "a.example.com"),
        ("two words", "x"),
        ("", "x"),
        ("x-a", "line\nbreak"),
    ] {
        let change = CallbackChange { headers: vec![(name.to_owned(), value.to_owned())], ..change(here) };
        let error = callbacks.put(&cli, DOMAIN, KIND, change).await.expect_err(name);
        assert_eq!((error.code(), error.field()), ("callback_bad_header", Some("headers")), "{name}");
    }
    let error = callbacks.get(&cli, "other.example.com", KIND).await.expect_err("unknown");
    assert_eq!(error.code(), "domain_unknown");
    let view = callbacks.get(&cli, DOMAIN, KIND).await.expect("found");
    assert_eq!((view.enabled, view.address), (false, None), "nothing of it was kept");
}

async fn all_settings_are_kept(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    let headers = vec![("x-tenant".to_owned(), "7".to_owned()), ("authorization".to_owned(), "Basic x".to_owned())];
    let all = CallbackChange {
        enabled: false,
        ordered: false,
        timeout_seconds: 30,
        headers: headers.clone(),
        ..change(Some("http://127.0.0.1:8080/a?b=c"))
    };
    callbacks.put(&cli, DOMAIN, KIND, all).await.expect("changed");
    let view = callbacks.set_enabled(&cli, DOMAIN, KIND, true).await.expect("on");
    assert_eq!(view.address.as_deref(), Some("http://127.0.0.1:8080/a?b=c"));
    assert_eq!((view.enabled, view.ordered, view.timeout_seconds, view.headers), (true, false, 30, headers));
    let other = callbacks.get(&cli, DOMAIN, CallbackKind::Record).await.expect("found");
    assert_eq!((other.enabled, other.address), (false, None), "the other callback is another");
}

async fn an_address_can_be_typed_after_the_switch(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let (callbacks, cli) = (&console.callbacks, Actor::cli());
    let on = callbacks.set_enabled(&cli, DOMAIN, KIND, true).await.expect("on");
    assert_eq!((on.enabled, on.address), (true, None));
    let saved = callbacks.set_address(&cli, DOMAIN, KIND, " http://127.0.0.1:8080/ ").await.expect("saved");
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
    console.streams.report(&key, Hint::Started { at, push }).await.expect("reported");
    let (all, start) = (Ownership::All, (CallbackId(0), DeliveryId(0)));
    let waiting = console.db.waiting(&all, start, 10).await.expect("the queue");
    let [waiting] = waiting.as_slice() else { panic!("{waiting:?}") };
    let Waiting { delivery, callback, .. } = *waiting;
    let departure = Departure { delivery, callback, out_of_order: false, probe: false };
    let ready = console.courier.ready(&[departure]).await.expect("read").pop().expect("it waits");
    let Made { record, fate, .. } = console.courier.attempt(departure, ready).await.expect("made").expect("it is on");
    console.db.complete(&all, &[(record, fate)], &[]).await.expect("recorded");
    assert!(console.db.waiting(&all, start, 10).await.expect("the queue").is_empty());
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
        let secret = callbacks.rotate_secret(&cli, DOMAIN, KIND).await.expect("rotated");
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

async fn a_test_tells_each_phase(database: Database) {
    let (console, _data) = with_domain(&database, Arc::new(SystemClock)).await;
    let receiver = Receiver::start();
    let cli = Actor::cli();
    let secret = console.callbacks.rotate_secret(&cli, DOMAIN, KIND).await.expect("rotated");
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

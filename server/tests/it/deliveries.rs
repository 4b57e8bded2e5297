//! What callbacks are promised: order, retries, and an end that everybody can see.

use callsheet::audit::{ActorKind, AuditFilter};
use callsheet::callbacks::{CallbackSettings, OffReason};
use callsheet::deliveries::{DeliveryDetail, DeliveryFilter, DeliveryState};
use callsheet::model::{Actor, CallbackKind, Clock, DeliveryId, PageRequest, Problem, Role, SystemClock};
use callsheet_server::config::Config;
use jiff::tz::TimeZone;
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::{
    Answer, Browser, DOMAIN, Database, DownReceiver, GenericSource, Received, Receiver, TestConsole, lines,
    on_both_databases, schedule,
};

on_both_databases!(
    a_stream_keeps_its_order_and_others_do_not_wait,
    tries_follow_the_schedule_until_they_are_used_up,
    a_given_up_delivery_lets_the_next_go_and_can_be_resent,
    a_cancelled_delivery_lets_the_next_go_and_can_be_resent,
    what_comes_while_a_callback_is_off_is_skipped_and_can_be_resent,
    turning_off_cancels_what_waits_and_keeps_the_address,
    a_changed_address_counts_for_the_next_attempt,
    gone_turns_the_callback_off,
    a_receiver_may_ask_for_more_time,
    redirects_are_not_followed,
    a_receiver_that_hangs_is_left,
    a_held_delivery_goes_out_of_order_and_says_so,
    a_receiver_that_was_down_gets_everything_once_and_in_order,
    waiting_deliveries_outlive_the_console,
);

/// Tries at these seconds.
fn tries(seconds: &'static [u32]) -> impl FnOnce(&mut Config) {
    |config| config.retry_schedule = schedule(seconds)
}

/// Streams and events of what came to one path.
fn told(received: &[Received], path: &str) -> Vec<String> {
    let of_path = received.iter().filter(|one| one.path == path);
    of_path.map(|one| format!("{} {}", one.field("stream"), one.event())).collect()
}

/// The one delivery of an event of a stream.
async fn find(console: &TestConsole, stream: &str, event: &str) -> DeliveryId {
    let filter = DeliveryFilter {
        stream: Some(stream.to_owned()),
        event: Some(event.parse().expect("an event")),
        ..DeliveryFilter::default()
    };
    let page = console.console.deliveries.list(&Actor::cli(), filter, PageRequest::of_console(1)).await;
    let page = page.expect("a list");
    assert_eq!(page.total, 1, "{:?}", page.rows);
    page.rows[0].id
}

fn is(state: DeliveryState) -> impl Fn(&DeliveryDetail) -> bool {
    move |detail| detail.delivery.state == state
}

async fn a_stream_keeps_its_order_and_others_do_not_wait(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0, 0])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    let source = GenericSource::add_to(&console).await;
    let (fail, failure) = oneshot::channel();
    let mut failure = Some(failure);
    receiver.answer(move |received| match failure.take_if(|_| received.field("stream") == "slow") {
        Some(failure) => Answer::Later(failure),
        None => Answer::Status(200),
    });
    for stream in ["slow", "quick"] {
        source.tell("publish_started", stream).await;
        source.tell("publish_done", stream).await;
    }
    let received = receiver.until(|all| told(all, "/publish").contains(&"quick publish_done".to_owned())).await;
    assert_eq!(received.iter().filter(|one| one.field("stream") == "slow").count(), 1, "{:?}", lines(&received));

    fail.send(503).expect("the receiver waits");
    let received = receiver.count(5).await;
    let slow: Vec<_> = lines(&received).into_iter().filter(|line| line.starts_with("slow")).collect();
    let expected = ["slow publish_started attempt 1", "slow publish_started attempt 2", "slow publish_done attempt 1"];
    assert_eq!(slow, expected);
    console.stop().await;
}

async fn tries_follow_the_schedule_until_they_are_used_up(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0, 0, 600])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    receiver.answer(|_| Answer::Status(500));
    GenericSource::add_to(&console).await.tell("publish_started", "room_7").await;
    receiver.count(2).await;
    let id = receiver.received()[0].id();
    let detail = console.delivery_until(&id, |detail| detail.delivery.attempts == 2).await;
    assert_eq!((detail.delivery.state, detail.max_tries), (DeliveryState::Retrying, 3));
    let (last, next) = (detail.delivery.last_attempt_at.expect("made"), detail.delivery.next_attempt_at);
    let wait = next.expect("planned") - last;
    assert!((540_000..=665_000).contains(&wait), "{wait} ms: 10 min, 10 % to either side");
    let attempts: Vec<_> = detail.attempts.iter().map(|a| (a.number, a.status, a.error_class.as_deref())).collect();
    assert_eq!(attempts, [(2, Some(500), Some("http_status")), (1, Some(500), Some("http_status"))]);
    let health =
        console.console.callbacks.get(&Actor::cli(), DOMAIN, CallbackKind::Publish).await.expect("found").health;
    assert_eq!((health.waiting, health.last_error.as_deref()), (1, Some("http_status")));
    console.stop().await;
}

async fn a_given_up_delivery_lets_the_next_go_and_can_be_resent(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0, 0])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    let source = GenericSource::add_to(&console).await;
    receiver.answer(|received| Answer::Status(if received.event() == "publish_started" { 500 } else { 200 }));
    source.tell("publish_started", "room_7").await;
    source.tell("publish_done", "room_7").await;
    let received = receiver.count(3).await;
    let expected =
        ["room_7 publish_started attempt 1", "room_7 publish_started attempt 2", "room_7 publish_done attempt 1"];
    assert_eq!(lines(&received), expected);
    let id = received[0].id();
    let failed = console.delivery_until(&id, is(DeliveryState::Failed)).await;
    assert_eq!((failed.delivery.attempts, failed.delivery.next_attempt_at), (2, None));

    receiver.answer(|_| Answer::Status(204));
    let delivery = id.parse().expect("an id");
    console.console.deliveries.resend(&Actor::cli(), delivery).await.expect("resent");
    let received = receiver.count(4).await;
    assert_eq!((received[3].id(), received[3].header("callsheet-attempt")), (id.clone(), "3"));
    assert_eq!(received[3].body, received[0].body, "every attempt sends the same bytes");
    let delivered = console.delivery_until(&id, is(DeliveryState::Delivered)).await;
    assert_eq!((delivered.delivery.last_status, delivered.attempts.len()), (Some(204), 3));

    // Delivered ones can be resent too.
    console.console.deliveries.resend(&Actor::cli(), delivery).await.expect("resent");
    assert_eq!(receiver.count(5).await[4].id(), id);
    console.stop().await;
}

async fn a_cancelled_delivery_lets_the_next_go_and_can_be_resent(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0, 600])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    let source = GenericSource::add_to(&console).await;
    receiver.answer(|received| Answer::Status(if received.event() == "publish_started" { 500 } else { 200 }));
    source.tell("publish_started", "room_7").await;
    source.tell("publish_done", "room_7").await;
    let id = receiver.count(1).await[0].id();
    console.delivery_until(&id, is(DeliveryState::Retrying)).await;
    let (deliveries, cli) = (&console.console.deliveries, Actor::cli());
    let delivery = id.parse().expect("an id");
    let cancelled = deliveries.cancel(&cli, delivery).await.expect("cancelled");
    assert_eq!(cancelled.delivery.state, DeliveryState::Cancelled);
    assert_eq!(receiver.count(2).await[1].event(), "publish_done");
    assert_eq!(deliveries.cancel(&cli, delivery).await.expect_err("over").code(), "delivery_finished");

    receiver.answer(|_| Answer::Status(200));
    deliveries.resend(&cli, delivery).await.expect("resent");
    assert_eq!(receiver.count(3).await[2].id(), id);
    console.delivery_until(&id, is(DeliveryState::Delivered)).await;
    console.stop().await;
}

async fn what_comes_while_a_callback_is_off_is_skipped_and_can_be_resent(database: Database) {
    let console = TestConsole::start(database).await;
    let receiver = Receiver::start();
    console.add_domain().await;
    console.turn_on(CallbackKind::Record, &receiver.url("/record")).await;
    let source = GenericSource::add_to(&console).await;
    source.tell("publish_started", "room_7").await;
    source.tell("record_started", "room_7").await;
    assert_eq!(told(&receiver.count(1).await, "/record"), ["room_7 record_started"]);

    let id = find(&console, "room_7", "publish_started").await;
    let detail = console.delivery(&id.to_string()).await;
    assert_eq!((detail.delivery.state, detail.delivery.attempts), (DeliveryState::Skipped, 0));
    let (deliveries, cli) = (&console.console.deliveries, Actor::cli());
    assert_eq!(deliveries.resend(&cli, id).await.expect_err("off").code(), "delivery_callback_off");

    let secret = console.turn_on(CallbackKind::Publish, &receiver.url("/publish")).await;
    deliveries.resend(&cli, id).await.expect("resent");
    let received = receiver.count(2).await;
    assert_eq!((received[1].path.as_str(), received[1].id()), ("/publish", id.to_string()));
    assert!(received[1].is_signed_with(&secret));
    console.delivery_until(&id.to_string(), is(DeliveryState::Delivered)).await;
    console.stop().await;
}

async fn turning_off_cancels_what_waits_and_keeps_the_address(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0, 600])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    receiver.answer(|_| Answer::Status(500));
    let source = GenericSource::add_to(&console).await;
    source.tell("publish_started", "room_7").await;
    source.tell("publish_done", "room_7").await;
    let id = receiver.count(1).await[0].id();
    console.delivery_until(&id, is(DeliveryState::Retrying)).await;
    let (callbacks, cli) = (&console.console.callbacks, Actor::cli());
    let off = callbacks.set_enabled(&cli, DOMAIN, CallbackKind::Publish, false).await.expect("off").settings;
    assert_eq!((off.enabled, off.address), (false, Some(receiver.url("/publish"))));
    assert_eq!(callbacks.waiting(&cli, DOMAIN, CallbackKind::Publish).await.expect("counted"), 0);
    for event in ["publish_started", "publish_done"] {
        let id = find(&console, "room_7", event).await.to_string();
        assert_eq!(console.delivery(&id).await.delivery.state, DeliveryState::Cancelled, "{event}");
    }
    let on = callbacks.set_enabled(&cli, DOMAIN, CallbackKind::Publish, true).await.expect("on").settings;
    assert_eq!((on.enabled, on.address), (true, Some(receiver.url("/publish"))));
    console.stop().await;
}

async fn a_changed_address_counts_for_the_next_attempt(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0, 0])).await;
    let (old, new) = (Receiver::start(), Receiver::start());
    console.send_all_to(&old).await;
    let (fail, failure) = oneshot::channel();
    let mut failure = Some(failure);
    old.answer(move |_| failure.take().map_or(Answer::Hang, Answer::Later));
    GenericSource::add_to(&console).await.tell("publish_started", "room_7").await;
    let id = old.count(1).await[0].id();
    let (callbacks, address) = (&console.console.callbacks, new.url("/moved"));
    callbacks.set_address(&Actor::cli(), DOMAIN, CallbackKind::Publish, &address).await.expect("changed");
    fail.send(500).expect("the receiver waits");
    let received = new.count(1).await;
    assert_eq!((received[0].path.as_str(), received[0].id()), ("/moved", id.clone()));
    let detail = console.delivery_until(&id, is(DeliveryState::Delivered)).await;
    let addresses: Vec<_> = detail.attempts.iter().map(|attempt| attempt.address.clone()).collect();
    assert_eq!(addresses, [new.url("/moved"), old.url("/publish")]);
    assert_eq!(old.received().len(), 1);
    console.stop().await;
}

async fn gone_turns_the_callback_off(database: Database) {
    let console = TestConsole::start(database).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    receiver.answer(|_| Answer::Status(410));
    let source = GenericSource::add_to(&console).await;
    source.tell("publish_started", "room_7").await;
    let id = receiver.count(1).await[0].id();
    console.delivery_until(&id, is(DeliveryState::Failed)).await;
    let (callbacks, cli) = (&console.console.callbacks, Actor::cli());
    let callback = callbacks.get(&cli, DOMAIN, CallbackKind::Publish).await.expect("found");
    assert!(!callback.settings.enabled);
    assert_eq!(callback.off_reason, Some(OffReason::Gone));
    assert_eq!(callback.settings.address, Some(receiver.url("/publish")));
    let by_itself = AuditFilter { action: Some("callback.turned_off".to_owned()), ..AuditFilter::default() };
    let log = console.console.audit.list(&cli, &by_itself, PageRequest::of_console(1)).await.expect("the log");
    let [entry] = log.rows.as_slice() else { panic!("one entry, not {log:?}") };
    assert_eq!((entry.actor_kind, entry.target.as_str()), (ActorKind::Console, DOMAIN));
    let off = json!({
        "kind": "publish",
        "before": { "enabled": true },
        "after": { "enabled": false },
        "reason": "the receiver answered 410 Gone",
    });
    assert_eq!(entry.detail, off);
    let browser = Browser::of(&console, Role::Reviewer).await;
    for (language, told) in [("en", "the receiver returned 410 Gone."), ("zh", "接收端返回了 410 Gone。")] {
        browser.open(&format!("/domains/{DOMAIN}?lang={language}")).await.says(&[told]);
    }
    source.tell("publish_done", "room_7").await;
    let done = find(&console, "room_7", "publish_done").await.to_string();
    assert_eq!(console.delivery(&done).await.delivery.state, DeliveryState::Skipped);

    let on = callbacks.set_enabled(&cli, DOMAIN, CallbackKind::Publish, true).await.expect("on");
    assert_eq!((on.settings.enabled, on.off_reason), (true, None));
    console.stop().await;
}

async fn a_receiver_may_ask_for_more_time(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0, 1])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    let at = jiff::Timestamp::from_second(SystemClock.now() / 1000 + 120).expect("a time").to_zoned(TimeZone::UTC);
    let date = |form: &str| at.strftime(form).to_string();
    let asked = [
        ("seconds", 503, "120".to_owned()),
        ("rate_limit", 429, "60".to_owned()),
        ("too_long", 429, "999999".to_owned()),
        ("server_error", 500, "120".to_owned()),
        ("bad_gateway", 502, "120".to_owned()),
        ("gateway_timeout", 504, "120".to_owned()),
        ("request_timeout", 408, "120".to_owned()),
        ("too_early", 425, "120".to_owned()),
        ("imf_fixdate", 503, date("%a, %d %b %Y %H:%M:%S GMT")),
        ("rfc_850", 503, date("%A, %d-%b-%y %H:%M:%S GMT")),
        ("asctime", 503, date("%a %b %e %H:%M:%S %Y")),
        ("nonsense", 503, "soon".to_owned()),
    ];
    let answers = asked.clone();
    receiver.answer(move |received| {
        let stream = received.field("stream");
        let (_, status, value) = answers.iter().find(|(name, ..)| *name == stream).expect("a row");
        Answer::With(*status, "retry-after", value.clone())
    });
    let source = GenericSource::add_to(&console).await;
    for (stream, _, value) in &asked {
        source.tell("publish_started", stream).await;
        let id = find(&console, stream, "publish_started").await.to_string();
        if *stream == "nonsense" {
            // The own schedule.
            console.delivery_until(&id, is(DeliveryState::Failed)).await;
            continue;
        }
        let detail = console.delivery_until(&id, is(DeliveryState::Retrying)).await;
        let next = detail.delivery.next_attempt_at.expect("planned");
        match value.parse::<i64>() {
            Ok(seconds) => {
                let waits = next - detail.delivery.last_attempt_at.expect("made");
                let seconds = seconds.min(3600);
                // Counted from the answer, which comes some time after the request.
                assert!((seconds * 1000..seconds * 1000 + 20_000).contains(&waits), "{stream}: {waits} ms");
            }
            Err(_) => assert_eq!(next, at.timestamp().as_millisecond(), "{stream}"),
        }
    }
    console.stop().await;
}

async fn redirects_are_not_followed(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0])).await;
    let (receiver, elsewhere) = (Receiver::start(), Receiver::start());
    console.send_all_to(&receiver).await;
    let target = elsewhere.url("/");
    receiver.answer(move |received| {
        Answer::With(received.field("stream").parse().expect("a status"), "location", target.clone())
    });
    let source = GenericSource::add_to(&console).await;
    for status in ["301", "302", "303", "307", "308"] {
        source.tell("publish_started", status).await;
        let id = find(&console, status, "publish_started").await.to_string();
        let detail = console.delivery_until(&id, is(DeliveryState::Failed)).await;
        assert_eq!(detail.delivery.last_status, Some(status.parse().expect("a status")));
        assert_eq!(detail.delivery.last_error.as_deref(), Some("http_status"));
    }
    assert!(elsewhere.received().is_empty());
    console.stop().await;
}

async fn a_receiver_that_hangs_is_left(database: Database) {
    let console = TestConsole::start_with(database, tries(&[0])).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    let (callbacks, cli) = (&console.console.callbacks, Actor::cli());
    let view = callbacks.get(&cli, DOMAIN, CallbackKind::Publish).await.expect("found");
    let change = CallbackSettings {
        timeout_seconds: 1,
        headers: vec![("x-tenant".to_owned(), "7".to_owned())],
        ..view.settings
    };
    callbacks.put(&cli, DOMAIN, CallbackKind::Publish, change).await.expect("changed");
    receiver.answer(|_| Answer::Hang);
    GenericSource::add_to(&console).await.tell("publish_started", "room_7").await;
    let received = receiver.count(1).await;
    assert_eq!(received[0].header("x-tenant"), "7");
    let detail = console.delivery_until(&received[0].id(), is(DeliveryState::Failed)).await;
    assert_eq!(detail.delivery.last_error.as_deref(), Some("timeout"));
    console.stop().await;
}

async fn a_held_delivery_goes_out_of_order_and_says_so(database: Database) {
    let held = |config: &mut Config| {
        config.retry_schedule = schedule(&[0, 600]);
        config.order_hold_ms = 0;
    };
    let console = TestConsole::start_with(database, held).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    receiver.answer(|received| Answer::Status(if received.event() == "publish_started" { 500 } else { 200 }));
    let source = GenericSource::add_to(&console).await;
    source.tell("publish_started", "room_7").await;
    source.tell("publish_done", "room_7").await;
    let received = receiver.count(2).await;
    let done = console.delivery_until(&received[1].id(), is(DeliveryState::Delivered)).await;
    assert!(done.delivery.out_of_order);
    assert!(!console.delivery(&received[0].id()).await.delivery.out_of_order);
    console.stop().await;
}

/// Reports a whole session with one part.
async fn whole_session(source: &GenericSource, stream: &str) {
    source.tell("publish_started", stream).await;
    source.tell("record_started", stream).await;
    let (start, stop) = (1_524_476_982, 1_524_477_014);
    source.tell_more("record_part_started", stream, &json!({ "startTime": start })).await;
    source.tell_more("record_part_done", stream, &json!({ "startTime": start, "stopTime": stop })).await;
    source.tell_more("record_done", stream, &json!({ "stopTime": stop })).await;
    source.tell("publish_done", stream).await;
}

fn assert_whole_session_once(received: &[Received], stream: &str) {
    let of = |event: &str| format!("{stream} {event}");
    assert_eq!(told(received, "/publish"), [of("publish_started"), of("publish_done")]);
    let record = ["record_started", "record_part_started", "record_part_done", "record_done"].map(of);
    assert_eq!(told(received, "/record"), record);
    let mut ids: Vec<_> = received.iter().map(Received::id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6, "once each");
}

async fn a_receiver_that_was_down_gets_everything_once_and_in_order(database: Database) {
    let console = TestConsole::start(database).await;
    let down = DownReceiver::new();
    console.add_domain().await;
    console.turn_on(CallbackKind::Publish, &down.url("/publish")).await;
    console.turn_on(CallbackKind::Record, &down.url("/record")).await;
    let source = GenericSource::add_to(&console).await;
    whole_session(&source, "room_7").await;
    let first = find(&console, "room_7", "publish_started").await.to_string();
    let tried = console.delivery_until(&first, |detail| detail.delivery.attempts > 0).await;
    assert_eq!(tried.delivery.last_error.as_deref(), Some("connect"));

    let receiver = down.come_up();
    receiver.count(6).await;
    let last = find(&console, "room_7", "publish_done").await.to_string();
    console.delivery_until(&last, is(DeliveryState::Delivered)).await;
    assert_whole_session_once(&receiver.received(), "room_7");
    console.stop().await;
}

async fn waiting_deliveries_outlive_the_console(database: Database) {
    let console = TestConsole::start(database).await;
    let down = DownReceiver::new();
    console.add_domain().await;
    let secret = console.turn_on(CallbackKind::Publish, &down.url("/publish")).await;
    console.turn_on(CallbackKind::Record, &down.url("/record")).await;
    whole_session(&GenericSource::add_to(&console).await, "room_7").await;

    let console = console.restart().await;
    let receiver = down.come_up();
    let received = receiver.count(6).await;
    assert_whole_session_once(&received, "room_7");
    assert!(received.iter().filter(|one| one.path == "/publish").all(|one| one.is_signed_with(&secret)));
    console.stop().await;
    assert_eq!(receiver.received().len(), 6);
}

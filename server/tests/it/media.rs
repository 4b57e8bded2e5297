//! The main use case with real media: ffmpeg pushes, the built-in ingest records, and a receiver gets the callbacks.

use std::process::{Command, Stdio};

use callsheet::deliveries::DeliveryState;
use callsheet::model::{Actor, CallbackKind};
use serde_json::json;

use crate::support::media::{AAC, AUDIO, H264, Pusher, VIDEO, probe, stderr};
use crate::support::{DOMAIN, Database, Received, Receiver, TestConsole, on_both_databases};

on_both_databases!(
    a_push_sends_signed_callbacks_and_its_parts_play,
    an_unknown_or_disabled_domain_refuses_pushes,
    without_a_bucket_folder_the_recording_fails_but_not_the_publish,
);

/// Returns whether the public Python library accepts the signature of a request.
fn python_verifies(received: &Received, secret: &str) -> bool {
    let python = std::env::var("CALLSHEET_TEST_PYTHON")
        .expect("CALLSHEET_TEST_PYTHON must name a Python that has the package standardwebhooks; `make test` sets it");
    let script = "import json, sys; from standardwebhooks.webhooks import Webhook; \
                  given = json.load(sys.stdin); \
                  Webhook(given['secret']).verify(given['body'], given['headers'])";
    let headers: serde_json::Map<_, _> =
        received.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().expect("text").into())).collect();
    let body = std::str::from_utf8(&received.body).expect("text");
    let given = json!({ "secret": secret, "body": body, "headers": headers }).to_string();
    let mut child = Command::new(python);
    child.args(["-c", script]).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn().expect("Python runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), given.as_bytes()).expect("written");
    child.wait().expect("it ends").success()
}

/// Returns the requests to one path in order of arrival.
fn requests_to<'a>(received: &'a [Received], path: &str) -> Vec<&'a Received> {
    received.iter().filter(|one| one.path == path).collect()
}

fn events<'a>(received: &[&'a Received]) -> Vec<&'a str> {
    received.iter().map(|one| one.event()).collect()
}

/// Waits for the last event of each callback.
async fn whole_session(receiver: &Receiver) -> Vec<Received> {
    let has = |received: &[Received], event: &str| received.iter().any(|one| one.event() == event);
    receiver.until(|received| has(received, "publish_done") && has(received, "record_done")).await
}

async fn a_push_sends_signed_callbacks_and_its_parts_play(database: Database) {
    let console = TestConsole::start(database).await;
    let receiver = Receiver::start();
    let (publish_secret, record_secret) = console.send_all_to(&receiver).await;
    console.record(2).await;
    let pusher = Pusher::start(console.rtmp, DOMAIN, "room_7?token=x", &[VIDEO, AUDIO, H264, AAC, &["-t", "6"]]);
    let output = pusher.finish().await;
    assert!(output.status.success(), "{}", stderr(&output));
    let received = whole_session(&receiver).await;

    let (publish, record) = (requests_to(&received, "/publish"), requests_to(&received, "/record"));
    assert_eq!(events(&publish), ["publish_started", "publish_done"]);
    let part = ["record_part_started", "record_part_done"];
    let parts = [&["record_started"][..], &part, &part, &part, &["record_done"]].concat();
    assert_eq!(events(&record), parts);
    for (requests, secret, other) in
        [(&publish, &publish_secret, &record_secret), (&record, &record_secret, &publish_secret)]
    {
        assert!(requests.iter().all(|one| one.is_signed_with(secret) && !one.is_signed_with(other)));
        assert!(requests.iter().all(|one| one.field("status") == "success"), "{requests:?}");
    }
    for (request, secret, other) in
        [(publish[0], &publish_secret, &record_secret), (record[2], &record_secret, &publish_secret)]
    {
        assert!(python_verifies(request, secret) && !python_verifies(request, other));
    }
    let buckets = console.data.path().join("buckets");
    let mut total = 0.0;
    for done in record.iter().filter(|one| one.event() == "record_part_done") {
        let (duration, codecs) = probe(&buckets.join(done.field("url")));
        let reported: f64 = done.field("duration").parse().expect("a number");
        assert!((duration - reported).abs() <= 1.0, "{duration} s are reported as {reported}");
        assert_eq!(codecs, ["h264", "aac"]);
        total += duration;
    }
    let whole: f64 = record.last().expect("an event").field("duration").parse().expect("a number");
    assert!((whole - total).abs() <= 1.0, "{total} s are reported as {whole}");
    console.stop().await;
}

async fn an_unknown_or_disabled_domain_refuses_pushes(database: Database) {
    let console = TestConsole::start(database).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    console.console.domains.set_enabled(&Actor::cli(), DOMAIN, false).await.expect("disabled");
    for (domain, says) in [
        ("other.example.com", "other.example.com is not a push domain of this console"),
        (DOMAIN, "the domain push.example.com is disabled"),
    ] {
        let output = Pusher::start(console.rtmp, domain, "room_7", &[VIDEO, H264, &["-t", "6"]]).finish().await;
        assert!(!output.status.success());
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let refused = console.console.sources.refusals(&Actor::cli()).await.expect("a list");
    let refused: Vec<_> = refused.iter().map(|one| (one.host.as_str(), one.code.as_str())).collect();
    assert_eq!(refused, [(DOMAIN, "domain_disabled"), ("other.example.com", "unknown_domain")]);
    console.stop().await;
    assert!(receiver.received().is_empty());
}

async fn without_a_bucket_folder_the_recording_fails_but_not_the_publish(database: Database) {
    let console = TestConsole::start(database).await;
    let receiver = Receiver::start();
    console.send_all_to(&receiver).await;
    console.record(2).await;
    std::fs::create_dir_all(console.data.path().join("buckets")).expect("a folder");
    std::fs::write(console.data.path().join("buckets/tapes"), "").expect("a file in the way");
    let pusher = Pusher::start(console.rtmp, DOMAIN, "room_7", &[VIDEO, H264, &["-t", "4"]]);
    assert!(pusher.finish().await.status.success(), "the publish continues");
    let received = receiver.until(|all| all.iter().any(|one| one.event() == "publish_done")).await;
    assert_eq!(events(&requests_to(&received, "/publish")), ["publish_started", "publish_done"]);
    assert!(requests_to(&received, "/publish").iter().all(|one| one.field("status") == "success"));
    let received = receiver.until(|all| all.iter().any(|one| one.path == "/record")).await;
    let record = requests_to(&received, "/record");
    assert_eq!(events(&record), ["record_started"]);
    assert_eq!(
        (record[0].field("status").as_str(), record[0].field("errorMsg").as_str()),
        ("fail", "a file is where the folder should be")
    );
    console.delivery_until(&record[0].id(), |detail| detail.delivery.state == DeliveryState::Delivered).await;
    let view = console.console.callbacks.get(&Actor::cli(), DOMAIN, CallbackKind::Record).await.expect("found");
    assert_eq!(view.health.waiting, 0);
    console.stop().await;
}

mod nginx {
    use super::*;
    use crate::support::nginx::Nginx;

    on_both_databases!(a_push_to_debians_nginx_sends_callbacks);

    async fn a_push_to_debians_nginx_sends_callbacks(database: Database) {
        let console = TestConsole::start(database).await;
        let receiver = Receiver::start();
        let (publish_secret, record_secret) = console.send_all_to(&receiver).await;
        console.record(2).await;
        let created = console.console.sources.create(&Actor::cli(), "nginx-rtmp", "nginx", None).await;
        let path = created.expect("created").view.ingest_path.expect("a path");
        let nginx = Nginx::start(&console.url(&path)).await;
        // One key frame per second, so the last cut may be close to the end.
        let media = [&["-re"], VIDEO, H264, &["-keyint_min", "25", "-sc_threshold", "0", "-t", "5"]];
        let output = Pusher::start(nginx.address, DOMAIN, "room_7?token=x", &media).finish().await;
        assert!(output.status.success(), "{}\n{}", stderr(&output), nginx.log());
        let received = whole_session(&receiver).await;

        let (publish, record) = (requests_to(&received, "/publish"), requests_to(&received, "/record"));
        assert_eq!(events(&publish), ["publish_started", "publish_done"]);
        assert!(publish.iter().all(|one| one.is_signed_with(&publish_secret)));
        assert!(record.iter().all(|one| one.is_signed_with(&record_secret)));
        let bodies: Vec<_> = record.iter().map(|one| one.json()).collect();
        assert!(bodies.iter().all(|body| body["status"] == "success"), "{bodies:#?}");
        let reported = events(&record);
        let parts = reported.iter().filter(|event| **event == "record_part_done").count();
        // nginx may cut at 2 s or 3 s, at 4 s, and at the end, where the reports of the cut and of the end race.
        assert!(parts >= 2, "{reported:?}");
        let part = ["record_part_started", "record_part_done"];
        let expected = [&["record_started"][..], &part.repeat(parts), &["record_done"]].concat();
        assert_eq!(reported, expected);
        let recordings = nginx.folder.path().join("rec");
        let mut empty = 0;
        for done in record.iter().filter(|one| one.event() == "record_part_done") {
            let file = std::path::PathBuf::from(done.field("url"));
            assert_eq!(file.parent(), Some(recordings.as_path()));
            if done.field("duration") == "0" {
                empty += 1;
                continue;
            }
            let (duration, _) = probe(&file);
            let reported: f64 = done.field("duration").parse().expect("a number");
            assert!((duration - reported).abs() <= 1.0, "{duration} s are reported as {reported}");
        }
        assert!(
            empty <= 1,
            "only the mark of the end, which counts as a keyframe, makes a part without media: {reported:?}"
        );
        let whole = record.last().expect("an event").field("duration");
        assert!(["4", "5", "6"].contains(&whole.as_str()), "5 s are reported as {whole}");
        assert_eq!(std::fs::read_dir(&recordings).expect("a folder").count(), parts, "every file is reported");
        console.stop().await;
    }
}

//! Receivers whose answers are odd: a 2xx status counts, and what is wrong behind it is shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use callsheet::deliveries::{DeliveryFilter, DeliveryState};
use callsheet::model::{Actor, CallbackKind, PageRequest, Role};
use callsheet_app::{Locale, Texts};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use crate::support::{Browser, DOMAIN, Database, GenericSource, TestConsole, on_both_databases};

on_both_databases!(an_event_is_delivered_once_whatever_follows_the_status);

/// Streams, what is answered to their events, and the note on the answer.
const ANSWERS: &[(&str, &str, Option<&str>)] = &[
    ("folded", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Trace: first part;\r\n second part\r\n\r\nok", None),
    (
        "blank_before_colon",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Credentials : true\r\n\r\nok",
        None,
    ),
    ("no_colon", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon\r\n\r\nok", None),
    ("no_content", "HTTP/1.1 204 No Content\r\n\r\n", None),
    ("early_hints", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", None),
    ("http_1_0", "HTTP/1.0 200 OK\r\n\r\nok", None),
    (
        "short_body",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{\"ok\":true}",
        Some("the connection was closed before the end of the response"),
    ),
    (
        "open_chunks",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
        Some("the connection was closed before the end of the response"),
    ),
    ("bad_chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Some("invalid chunked encoding")),
    ("two_lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok", Some("content-length")),
];

type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

/// Answers as [`ANSWERS`] says, closes, and counts the requests of each `webhook-id`.
async fn answer(mut socket: TcpStream, counts: Counts) {
    let mut request = Vec::new();
    // The body is one JSON object without another in it.
    while !request.ends_with(b"}") {
        if socket.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).expect("text");
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).expect("an id");
    *counts.lock().expect("counts").entry(id.to_owned()).or_default() += 1;
    let body: Value = serde_json::from_str(body).expect("JSON");
    // A test of an address has a stream of its own.
    let row = ANSWERS.iter().find(|(stream, ..)| body["stream"] == *stream);
    let (_, answer, _) = row.unwrap_or(&ANSWERS[6]);
    socket.write_all(answer.as_bytes()).await.expect("written");
}

async fn an_event_is_delivered_once_whatever_follows_the_status(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let counts = Counts::default();
    let counted = counts.clone();
    let _serving = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(socket, counted.clone()));
        }
    }));
    console.turn_on(CallbackKind::Publish, &url).await;
    let source = GenericSource::add_to(&console).await;
    let browser = Browser::of(&console, Role::Operator).await;
    for (stream, ..) in ANSWERS {
        source.tell("publish_started", stream).await;
    }
    let (filter, page) = (DeliveryFilter::default(), PageRequest { number: 1, size: 100 });
    let rows = console.console.deliveries.list(&Actor::cli(), filter, page).await.expect("a list").rows;
    assert_eq!(rows.len(), ANSWERS.len());
    for (stream, _, note) in ANSWERS {
        let id = rows.iter().find(|row| row.stream == *stream).expect("a delivery").id.to_string();
        let detail = console.delivery_until(&id, |detail| !detail.attempts.is_empty()).await;
        assert_eq!(detail.delivery.state, DeliveryState::Delivered, "{stream}: {detail:?}");
        assert_eq!(detail.attempts.len(), 1, "{stream}");
        assert_eq!(counts.lock().expect("counts").get(&id), Some(&1), "{stream}");
        let json: Value =
            serde_json::from_str(&browser.open(&format!("/api/v1/deliveries/{id}")).await.html).expect("JSON");
        let attempt = &json["attempts"][0];
        assert_eq!((&attempt["succeeded"], &attempt["error"]), (&true.into(), &Value::Null), "{attempt}");
        let phase = attempt["phases"].as_array().and_then(|phases| phases.last()).expect("a phase");
        assert_eq!((&phase["phase"], &phase["ok"]), (&"body".into(), &note.is_none().into()), "{stream}: {phase}");
        for (language, text) in
            [("en", "The status is decisive, so the event counts as delivered"), ("zh", "以状态码为准，事件视为已送达")]
        {
            let page = browser.open(&format!("/deliveries/{id}?lang={language}")).await;
            assert_eq!(page.html.contains(text), note.is_some(), "{stream} {language}");
            let texts = Texts(if language == "en" { Locale::English } else { Locale::Chinese });
            page.says(&[&texts.detail(note.unwrap_or_default())]);
        }
    }
    let tests = &console.console.prober;
    let report = tests.test(&Actor::cli(), Some(DOMAIN), CallbackKind::Publish, &url).await.expect("a report");
    let last = report.phases.last().expect("a phase");
    assert!(report.ok && report.error.is_none() && !last.ok, "{report:?}");
    console.stop().await;
}

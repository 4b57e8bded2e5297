//! The receivers that a delivery's page shows take what the console sends, and nothing else.

use std::process::Command;
use std::time::Duration;

use callsheet::deliveries::DeliveryState;
use callsheet::model::CallbackKind;
use reqwest::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::{Database, GenericSource, PATIENCE, Process, Received, Receiver, TestConsole};

/// The very file that the page shows.
#[path = "../../../app/receivers/receiver.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is a program of its own")]
mod shown;

/// An event as a receiver gets it, and the secret that signed it.
async fn delivered() -> (Received, String) {
    let console = TestConsole::start(Database::sqlite()).await;
    let receiver = Receiver::start();
    console.add_domain().await;
    let secret = console.turn_on(CallbackKind::Publish, &receiver.url("/")).await;
    GenericSource::add_to(&console).await.tell("publish_started", "room_7").await;
    let received = receiver.count(1).await.remove(0);
    console.delivery_until(&received.id(), |detail| detail.delivery.state == DeliveryState::Delivered).await;
    console.stop().await;
    (received, secret)
}

/// The event is taken; with other bytes, or without its signature, it is not.
async fn assert_checks(url: &str, received: &Received) {
    let client = Client::new();
    let post = async |headers: http::HeaderMap, body: Vec<u8>| {
        client.post(url).headers(headers).body(body).send().await.expect("an answer").status().as_u16()
    };
    let mut headers = received.headers.clone();
    for name in ["host", "content-length"] {
        headers.remove(name);
    }
    assert_eq!(post(headers.clone(), received.body.to_vec()).await, 204);
    let forged = String::from_utf8_lossy(&received.body).replace("room_7", "room_8");
    assert_eq!(post(headers.clone(), forged.into_bytes()).await, 401);
    headers.remove("webhook-signature");
    assert_eq!(post(headers, received.body.to_vec()).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_receiver_checks_signatures() {
    let (received, secret) = delivered().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move { axum::serve(listener, shown::receiver(&secret)).await });
    assert_checks(&url, &received).await;
    serving.abort();
}

/// Needs the Python package `standardwebhooks`; `make test` provides it and names its Python.
#[tokio::test(flavor = "multi_thread")]
async fn the_python_receiver_checks_signatures() {
    let (received, secret) = delivered().await;
    let python = std::env::var("CALLSHEET_TEST_PYTHON").expect("CALLSHEET_TEST_PYTHON; run the tests by `make test`");
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../app/receivers/receiver.py"));
    command.env("CALLSHEET_SECRET", secret).env("PORT", port.to_string());
    let shown = Process::start(command);
    let listens = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, listens).await.expect("listens in time");
    assert_checks(&format!("http://127.0.0.1:{port}/"), &received).await;
    assert_eq!(shown.line("evt_"), format!("{} publish_started room_7", received.id()));
}

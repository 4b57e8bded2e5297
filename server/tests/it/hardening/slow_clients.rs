//! Clients that send next to nothing hold no connection.

use std::net::SocketAddr;

use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Database, TestConsole};

/// Sends this and no more; returns what the console says until it closes the connection.
async fn say(http: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(http).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A reset is as good an end as any.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_in_the_middle_of_a_request_is_disconnected() {
    let console = TestConsole::start(Database::sqlite()).await;
    let draft = KeyDraft::new("ci", Role::Admin);
    let token = console.console.keys.create(&Actor::cli(), draft).await.expect("a key").token;
    let cut = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: console\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{"
        )
    };
    let (body, upload) = (cut("/api/v1/domains"), cut("/api/v1/access-logs"));
    let (nothing, head, body, upload) = tokio::join!(
        say(console.http, ""),
        say(console.http, "GET /healthz HTTP/1.1\r\nhost: cons"),
        say(console.http, &body),
        say(console.http, &upload),
    );
    assert_eq!(nothing, "");
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    for answer in [body, upload] {
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("application/problem+json"), "{answer}");
    }
    console.stop().await;
}

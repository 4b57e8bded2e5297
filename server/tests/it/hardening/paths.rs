//! Another way to write a path is no way around the sign-in.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{DOMAIN, Database, PLAY, TestConsole};

/// Asks for exactly this target, which clients would tidy up first.
async fn ask(http: SocketAddr, method: &str, target: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(http).await.expect("connected");
    let request = format!("{method} {target} HTTP/1.1\r\nhost: {http}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_shows_a_protected_page() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let path = format!("/domains/{DOMAIN}");
    let spellings = [
        path.clone(),
        format!("/{path}"),
        format!("//{path}"),
        format!("/.{path}"),
        format!("/login/..{path}"),
        format!("/login/%2e%2e{path}"),
        format!("/pkg/..{path}"),
        format!("/pkg/%2e%2e{path}"),
        format!("/chart/..%2f..{path}"),
        path.replace("/domains", "/%64omains"),
        path.replace("/domains", "/DOMAINS"),
        path.replace("/domains", "/Domains"),
        path.replace("/domains/", "/domains;x=1/"),
        path.replace("/domains/", "/domains//"),
        path.replace("/domains/", "/domains/./"),
        path.replace("/domains/", "/domains%2f"),
        format!("{path}/"),
        format!("{path}%00"),
        format!("{path};/login"),
        format!("{path}?/login"),
        format!("{path}%3f/login"),
        format!("http://{}{path}", console.http),
        format!("/api/v1{path}"),
        format!("/api//v1{path}"),
        format!("/API/v1{path}"),
        format!("/api/v1/..{path}"),
        format!("/healthz/..{path}"),
        format!("/ingest/../..{path}"),
    ];
    let said = [
        "",
        "x-original-url: /login\r\n",
        "x-rewrite-url: /login\r\n",
        "x-forwarded-for: 127.0.0.1\r\nx-forwarded-host: localhost\r\n",
        "x-http-method-override: GET\r\n",
        "cookie: callsheet=guessed; callsheet=\r\n",
        "authorization: Bearer\r\n",
        "authorization: Basic YWRtaW46YWRtaW4=\r\n",
    ];
    for spelling in &spellings {
        for headers in said {
            for method in ["GET", "HEAD", "POST"] {
                let answer = ask(console.http, method, spelling, headers).await;
                assert!(answer.starts_with("HTTP/1.1 "), "{method} {spelling}: {answer}");
                assert!(!answer.contains(PLAY), "{method} {spelling} {headers:?} shows what it must not: {answer}");
            }
        }
    }
    console.stop().await;
}

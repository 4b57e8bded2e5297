//! All outcomes of an exchange, with their phases.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::net::TcpListener;

use super::receiver::{Answers, OK, Receiver};
use super::{
    LONG, SHORT, Table, address, assert_failed, assert_taken_with_note, detail, local, outbound, phases, policy, post,
};
use crate::outbound::Phase::{Address, Body, Connect, Dns, Policy, Request, Status};

/// Posts to a receiver with this response.
async fn answered(answers: Answers, timeout: Duration) -> crate::outbound::Exchange {
    let receiver = Receiver::start(answers).await;
    let to = address(format!("http://receiver.test:{}/", receiver.port));
    local().post(&to, HeaderMap::new(), Bytes::from_static(b"{}"), timeout).await
}

#[tokio::test]
async fn a_good_receiver_gets_the_request_and_each_phase_is_told() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let to = address(format!("http://receiver.test:{}/hook?key=1#top", receiver.port));
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", "evt_1".parse().expect("a header"));
    let exchange = local().post(&to, headers, Bytes::from_static(b"{}"), LONG).await;

    assert!(exchange.succeeded(), "{exchange:?}");
    assert_eq!(phases(&exchange), [Address, Dns, Policy, Connect, Request, Status, Body].map(|phase| (phase, true)));
    assert_eq!(detail(&exchange, Dns), "127.0.0.1");
    assert_eq!(detail(&exchange, Status), "200 OK");
    let answer = exchange.answer.expect("an answer");
    assert_eq!((answer.status.as_u16(), answer.body.as_slice(), answer.truncated), (200, &b"ok"[..], false));
    assert_eq!(exchange.peer.expect("a peer").port(), receiver.port);

    let request = receiver.requests().remove(0);
    assert!(request.starts_with("POST /hook?key=1 HTTP/1.1\r\n"), "{request}");
    for header in ["webhook-id: evt_1", &format!("host: receiver.test:{}", receiver.port), "content-length: 2"] {
        assert!(request.contains(&format!("\r\n{header}\r\n")), "{header} is missing in {request}");
    }
    assert!(!request.contains("accept-encoding"));
}

#[tokio::test]
async fn a_literal_address_needs_no_dns() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let exchange = post(&local(), &address(format!("http://127.0.0.1:{}/", receiver.port))).await;
    assert!(exchange.succeeded());
    assert_eq!(phases(&exchange), [Address, Policy, Connect, Request, Status, Body].map(|phase| (phase, true)));
}

#[tokio::test]
async fn a_name_that_does_not_exist_fails_in_dns() {
    let exchange = post(&local(), &address("https://nowhere.test/")).await;
    assert_failed(&exchange, "dns", Dns, "dns_not_found");
    assert!(exchange.failure.expect("a failure").remedy.contains("nowhere.test"));
}

#[tokio::test]
async fn the_system_resolver_knows_the_hosts_file() {
    use crate::outbound::{Resolve, SystemResolver};
    let resolver = SystemResolver::new().expect("the machine's settings");
    let found = resolver.resolve("localhost").await.expect("addresses");
    assert!(found.iter().all(std::net::IpAddr::is_loopback), "{found:?}");
}

#[tokio::test]
async fn a_private_address_is_blocked_and_a_network_opens_it() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let to = address(format!("http://inside.test:{}/", receiver.port));
    let table = || Table::default().with("inside.test", &[&["127.0.0.1"]]);

    let closed = post(&outbound(policy(&[]), table(), Vec::new()), &to).await;
    assert_failed(&closed, "blocked_address", Policy, "blocked_loopback");
    assert_eq!(receiver.connections(), 0);

    let opened = post(&outbound(policy(&["127.0.0.0/8"]), table(), Vec::new()), &to).await;
    assert!(opened.succeeded(), "{opened:?}");
}

#[tokio::test]
async fn metadata_stays_closed_though_its_network_is_opened() {
    let table = Table::default().with("metadata.test", &[&["169.254.169.254"]]);
    let client = outbound(policy(&["169.254.0.0/16", "0.0.0.0/0"]), table, Vec::new());
    let exchange = post(&client, &address("http://metadata.test/latest/meta-data/")).await;
    assert_failed(&exchange, "blocked_address", Policy, "blocked_metadata");
}

#[tokio::test]
async fn addresses_that_may_not_be_reached_are_left_out() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let table = Table::default().with("both.test", &[&["10.0.0.1", "::1", "127.0.0.1"]]);
    let client = outbound(policy(&["127.0.0.1/32"]), table, Vec::new());
    let exchange = post(&client, &address(format!("http://both.test:{}/", receiver.port))).await;
    assert!(exchange.succeeded(), "{exchange:?}");
    assert_eq!(detail(&exchange, Policy), "allowed: 127.0.0.1; excluded: 10.0.0.1 (private) ::1 (loopback)");
}

#[tokio::test]
async fn a_port_without_listener_refuses() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let exchange = post(&local(), &address(format!("http://receiver.test:{port}/"))).await;
    assert_failed(&exchange, "connect", Connect, "connect_refused");
    assert!(exchange.peer.is_none() && exchange.answer.is_none());
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let table = Table::default().with("two.test", &[&["127.0.0.2", "127.0.0.1"]]);
    let client = outbound(policy(&["127.0.0.0/8"]), table, Vec::new());
    let exchange = post(&client, &address(format!("http://two.test:{}/", receiver.port))).await;
    assert!(exchange.succeeded(), "{exchange:?}");
    assert_eq!(exchange.peer.expect("a peer").ip().to_string(), "127.0.0.1");
}

#[tokio::test]
async fn a_receiver_that_never_answers_times_out() {
    let exchange = answered(Answers::ThenHangs(Vec::new()), SHORT).await;
    assert_failed(&exchange, "timeout", Status, "timeout_no_answer");
}

#[tokio::test]
async fn an_answer_that_never_ends_counts_and_shows_what_came() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let exchange = answered(Answers::ThenHangs(head), SHORT).await;
    assert_taken_with_note(&exchange, "it did not end within 1s");
    let answer = exchange.answer.expect("an answer");
    assert_eq!((answer.body.as_slice(), answer.truncated), (&b"half"[..], true));
}

#[tokio::test]
async fn a_bad_status_counts_though_its_body_never_ends() {
    let head = b"HTTP/1.1 500 Oops\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let exchange = answered(Answers::ThenHangs(head), SHORT).await;
    assert_failed(&exchange, "http_status", Status, "http_status");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Receiver::start(Answers::With(OK.into())).await;
    let head = format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n", other.port);
    let exchange = answered(Answers::With(head.into()), LONG).await;
    assert_failed(&exchange, "http_status", Status, "http_redirect");
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_bad_status_keeps_its_answer() {
    let head = b"HTTP/1.1 503 Busy\r\nretry-after: 120\r\ncontent-length: 5\r\n\r\nlater".to_vec();
    let exchange = answered(Answers::With(head), LONG).await;
    assert_failed(&exchange, "http_status", Status, "http_status");
    let answer = exchange.answer.expect("an answer");
    assert_eq!(answer.headers["retry-after"], "120");
    assert_eq!(answer.body, b"later");
}

#[tokio::test]
async fn a_long_body_is_cut_and_its_connection_dropped() {
    let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 102400\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + 102_400, b'x');
    let receiver = Receiver::start(Answers::With(bytes)).await;
    let to = address(format!("http://receiver.test:{}/", receiver.port));
    let client = local();
    for connections in 1..=2 {
        let exchange = post(&client, &to).await;
        assert!(exchange.succeeded(), "{exchange:?}");
        assert_eq!(detail(&exchange, Body), "more than 16 KiB; the rest was not read");
        let answer = exchange.answer.expect("an answer");
        assert_eq!((answer.body.len(), answer.truncated), (16 * 1024, true));
        assert_eq!(receiver.connections(), connections);
    }
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_not_read() {
    for (head, is_taken) in [("HTTP/1.1 200 OK\r\nx-long: ", true), ("HTTP/1.1 200 ", false)] {
        let mut bytes = head.as_bytes().to_vec();
        bytes.resize(100 * 1024, b'x');
        let exchange = answered(Answers::ThenHangs(bytes), LONG).await;
        if is_taken {
            assert_taken_with_note(&exchange, "exceed 64 KiB");
        } else {
            assert_failed(&exchange, "too_large", Status, "headers_too_large");
        }
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    for bytes in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"<html>HTTP/0.9</html>\r\n\r\n"] {
        let exchange = answered(Answers::ThenHangs(bytes.into()), LONG).await;
        assert_failed(&exchange, "protocol", Status, "http_malformed");
    }
}

//! Kept connections, and connections to the checked address.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;

use super::receiver::{Answers, OK, Receiver};
use super::{LONG, SHORT, Table, address, assert_failed, local, outbound, phases, policy, post};
use crate::outbound::Phase::{Address, Body, Connect, Dns, Policy, Request, Status};

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let client = local();
    let to = address(format!("http://receiver.test:{}/a", receiver.port));
    assert!(post(&client, &to).await.succeeded());

    // Another path of the same origin uses it too.
    let other = address(format!("http://receiver.test:{}/b", receiver.port));
    let second = post(&client, &other).await;
    assert!(second.succeeded(), "{second:?}");
    assert_eq!(phases(&second), [Address, Connect, Request, Status, Body].map(|phase| (phase, true)));
    assert_eq!(second.peer.expect("a peer").port(), receiver.port);
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_failed_status_keeps_the_connection_too() {
    let busy = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_vec();
    let receiver = Receiver::start(Answers::With(busy)).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    post(&client, &to).await;
    post(&client, &to).await;
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_probe_never_uses_a_kept_connection() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    assert!(post(&client, &to).await.succeeded());
    let probe = client.probe(&to, HeaderMap::new(), Bytes::from_static(b"{}"), LONG).await;
    assert_eq!(phases(&probe), [Address, Dns, Policy, Connect, Request, Status, Body].map(|phase| (phase, true)));
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_receiver_that_closes_costs_a_connection_and_no_failure() {
    // It closes the connection without `connection: close`. The client may notice this at once, or only during the next request.
    let receiver = Receiver::start(Answers::ThenCloses(OK.into())).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    for round in 1..=50 {
        let exchange = post(&client, &to).await;
        assert!(exchange.succeeded(), "{exchange:?}");
        assert_eq!(receiver.connections(), round);
    }
}

#[tokio::test]
async fn a_request_that_meets_a_closing_connection_goes_out_once_more() {
    let receiver = Receiver::start(Answers::OnceThenCloses(OK.into())).await;
    let to = address(format!("http://receiver.test:{}/", receiver.port));
    let client = local();
    assert!(post(&client, &to).await.succeeded());
    let second = post(&client, &to).await;
    assert!(second.succeeded(), "{second:?}");
    assert_eq!(phases(&second), [Address, Dns, Policy, Connect, Request, Status, Body].map(|phase| (phase, true)));
    assert_eq!((receiver.connections(), receiver.requests().len()), (2, 3));
}

#[tokio::test]
async fn connection_close_is_obeyed() {
    let close = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec();
    let receiver = Receiver::start(Answers::With(close)).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    assert!(post(&client, &to).await.succeeded());
    assert!(post(&client, &to).await.succeeded());
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn old_connections_are_swept() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    assert!(post(&client, &to).await.succeeded());
    let now = Instant::now();
    assert!(client.pool.sweep(now), "a young connection stays");
    assert!(!client.pool.sweep(now + Duration::from_secs(31)), "an old one goes");
    assert!(post(&client, &to).await.succeeded());
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_timed_out_request_leaves_no_connection_behind() {
    let receiver = Receiver::start(Answers::ThenHangs(Vec::new())).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    for connections in 1..=2 {
        let body = Bytes::from_static(b"{}");
        let exchange = client.post(&to, HeaderMap::new(), body, SHORT).await;
        assert_failed(&exchange, "timeout", Status, "timeout_no_answer");
        assert_eq!(receiver.connections(), connections);
    }
}

/// The name resolves to an allowed address once and to a blocked one afterwards. The connection goes to the checked address, and a later
/// attempt is checked again.
#[tokio::test]
async fn a_name_that_changes_between_check_and_connect_changes_nothing() {
    let receiver = Receiver::start(Answers::With(OK.into())).await;
    let table = Table::default().with("rebind.test", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = outbound(policy(&["127.0.0.1/32"]), table, Vec::new());
    let to = address(format!("http://rebind.test:{}/", receiver.port));
    let probe = || client.probe(&to, HeaderMap::new(), Bytes::from_static(b"{}"), LONG);

    let first = probe().await;
    assert!(first.succeeded(), "{first:?}");
    assert_eq!(first.peer.expect("a peer").ip().to_string(), "127.0.0.1");

    let second = probe().await;
    assert_failed(&second, "blocked_address", Policy, "blocked_loopback");
    assert_eq!(receiver.connections(), 1);

    // A kept connection stays connected to the checked address, regardless of DNS.
    let kept = post(&client, &to).await;
    assert!(kept.succeeded(), "{kept:?}");
    assert_eq!(kept.peer, first.peer);
    assert_eq!(receiver.connections(), 1);
}

//! Anonymous connections use little memory and time, and cannot lock out publishers.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{Amf, Client, tags, text};
use super::test_server::{PATIENCE, TestServer};
use super::{failure, letters};

/// Returns the peak memory of this process in MiB. Each test runs in a separate process.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// Returns a `connect` of 10 KB that expands to 14 GB in a reader that resolves references.
pub(crate) fn multiplying_references() -> Vec<u8> {
    let array = |count: u32| [&[10][..], &count.to_be_bytes()].concat();
    let mut payload = b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00".to_vec();
    payload.extend(array(100));
    payload.extend([0_u8; 9].repeat(100));
    payload.extend(array(1_000));
    payload.extend([7, 0, 0].repeat(1_000));
    payload.extend(array(2_000));
    payload.extend([7, 0, 1].repeat(2_000));
    payload
}

/// Checks that publishing still works.
async fn assert_serves(server: TestServer, session: &str) {
    let mut client = Client::publishing(server.address, "honest").await;
    client.play(1, tags()).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
    client.wait_for("NetStream.Unpublish.Success").await;
    let events = server.until_ended(session).await;
    assert_eq!((letters(&events).as_str(), failure(&events)), ("SE", None));
    server.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amf_references_are_not_expanded() {
    let server = TestServer::start(None).await;
    let before = peak_mib();
    let mut client = Client::connect(server.address).await;
    client.message(3, 0, 20, 0, &multiplying_references()).await;
    client.wait_for("NetConnection.Connect.Success").await;
    assert!(peak_mib() < before + 32, "{before} → {} MiB", peak_mib());
    assert_serves(server, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn announced_lengths_before_a_publish_use_no_memory() {
    let server = TestServer::start(None).await;
    let before = peak_mib();
    for kind in [9, 20, 18, 22, 77] {
        let mut client = Client::connect(server.address).await;
        for chunk_stream in 2..64 {
            let header = [chunk_stream, 0, 0, 0, 0xff, 0xff, 0xff, kind, 1, 0, 0, 0];
            if !client.try_send(&[&header[..], &[0; 128]].concat()).await {
                break;
            }
        }
        client.closed().await;
    }
    assert!(peak_mib() < before + 32, "{before} → {} MiB", peak_mib());
    assert_serves(server, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_messages_of_a_publisher_are_limited() {
    let server = TestServer::start(None).await;
    let mut client = Client::publishing(server.address, "room_7").await;
    client.play(1, &tags()[..4]).await;
    let before = peak_mib();
    client.set_chunk_size(1 << 20).await;
    let mut is_open = true;
    for chunk_stream in 2..64 {
        let header = [chunk_stream, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0];
        is_open = is_open && client.try_send(&[&header[..], &vec![0; 1 << 20]].concat()).await;
    }
    client.closed().await;
    let events = server.until_ended("1").await;
    let reason = failure(&events).expect("a reason");
    assert!(reason.ends_with("bytes of unfinished messages"), "{reason}");
    assert!(peak_mib() < before + 96, "{before} → {} MiB", peak_mib());
    assert_serves(server, "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_lock_out_publishers() {
    let server = TestServer::start(None).await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(Client::connect(server.address).await);
    }
    assert_serves(server, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_publish_are_closed_whatever_they_send() {
    let server = TestServer::start_with(None, |config| config.publish_within = Duration::from_secs(1)).await;
    let silent = TcpStream::connect(server.address).await.expect("connected");
    let slow = TcpStream::connect(server.address).await.expect("connected");
    let mut chatty = Client::connect(server.address).await;
    chatty.connect_app("live", "rtmp://push.example.com/live").await;
    let send_pings = async {
        while chatty.try_send(&[2, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 1]).await {
            tokio::task::yield_now().await;
        }
    };
    let send_bytes = async move {
        let (mut reader, mut writer) = slow.into_split();
        let send = async { while writer.write_all(&[3]).await.is_ok() {} };
        let receive = async { while reader.read(&mut [0; 4096]).await.unwrap_or(0) > 0 {} };
        tokio::join!(send, receive);
    };
    let send_nothing = async move {
        let mut silent = silent;
        while silent.read(&mut [0; 64]).await.unwrap_or(0) > 0 {}
    };
    timeout(PATIENCE, async { tokio::join!(send_pings, send_bytes, send_nothing) }).await.expect("all are closed");
    assert_serves(server, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_are_closed_immediately() {
    let server = TestServer::start(None).await;
    for bytes in [&b"GET / HTTP/1.1\r\nHost: console\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01", b"\x06", b"\x00"] {
        let mut socket = TcpStream::connect(server.address).await.expect("connected");
        socket.write_all(bytes).await.expect("sent");
        let answer = async {
            let mut received = Vec::new();
            socket.read_to_end(&mut received).await.ok();
            received
        };
        assert_eq!(timeout(PATIENCE, answer).await.expect("closed"), b"");
    }
    assert_serves(server, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_closed_after_three_refusals() {
    let server = TestServer::start(None).await;
    let mut client = Client::connect(server.address).await;
    client.connect_app("live", "rtmp://push.example.com/live").await;
    for _ in 0..3 {
        client.publish(1, "forbidden").await;
        client.wait_for("this stream is forbidden").await;
    }
    client.closed().await;
    assert_eq!(server.sink.pushes.lock().expect("lock").len(), 3);
    assert_serves(server, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_without_a_publish_is_ignored() {
    let server = TestServer::start(Some(2)).await;
    let mut client = Client::connect(server.address).await;
    client.play(1, tags()).await;
    client.set_chunk_size(4096).await;
    client.connect_app("live", "rtmp://push.example.com/live").await;
    client.publish(1, "room_7").await;
    client.wait_for("NetStream.Publish.Start").await;
    client.play(1, tags()).await;
    client.command(1, &[text("closeStream"), Amf::Number(0.0), Amf::Null]).await;
    // Also after the end.
    client.play(1, tags()).await;
    let events = server.until_ended("1").await;
    assert_eq!(letters(&events), "SOCOCOCE");
    server.shut_down().await;
}

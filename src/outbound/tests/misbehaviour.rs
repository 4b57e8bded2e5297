//! Receivers that break, stall, flood or lie before their status line: each gets its error class, in bounded time and memory. After the
//! status line, problems do not affect the result (see [`super::odd_answers`]).

use std::time::Duration;

use super::receiver::{Answers, OK, Receiver};
use super::{LONG, SHORT, address, assert_failed, assert_taken_with_note, local, post};
use crate::outbound::Exchange;
use crate::outbound::Phase::{Request, Status};

/// Much more than the socket buffers hold.
const MANY: usize = 100 * 1024 * 1024;

/// Posts to a receiver with this response.
pub(super) async fn answered(answers: Answers, timeout: Duration) -> Exchange {
    let receiver = Receiver::start(answers).await;
    post_within(&receiver, timeout).await
}

async fn post_within(receiver: &Receiver, timeout: Duration) -> Exchange {
    let to = address(format!("http://receiver.test:{}/", receiver.port));
    local().post(&to, http::HeaderMap::new(), bytes::Bytes::from_static(b"{}"), timeout).await
}

/// Returns the status and the length of the kept body, or class and code of the failure.
pub(super) fn outcome(exchange: &Exchange) -> String {
    match (&exchange.failure, &exchange.answer) {
        (Some(failure), _) => format!("{} {}", failure.class, failure.code),
        (None, Some(answer)) => format!("{} {}", answer.status.as_u16(), answer.body.len()),
        (None, None) => panic!("neither an answer nor a failure: {exchange:?}"),
    }
}

/// Returns the peak resident memory of this process, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("KiB")
}

#[tokio::test]
async fn whatever_drips_is_cut_by_the_time_limit() {
    let mut drips = tokio::task::JoinSet::new();
    for (bytes, is_taken) in [
        (&b""[..], false),
        (b"HTTP/1.1 20", false),
        (b"HTTP/1.1 200 OK\r\nx-slow: ", true),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\n\r\n", true),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n", true),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", true),
    ] {
        drips.spawn(async move {
            // `0` continues a status, a header, a body or a chunk endlessly; an empty line prolongs the wait for a response.
            let byte = if bytes.is_empty() { b'\n' } else { b'0' };
            let mut receiver = Receiver::start(Answers::Drips(bytes.to_vec(), byte)).await;
            let exchange = post_within(&receiver, SHORT).await;
            if is_taken {
                assert_taken_with_note(&exchange, "it did not end within 1s");
            } else {
                assert_failed(&exchange, "timeout", Status, "timeout_no_answer");
            }
            receiver.written().await;
        });
    }
    drips.join_all().await;
}

#[tokio::test]
async fn of_an_endless_body_16_kib_are_read_and_the_connection_is_dropped() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6400000\r\n",
        "HTTP/1.1 500 Oops\r\ncontent-length: 104857600\r\n\r\n",
    ] {
        let (before, block) = (peak_memory(), vec![b'x'; 64 * 1024]);
        let mut receiver = Receiver::start(Answers::Floods(head.into(), block, MANY / (64 * 1024))).await;
        let exchange = post_within(&receiver, LONG).await;
        let expected = if head.contains("500") { "http_status http_status" } else { "200 16384" };
        assert_eq!(outcome(&exchange), expected, "{head}");
        let answer = exchange.answer.expect("an answer");
        assert_eq!((answer.body.len(), answer.truncated), (16 * 1024, true), "{head}");
        let written = receiver.written().await;
        assert!(written < MANY / 2, "{written} bytes of {head} were taken");
        assert!(peak_memory().saturating_sub(before) < 32 * 1024, "{head}");
    }
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_came() {
    // A gzip file of 1 MiB of zeros, fifteen times; concatenated they are one file.
    let mut zeros = vec![
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2,
        0xa0, 0xf5, 0x4f, 0x6d, 0x08, 0x5f, 0xa0,
    ];
    zeros.resize(1_041, 0);
    zeros.extend([0x3e, 0x03, 0x1c, 0xea, 0x38, 0xa7, 0x00, 0x00, 0x10, 0x00]);
    let bomb = zeros.repeat(15);
    for coding in ["content-encoding: gzip", "transfer-encoding: gzip"] {
        let head = format!("HTTP/1.1 200 OK\r\n{coding}\r\nconnection: close\r\n\r\n");
        let answer = [head.as_bytes(), &bomb].concat();
        let exchange = answered(Answers::ThenCloses(answer), LONG).await;
        assert!(exchange.succeeded(), "{exchange:?}");
        assert!(exchange.answer.expect("an answer").body == bomb, "{coding}");
    }
}

#[tokio::test]
async fn an_endless_flood_of_interim_answers_ends_with_the_time() {
    for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"] {
        let flood = interim.repeat(1_000).into_bytes();
        let exchange = answered(Answers::Floods(Vec::new(), flood, usize::MAX), SHORT).await;
        assert_failed(&exchange, "timeout", Status, "timeout_no_answer");
    }
}

#[tokio::test]
async fn a_flood_of_interim_answers_takes_no_memory_and_the_answer_behind_it_counts() {
    let interim = format!("HTTP/1.1 103 Early Hints\r\nlink: {:a<8000}\r\n\r\n", "");
    let (before, times) = (peak_memory(), 48 * 1024 * 1024 / interim.len());
    let receiver = Receiver::start(Answers::Floods(Vec::new(), interim.into(), times)).await;
    let exchange = post_within(&receiver, LONG).await;
    assert_failed(&exchange, "protocol", Status, "closed_without_answer");
    assert!(peak_memory().saturating_sub(before) < 24 * 1024);

    let late = [&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(3)[..], OK].concat();
    assert_eq!(outcome(&answered(Answers::With(late), LONG).await), "200 2");
}

#[tokio::test]
async fn no_redirect_leads_to_the_metadata_of_a_cloud() {
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        let head = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://169.254.169.254/latest/meta-data/?token=x\r\n\
             refresh: 0;url=http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
        );
        let receiver = Receiver::start(Answers::With(head.into())).await;
        let exchange = post_within(&receiver, LONG).await;
        assert_failed(&exchange, "http_status", Status, "http_redirect");
        assert_eq!(exchange.peer.expect("a peer").port(), receiver.port);
        assert_eq!((receiver.connections(), receiver.requests().len()), (1, 1));
        let detail = exchange.failure.expect("a failure").detail;
        assert!(detail.contains("169.254.169.254") && !detail.contains("token"), "{detail}");
    }
}

/// Responses without a valid status line, or without a 2xx status. Each ends with the connection.
#[tokio::test]
async fn without_a_good_status_line_a_request_failed() {
    let long = "a".repeat(140_000);
    let mut wrong = Vec::new();
    let (malformed, mute, refused) =
        ("protocol http_malformed", "protocol closed_without_answer", "http_status http_status");
    for (answer, expected) in [
        // Ends before the end of the status line.
        ("", mute),
        ("H", mute),
        ("HTTP/1.1 200", mute),
        ("HTTP/1.1 200 OK", mute),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", mute),
        ("HTTP/1.1 103 Early Hints\r\nlink: </a>", mute),
        // Not HTTP/1.
        ("ok", malformed),
        ("<html>HTTP/0.9 has no head</html>", malformed),
        ("ICY 200 OK\r\n\r\n", malformed),
        ("SSH-2.0-OpenSSH_9.2\r\n", malformed),
        ("220 mail.example.com ESMTP\r\n", malformed),
        ("\x15\x03\x01\0\x02\x02\x50", malformed),
        ("\0\0\x12\x04\0\0\0\0\0\0\0\x03\0\0\0d\0\x04\0\0", malformed),
        ("HTTP/0.9 200 OK\r\n\r\n", malformed),
        ("HTTP/11 200 OK\r\n\r\n", malformed),
        ("HTTP/1.1\r\n\r\n", malformed),
        ("HTTP/1.1\t200 OK\r\n\r\n", malformed),
        ("HTTP/1.1 abc OK\r\n\r\n", malformed),
        ("HTTP/1.1 20 OK\r\n\r\n", malformed),
        ("HTTP/1.1 2000 OK\r\n\r\n", malformed),
        ("HTTP/1.1 000 OK\r\n\r\n", malformed),
        ("HTTP/1.1 -200 OK\r\n\r\n", malformed),
        // Too much.
        (&format!("HTTP/1.1 200 {long}\r\n\r\n"), "too_large headers_too_large"),
        (&format!("HTTP/1.1 103 Early Hints\r\nx-long: {long}\r\n\r\n"), "too_large headers_too_large"),
        // Not 2xx, regardless of the rest.
        ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", refused),
        ("HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 418 Teapot\r\n\r\n", refused),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\nok", refused),
        ("HTTP/1.1 500 Oops\r\ncontent-length: two\r\n\r\nok", refused),
        ("HTTP/1.1 500 Oops\r\nno colon", refused),
        (&format!("HTTP/1.1 500 Oops\r\nx-long: {long}\r\n\r\n"), refused),
        ("HTTP/1.1 999 Odd\r\n\r\n", refused),
        ("HTTP/1.1 600 Odd\r\n\r\n", refused),
    ] {
        let got = outcome(&answered(Answers::ThenCloses(answer.into()), LONG).await);
        if got != expected {
            wrong.push(format!("{:?}: {got}, not {expected}", answer.chars().take(100).collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_receiver_that_hangs_up_unread_is_a_protocol_failure() {
    let exchange = answered(Answers::HangsUp, LONG).await;
    let failure = exchange.failure.expect("a failure");
    assert_eq!(failure.class.as_str(), "protocol", "{failure:?}");
    assert!(matches!(failure.phase, Request | Status), "{failure:?}");
}

#[tokio::test]
async fn a_length_that_promises_too_much_takes_no_memory() {
    let before = peak_memory();
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\nhalf".to_vec();
    let exchange = answered(Answers::ThenHangs(head), SHORT).await;
    assert_taken_with_note(&exchange, "it did not end within 1s");
    assert_eq!(exchange.answer.expect("an answer").body, b"half");
    assert!(peak_memory().saturating_sub(before) < 16 * 1024);
}

/// Bytes after a response are not taken for the response to the next request.
#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_never_taken() {
    let forged = b"HTTP/1.1 200 OK\r\nx-forged: 1\r\ncontent-length: 0\r\n\r\n";
    let busy = b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy";
    let receiver = Receiver::start(Answers::With([&busy[..], forged].concat())).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    for connections in 1..=3 {
        let exchange = post(&client, &to).await;
        assert_failed(&exchange, "http_status", Status, "http_status");
        assert_eq!(exchange.answer.expect("an answer").body, b"busy");
        assert_eq!(receiver.connections(), connections);
    }
}

/// After 101 the bytes are not HTTP.
#[tokio::test]
async fn a_connection_that_changes_its_protocol_is_dropped() {
    let upgrade = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    let receiver = Receiver::start(Answers::With([&upgrade[..], OK].concat())).await;
    let (client, to) = (local(), address(format!("http://receiver.test:{}/", receiver.port)));
    for connections in 1..=2 {
        assert_failed(&post(&client, &to).await, "http_status", Status, "http_status");
        assert_eq!(receiver.connections(), connections);
    }
}

//! Receivers that break, stall, flood or lie: each ends in its class, in bounded time and memory.

use std::time::Duration;

use super::receiver::{Answers, OK, Receiver};
use super::{LONG, SHORT, address, assert_failed, local, post};
use crate::outbound::Exchange;
use crate::outbound::Phase::{Body, Request, Status};

/// Far more than what the sockets and buffers between two ends hold.
const MANY: usize = 100 * 1024 * 1024;

/// Posts to a receiver that answers so.
async fn answered(answers: Answers, timeout: Duration) -> Exchange {
    let receiver = Receiver::start(answers).await;
    post_within(&receiver, timeout).await
}

async fn post_within(receiver: &Receiver, timeout: Duration) -> Exchange {
    let to = address(format!("http://receiver.test:{}/", receiver.port));
    local().post(&to, http::HeaderMap::new(), bytes::Bytes::from_static(b"{}"), timeout).await
}

/// What came of an exchange: the status that succeeded, or the code of the failure and its class.
fn outcome(exchange: &Exchange) -> String {
    match (&exchange.failure, &exchange.answer) {
        (Some(failure), _) => format!("{} {}", failure.class, failure.code),
        (None, Some(answer)) => format!("{} {}", answer.status.as_u16(), answer.body.len()),
        (None, None) => panic!("neither an answer nor a failure: {exchange:?}"),
    }
}

/// The highest resident memory of this process so far, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("KiB")
}

#[tokio::test]
async fn whatever_drips_is_cut_by_the_time_limit() {
    let mut drips = tokio::task::JoinSet::new();
    for (bytes, phase, code) in [
        (&b""[..], Status, "timeout_no_answer"),
        (b"HTTP/1.1 20", Status, "timeout_no_answer"),
        (b"HTTP/1.1 200 OK\r\nx-slow: ", Status, "timeout_no_answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", Body, "timeout_in_body"),
        (b"HTTP/1.1 200 OK\r\n\r\n", Body, "timeout_in_body"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n", Body, "timeout_in_body"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", Body, "timeout_in_body"),
    ] {
        drips.spawn(async move {
            // `0` carries a status, a header, a body or a chunk on for ever, an empty line the wait for an answer.
            let byte = if bytes.is_empty() { b'\n' } else { b'0' };
            let mut receiver = Receiver::start(Answers::Drips(bytes.to_vec(), byte)).await;
            let exchange = post_within(&receiver, SHORT).await;
            assert_failed(&exchange, "timeout", phase, code);
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

/// Answers that end with the connection, and what each comes to.
#[tokio::test]
async fn broken_answers_are_protocol_failures() {
    let many = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\nok", "x-a: b\r\n".repeat(count));
    let long = "a".repeat(140_000);
    let long_extension = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;{long}\r\nok\r\n0\r\n\r\n");
    let long_trailer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-a: {long}\r\n\r\n");
    let sized = |length: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nok");
    let chunked = |chunks: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    let mut wrong = Vec::new();
    let (malformed, mute, broken_off) =
        ("protocol http_malformed", "protocol closed_without_answer", "protocol closed_in_body");
    for (answer, expected) in [
        // Ends within the head.
        (String::new(), mute),
        ("H".into(), mute),
        ("HTTP/1.1 200".into(), mute),
        ("HTTP/1.1 200 OK\r\ncontent-le".into(), mute),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n".into(), mute),
        ("HTTP/1.1 103 Early Hints\r\n\r\n".into(), mute),
        // Ends within the body.
        ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok".into(), broken_off),
        (sized("18446744073709551000"), broken_off),
        (chunked(""), broken_off),
        (chunked("2\r\no"), broken_off),
        (chunked("2\r\nok\r\n"), broken_off),
        (chunked("2\r\nok\r\n0\r\n"), broken_off),
        // Not HTTP/1.
        ("ok".into(), malformed),
        ("<html>HTTP/0.9 has no head</html>".into(), malformed),
        ("ICY 200 OK\r\n\r\n".into(), malformed),
        ("SSH-2.0-OpenSSH_9.2\r\n".into(), malformed),
        ("220 mail.example.com ESMTP\r\n".into(), malformed),
        ("\x15\x03\x01\0\x02\x02\x50".into(), malformed),
        ("\0\0\x12\x04\0\0\0\0\0\0\0\x03\0\0\0d\0\x04\0\0".into(), malformed),
        ("HTTP/2 200\r\n\r\n".into(), malformed),
        ("HTTP/2.0 200 OK\r\n\r\n".into(), malformed),
        ("HTTP/0.9 200 OK\r\n\r\n".into(), malformed),
        ("http/1.1 200 OK\r\n\r\n".into(), malformed),
        ("HTTP/1.1 abc OK\r\n\r\n".into(), malformed),
        ("HTTP/1.1 20 OK\r\n\r\n".into(), malformed),
        ("HTTP/1.1 2000 OK\r\n\r\n".into(), malformed),
        ("HTTP/1.1 000 OK\r\n\r\n".into(), malformed),
        ("HTTP/1.1 -200 OK\r\n\r\n".into(), malformed),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n".into(), malformed),
        ("HTTP/1.1 200 OK\r\n: no name\r\n\r\n".into(), malformed),
        ("HTTP/1.1 200 OK\r\nx-nul: a\0b\r\n\r\n".into(), malformed),
        ("HTTP/1.1 200 OK\r\nx a: b\r\n\r\n".into(), malformed),
        // Lies about its length.
        (sized("-1"), malformed),
        (sized("+2"), malformed),
        (sized("two"), malformed),
        (sized("2.0"), malformed),
        (sized("0x2"), malformed),
        (sized("2, 3"), malformed),
        (sized("2\r\ncontent-length: 3"), malformed),
        (sized("18446744073709551616"), malformed),
        (sized("99999999999999999999999"), malformed),
        ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".into(), malformed),
        // Chunks that are none.
        (chunked("zz\r\n"), malformed),
        (chunked("-1\r\n"), malformed),
        (chunked("0x2\r\nok\r\n0\r\n\r\n"), malformed),
        (chunked("\r\nok"), malformed),
        (chunked("2\r\nokay\r\n0\r\n\r\n"), malformed),
        (chunked("FFFFFFFFFFFFFFFFF\r\nok"), malformed),
        (chunked("2\r\nok\r\n0\r\nno colon\r\n\r\n"), malformed),
        (long_extension, malformed),
        (long_trailer, malformed),
        // Too much.
        (sized("18446744073709551615"), "too_large headers_too_large"),
        (many(101), "too_large headers_too_large"),
        (format!("HTTP/1.1 200 OK\r\nx-long: {long}\r\n\r\n"), "too_large headers_too_large"),
        (format!("HTTP/1.1 200 {long}\r\n\r\n"), "too_large headers_too_large"),
        (format!("HTTP/1.1 103 Early Hints\r\nx-long: {long}\r\n\r\n"), "too_large headers_too_large"),
        // Odd, and an answer all the same.
        (many(100), "200 2"),
        ("HTTP/1.0 200 OK\r\n\r\nok".into(), "200 2"),
        ("HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok".into(), "200 2"),
        ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nbody".into(), "204 0"),
        ("HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n".into(), "299 0"),
        (sized("2, 2"), "200 2"),
        (sized("2\r\ntransfer-encoding: gzip"), "200 2"),
        (chunked("2\r\nok\r\n0\r\nx-trailer: a\r\n\r\n"), "200 2"),
        (chunked("2;a=b\r\nok\r\n0\r\n\r\n"), "200 2"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".into(),
            "http_status http_status",
        ),
        ("HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 418 Teapot\r\n\r\n".into(), "http_status http_status"),
        ("HTTP/1.1 999 Odd\r\n\r\n".into(), "http_status http_status"),
        ("HTTP/1.1 600 Odd\r\n\r\n".into(), "http_status http_status"),
    ] {
        let start: String = answer.chars().take(100).collect();
        let got = outcome(&answered(Answers::ThenCloses(answer.into_bytes()), LONG).await);
        if got != expected {
            wrong.push(format!("{start:?}: {got}, not {expected}"));
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
    assert_failed(&exchange, "timeout", Body, "timeout_in_body");
    assert_eq!(exchange.answer.expect("an answer").body, b"half");
    assert!(peak_memory().saturating_sub(before) < 16 * 1024);
}

/// What stands behind an answer is not taken for the answer to the next request.
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

/// After 101 the bytes are no HTTP any more.
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

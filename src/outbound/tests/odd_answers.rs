//! Odd responses of real receivers. A 2xx status line means that the event was accepted, so each is delivered, regardless of problems after
//! that line. curl 7.88 or Python's http.client reads the status of all of them, too.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use super::misbehaviour::{answered, outcome};
use super::receiver::{Answers, OK, Receiver};
use super::{LONG, address, assert_taken_with_note, local, post};
use crate::outbound::Phase::Body;
use crate::outbound::{Exchange, Outbound};

/// Expected result of a response.
enum Read {
    /// The body; the connection is kept.
    Kept(&'static str),
    /// The whole body; the connection must not be reused.
    Whole(&'static str),
    /// A part of the body, and why it is incomplete.
    Cut(&'static str, &'static str),
}
use Read::{Cut, Kept, Whole};

const EARLY_END: &str = "the connection was closed before the end of the response";
const LENGTH: &str = "invalid content-length";
const CHUNKS: &str = "invalid chunked encoding";
const TOO_LARGE: &str = "exceed 64 KiB";

#[tokio::test]
async fn a_good_status_line_decides() {
    let with = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\ncontent-length: 2\r\n\r\nok");
    let lines = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\nok");
    let status = |line: &str| format!("{line}\r\ncontent-length: 2\r\n\r\nok");
    let sized = |length: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nok");
    let chunked = |chunks: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    let long = "a".repeat(70_000);
    let client = local();
    let mut wrong = Vec::new();
    for (name, answer, expected) in [
        ("plain", sized("2"), Kept("ok")),
        // RFC 9112 §5.2: a client replaces each fold by spaces.
        ("folded line", with("x-trace: first part;\r\n second part"), Whole("ok")),
        ("folded by a tab, twice", with("x-trace: 1\r\n\t2\r\n   3"), Whole("ok")),
        ("fold without a line before it", with(" x-trace: 1"), Whole("ok")),
        ("fold of an empty line", with("x-trace:\r\n \r\n 2"), Whole("ok")),
        ("folded length", lines("content-length:\r\n 2"), Whole("ok")),
        // Forbidden by RFC 9112 §5.1; nginx with PHP sends it.
        ("blank before the colon", with("Access-Control-Allow-Credentials : true"), Whole("ok")),
        ("tab before the colon", with("x-trace\t: 1"), Whole("ok")),
        ("blank before the colon of the length", lines("Content-Length : 2"), Whole("ok")),
        ("line without a colon", with("no colon"), Whole("ok")),
        ("line without a name", with(": no name"), Whole("ok")),
        ("blank in a name", with("x trace: 1"), Whole("ok")),
        ("brackets in a name", with("x(trace): 1"), Whole("ok")),
        ("name that is not ASCII", with("名: 1"), Whole("ok")),
        ("value in UTF-8", with("x-name: 名"), Kept("ok")),
        ("NUL in a value", with("x-trace: a\0b"), Whole("ok")),
        ("control character in a value", with("x-trace: a\u{1}b"), Whole("ok")),
        ("bare CR in a value", with("x-trace: a\rb"), Whole("ok")),
        ("empty value", with("x-trace:"), Kept("ok")),
        ("200 headers", with(&["x-a: b"; 200].join("\r\n")), Kept("ok")),
        ("head of 70 KB", with(&format!("x-long: {long}")), Cut("", TOO_LARGE)),
        // RFC 9112 §2.2 allows a recipient to accept a bare LF.
        ("bare LF", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok".into(), Whole("ok")),
        ("bare LF here and there", "HTTP/1.1 200 OK\r\ncontent-length: 2\n\r\nok".into(), Whole("ok")),
        ("empty line first", status("\r\nHTTP/1.1 200 OK"), Whole("ok")),
        ("no reason", status("HTTP/1.1 200"), Kept("ok")),
        ("empty reason", status("HTTP/1.1 200 "), Kept("ok")),
        ("reason in UTF-8", status("HTTP/1.1 200 成功"), Kept("ok")),
        ("reason without a blank", status("HTTP/1.1 200OK"), Whole("ok")),
        ("two blanks", status("HTTP/1.1  200 OK"), Whole("ok")),
        ("small letters", status("http/1.1 200 OK"), Whole("ok")),
        ("HTTP/1.2", status("HTTP/1.2 200 OK"), Whole("ok")),
        ("HTTP/2 by name only", status("HTTP/2 200"), Whole("ok")),
        ("HTTP/1.0", status("HTTP/1.0 200 OK"), Whole("ok")),
        ("HTTP/1.0 without a length", "HTTP/1.0 200 OK\r\n\r\nok".into(), Whole("ok")),
        ("HTTP/1.1 without a length", "HTTP/1.1 200 OK\r\n\r\nok".into(), Whole("ok")),
        ("connection: close", with("connection: x, Close"), Whole("ok")),
        (
            "interim answers",
            format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\nlink: a\n b\n\n{}", sized("2")),
            Whole("ok"),
        ),
        ("100 Continue", format!("HTTP/1.1 100 Continue\r\n\r\n{}", sized("2")), Kept("ok")),
        ("other success", "HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n".into(), Kept("")),
        // Lengths.
        ("length twice", lines("content-length: 2\r\ncontent-length: 2"), Kept("ok")),
        ("length twice in a line", sized("2, 2"), Kept("ok")),
        ("two lengths", lines("content-length: 2\r\ncontent-length: 3"), Cut("", LENGTH)),
        ("length in words", sized("two"), Cut("", LENGTH)),
        ("length below zero", sized("-2"), Cut("", LENGTH)),
        ("length with a sign", sized("+2"), Cut("", LENGTH)),
        ("empty length", sized(""), Cut("", LENGTH)),
        ("length beyond all bounds", sized("18446744073709551616"), Cut("", LENGTH)),
        ("length that is never reached", sized("18446744073709551615"), Cut("ok", EARLY_END)),
        ("short body", sized("40"), Cut("ok", EARLY_END)),
        ("more than promised", sized("1"), Whole("o")),
        ("204", "HTTP/1.1 204 No Content\r\n\r\n".into(), Kept("")),
        ("204 with a length", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n".into(), Whole("")),
        ("204 with a body", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nbody!".into(), Whole("")),
        // Codings.
        ("chunks", chunked("2\r\nok\r\n0\r\n\r\n"), Kept("ok")),
        ("chunk with an extension", chunked("2;a=b\r\nok\r\n0\r\nx-trailer: a\r\n\r\n"), Kept("ok")),
        ("chunk size with blanks", chunked("2  \r\nok\r\n0\r\n\r\n"), Kept("ok")),
        ("chunks with bare LF", chunked("2\nok\n0\n\n"), Whole("ok")),
        (
            "chunks and a length",
            lines("content-length: 9\r\ntransfer-encoding: chunked").replace("ok", "0\r\n\r\n"),
            Whole(""),
        ),
        ("chunks of HTTP/1.0", chunked("2\r\nok\r\n0\r\n\r\n").replace("1.1", "1.0"), Whole("ok")),
        ("unknown coding", lines("transfer-encoding: zip"), Whole("ok")),
        ("coding that is none", with("transfer-encoding: identity"), Whole("ok")),
        ("no chunk", chunked(""), Cut("", EARLY_END)),
        ("chunk cut off", chunked("4\r\nok"), Cut("ok", EARLY_END)),
        ("last chunk missing", chunked("2\r\nok\r\n"), Cut("ok", EARLY_END)),
        ("end of the last chunk missing", chunked("2\r\nok\r\n0\r\n"), Cut("ok", EARLY_END)),
        ("chunk without a size", chunked("\r\nok"), Cut("", CHUNKS)),
        ("chunk size that is none", chunked("zz\r\nok\r\n"), Cut("", CHUNKS)),
        ("chunk size below zero", chunked("-2\r\nok\r\n"), Cut("", CHUNKS)),
        ("chunk size with a prefix", chunked("0x2\r\nok\r\n"), Cut("", CHUNKS)),
        ("chunk size beyond all bounds", chunked("FFFFFFFFFFFFFFFFF\r\nok"), Cut("", CHUNKS)),
        ("chunk longer than its size", chunked("2\r\nokay\r\n0\r\n\r\n"), Cut("ok", CHUNKS)),
        ("chunk extension of 70 KB", chunked(&format!("2;{long}\r\nok\r\n0\r\n\r\n")), Cut("", TOO_LARGE)),
        ("trailer of 70 KB", chunked(&format!("0\r\nx-a: {long}\r\n\r\n")), Cut("", TOO_LARGE)),
        // Ends within the head.
        ("end within a header", "HTTP/1.1 200 OK\r\ncontent-le".into(), Cut("", EARLY_END)),
        ("end between headers", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n".into(), Cut("", EARLY_END)),
        ("end behind the status line", "HTTP/1.1 200 OK\r\n".into(), Cut("", EARLY_END)),
    ] {
        let receiver = Receiver::start(Answers::ThenCloses(answer.into_bytes())).await;
        let exchange = post(&client, &address(format!("http://receiver.test:{}/", receiver.port))).await;
        let is_kept = client.pool.sweep(Instant::now());
        client.pool.sweep(Instant::now() + Duration::from_secs(60));
        let (text, keeps) = match &expected {
            Kept(text) => (text, true),
            Whole(text) | Cut(text, _) => (text, false),
        };
        let body = exchange.answer.as_ref().map(|answer| answer.body.as_slice()).unwrap_or_default();
        let note = exchange.phases.last().filter(|phase| phase.phase == Body && !phase.ok);
        let notes_well = match (&expected, note) {
            (Cut(_, why), Some(note)) => note.detail.contains(why),
            (Kept(_) | Whole(_), None) => true,
            _ => false,
        };
        if !exchange.succeeded() || body != text.as_bytes() || is_kept != keeps || !notes_well {
            wrong.push(format!("{name}: kept {is_kept}, {} {exchange:?}", outcome(&exchange)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_folded_header_is_one_value() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nX-Trace: first part;\r\n  second \r\n\tthird\r\n\r\n";
    let exchange = answered(Answers::ThenCloses(answer.into()), LONG).await;
    assert_eq!(exchange.answer.expect("an answer").headers["x-trace"], "first part; second third");
}

#[tokio::test]
async fn headers_around_a_bad_line_are_read() {
    let head = "HTTP/1.1 503 Busy\r\nbad line\r\n folded\r\nb\u{e4}d: x\r\nRetry-After : 7\r\n\r\n";
    let exchange = answered(Answers::ThenCloses(head.into()), LONG).await;
    let answer = exchange.answer.expect("an answer");
    assert_eq!((answer.headers["retry-after"].as_bytes(), answer.headers.len()), (&b"7"[..], 1));
}

/// A connection that is reset after the status line. The reader does not distinguish TLS.
#[tokio::test]
async fn a_reset_behind_the_status_line_is_a_note() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = address(format!("http://receiver.test:{}/", listener.local_addr().expect("an address").port()));
    let resets = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut byte = [0];
        socket.read_exact(&mut byte).await.expect("a request");
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await.expect("written");
        // The rest of the request is unread, so the kernel resets the connection.
        drop(socket);
    });
    let exchange = post(&local(), &to).await;
    resets.await.expect("reset");
    // Linux delivers the bytes before the reset.
    assert_taken_with_note(&exchange, "the connection broke");
}

#[tokio::test]
async fn a_test_of_an_address_reads_answers_the_same_way() {
    let receiver = Receiver::start(Answers::ThenCloses(OK.repeat(2).split_at(OK.len() - 1).0.to_vec())).await;
    let to = address(format!("http://receiver.test:{}/", receiver.port));
    let exchange = local().probe(&to, http::HeaderMap::new(), "{}".into(), LONG).await;
    assert_taken_with_note(&exchange, EARLY_END);
}

/// A header line, or something like one.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        "[a-zA-Z-]{1,12}[ \t]{0,2}:[ -~]{0,40}",
        "[ \t]{1,3}[ -~]{0,20}",
        "[ -~]{1,30}",
        "\\PC{1,10}:?\\PC{0,10}",
        "(content-length|Content-Length|transfer-encoding|connection)[ ]?:[ ]?(0|2|40|-1|two|2, 2|chunked|identity|gzip|close|keep-alive)",
    ];
    prop_oneof![9 => text.prop_map(String::into_bytes), 1 => vec(any::<u8>(), 1..40)]
}

/// Any bytes after a valid status line.
fn behind() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![4 => Just(&b"\r\n"[..]), 1 => Just(&b"\n"[..])];
    let head = vec((line(), end), 0..8).prop_map(|lines| {
        let lines = lines.into_iter().flat_map(|(line, end)| [line, end.to_vec()]);
        lines.flatten().collect::<Vec<u8>>()
    });
    let body = prop_oneof![
        Just(b"ok".to_vec()),
        "([0-9a-fA-F]{0,3}[;a-z]{0,4}\r?\n[ -~]{0,20}\r?\n){0,4}(0\r\n\r\n)?".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..200),
        (15_000..20_000_usize).prop_map(|length| vec![b'x'; length]),
    ];
    (head, prop_oneof![3 => Just(&b"\r\n"[..]), 1 => Just(&b""[..])], body, any::<prop::sample::Index>(), any::<bool>())
        .prop_map(|(head, end, body, at, cut)| {
            let mut all = [&head[..], end, &body].concat();
            if cut {
                all.truncate(at.index(all.len() + 1));
            }
            all
        })
}

fn is_bounded(exchange: &Exchange) -> bool {
    exchange.answer.as_ref().is_some_and(|answer| {
        let headers: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        answer.body.len() <= 16 * 1024 && headers <= 64 * 1024
    })
}

/// Shared by all cases, because creating a client reads the machine's certificate authorities.
static CLIENT: LazyLock<(Runtime, Outbound)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    (runtime, local())
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_follows_a_good_status_line_is_delivered_and_bounded(
        line in "HTTP/1\\.[01] 2[0-9]{2}( [ -~]{0,20})?\r?\n",
        behind in behind(),
    ) {
        let (runtime, client) = &*CLIENT;
        let exchange = runtime.block_on(async {
            let receiver = Receiver::start(Answers::ThenCloses([line.as_bytes(), &behind].concat())).await;
            post(client, &address(format!("http://receiver.test:{}/", receiver.port))).await
        });
        prop_assert!(exchange.succeeded() && is_bounded(&exchange), "{:?}", exchange);
    }
}

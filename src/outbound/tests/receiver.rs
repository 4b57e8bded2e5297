//! Receivers: plain sockets that answer with given bytes, or misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What a receiver does with a request.
#[derive(Clone)]
pub(super) enum Answers {
    /// Writes these bytes and reads the next request.
    With(Vec<u8>),
    /// Writes these bytes and closes.
    ThenCloses(Vec<u8>),
    /// Writes these bytes and nothing more, but stays.
    ThenHangs(Vec<u8>),
    /// Writes these bytes, reads the next request and closes.
    OnceThenCloses(Vec<u8>),
    /// Writes these bytes before any request.
    Greets(Vec<u8>),
    /// Closes before it has read anything.
    HangsUp,
    /// Writes the first bytes at once, then the second over and over, so many times or until the client is gone.
    Floods(Vec<u8>, Vec<u8>, usize),
    /// Writes the bytes at once, then the one byte again and again, slowly, until the client is gone.
    Drips(Vec<u8>, u8),
}

/// How long a dripping receiver waits before each byte: short, so that many come within the limits of the tests.
const DRIP: Duration = Duration::from_millis(10);

/// A listener on the loopback that lives as long as this.
pub(super) struct Receiver {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<std::sync::Mutex<Vec<String>>>,
    written: mpsc::UnboundedReceiver<usize>,
    _task: AbortOnDropHandle<()>,
}

impl Receiver {
    pub(super) async fn start(answers: Answers) -> Self {
        Self::serve(answers, None).await
    }

    pub(super) async fn start_tls(answers: Answers, tls: tokio_rustls::TlsAcceptor) -> Self {
        Self::serve(answers, Some(tls)).await
    }

    async fn serve(answers: Answers, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (counter, log) = (Arc::clone(&connections), Arc::clone(&requests));
        let (wrote, written) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            // Ends with the listener: sockets live as long as their receiver.
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let (answers, tls, log, wrote) = (answers.clone(), tls.clone(), Arc::clone(&log), wrote.clone());
                tasks.spawn(async move {
                    let bytes = match tls {
                        // A client that does not trust us breaks the handshake off.
                        Some(tls) => match tls.accept(socket).await {
                            Ok(stream) => answer(stream, answers, log).await,
                            Err(_) => 0,
                        },
                        None => answer(socket, answers, log).await,
                    };
                    // The test may be over.
                    let _ = wrote.send(bytes);
                });
            }
        });
        Self { port, connections, requests, written, _task: AbortOnDropHandle::new(task) }
    }

    /// How many connections came in.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests, as they came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }

    /// Waits for the end of a connection; how many bytes of the answers went into it.
    pub(super) async fn written(&mut self) -> usize {
        self.written.recv().await.expect("the receiver runs")
    }
}

/// Answers until the connection is over; how many bytes were taken off us.
async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: Answers,
    log: Arc<std::sync::Mutex<Vec<String>>>,
) -> usize {
    let mut written = 0;
    if let Answers::HangsUp = &answers {
        return written;
    }
    if let Answers::Greets(bytes) = &answers {
        // The client may break off at the first of them.
        let _ = stream.write_all(bytes).await;
    }
    let mut seen = Vec::new();
    let mut once = false;
    loop {
        // The body of the tests is `{}`.
        while !seen.ends_with(b"\r\n\r\n{}") {
            match stream.read_buf(&mut seen).await {
                Ok(0) | Err(_) => return written,
                Ok(_) => {}
            }
        }
        let request = String::from_utf8(std::mem::take(&mut seen)).expect("text");
        log.lock().expect("requests").push(request);
        if once {
            return written;
        }
        let bytes = match &answers {
            Answers::With(bytes)
            | Answers::ThenCloses(bytes)
            | Answers::ThenHangs(bytes)
            | Answers::OnceThenCloses(bytes)
            | Answers::Greets(bytes)
            | Answers::Floods(bytes, ..)
            | Answers::Drips(bytes, _) => bytes.as_slice(),
            Answers::HangsUp => &[],
        };
        // The client may go away before it has all.
        if stream.write_all(bytes).await.is_err() {
            return written;
        }
        written += bytes.len();
        match &answers {
            Answers::With(_) | Answers::Greets(_) => {}
            Answers::ThenCloses(_) | Answers::HangsUp => return written,
            Answers::OnceThenCloses(_) => once = true,
            Answers::ThenHangs(_) => std::future::pending().await,
            Answers::Floods(_, again, times) => {
                for _ in 0..*times {
                    if stream.write_all(again).await.is_err() {
                        return written;
                    }
                    written += again.len();
                }
                return written;
            }
            Answers::Drips(_, byte) => {
                let mut drip = tokio::time::interval(DRIP);
                loop {
                    drip.tick().await;
                    if stream.write_all(&[*byte]).await.is_err() {
                        return written;
                    }
                    written += 1;
                }
            }
        }
    }
}

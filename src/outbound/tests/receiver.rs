//! Receivers: plain sockets that send given bytes or misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Behaviour of a receiver.
#[derive(Clone)]
pub(super) enum Answers {
    /// Writes these bytes and reads the next request.
    With(Vec<u8>),
    /// Writes these bytes and closes.
    ThenCloses(Vec<u8>),
    /// Writes these bytes and keeps the connection open.
    ThenHangs(Vec<u8>),
    /// Writes these bytes, reads the next request and closes.
    OnceThenCloses(Vec<u8>),
    /// Writes these bytes before any request.
    Greets(Vec<u8>),
    /// Closes before it has read anything.
    HangsUp,
    /// Writes the first bytes, then repeats the second ones up to this number of times or until the client disconnects.
    Floods(Vec<u8>, Vec<u8>, usize),
    /// Writes the bytes, then slowly repeats the byte until the client disconnects.
    Drips(Vec<u8>, u8),
}

/// Delay before each byte of a slow receiver. Short, so that many bytes arrive within the tests' time limits.
const DRIP: Duration = Duration::from_millis(10);

/// A receiver on the loopback network. Dropping it closes its listener.
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
            // Aborted when the receiver is dropped.
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let (answers, tls, log, wrote) = (answers.clone(), tls.clone(), Arc::clone(&log), wrote.clone());
                tasks.spawn(async move {
                    let bytes = match tls {
                        // A client that does not trust the certificate aborts the handshake.
                        Some(tls) => match tls.accept(socket).await {
                            Ok(stream) => answer(stream, answers, log).await,
                            Err(_) => 0,
                        },
                        None => answer(socket, answers, log).await,
                    };
                    // The test may have ended.
                    let _ = wrote.send(bytes);
                });
            }
        });
        Self { port, connections, requests, written, _task: AbortOnDropHandle::new(task) }
    }

    /// Returns the number of accepted connections.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns the received requests.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }

    /// Waits for the end of a connection. Returns the number of sent bytes.
    pub(super) async fn written(&mut self) -> usize {
        self.written.recv().await.expect("the receiver runs")
    }
}

/// Serves a connection until its end. Returns the number of sent bytes.
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
        // The client may disconnect at any byte.
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
        // The client may disconnect before the end.
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

//! Receivers: plain sockets that answer with given bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
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
}

/// A listener on the loopback that lives as long as this.
pub(super) struct Receiver {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<std::sync::Mutex<Vec<String>>>,
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
        let task = tokio::spawn(async move {
            // Ends with the listener: sockets live as long as their receiver.
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let (answers, tls, log) = (answers.clone(), tls.clone(), Arc::clone(&log));
                tasks.spawn(async move {
                    match tls {
                        // A client that does not trust us breaks the handshake off.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(socket).await {
                                answer(stream, answers, log).await;
                            }
                        }
                        None => answer(socket, answers, log).await,
                    }
                });
            }
        });
        Self { port, connections, requests, _task: AbortOnDropHandle::new(task) }
    }

    /// How many connections came in.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests, as they came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: Answers,
    log: Arc<std::sync::Mutex<Vec<String>>>,
) {
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
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let request = String::from_utf8(std::mem::take(&mut seen)).expect("text");
        log.lock().expect("requests").push(request);
        if once {
            return;
        }
        let (Answers::With(bytes)
        | Answers::ThenCloses(bytes)
        | Answers::ThenHangs(bytes)
        | Answers::OnceThenCloses(bytes)
        | Answers::Greets(bytes)) = &answers;
        // The client may go away before it has all.
        if stream.write_all(bytes).await.is_err() {
            return;
        }
        match &answers {
            Answers::With(_) | Answers::Greets(_) => {}
            Answers::ThenCloses(_) => return,
            Answers::OnceThenCloses(_) => once = true,
            Answers::ThenHangs(_) => std::future::pending().await,
        }
    }
}

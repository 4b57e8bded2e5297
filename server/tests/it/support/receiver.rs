//! A customer's server: keeps what it receives and answers as it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::PATIENCE;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    pub(crate) fn event(&self) -> &str {
        self.header("callsheet-event")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// A field of the body; empty if it is not there.
    pub(crate) fn field(&self, name: &str) -> String {
        self.json().get(name).map_or_else(String::new, |value| value.as_str().expect("text").to_owned())
    }

    /// Whether the public library finds a signature with this secret.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        Webhook::new(secret).expect("a secret").verify(&self.body, &self.headers).is_ok()
    }
}

/// What to do with a request.
pub(crate) enum Answer {
    Status(u16),
    /// With one header more.
    With(u16, &'static str, String),
    /// When the test says so.
    Later(oneshot::Receiver<u16>),
    /// Never.
    Hang,
}

type Behaviour = Box<dyn FnMut(&Received) -> Answer + Send>;

struct Inner {
    received: watch::Sender<Vec<Received>>,
    behaviour: Mutex<Behaviour>,
}

/// A receiver on the loopback that lives as long as this. It answers 200 until told otherwise.
pub(crate) struct Receiver {
    address: SocketAddr,
    inner: Arc<Inner>,
    _serving: AbortOnDropHandle<()>,
}

/// A receiver that is down: nobody else gets its port, and connections are refused.
pub(crate) struct DownReceiver {
    socket: TcpSocket,
}

impl DownReceiver {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        Self { socket }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.socket.local_addr().expect("an address"))
    }

    pub(crate) fn come_up(self) -> Receiver {
        Receiver::on(self.socket.listen(128).expect("listening"))
    }
}

impl Receiver {
    pub(crate) fn start() -> Self {
        DownReceiver::new().come_up()
    }

    fn on(listener: TcpListener) -> Self {
        let inner = Arc::new(Inner {
            received: watch::Sender::default(),
            behaviour: Mutex::new(Box::new(|_| Answer::Status(200))),
        });
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(receive).with_state(inner.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("serving") });
        Self { address, inner, _serving: AbortOnDropHandle::new(serving) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers like this from now on.
    pub(crate) fn answer(&self, behaviour: impl FnMut(&Received) -> Answer + Send + 'static) {
        *self.inner.behaviour.lock().expect("lock") = Box::new(behaviour);
    }

    /// All that came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.borrow().clone()
    }

    /// Waits until what came fits, and returns all of it.
    pub(crate) async fn until(&self, fits: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        self.until_within(PATIENCE, fits).await
    }

    /// The same with a patience of one's own.
    pub(crate) async fn until_within(&self, patience: Duration, fits: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let mut received = self.inner.received.subscribe();
        let wait = received.wait_for(|received| fits(received));
        match timeout(patience, wait).await {
            Ok(received) => received.expect("the receiver lives").clone(),
            Err(_) => panic!("still waiting; received so far: {:#?}", lines(&self.received())),
        }
    }

    /// Waits for so many requests.
    pub(crate) async fn count(&self, number: usize) -> Vec<Received> {
        self.until(|received| received.len() >= number).await
    }
}

async fn receive(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let received = Received { path: uri.path().to_owned(), headers, body };
    let answer = (inner.behaviour.lock().expect("lock"))(&received);
    inner.received.send_modify(|all| all.push(received));
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Answer::With(status, name, value) => {
            (StatusCode::from_u16(status).expect("a status"), [(name, value)]).into_response()
        }
        Answer::Later(status) => match status.await {
            Ok(status) => StatusCode::from_u16(status).expect("a status").into_response(),
            Err(_) => std::future::pending().await,
        },
        Answer::Hang => std::future::pending().await,
    }
}

/// Each request in a line: stream, event, attempt.
pub(crate) fn lines(received: &[Received]) -> Vec<String> {
    let line =
        |one: &Received| format!("{} {} attempt {}", one.field("stream"), one.event(), one.header("callsheet-attempt"));
    received.iter().map(line).collect()
}

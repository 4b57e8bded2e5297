//! Posting: with a kept connection or a new one, within a time, to the end of the answer.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use rustls::pki_types::CertificateDer;

use super::connect::Connector;
use super::exchange::Progress;
use super::failure::io_kind;
use super::pool::{Link, Pool};
use super::tls::TlsSetupError;
use super::{AddressPolicy, Answer, CallbackAddress, Exchange, Failure, Phase, Resolve};

/// More of an answer's body is not read.
const MAX_BODY: usize = 16 * 1024;

/// What the client is built of, besides the policy.
pub struct OutboundConfig {
    /// Turns host names into addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Authorities trusted besides the machine's own.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

/// The outgoing client. One per process; it is shared, and keeps connections.
pub struct Outbound {
    connector: Connector,
    pub(super) pool: Arc<Pool>,
}

/// Why a request on a connection did not end well.
struct Broken {
    failure: Failure,
    /// The connection ended before anything of an answer came: what a kept one looks like that the receiver closes in
    /// that moment.
    stale: bool,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self { failure, stale: false }
    }
}

impl Outbound {
    /// Fails when the TLS settings cannot be used.
    pub fn new(policy: AddressPolicy, config: OutboundConfig) -> Result<Self, TlsSetupError> {
        Ok(Self { connector: Connector::new(policy, config.resolver, config.extra_roots)?, pool: Arc::default() })
    }

    /// Posts `body` within `timeout`, over a kept connection when there is one. `headers` come besides `host` and
    /// `content-length`.
    ///
    /// When the receiver has closed the kept connection in that very moment, the request goes out once more on a new
    /// one, so a receiver may see it twice; it has the same `webhook-id`.
    pub async fn post(
        &self,
        address: &CallbackAddress,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Exchange {
        self.run(address, request(address, headers, body), timeout, true).await
    }

    /// The same over a new connection, so that every phase is seen: for *Test*.
    pub async fn probe(
        &self,
        address: &CallbackAddress,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Exchange {
        self.run(address, request(address, headers, body), timeout, false).await
    }

    async fn run(
        &self,
        address: &CallbackAddress,
        request: Request<Full<Bytes>>,
        timeout: Duration,
        reuse: bool,
    ) -> Exchange {
        let mut progress = Progress::start();
        let work = self.work(&mut progress, address, request, reuse);
        let failure = match tokio::time::timeout(timeout, work).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => Some(overdue(&progress, address.host(), timeout)),
        };
        progress.finish(failure)
    }

    async fn work(
        &self,
        progress: &mut Progress,
        address: &CallbackAddress,
        request: Request<Full<Bytes>>,
        reuse: bool,
    ) -> Result<(), Failure> {
        progress.begin(Phase::Address);
        progress.done(address.host().to_owned());

        // The policy holds for the life of the process, so a kept connection needs no second check of its peer.
        if reuse && let Some(link) = self.pool.take(address.origin()).await {
            progress.begin(Phase::Connect);
            progress.peer = Some(link.peer);
            progress.done("kept connection");
            match self.converse(progress, address, link, request.clone()).await {
                Err(broken) if broken.stale => progress.back_to_address(),
                ended => return ended.map_err(|broken| broken.failure),
            }
        }
        let link = Box::new(self.connector.connect(progress, address).await?);
        let ended = self.converse(progress, address, link, request).await;
        ended.map_err(|broken| broken.failure)
    }

    /// Sends the request and reads the answer; keeps the connection when it can take another request.
    async fn converse(
        &self,
        progress: &mut Progress,
        address: &CallbackAddress,
        mut link: Box<Link>,
        request: Request<Full<Bytes>>,
    ) -> Result<(), Broken> {
        let host = address.host();
        progress.begin(Phase::Request);
        let answer = link.send(request).await;
        progress.done("sent");

        progress.begin(Phase::Status);
        let response = match link.drive(answer).await {
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                return Err(Broken { stale: is_stale(&error), failure: Failure::http(host, Phase::Status, &error) });
            }
            None => return Err(Failure::closed(host, Phase::Status).into()),
        };
        let (head, body) = response.into_parts();
        let status = head.status;
        if status.is_success() {
            progress.done(status.to_string());
            progress.begin(Phase::Body);
        }
        let answer =
            progress.answer.insert(Answer { status, headers: head.headers, body: Vec::new(), truncated: true });
        let read = read_body(&mut link, body, answer, host).await;
        let length = answer.body.len();
        if !answer.truncated && link.is_ready().await {
            self.pool.keep(address.origin(), link);
        }
        if !status.is_success() {
            // The status has decided; the body was read because it often says why.
            return Err(Failure::status(host, status, &answer.headers).into());
        }
        read?;
        progress.done(match length {
            0 => Cow::Borrowed("empty"),
            _ => Cow::Owned(format!("{length} bytes")),
        });
        Ok(())
    }
}

/// What to say when the time is over: a bad status that came in time has decided already.
fn overdue(progress: &Progress, host: &str, timeout: Duration) -> Failure {
    match &progress.answer {
        Some(answer) if !answer.status.is_success() => Failure::status(host, answer.status, &answer.headers),
        _ => Failure::timeout(host, progress.phase(), timeout),
    }
}

/// Reads up to 16 KiB; `answer.truncated` stays true unless the body ended.
async fn read_body(link: &mut Link, mut body: Incoming, answer: &mut Answer, host: &str) -> Result<(), Failure> {
    while !body.is_end_stream() {
        match link.drive(body.frame()).await {
            Some(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                let room = MAX_BODY - answer.body.len();
                answer.body.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() > room {
                    return Ok(());
                }
            }
            Some(None) => break,
            Some(Some(Err(error))) => return Err(Failure::http(host, Phase::Body, &error)),
            None => return Err(Failure::closed(host, Phase::Body)),
        }
    }
    answer.truncated = false;
    Ok(())
}

fn request(address: &CallbackAddress, mut headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    headers.insert(HOST, address.authority().clone());
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = address.target().clone();
    *request.headers_mut() = headers;
    request
}

/// See [`Broken::stale`].
fn is_stale(error: &hyper::Error) -> bool {
    error.is_canceled()
        || error.is_incomplete_message()
        || matches!(
            io_kind(error),
            Some(ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
        )
}

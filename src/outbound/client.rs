//! Sends requests over a kept or a new connection, within a deadline.

use std::fmt::Display;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use rustls::pki_types::CertificateDer;

use super::answer::{ReadError, Reader};
use super::connect::Connector;
use super::exchange::Progress;
use super::pool::{Connection, Pool};
use super::tls::TlsSetupError;
use super::{AddressPolicy, Answer, CallbackAddress, Exchange, Failure, Phase, Resolve};

/// Settings of the client, besides the policy.
pub struct OutboundConfig {
    pub resolver: Arc<dyn Resolve>,
    /// Certificate authorities trusted in addition to the machine's own.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

/// HTTP client for callbacks. A process shares one, which keeps connections.
pub struct Outbound {
    connector: Connector,
    pub(super) pool: Arc<Pool>,
}

/// A failed request on a connection.
struct FailedRequest {
    failure: Failure,
    /// The connection ended before any byte of a response: the receiver may have closed a kept connection at that moment.
    stale: bool,
}

impl Outbound {
    /// Creates a client.
    ///
    /// # Errors
    /// The TLS settings are invalid.
    pub fn new(policy: AddressPolicy, config: OutboundConfig) -> Result<Self, TlsSetupError> {
        Ok(Self { connector: Connector::new(policy, config.resolver, config.extra_roots)?, pool: Arc::default() })
    }

    /// Posts `body` within `timeout`, over a kept connection if there is one. `headers` are sent in addition to `host` and
    /// `content-length`.
    ///
    /// If the receiver closes the kept connection at that moment, the request is sent again over a new one. A receiver may therefore see
    /// it twice, with the same `webhook-id`.
    pub async fn post(
        &self,
        address: &CallbackAddress,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Exchange {
        self.run(address, &request(address, &headers, &body), timeout, true).await
    }

    /// Posts `body` over a new connection, so that every phase is reported: for *Test*.
    pub async fn probe(
        &self,
        address: &CallbackAddress,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Exchange {
        self.run(address, &request(address, &headers, &body), timeout, false).await
    }

    async fn run(&self, address: &CallbackAddress, request: &[u8], timeout: Duration, reuse: bool) -> Exchange {
        let mut progress = Progress::start();
        let work = self.exchange(&mut progress, address, request, reuse);
        let failure = match tokio::time::timeout(timeout, work).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => overdue(&mut progress, address.host(), timeout),
        };
        progress.finish(failure)
    }

    async fn exchange(
        &self,
        progress: &mut Progress,
        address: &CallbackAddress,
        request: &[u8],
        reuse: bool,
    ) -> Result<(), Failure> {
        progress.begin(Phase::Address);
        progress.done(address.host().to_owned());

        // The policy never changes within a process, so the peer of a kept connection needs no second check.
        if reuse && let Some(connection) = self.pool.take(address.origin()).await {
            progress.begin(Phase::Connect);
            progress.peer = Some(connection.peer);
            progress.done("reused connection");
            match self.send(progress, address, connection, request).await {
                Err(failed) if failed.stale => progress.back_to_address(),
                ended => return ended.map_err(|failed| failed.failure),
            }
        }
        let connection = Box::new(self.connector.connect(progress, address).await?);
        let ended = self.send(progress, address, connection, request).await;
        ended.map_err(|failed| failed.failure)
    }

    /// Sends the request and reads the response; keeps the connection if it can carry another request.
    async fn send(
        &self,
        progress: &mut Progress,
        address: &CallbackAddress,
        mut connection: Box<Connection>,
        request: &[u8],
    ) -> Result<(), FailedRequest> {
        let host = address.host();
        progress.begin(Phase::Request);
        // A receiver may respond and close before it has read everything.
        let is_sent = connection.send(request).await.is_ok();
        progress.done("sent");

        progress.begin(Phase::Status);
        let mut reader = Reader::new(&mut connection.stream);
        let line = match reader.status_line().await {
            Ok(line) => line,
            Err(error) => {
                let stale = !reader.is_begun() && is_end(&error);
                return Err(FailedRequest { stale, failure: Failure::no_answer(host, &error) });
            }
        };
        let status = line.status;
        if status.is_success() {
            progress.done(status.to_string());
            progress.begin(Phase::Body);
        }
        let answer = progress.answer.insert(Answer::begun(status));
        let rest = reader.rest(line, answer).await;
        if is_sent && rest.as_ref().is_ok_and(|rest| rest.is_exact) {
            self.pool.keep(address.origin(), connection);
        }
        if !status.is_success() {
            // The status decides; the rest was read because it often explains the failure.
            let failure = Failure::status(host, status, &answer.headers);
            return Err(FailedRequest { stale: false, failure });
        }
        let length = answer.body.len();
        match rest {
            Ok(_) if answer.truncated => progress.done("more than 16 KiB; the rest was not read"),
            Ok(_) if length == 0 => progress.done("empty"),
            Ok(_) => progress.done(format!("{length} bytes")),
            Err(error) => progress.note(broken_answer(host, &error)),
        }
        Ok(())
    }
}

/// Returns the failure of an exchange that exceeded its deadline. If the status line was read in time, the status decides.
fn overdue(progress: &mut Progress, host: &str, timeout: Duration) -> Option<Failure> {
    match &progress.answer {
        Some(answer) if answer.status.is_success() => {
            progress.note(broken_answer(host, &format_args!("it did not end within {timeout:?}")));
            None
        }
        Some(answer) => Some(Failure::status(host, answer.status, &answer.headers)),
        None => Some(Failure::timeout(host, progress.phase(), timeout)),
    }
}

/// Describes a 2xx response that is broken after its status line.
fn broken_answer(host: &str, why: &dyn Display) -> String {
    format!("{host} accepted the event, but the rest of its response is not valid: {why}.")
}

/// Serializes a request. `headers` are added to `host` and `content-length`.
fn request(address: &CallbackAddress, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut request = format!("POST {} HTTP/1.1\r\n", address.target()).into_bytes();
    let length = HeaderValue::from(body.len());
    let own = [(&header::HOST, address.authority()), (&header::CONTENT_LENGTH, &length)];
    let others = headers.iter().filter(|(name, _)| own.iter().all(|(own, _)| own != name));
    for (name, value) in own.into_iter().chain(others) {
        for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            request.extend_from_slice(piece);
        }
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    request
}

/// Returns whether the receiver closed or reset the connection.
fn is_end(error: &ReadError) -> bool {
    match error {
        ReadError::Closed => true,
        ReadError::Io(error) => {
            matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
        }
        ReadError::NotHttp | ReadError::TooLarge | ReadError::Length | ReadError::Chunks => false,
    }
}

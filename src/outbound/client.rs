//! Posting: with a kept connection or a new one, within a time, to the end of the answer.

use std::fmt::Display;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use rustls::pki_types::CertificateDer;

use super::answer::{Fault, Reader};
use super::connect::Connector;
use super::exchange::Progress;
use super::pool::{Link, Pool};
use super::tls::TlsSetupError;
use super::{AddressPolicy, Answer, CallbackAddress, Exchange, Failure, Phase, Resolve};

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
        self.run(address, &request(address, &headers, &body), timeout, true).await
    }

    /// The same over a new connection, so that every phase is seen: for *Test*.
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
        let work = self.work(&mut progress, address, request, reuse);
        let failure = match tokio::time::timeout(timeout, work).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => overdue(&mut progress, address.host(), timeout),
        };
        progress.finish(failure)
    }

    async fn work(
        &self,
        progress: &mut Progress,
        address: &CallbackAddress,
        request: &[u8],
        reuse: bool,
    ) -> Result<(), Failure> {
        progress.begin(Phase::Address);
        progress.done(address.host().to_owned());

        // The policy holds for the life of the process, so a kept connection needs no second check of its peer.
        if reuse && let Some(link) = self.pool.take(address.origin()).await {
            progress.begin(Phase::Connect);
            progress.peer = Some(link.peer);
            progress.done("reused connection");
            match self.converse(progress, address, link, request).await {
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
        request: &[u8],
    ) -> Result<(), Broken> {
        let host = address.host();
        progress.begin(Phase::Request);
        // A receiver may answer before it has read everything, and close.
        let is_sent = link.send(request).await.is_ok();
        progress.done("sent");

        progress.begin(Phase::Status);
        let mut reader = Reader::new(&mut link.stream);
        let line = match reader.status_line().await {
            Ok(line) => line,
            Err(fault) => {
                let stale = !reader.is_begun() && is_end(&fault);
                return Err(Broken { stale, failure: Failure::no_answer(host, &fault) });
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
            self.pool.keep(address.origin(), link);
        }
        if !status.is_success() {
            // The status has decided; the rest was read because it often says why.
            let failure = Failure::status(host, status, &answer.headers);
            return Err(Broken { stale: false, failure });
        }
        let length = answer.body.len();
        match rest {
            Ok(_) if answer.truncated => progress.done("more than 16 KiB; the rest was not read"),
            Ok(_) if length == 0 => progress.done("empty"),
            Ok(_) => progress.done(format!("{length} bytes")),
            Err(fault) => progress.note(broken_answer(host, &fault)),
        }
        Ok(())
    }
}

/// The time is over. A status that came in time has decided already.
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

/// The note on a 2xx answer that is broken behind its status line.
fn broken_answer(host: &str, why: &dyn Display) -> String {
    format!("{host} accepted the event, but the rest of its response is not valid: {why}.")
}

/// The request as it is sent. The headers come besides `host` and `content-length`.
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

/// See [`Broken::stale`].
fn is_end(fault: &Fault) -> bool {
    match fault {
        Fault::Closed => true,
        Fault::Broken(error) => {
            matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
        }
        Fault::NotHttp | Fault::TooLarge | Fault::Length | Fault::Chunks => false,
    }
}

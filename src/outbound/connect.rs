//! Opens connections: resolves the host, checks its IP addresses, connects to a checked one, speaks TLS.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

use super::exchange::Progress;
use super::pool::{Connection, Stream};
use super::tls::{self, TlsSetupError};
use super::{AddressPolicy, Blocked, CallbackAddress, Failure, Phase, Resolve};

/// Time limit for all addresses of a host together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens connections and reports each phase to a [`Progress`].
pub(super) struct Connector {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(
        policy: AddressPolicy,
        resolver: Arc<dyn Resolve>,
        extra_roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, TlsSetupError> {
        Ok(Self { policy, resolver, tls: TlsConnector::from(tls::tls_settings(extra_roots)?) })
    }

    /// Opens a connection to `address` and sets `progress.peer`.
    pub(super) async fn connect(
        &self,
        progress: &mut Progress,
        address: &CallbackAddress,
    ) -> Result<Connection, Failure> {
        let found = self.resolve(progress, address).await?;

        progress.begin(Phase::Policy);
        let (checked, refused) = self.check(found);
        if checked.is_empty()
            && let Some(blocked) = refused.first()
        {
            return Err(Failure::blocked(address.host(), *blocked));
        }
        progress.done(policy_detail(&checked, &refused));

        progress.begin(Phase::Connect);
        let (tcp, peer) = connect_any(address, &checked).await?;
        progress.peer = Some(peer);
        progress.done(peer.to_string());

        let stream = if address.is_https() {
            progress.begin(Phase::Tls);
            self.handshake(progress, address, tcp).await?
        } else {
            Either::Left(tcp)
        };
        Ok(Connection::new(stream, peer))
    }

    async fn resolve(&self, progress: &mut Progress, address: &CallbackAddress) -> Result<Vec<IpAddr>, Failure> {
        if let Some(ip) = address.ip() {
            return Ok(vec![ip]);
        }
        progress.begin(Phase::Dns);
        let found =
            self.resolver.resolve(address.host()).await.map_err(|error| Failure::dns(address.host(), &error))?;
        progress.done(join(&found));
        Ok(found)
    }

    /// Splits addresses into those that may be reached, in canonical form, and the blocked ones.
    fn check(&self, found: Vec<IpAddr>) -> (Vec<IpAddr>, Vec<Blocked>) {
        let mut checked = Vec::with_capacity(found.len());
        let mut refused = Vec::new();
        for address in found {
            match self.policy.check_ip(address) {
                Ok(()) => checked.push(address.to_canonical()),
                Err(blocked) => refused.push(blocked),
            }
        }
        (checked, refused)
    }

    async fn handshake(
        &self,
        progress: &mut Progress,
        address: &CallbackAddress,
        tcp: TcpStream,
    ) -> Result<Stream, Failure> {
        let host = address.host();
        let name = match address.ip() {
            Some(ip) => ServerName::from(ip),
            None => ServerName::try_from(host.trim_end_matches('.').to_owned())
                .map_err(|error| Failure::tls(host, &io::Error::other(error)))?,
        };
        let stream = self.tls.connect(name, tcp).await.map_err(|error| Failure::tls(host, &error))?;
        progress.done(tls::describe(stream.get_ref().1));
        Ok(Either::Right(stream))
    }
}

/// Connects to the first address that accepts. Each address gets an equal share of the remaining time, so that a dead one leaves time for
/// the next.
async fn connect_any(address: &CallbackAddress, checked: &[IpAddr]) -> Result<(TcpStream, SocketAddr), Failure> {
    let end = Instant::now() + CONNECT_TIMEOUT;
    let mut last = None;
    for (tried, ip) in checked.iter().enumerate() {
        let peer = SocketAddr::new(*ip, address.port());
        let now = Instant::now();
        let waiting = u32::try_from(checked.len() - tried).unwrap_or(u32::MAX);
        let until = now + end.saturating_duration_since(now) / waiting;
        match timeout_at(until, TcpStream::connect(peer)).await {
            Ok(Ok(tcp)) => match tcp.set_nodelay(true) {
                Ok(()) => return Ok((tcp, peer)),
                Err(error) => last = Some(Failure::connect(address.host(), peer, &error)),
            },
            Ok(Err(error)) => last = Some(Failure::connect(address.host(), peer, &error)),
            Err(_) => last = Some(Failure::connect_timeout(address.host(), Some(peer))),
        }
    }
    Err(last.unwrap_or_else(|| Failure::dns(address.host(), &super::DnsError::NoAddress)))
}

fn policy_detail(checked: &[IpAddr], refused: &[Blocked]) -> Cow<'static, str> {
    if refused.is_empty() {
        return Cow::Borrowed("allowed");
    }
    let mut detail = format!("allowed: {}; excluded:", join(checked));
    for Blocked { address, range } in refused {
        // Writing to a string cannot fail.
        let _ = write!(detail, " {address} ({range})");
    }
    Cow::Owned(detail)
}

fn join(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

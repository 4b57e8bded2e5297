//! Failures of an exchange: class for metrics, code for translations, sentence and remedy for users.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use rustls::CertificateError;
use serde::Serialize;

use super::answer::ReadError;
use super::{Blocked, DnsError, Phase};
use crate::model::{Problem, string_enum};

/// Maximum length of a redirect's target in a message, in characters.
const MAX_LOCATION: usize = 200;

string_enum!(
    /// Class of a failed attempt, in storage, JSON and metrics.
    ErrorClass {
        /// The policy forbids the IP address.
        BlockedAddress = "blocked_address",
        /// The host name cannot be resolved.
        Dns = "dns",
        /// No TCP connection.
        Connect = "connect",
        /// The TLS handshake failed, or the certificate is not trusted.
        Tls = "tls",
        /// Connected, but no status line in time.
        Timeout = "timeout",
        /// The status is not 2xx.
        HttpStatus = "http_status",
        /// More than 64 KiB before the end of a status line.
        TooLarge = "too_large",
        /// The response is not HTTP, or ended within the status line.
        Protocol = "protocol",
    }
);

/// Failure of an exchange. The texts are English and contain no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub class: ErrorClass,
    /// The phase that failed.
    pub phase: Phase,
    /// Stable, `snake_case`, finer than the class.
    pub code: &'static str,
    /// The cause, one sentence.
    pub detail: String,
    /// The remedy, one sentence that names the host.
    pub remedy: String,
}

impl Failure {
    pub(super) fn blocked(host: &str, blocked: Blocked) -> Self {
        Self {
            class: ErrorClass::BlockedAddress,
            phase: Phase::Policy,
            code: blocked.code(),
            detail: format!("Callbacks may not reach {} ({}).", blocked.address, blocked.range),
            remedy: format!(
                "Give {host} a public address, or ask an admin to add {} to allowed_networks.",
                blocked.address
            ),
        }
    }

    pub(super) fn dns(host: &str, error: &DnsError) -> Self {
        let remedy = match error {
            DnsError::NotFound => {
                format!("Check the spelling of {host} and that its DNS record exists.")
            }
            DnsError::NoAddress => format!("Add an A or AAAA record for {host}."),
            DnsError::Timeout | DnsError::Failed(_) => {
                format!("Check the DNS servers of {host} and of this server.")
            }
        };
        Self {
            class: ErrorClass::Dns,
            phase: Phase::Dns,
            code: error.code(),
            detail: format!("{host}: {error}."),
            remedy,
        }
    }

    pub(super) fn connect(host: &str, peer: SocketAddr, error: &io::Error) -> Self {
        let port = peer.port();
        let (code, detail, remedy) = match error.kind() {
            io::ErrorKind::ConnectionRefused => (
                "connect_refused",
                format!("{peer} refused the connection."),
                format!("Check that the receiver runs on {host} and listens on port {port}."),
            ),
            io::ErrorKind::TimedOut => return Self::connect_timeout(host, Some(peer)),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => (
                "connect_unreachable",
                format!("No route to {peer}."),
                format!("Check the network between this server and {host}, and the address of {host}."),
            ),
            _ => (
                "connect_failed",
                format!("Connecting to {peer} failed: {error}."),
                format!("Check that {host} accepts connections on port {port}."),
            ),
        };
        Self { class: ErrorClass::Connect, phase: Phase::Connect, code, detail, remedy }
    }

    /// `peer` is absent if the whole exchange timed out while connecting.
    pub(super) fn connect_timeout(host: &str, peer: Option<SocketAddr>) -> Self {
        Self {
            class: ErrorClass::Connect,
            phase: Phase::Connect,
            code: "connect_timeout",
            detail: match peer {
                Some(peer) => format!("Connecting to {peer} timed out."),
                None => format!("Connecting to {host} timed out."),
            },
            remedy: format!("Check that {host} is up and that no firewall blocks connections from this server."),
        }
    }

    pub(super) fn tls(host: &str, error: &io::Error) -> Self {
        let renew = || format!("Renew the certificate of {host}.");
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (code, detail, remedy) = match inner {
            Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    ("tls_expired", format!("The certificate of {host} has expired."), renew())
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                    "tls_not_valid_yet",
                    format!("The certificate of {host} is not valid yet."),
                    format!("Check the clocks of {host} and of this server."),
                ),
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
                    "tls_name_mismatch",
                    format!("The certificate does not match {host}."),
                    format!("Install a certificate for {host}, or use the name in the certificate."),
                ),
                CertificateError::UnknownIssuer => (
                    "tls_unknown_issuer",
                    format!("The certificate of {host} is self-signed or from an unknown authority."),
                    format!(
                        "Install a certificate from a public authority, with its full chain, on {host}, or add its \
                         authority to the trusted authorities of this server."
                    ),
                ),
                CertificateError::Revoked => {
                    ("tls_revoked", format!("The certificate of {host} was revoked."), renew())
                }
                other => (
                    "tls_bad_certificate",
                    format!("The certificate of {host} is not trusted: {other}."),
                    format!("Install a server certificate from a public authority on {host}."),
                ),
            },
            Some(rustls::Error::InvalidMessage(_)) => (
                "tls_not_spoken",
                format!("{host} does not speak TLS on this port."),
                format!("Use http://, or the https port of {host}."),
            ),
            Some(rustls::Error::AlertReceived(alert)) => (
                "tls_refused",
                format!("{host} refused the TLS handshake: {alert:?}."),
                format!("Check that {host} is served under this name and supports TLS 1.2 or 1.3."),
            ),
            _ => (
                "tls_failed",
                format!("The TLS handshake with {host} failed: {error}."),
                format!("Check that {host} serves https on this port."),
            ),
        };
        Self { class: ErrorClass::Tls, phase: Phase::Tls, code, detail, remedy }
    }

    /// The whole exchange timed out in `phase`.
    pub(super) fn timeout(host: &str, phase: Phase, limit: Duration) -> Self {
        let (class, code, detail) = match phase {
            Phase::Dns => return Self::dns(host, &DnsError::Timeout),
            Phase::Connect => return Self::connect_timeout(host, None),
            Phase::Tls => {
                (ErrorClass::Tls, "tls_timeout", format!("{host} did not finish the TLS handshake within {limit:?}."))
            }
            Phase::Address | Phase::Policy | Phase::Request | Phase::Status | Phase::Body => (
                ErrorClass::Timeout,
                "timeout_no_answer",
                format!("{host} received the request but did not respond within {limit:?}."),
            ),
        };
        Self {
            class,
            phase,
            code,
            detail,
            remedy: format!("Respond first, then process on {host}, or raise the timeout of this callback."),
        }
    }

    /// No status line could be read.
    pub(super) fn no_answer(host: &str, error: &ReadError) -> Self {
        let look = || format!("Check the log of the receiver on {host} and of any proxy in front of it.");
        let (class, code, detail, remedy) = match error {
            ReadError::TooLarge => (
                ErrorClass::TooLarge,
                "headers_too_large",
                format!("{host} sent more than 64 KiB before the end of the status line."),
                format!("Send fewer or shorter response headers from {host}."),
            ),
            ReadError::Io(error) if error.kind() == io::ErrorKind::ConnectionReset => (
                ErrorClass::Protocol,
                "connection_reset",
                format!("{host} reset the connection before responding."),
                look(),
            ),
            ReadError::Closed | ReadError::Io(_) => (
                ErrorClass::Protocol,
                "closed_without_answer",
                format!("{host} closed the connection without responding."),
                look(),
            ),
            ReadError::NotHttp | ReadError::Length | ReadError::Chunks => (
                ErrorClass::Protocol,
                "http_malformed",
                format!("The response of {host} is not HTTP/1.1."),
                format!("Check that this port of {host} serves HTTP, and whether it requires https."),
            ),
        };
        Self { class, phase: Phase::Status, code, detail, remedy }
    }

    /// The status is not 2xx.
    pub(super) fn status(host: &str, status: StatusCode, headers: &HeaderMap) -> Self {
        if status.is_redirection() {
            // The query may contain a secret.
            let location = headers
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|location| location.split(['?', '#']).next())
                .map(|location| location.chars().take(MAX_LOCATION).collect::<String>());
            return Self {
                class: ErrorClass::HttpStatus,
                phase: Phase::Status,
                code: "http_redirect",
                detail: match location {
                    Some(location) => {
                        format!("{host} returned {status} with a redirect to {location}; redirects are not followed.")
                    }
                    None => format!("{host} returned {status}; redirects are not followed."),
                },
                remedy: format!("Use the final URL instead of the one on {host} that redirects."),
            };
        }
        let remedy = match status.as_u16() {
            401 | 403 => {
                format!("Accept the request on {host} by its signature, without a login.")
            }
            404 | 410 => format!("Check the path of the URL: {host} has nothing there."),
            405 => format!("Accept POST on this path of {host}."),
            413 | 415 | 422 => format!("Accept a small JSON body on this path of {host}."),
            429 => format!("Raise the rate limit of {host}, or reduce its load."),
            500..=599 => format!("Check the log of the receiver on {host}: it failed to handle the request."),
            _ => format!("Return 200 from {host} when it has accepted the event."),
        };
        Self {
            class: ErrorClass::HttpStatus,
            phase: Phase::Status,
            code: "http_status",
            detail: format!("{host} returned {status}."),
            remedy,
        }
    }
}

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
            detail: format!(
                "{} is {} {} address, which callbacks may not reach.",
                blocked.address,
                blocked.range.article(),
                blocked.range
            ),
            remedy: format!(
                "Give {host} a public address, or have an administrator add {} to allowed_networks.",
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
                format!("Check that the name servers of {host} answer, and those of this console's machine too.")
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
                format!("There is no route to {peer}."),
                format!("Check the network between this console and {host}, and that the address of {host} is right."),
            ),
            _ => (
                "connect_failed",
                format!("The connection to {peer} failed: {error}."),
                format!("Check that {host} takes connections on port {port}."),
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
                Some(peer) => format!("{peer} did not answer the connection request in time."),
                None => format!("{host} did not answer the connection request in time."),
            },
            remedy: format!("Check that {host} is up and that no firewall drops connections from this console."),
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
                    format!("Check the clocks of {host} and of this console's machine."),
                ),
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
                    "tls_name_mismatch",
                    format!("The certificate is for another name than {host}."),
                    format!("Install a certificate that names {host}, or use the name the certificate has."),
                ),
                CertificateError::UnknownIssuer => (
                    "tls_unknown_issuer",
                    format!("The certificate of {host} is self-signed or comes from an unknown authority."),
                    format!(
                        "Install a certificate from a public authority on {host} with its whole chain, or add its \
                         authority to the trusted ones of this console's machine."
                    ),
                ),
                CertificateError::Revoked => {
                    ("tls_revoked", format!("The certificate of {host} was revoked."), renew())
                }
                other => (
                    "tls_bad_certificate",
                    format!("The certificate of {host} cannot be trusted: {other}."),
                    format!("Install a server certificate from a public authority on {host}."),
                ),
            },
            Some(rustls::Error::InvalidMessage(_)) => (
                "tls_not_spoken",
                format!("{host} does not speak TLS on this port."),
                format!("Use http://, or the port on which {host} serves https."),
            ),
            Some(rustls::Error::AlertReceived(alert)) => (
                "tls_refused",
                format!("{host} refused the TLS handshake: {alert:?}."),
                format!("Check that {host} is served under this name and supports TLS 1.2 or 1.3."),
            ),
            _ => (
                "tls_failed",
                format!("The TLS handshake with {host} broke off: {error}."),
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
                format!("{host} took the request but did not answer within {limit:?}."),
            ),
        };
        Self {
            class,
            phase,
            code,
            detail,
            remedy: format!("Let {host} answer 200 first and work afterwards, or raise the timeout of this callback."),
        }
    }

    /// No status line could be read.
    pub(super) fn no_answer(host: &str, error: &ReadError) -> Self {
        let look = || format!("Look into the log of the receiver on {host}: it, or a proxy before it, gave up.");
        let (class, code, detail, remedy) = match error {
            ReadError::TooLarge => (
                ErrorClass::TooLarge,
                "headers_too_large",
                format!("{host} sent more than 64 KiB before the end of a status line."),
                format!("Make {host} answer with fewer or shorter headers."),
            ),
            ReadError::Io(error) if error.kind() == io::ErrorKind::ConnectionReset => (
                ErrorClass::Protocol,
                "connection_reset",
                format!("{host} reset the connection before it answered."),
                look(),
            ),
            ReadError::Closed | ReadError::Io(_) => (
                ErrorClass::Protocol,
                "closed_without_answer",
                format!("{host} closed the connection without an answer."),
                look(),
            ),
            ReadError::NotHttp | ReadError::Length | ReadError::Chunks => (
                ErrorClass::Protocol,
                "http_malformed",
                format!("{host} answered with something that is not HTTP/1.1."),
                format!("Check that a web server listens on this port of {host}, and whether it wants https."),
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
                        format!("{host} answered {status} and points to {location}; redirects are not followed.")
                    }
                    None => format!("{host} answered {status}; redirects are not followed."),
                },
                remedy: format!("Enter the final address instead of the one on {host} that redirects."),
            };
        }
        let remedy = match status.as_u16() {
            401 | 403 => {
                format!("Let {host} accept the request by its signature, without a login.")
            }
            404 | 410 => format!("Check the path of the address: {host} has nothing there."),
            405 => format!("Let {host} accept POST on this path."),
            413 | 415 | 422 => format!("Let {host} accept a small JSON body on this path."),
            429 => format!("Let {host} take more requests, or lower the load on it."),
            500..=599 => format!("Look into the log of the receiver on {host}: it failed while handling the request."),
            _ => format!("Let {host} answer 200 when it has taken the event."),
        };
        Self {
            class: ErrorClass::HttpStatus,
            phase: Phase::Status,
            code: "http_status",
            detail: format!("{host} answered {status}."),
            remedy,
        }
    }
}

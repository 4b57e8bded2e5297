//! The HTTP client for customers' receivers. *Test* and deliveries share it, so that a test shows how a delivery will behave.
//!
//! Parts:
//! - [`CallbackAddress`]: where to post, parsed once at the edge as browsers parse it.
//! - [`AddressPolicy`]: which IP addresses may be reached. It is applied when an address is saved, tested and delivered to.
//! - [`Resolve`]: turns a host name into IP addresses; [`SystemResolver`] in production, a table in tests.
//! - [`Outbound`]: resolves, checks, connects to a checked IP address, speaks TLS and HTTP/1.1, and keeps connections.
//! - [`Exchange`]: the result of a request, phase by phase.
//! - [`SigningSecret`] and [`sign`]: the Standard Webhooks signature.
//!
//! The phases of an exchange, in order. The first failure ends the exchange, which fails unless a 2xx status was read before:
//!
//! ```text
//! address ─> dns ─> policy ─> connect ─> tls ─> request ─> status ─> body
//! ```
//!
//! A literal IP address skips dns, plain http skips tls, and a kept connection skips dns, policy and tls.
//!
//! Architecture invariant: a connection is opened only to an IP address that passed the policy after it was resolved. A name is resolved
//! once, so a DNS answer that changes between check and connect has no effect.
//!
//! Architecture invariant: redirects are not followed, proxy settings of the environment are ignored, nothing is decompressed.
//!
//! Architecture invariant: requests have no background task. The task that posts also drives the connection; dropping the future, or its
//! deadline, closes the socket.

mod address;
mod answer;
mod client;
mod connect;
mod exchange;
mod failure;
mod policy;
mod pool;
mod resolver;
mod signing;
mod tls;

#[cfg(test)]
mod tests;

pub use address::{AddressError, CallbackAddress};
pub use client::{Outbound, OutboundConfig};
pub use exchange::{Answer, Exchange, Phase, PhaseReport};
pub use failure::{ErrorClass, Failure};
pub use policy::{AddressPolicy, Blocked, Range};
pub use resolver::{DnsError, Resolve, SystemResolver};
pub use signing::{BadSecret, SigningSecret, sign};
pub(crate) use tls::client_config;
pub use tls::{TlsSetupError, tls_settings};

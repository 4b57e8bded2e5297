//! The one HTTP client that leaves for customers. *Test* and real deliveries both go through it, so that a test proves
//! what a delivery will do.
//!
//! Who takes part:
//! - [`CallbackAddress`]: where to post, parsed once at the edge as browsers parse it.
//! - [`AddressPolicy`]: which IP addresses may be reached. One function, used when saving, testing and delivering.
//! - [`Resolve`]: turns a host name into IP addresses; [`SystemResolver`] in production, a table in tests.
//! - [`Outbound`]: resolves, checks, connects to a checked IP address, speaks TLS and HTTP/1.1, and keeps connections.
//! - [`Exchange`]: what came of it, phase by phase.
//! - [`SigningSecret`] and [`sign`]: the Standard Webhooks signature.
//!
//! The phases of an exchange, in order. The first that fails ends it, and fails it unless a 2xx status came before:
//!
//! ```text
//! address ─> dns ─> policy ─> connect ─> tls ─> request ─> status ─> body
//! ```
//!
//! A literal IP address has no dns, plain http no tls, and a kept connection neither dns nor policy nor tls.
//!
//! Architecture invariant: a connection is opened only to an IP address that passed the policy after it was resolved.
//! Nothing resolves a name a second time, so a DNS answer that changes between check and connect changes nothing.
//!
//! Architecture invariant: no redirect is followed, no proxy of the environment is used, nothing is decompressed.
//!
//! Architecture invariant: nothing runs behind a request. The task that posts also drives the connection; dropping
//! the future, or its deadline, closes the socket.

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

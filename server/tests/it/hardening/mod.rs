//! What strangers and broken clients can do to the console: nothing.

mod anonymous;
mod any_request;
mod cookies;
mod cross_origin;
mod paths;
mod proxy;
#[cfg(feature = "ingest-rtmp")]
mod secrets;
mod slow_clients;

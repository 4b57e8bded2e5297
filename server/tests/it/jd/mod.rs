//! The JD-compatible API, asked by the public SDKs.

mod errors;
mod operations;
mod signatures;
mod stage;

#[cfg(feature = "ingest-rtmp")]
pub(crate) use stage::{Client, Sdk};

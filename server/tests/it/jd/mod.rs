//! The JD-compatible API, asked by the public SDKs.

mod errors;
mod operations;
mod signatures;
mod stage;

pub(crate) use stage::{Client, Sdk};

//! Tests of the whole console, from its outside: one binary, a file for each feature.
//!
//! What touches the database runs on SQLite and on PostgreSQL (`.ci/with-postgres.sh cargo nextest run`).

mod api;
mod support;

mod domains;
mod hooks;
#[cfg(feature = "ingest-rtmp")]
mod rtmp;

//! Tests of the whole console, from its outside: one binary, a file for each feature.
//!
//! What touches the database runs on SQLite and on PostgreSQL (`.ci/with-postgres.sh cargo nextest run`).

mod api;
mod support;

mod accounts;
mod assets;
mod attempts;
mod audit;
mod authz;
mod backup;
mod breaker;
mod callback_forms;
mod callbacks;
mod cleanup;
mod deliveries;
mod domains;
mod guards;
#[cfg(feature = "ingest-rtmp")]
mod guides;
mod hardening;
mod health;
mod hooks;
mod jd;
mod keys;
#[cfg(feature = "ingest-rtmp")]
mod media;
mod odd_receivers;
mod openapi;
mod overview;
mod page_addresses;
mod parsers;
mod pauses;
mod permissions;
mod pooler;
mod process;
mod receivers;
mod recoveries;
mod reliability;
#[cfg(feature = "ingest-rtmp")]
mod rtmp;
mod sealing;
mod searches;
mod settings;
mod sources;
mod statements;
mod stats;
#[cfg(feature = "ingest-rtmp")]
mod stream_control;
mod tidy;
mod unreadable;
mod uploads;

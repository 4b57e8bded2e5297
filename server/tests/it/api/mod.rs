//! The REST API, resource by resource. [`access`] holds who may do what on every route.

mod access;
mod access_logs;
mod audit;
mod callbacks;
mod deliveries;
mod domains;
mod judge;
mod keys;
mod panics;
mod protocol;
mod recording;
mod recoveries;
mod settings;
mod sources;
mod stats;
mod streams;
mod support;
mod transcode_jobs;
mod users;

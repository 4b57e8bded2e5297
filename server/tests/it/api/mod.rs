//! The REST API, resource by resource. [`access`] holds who may do what on every route.

mod access;
mod access_logs;
mod callbacks;
mod deliveries;
mod domains;
mod protocol;
mod recording;
mod recoveries;
mod sources;
mod stats;
mod streams;
mod support;
mod transcode_jobs;
mod users;

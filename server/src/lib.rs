//! How the Callsheet console runs.
//!
//! [`startup::Application`] is the whole process, used by `main` and by tests alike. [`http`] holds all routes and layers on
//! one page, `rtmp` the built-in ingest, [`jobs`] the loops beside the requests, [`commands`] what the command line can do.

/// Deliveries are many small objects that one thread makes and another drops: the C library's allocator is slow at that, and keeps the memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub mod assets;
pub mod buckets;
pub mod commands;
pub mod config;
pub mod http;
pub mod ingest_source;
pub mod jobs;
mod push_url;
#[cfg(feature = "ingest-rtmp")]
pub mod rtmp;
pub mod startup;
pub mod uploads;

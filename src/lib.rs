//! Domain logic and storage of the Callsheet console.
//!
//! Media servers (*sources*) report *source events*. Each publish is a *session*, whose state machine turns source events into the six
//! *events* that customers receive. An event for one *callback* is a *delivery*; each HTTP request of a delivery is an *attempt*.
//!
//! # Code map
//!
//! Dependencies go `server → app → src → src/types`; a feature has the same name in all of them. Within `src`, from the bottom: [`model`],
//! [`sealing`], [`outbound`], [`storage`] · [`audit`], [`accounts`], [`keys`], [`idempotency`] · [`domains`] · [`callbacks`], [`sources`],
//! [`recordings`], [`stats`] · [`deliveries`] · [`streams`].
//!
//! A feature's folder has `mod.rs` (states and invariants), `types.rs` (stored types), `service.rs` (use cases), `storage.rs` (SQL, as
//! methods of [`storage::Db`]) and `error.rs`. What pages and the API show is in `src/types`.
//!
//! # Three paths
//!
//! **From a publish to a signed POST**
//! 1. The entry points are `server/src/http/ingest` for media servers and `server/src/rtmp` for the built-in ingest.
//! 2. [`streams::IngestSink::admit`] checks domain, names and bans; [`streams::Streams::report_of`] accepts the reports that follow.
//! 3. A group commit loads the sessions that its reports concern. [`streams::Session`] decides, without I/O, on new states and events.
//! 4. [`deliveries::render`] writes the body of each delivery. Sessions, events and deliveries are inserted in one transaction, and
//!    [`storage::Db::subscribe`] announces each [`deliveries::QueueChange`].
//! 5. The loop in `server/src/jobs/delivery` puts them into the [`deliveries::RunQueue`], which decides what is due.
//! 6. [`deliveries::DeliverySender::attempt`] signs the request and sends it through [`outbound::Outbound`].
//! 7. [`storage::Db::complete`] records the attempts of a batch, with the next retry or the end of the delivery.
//!
//! **From a log line to a point of a chart**
//! 1. A log arrives by upload (`server/src/http`), command (`server/src/commands`) or from a watched place (`server/src/jobs`).
//! 2. [`stats::Stats::import`] reads it in batches: [`stats::access_log`] recognises the format, parses each line and spreads its bytes over
//!    five-minute bins.
//! 3. [`stats::StatsDb`] adds the sums and the progress of the import in one transaction.
//! 4. [`stats::Stats::usage`] reads bins, hours or days, and the page or the API draws them.
//!
//! **From a click on a switch to a saved callback**
//! 1. The form of the switch posts to a server function in `app/src/pages/callbacks/server_fns.rs`.
//! 2. [`callbacks::Callbacks::set_enabled`] checks the permission and the change, and writes it with its audit entry in one transaction.
//! 3. The use case returns the callback as written, and the row on the page shows it.
//!
//! # Invariants
//!
//! Architecture invariant: SQL is only in files named `storage.rs` and in folders named `storage`. Every use case checks an `Actor`.
//!
//! Architecture invariant: an event, the state of its session and its deliveries are committed in one transaction, before the source
//! gets its response. Nothing else creates events.
//!
//! Architecture invariant: time comes from [`model::Clock`]; nothing below `server` sleeps.
//!
//! Architecture invariant: only [`outbound`] connects to the servers of customers.

pub mod accounts;
pub mod audit;
pub mod callbacks;
mod clock_check;
mod console;
pub mod deliveries;
pub mod domains;
pub mod idempotency;
pub mod keys;
pub mod model;
pub mod outbound;
pub mod recordings;
pub mod sealing;
mod settings;
pub mod sources;
pub mod stats;
pub mod storage;
pub mod streams;
pub use clock_check::ClockCheck;
pub use console::{Console, ConsoleParts, Retention, UseCases};
pub use settings::Settings;

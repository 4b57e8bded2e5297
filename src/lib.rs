//! Callsheet: what the console does.
//!
//! # Bird's-eye view
//!
//! Streams arrive at media servers (*sources*); a source reports *hints*; the state machine of [`streams`] turns them into
//! *events*; each event becomes a *delivery* to the customer's *callback* address; *attempts* are made until one succeeds or
//! the tries are used up.
//!
//! ```text
//! source ── hint ──> streams::Session ── event ──┐ one
//!                                                ├ transaction ──> RunQueue ──> DeliverySender ──> Outbound ──> customer
//!                            deliveries::render ─┘
//! ```
//!
//! # Code map
//!
//! `src` is what the console does, `app` what it shows, `server` how it runs; dependencies go `server → app → src`. A feature
//! has one name in all three trees. Floors, from the ground: [`model`], [`sealing`], [`outbound`] · [`accounts`],
//! [`keys`], [`audit`], [`idempotency`] · [`domains`] · [`callbacks`], [`sources`], [`recordings`], [`stats`] · [`streams`] ·
//! [`deliveries`] · [`storage`].
//!
//! A feature's folder holds `mod.rs` (its words and states), `service.rs` (use cases), `store.rs` (a trait: what it needs stored) and
//! `views.rs` (what is shown of it). To add a use case: the method in `service.rs` with an [`model::Actor`] first, the
//! storage method in `store.rs` and `storage/<feature>.rs`, then the entry points in `app` and `server`.
//!
//! # Invariants
//!
//! Architecture invariant: no SQL above [`storage`]; no use case without an `Actor` that it asks.
//!
//! Architecture invariant: an event, its session's state and its delivery are committed in one transaction, before the
//! source is answered. Nothing else makes events.
//!
//! Architecture invariant: time comes in through [`model::Clock`]; nothing below `server` sleeps.
//!
//! Architecture invariant: only [`outbound`] opens connections to customers.

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

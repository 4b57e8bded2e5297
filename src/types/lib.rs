//! Types that the server and the pages share: identifiers, fixed names, and what pages and the API show of each feature.
//!
//! Everything here compiles to WebAssembly. The crate `callsheet` exports each type again under the name of its feature.

mod actor;
pub mod callbacks;
pub mod deliveries;
pub mod domains;
mod event_names;
mod ids;
mod page;
mod problem;
pub mod recordings;
pub mod sources;
pub mod stats;
pub mod streams;
mod string_enum;

pub use actor::{Action, Actor, Forbidden, Role, Who};
pub use event_names::{CallbackKind, EventName, Status};
pub use ids::{
    AuditId, BadId, CallbackId, DeliveryId, DomainId, EventId, KeyId, RecoveryId, SessionId, SourceId, UserId,
};
pub use page::{Page, PageRequest};
pub use problem::{Problem, ProblemDetails, ProblemKind, problem};

/// Unix time in milliseconds, UTC.
pub type Millis = i64;

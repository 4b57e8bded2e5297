//! Words that every feature shares: who acts, when, under which name, and what went wrong.

mod actor;
#[cfg(feature = "ssr")]
mod clock;
mod ids;
mod kinds;
#[cfg(feature = "ssr")]
mod names;
#[cfg(feature = "ssr")]
mod network;
mod page;
mod problem;
#[cfg(feature = "ssr")]
mod store_error;
#[cfg(feature = "ssr")]
mod version;

pub use actor::{Action, Actor, Forbidden, Role, Who};
#[cfg(feature = "ssr")]
pub use clock::{Clock, ClockReading, SystemClock, TestClock};
#[cfg(feature = "ssr")]
pub use ids::IdGenerator;
pub use ids::{
    AuditId, BadId, CallbackId, DeliveryId, DomainId, EventId, KeyId, RecoveryId, SessionId, SourceId, UserId,
};
pub(crate) use kinds::vocabulary;
pub use kinds::{CallbackKind, EventName, Status};
#[cfg(feature = "ssr")]
pub use names::{AppName, BadName, DomainName, StreamName};
#[cfg(feature = "ssr")]
pub use network::network_of;
pub use page::{Page, PageRequest};
pub use problem::{Problem, ProblemKind};
#[cfg(feature = "ssr")]
pub use store_error::StoreError;
#[cfg(feature = "ssr")]
pub use version::{Expected, Version};

/// A moment: Unix time in milliseconds, UTC.
pub type Millis = i64;

//! Types that all features share: actors, time, identifiers, names and errors.

mod clock;
mod id_generator;
mod names;
mod network;
mod store_error;
mod version;

pub(crate) use callsheet_types::string_enum;
pub use callsheet_types::{
    Action, Actor, AuditId, BadId, CallbackId, CallbackKind, DeliveryId, DomainId, EventId, EventName, Forbidden,
    KeyId, Millis, Page, PageRequest, Problem, ProblemDetails, ProblemKind, RecoveryId, Role, SessionId, SourceId,
    Status, UserId, Who, problem,
};
pub use clock::{Clock, ClockReading, SystemClock, TestClock};
pub use id_generator::IdGenerator;
pub use names::{AppName, BadName, DomainName, StreamName};
pub use network::network_of;
pub use store_error::StoreError;
pub use version::{Expected, Version};

//! Streams: sessions of publishers, their events, and bans.
//!
//! **Actors.** A *source* (the built-in ingest, or an adapter for an external media server) reports [`SourceEvent`]s. They can be
//! duplicated, late, out of order or missing. [`Session`] turns them into the six events; nothing else creates events.
//!
//! **States.** `opening → live → closing → closed`. A session is *opening* while another session holds the same stream: the source is
//! about to refuse the second publisher, so no event is sent. It is *closing* from the end of the publish until every opened part is
//! reported or the grace period ends.
//!
//! **Control.** Users disconnect a publisher, or forbid a stream for a time or permanently. A source that asks for admission gets a
//! refusal. The built-in ingest also polls the database, each second and after each change in its own process, for publishers to
//! disconnect ([`Streams::to_drop`]). Any process can request a disconnect in this way.

mod control;
mod decisions;
mod early;
mod error;
mod ingest;
mod leases;
mod service;
mod session;
mod silences;
pub(crate) mod storage;
mod types;
pub use callsheet_types::streams::{EventView, ForbiddenStream, PartView, SessionDetail, SessionEvent, SessionView};
pub use control::{BanLength, Publish, PushedStream};
pub(crate) use early::EarlyRules;
pub use early::EarlyWatch;
pub use error::StreamError;
pub use ingest::{
    Admitted, ClosedPart, IngestSink, Media, PushRequest, RecordingPlan, Refused, SessionKey, SourceEvent,
};
pub use service::Streams;
pub(crate) use service::{limit_of_refusals, may_be_secret};
pub use session::{Event, OpenPart, Outcome, Part, Phase, Session, SessionRules};
pub use silences::Silences;
pub use types::{
    Decide, Decision, EarlyReport, EarlyReports, EventFilter, Scope, SessionContext, SessionFilter, SessionTransition,
    SessionUpdate, StoredSession, StreamRef,
};

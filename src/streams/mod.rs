//! Streams: who is live, since when, and what became of each session.
//!
//! **Who acts.** A *source* (the built-in ingest, or an adapter for an external media server) reports *hints*. A hint can
//! come twice, late, out of order, or never. [`Session`] turns hints into the six events; nothing else makes events.
//!
//! **States.** `opening → live → closing → closed`. A session is *opening* while another session holds the same stream
//! (a second publisher that the source is about to refuse makes no event), *closing* from the end of the publish until
//! every opened part is reported or the grace is over.
//!
//! **Control.** People disconnect a publisher, or forbid a stream for a time or for good. The source refuses what is forbidden when it
//! asks for admission; the built-in ingest also looks, each second and whenever this process changes something, whom it has to drop
//! ([`Streams::to_drop`]). It hears of it through the database, so that any process can tell it.
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

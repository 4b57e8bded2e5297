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

#[cfg(feature = "ssr")]
mod control;
#[cfg(feature = "ssr")]
mod decisions;
#[cfg(feature = "ssr")]
mod early;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod ingest;
#[cfg(feature = "ssr")]
mod leases;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod session;
#[cfg(feature = "ssr")]
mod silences;
#[cfg(feature = "ssr")]
mod store;
mod views;

#[cfg(feature = "ssr")]
pub use control::{BanLength, ControlStore, Publish, PushedStream};
#[cfg(feature = "ssr")]
pub(crate) use early::EarlyRules;
#[cfg(feature = "ssr")]
pub use early::EarlyWatch;
#[cfg(feature = "ssr")]
pub use error::StreamError;
#[cfg(feature = "ssr")]
pub use ingest::{Admitted, ClosedPart, Hint, IngestSink, Media, PushRequest, RecordingPlan, Refused, SessionKey};
#[cfg(feature = "ssr")]
pub use leases::StreamLeaseStore;
#[cfg(feature = "ssr")]
pub use service::{Streams, StreamsStore};
#[cfg(feature = "ssr")]
pub(crate) use service::{limit_of_refusals, may_be_secret};
#[cfg(feature = "ssr")]
pub use session::{Event, OpenPart, Outcome, Part, Phase, Session, SessionRules};
#[cfg(feature = "ssr")]
pub use silences::Silences;
#[cfg(feature = "ssr")]
pub use store::{
    Decide, Decision, EarlyReport, EarlyReports, EventFilter, Report, Scope, SessionFilter, SessionStore, Situation,
    Step, StoredSession, StreamRef,
};
pub use views::{EventView, ForbiddenStream, PartView, SessionDetail, SessionEvent, SessionView};

//! Sources: the media servers that report events, and what they were refused.
//!
//! The built-in ingest is a source like any other; it is made at the first start and cannot be removed. An external
//! server talks to `POST /ingest/<adapter>/<secret>`, one secret per source.

mod kinds;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod store;
mod views;

pub use kinds::Adapter;
#[cfg(feature = "ssr")]
pub use service::{CreatedSource, SourceError, Sources};
#[cfg(feature = "ssr")]
pub use store::{NewSource, Refusal, Source, SourceStore};
pub use views::{RefusalView, SourceView};

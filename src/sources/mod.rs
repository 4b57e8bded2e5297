//! Sources: the media servers that report events, and what they were refused.
//!
//! The built-in ingest is a source like any other; it is made at the first start and cannot be removed. An external
//! server talks to `POST /ingest/<adapter>/<secret>`, one secret per source.

mod service;
pub(crate) mod storage;
mod types;

pub use callsheet_types::sources::{Adapter, RefusalView, SourceView};
pub use service::{CreatedSource, SourceError, Sources};
pub use types::{NewSource, Refusal, Source};

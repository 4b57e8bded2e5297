//! Domain groups: one push domain and its play domains. A group is *enabled* (publishes are accepted) or *disabled* (refused); only a
//! disabled group can be deleted.
mod cnames;
mod error;
mod new_domain;
mod service;
pub(crate) mod storage;
mod types;

pub use callsheet_types::domains::{CallbackMark, DomainRow, DomainView, PlayDomain};
pub use cnames::Cnames;
pub use error::DomainError;
pub use new_domain::NewDomain;
pub use service::Domains;
pub use types::DomainFilter;

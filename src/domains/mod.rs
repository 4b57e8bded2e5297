//! Domain groups: one push domain and its play domains. States: *enabled* (publishes are taken) and *disabled* (refused);
//! only a disabled group can be deleted.
mod cnames;
mod error;
mod new_domain;
mod service;
pub(crate) mod storage;
mod types;
use crate::model::Version;

pub use callsheet_types::domains::{CallbackMark, DomainRow, DomainView, PlayDomain};
pub use cnames::Cnames;
pub use error::DomainError;
pub use new_domain::NewDomain;
pub use service::Domains;
pub use types::{Domain, DomainFilter};

impl From<&DomainView> for Version {
    /// The names of a group never change.
    fn from(domain: &DomainView) -> Self {
        Self::of(&(domain.source_id, domain.enabled, domain.updated_at))
    }
}

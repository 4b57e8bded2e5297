//! Domain groups: one push domain and its play domains. States: *enabled* (publishes are taken) and *disabled* (refused);
//! only a disabled group can be deleted.

#[cfg(feature = "ssr")]
mod cnames;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod new_domain;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod store;
mod views;

#[cfg(feature = "ssr")]
pub use cnames::Cnames;
#[cfg(feature = "ssr")]
pub use error::DomainError;
#[cfg(feature = "ssr")]
pub use new_domain::NewDomain;
#[cfg(feature = "ssr")]
pub use service::Domains;
#[cfg(feature = "ssr")]
pub use store::{Domain, DomainFilter, DomainStore};
pub use views::{CallbackMark, DomainRow, DomainView, PlayDomain};

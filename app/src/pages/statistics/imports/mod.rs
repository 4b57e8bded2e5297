//! `/statistics/imports`: upload of access logs, and the latest imports.

mod islands;
#[cfg(feature = "ssr")]
mod list;
#[cfg(feature = "ssr")]
mod outcome;
#[cfg(feature = "hydrate")]
mod send;
mod state;
mod upload;
#[cfg(feature = "ssr")]
mod upload_form;

#[cfg(feature = "ssr")]
pub(crate) use list::ImportsPage;
#[cfg(feature = "ssr")]
pub use state::PATH;
#[cfg(feature = "ssr")]
pub use upload_form::UploadForm;

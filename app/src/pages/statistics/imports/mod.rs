//! `/statistics/imports`: access logs, uploaded and taken in before.

mod islands;
#[cfg(feature = "ssr")]
mod outcome;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "hydrate")]
mod send;
mod state;
#[cfg(feature = "ssr")]
mod visitor;

#[cfg(feature = "ssr")]
pub(crate) use page::ImportsPage;
#[cfg(feature = "ssr")]
pub use state::PATH;
#[cfg(feature = "ssr")]
pub use visitor::Visitor;

//! Statistics pages: usage and transcoding by domain and time range, and the import of access logs.
//!
//! `usage` and `transcoding` each turn a view of the core into a [`report::Report`], which the page and its exports show.

#[cfg(feature = "ssr")]
mod cards;
#[cfg(feature = "ssr")]
mod chart;
#[cfg(feature = "ssr")]
mod filter;
#[cfg(feature = "ssr")]
mod heading;
pub mod imports;
#[cfg(feature = "ssr")]
mod report;
#[cfg(feature = "ssr")]
pub mod reports;
#[cfg(feature = "ssr")]
mod setup;
#[cfg(feature = "ssr")]
mod transcoding;
#[cfg(feature = "ssr")]
mod usage;

#[cfg(feature = "ssr")]
pub(crate) use imports::ImportsPage;
#[cfg(feature = "ssr")]
pub(crate) use transcoding::TranscodingPage;
#[cfg(feature = "ssr")]
pub(crate) use usage::{PATH as USAGE_PATH, UsagePage, point_label};

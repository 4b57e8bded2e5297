//! *Statistics*: usage and transcoding, by domain and time slot; and the access logs that feed them.
//!
//! A page and its exports show the same [`report::Report`], made of one view of the core.

#[cfg(feature = "ssr")]
mod cards;
#[cfg(feature = "ssr")]
mod chart;
#[cfg(feature = "ssr")]
mod filter;
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

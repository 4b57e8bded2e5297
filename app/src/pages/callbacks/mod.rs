//! *Live video information*: the two callback rows at the end of a domain's page.

mod islands;
#[cfg(feature = "ssr")]
mod parts;
#[cfg(feature = "ssr")]
mod report;
mod server_fns;
mod state;

#[cfg(feature = "ssr")]
pub(crate) use parts::{LiveVideoInformation, failures_link, health_badge};

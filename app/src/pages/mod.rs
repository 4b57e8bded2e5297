//! The pages, by feature. `server_fns` is where a feature's forms post to, `islands` what runs in the browser too.

#[cfg(feature = "ssr")]
pub(crate) mod accounts;
#[cfg(feature = "ssr")]
pub(crate) mod api;
#[cfg(feature = "ssr")]
pub(crate) mod audit;
pub(crate) mod callbacks;
#[cfg(feature = "ssr")]
pub(crate) mod deliveries;
#[cfg(feature = "ssr")]
pub(crate) mod domains;
#[cfg(feature = "ssr")]
pub(crate) mod keys;
#[cfg(feature = "ssr")]
pub(crate) mod overview;
#[cfg(feature = "ssr")]
pub(crate) mod recordings;
#[cfg(feature = "ssr")]
pub(crate) mod settings;
#[cfg(feature = "ssr")]
pub(crate) mod sources;
pub(crate) mod statistics;
#[cfg(feature = "ssr")]
pub(crate) mod streams;

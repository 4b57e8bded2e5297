//! HTTP: pages, server functions, REST, the JD-compatible API, hooks of media servers, health.

pub mod api_v1;
pub mod ingest;
pub mod problem;
pub mod rate_limit;
pub mod router;
pub(crate) mod serve;

mod assets;
mod browser_session;
mod client;
mod exports;
mod failures;
mod form_cookie;
mod health;
mod imports;
mod jd;
mod middleware;
mod openapi;
mod panics;

use std::path::Path;
use std::sync::Arc;

use axum::extract::FromRef;
use callsheet::Console;
use callsheet_app::RtmpPort;
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use metrics_exporter_prometheus::PrometheusHandle;

use self::rate_limit::RateLimits;
use crate::assets::Assets;
use crate::jobs::Loops;

/// Shared state of handlers. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub console: Console,
    /// The static files of the pages.
    pub assets: Arc<Assets>,
    pub leptos: LeptosOptions,
    pub metrics: PrometheusHandle,
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Folder of uploads in progress.
    pub data_dir: Arc<Path>,
    /// Rate limits of the APIs.
    pub limits: RateLimits,
    pub rtmp: RtmpPort,
    /// Background loops of this process.
    pub loops: Loops,
}

impl AppState {
    /// Returns whether browsers use the console over TLS.
    fn uses_tls(&self) -> bool {
        self.console.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

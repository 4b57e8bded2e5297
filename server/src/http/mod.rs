//! HTTP: pages, server functions, REST, the JD-compatible API, hooks of media servers, health.

pub mod api_v1;
pub mod ingest;
pub mod problem;
pub mod router;

mod browser_session;
mod exports;
mod health;
mod jd;
mod middleware;

use std::path::PathBuf;

use axum::extract::FromRef;
use callsheet::Console;
use leptos::config::LeptosOptions;
use metrics_exporter_prometheus::PrometheusHandle;

/// What handlers share. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub console: Console,
    pub leptos: LeptosOptions,
    pub metrics: PrometheusHandle,
    /// Where uploads are kept while they are read.
    pub data_dir: PathBuf,
}

//! `callsheet serve`.

use std::path::Path;
use std::sync::Arc;

use callsheet::model::SystemClock;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::assets::Assets;
use crate::config::Config;
use crate::startup::Application;

/// Runs the console until SIGTERM or Ctrl-C.
pub(super) async fn serve(config: Config, embedded: Assets) -> Result<(), Failure> {
    let assets = page_assets(embedded)?;
    // Each connection needs a file handle, and the usual limit of 1,024 is soon reached.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let application = Application::build(config, Arc::new(SystemClock), assets).await?;
    let address = application.http_address()?;
    println!("Callsheet {}", env!("CARGO_PKG_VERSION"));
    println!("  console      http://{address}");
    if let Some(rtmp) = application.rtmp_address() {
        println!("  RTMP ingest  rtmp://{rtmp}");
    }
    if let Some(token) = application.setup_token() {
        println!("  set-up link  http://{address}/setup?token={token}");
        println!("               (works once, for 24 h: it creates the first admin)");
    }
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.cancel();
    });
    Ok(application.run(shutdown).await?)
}

/// The embedded files, or those of the folder that `cargo leptos watch` names.
fn page_assets(embedded: Assets) -> Result<Assets, Failure> {
    let assets = match std::env::var_os("LEPTOS_SITE_ROOT") {
        Some(folder) => Assets::read(Path::new(&folder))?,
        None => embedded,
    };
    if assets.is_empty() {
        tracing::error!("this binary was built without the pages' static files: build it with `make run`");
    }
    Ok(assets)
}

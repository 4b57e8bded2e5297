//! `callsheet serve`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use callsheet::model::SystemClock;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::assets::Assets;
use crate::config::Config;
use crate::startup::Application;

/// In the data folder: the address of the console that was started last, for commands that print addresses.
const ADDRESS_FILE: &str = "http-address";

fn listens_at(file: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(file).ok()?.parse().ok()
}

/// Where programs on this machine reach the console: the address of the one that runs, or of the settings.
pub(super) fn reachable_at(config: &Config) -> SocketAddr {
    let mut address = listens_at(&config.data_dir.join(ADDRESS_FILE)).unwrap_or(config.http);
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Runs the console until SIGTERM or Ctrl-C.
pub(super) async fn serve(config: Config, embedded: Assets) -> Result<(), Failure> {
    let assets = page_assets(embedded)?;
    // Each connection needs a file handle, and the usual limit of 1,024 is soon reached.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let listening = config.data_dir.join(ADDRESS_FILE);
    let application = Application::build(config, Arc::new(SystemClock), assets).await?;
    let address = application.http_address()?;
    std::fs::write(&listening, address.to_string())?;
    // Before the output: the reader may stop the process immediately.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    println!("Callsheet {}", env!("CARGO_PKG_VERSION"));
    println!("  console      http://{address}");
    if let Some(rtmp) = application.rtmp_address() {
        println!("  RTMP ingest  rtmp://{rtmp}");
    }
    if let Some(token) = application.setup_token() {
        println!("  set-up link  http://{address}/setup?token={token}");
        println!("               (creates the first admin; works once, for 24 h)");
    }
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.cancel();
    });
    let ended = application.run(shutdown).await;
    // Another process may have taken over meanwhile, with an address of its own.
    if listens_at(&listening) == Some(address)
        && let Err(error) = std::fs::remove_file(&listening)
    {
        tracing::warn!(%error, "cannot remove {}", listening.display());
    }
    Ok(ended?)
}

/// The embedded files, or those of the folder that `cargo leptos watch` names.
fn page_assets(embedded: Assets) -> Result<Assets, Failure> {
    let assets = match std::env::var_os("LEPTOS_SITE_ROOT") {
        Some(folder) => Assets::read(Path::new(&folder))?,
        None => embedded,
    };
    if assets.is_empty() {
        tracing::error!("this binary was built without static files; build it with `make run`");
    }
    Ok(assets)
}

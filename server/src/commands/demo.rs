//! `callsheet demo`: fills a data folder of its own with sample domains, so that a newcomer sees the console alive.
//!
//! Nothing is painted: sessions and events come from hints, callbacks are signed and sent to a receiver in this process, figures are
//! added as imports add them. Only the clock is turned back. Some streams stay live: a media server that sends no heartbeats reports them.
//! All names begin with `sample-`.

mod receiver;
mod statistics;
mod streams;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use callsheet::model::{Clock, SystemClock, TestClock};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Failure, load};
use crate::config::Overrides;
use crate::startup::open_console;

const DAY_MS: i64 = 86_400_000;
/// The same sample each time.
const SEED: u64 = 2026;

/// Fills the folder, which must not hold a console yet.
pub(super) async fn demo(folder: PathBuf) -> Result<(), Failure> {
    if folder.join("callsheet.db").exists() {
        let message = format!("--data-dir: {} already contains a console; choose another folder", folder.display());
        return Err(Failure { message, exit: 2 });
    }
    let mut config = load(&Overrides { data_dir: Some(folder.clone()), ..Overrides::default() })?;
    config.database_url = format!("sqlite://{}", folder.join("callsheet.db").display());
    config.allowed_networks = vec!["127.0.0.1/32".parse()?];
    config.session_grace_ms = 10_000;
    let now = SystemClock.now();
    let mut random = StdRng::seed_from_u64(SEED);

    eprintln!("Creating a year of storage, transcoding and traffic …");
    let clock = Arc::new(TestClock::at(now - statistics::DAYS * DAY_MS));
    let console = open_console(&config, clock.clone()).await?;
    streams::add_domains(&console).await?;
    statistics::fill(&console, &clock, now, &config.time_zone, &mut random).await?;
    statistics::make_files(&folder, now, &config.time_zone)?;
    console.close().await;

    eprintln!("Creating four weeks of streams, recordings and callbacks …");
    let clock = Arc::new(TestClock::at(now - streams::DAYS * DAY_MS));
    let console = open_console(&config, clock.clone()).await?;
    let receiver = receiver::start(clock.clone()).await?;
    streams::fill(&console, &clock, receiver, now, &config.time_zone, &mut random).await?;
    for sample in &streams::SAMPLES {
        streams::set_callbacks(&console, sample, (Ipv4Addr::LOCALHOST, receiver::PORT).into()).await?;
    }
    console.close().await;
    // With it, the callbacks can be delivered to this machine.
    let settings = folder.join("callsheet.toml");
    let text = format!("data_dir = {:?}\nallowed_networks = [\"127.0.0.1/32\"]\n", folder.canonicalize()?);
    std::fs::write(&settings, text)?;
    println!("Sample data created in {}. To view it:", folder.display());
    println!("  callsheet serve --config {}", settings.display());
    println!("To receive its callbacks, in another terminal:");
    println!("  callsheet listen --port {}", receiver::PORT);
    Ok(())
}

//! `callsheet demo`: fills a data folder of its own with sample domains, so that a newcomer sees the console alive.
//!
//! Nothing is painted: sessions and events come from hints, callbacks are signed and sent to a receiver in this process, figures are
//! added as imports add them. Only the clock is turned back. All names begin with `sample-`.

mod receiver;
mod statistics;
mod streams;

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
        let message = format!("--data-dir: {} holds a console already; name another folder", folder.display());
        return Err(Failure { message, exit: 2 });
    }
    let mut config = load(&Overrides { data_dir: Some(folder.clone()), ..Overrides::default() })?;
    config.database_url = format!("sqlite://{}", folder.join("callsheet.db").display());
    config.allowed_networks = vec!["127.0.0.1/32".parse()?];
    config.session_grace_ms = 10_000;
    let now = SystemClock.now();
    let mut random = StdRng::seed_from_u64(SEED);

    eprintln!("A year of storage, transcoding and traffic …");
    let clock = Arc::new(TestClock::at(now - statistics::DAYS * DAY_MS));
    let console = open_console(&config, clock.clone()).await?;
    streams::add_domains(&console).await?;
    statistics::fill(&console, &clock, now, &mut random).await?;
    statistics::make_files(&folder)?;
    console.close().await;

    eprintln!("Four weeks of streams, recordings and callbacks …");
    let clock = Arc::new(TestClock::at(now - streams::DAYS * DAY_MS));
    let console = open_console(&config, clock.clone()).await?;
    streams::fill(&console, &clock, receiver::start(clock.clone()).await?, now, &mut random).await?;
    console.close().await;
    println!("Sample data lies in {0}. See it with: callsheet serve --data-dir {0}", folder.display());
    Ok(())
}

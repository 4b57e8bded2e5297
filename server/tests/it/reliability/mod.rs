//! What the console promises, proved while things break.
//!
//! Each proof lets streams publish for as long as it takes and breaks things at moments that depend on how far they are. In the end the
//! receivers are asked for what they were sent and in which order, the tables ([`tables`]) for what is half-written, and the buckets for
//! the media.
//!
//! With external sources that report through hooks ([`load`], [`witness`]): nothing is lost, reported twice or out of order while …
//! - [`kills`]: the console is killed again and again.
//! - [`postgres_crashes`]: its database crashes and comes back.
//! - [`disk_full`]: the disk of the data folder runs full and has room again.
//! - [`workers`], [`leases`]: workers die, freeze, join and leave.
//! - [`fronts`]: reports of one stream come through several processes whose clocks differ.
//!
//! With publishers of the built-in ingest ([`publishers`], [`studio`]): each session and each part is reported once and correctly, and the
//! parts hold every frame while …
//! - [`recordings`]: the console is killed or stopped amid a part.
//! - [`ingests`]: several processes share a database; each stream has one publisher.
//! - [`upgrades`]: a new process takes over from an old one that stops or is killed, on the same machine or another.
//! - [`outages`]: the database is away, with and without a kill meanwhile; the bucket is away.
//! - [`clocks`]: the clock is set forward and back by five minutes; the process is frozen.
//! - [`attacks`]: anonymous clients attack both ports; the memory stays below a bound, and hooks are delivered as well.
//!
//! `make test` runs each briefly. `make soak` runs the same for longer: `CALLSHEET_SOAK` times as many failures ([`often`]), and the
//! durations and rates of [`numbers`].

#[cfg(feature = "ingest-rtmp")]
mod attacks;
#[cfg(feature = "ingest-rtmp")]
mod clocks;
mod disk_full;
mod fronts;
#[cfg(feature = "ingest-rtmp")]
mod ingests;
mod kills;
mod leases;
mod load;
#[cfg(feature = "ingest-rtmp")]
mod outages;
mod postgres_crashes;
#[cfg(feature = "ingest-rtmp")]
mod publishers;
#[cfg(feature = "ingest-rtmp")]
mod recordings;
#[cfg(feature = "ingest-rtmp")]
mod studio;
mod tables;
#[cfg(feature = "ingest-rtmp")]
mod upgrades;
mod witness;
mod workers;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use self::load::{Load, Stage};
use self::tables::Tables;
use crate::support::{PATIENCE, callsheet};

/// The factor of `make soak`, at which [`numbers`] are those of the requirements.
const FULL: usize = 20;

/// How much longer than normally.
fn soak() -> usize {
    let soak = std::env::var("CALLSHEET_SOAK").map(|factor| factor.parse().expect("CALLSHEET_SOAK is a number"));
    soak.unwrap_or(1)
}

/// How often something breaks, when it normally breaks `times` times.
fn often(times: usize) -> usize {
    times * soak()
}

/// How long something is broken, and how much goes on meanwhile.
struct Numbers {
    database_away: Duration,
    bucket_away: Duration,
    frozen: Duration,
    attack: Duration,
    /// Publishers that are attacked, and the rate of deliveries beside them.
    publishers: usize,
    deliveries_per_second: u32,
    /// Connections that each idle attacker keeps open.
    idle: usize,
    /// Publishers send media so many times as fast as it plays.
    speed: u32,
    /// How long the end of everything may take. A bucket is tried again every five minutes at last.
    patience: Duration,
}

/// In `make test` everything ends as soon as something has happened; `make soak` has the numbers of the requirements, or a part of them
/// where its factor is smaller.
fn numbers() -> Numbers {
    let soak = soak();
    if soak == 1 {
        return Numbers {
            database_away: Duration::ZERO,
            bucket_away: Duration::ZERO,
            frozen: Duration::ZERO,
            attack: Duration::ZERO,
            publishers: 3,
            deliveries_per_second: 50,
            idle: 30,
            speed: 10,
            patience: PATIENCE,
        };
    }
    let share = u32::try_from(soak).expect("a small factor");
    let seconds = |seconds| Duration::from_secs(seconds) * share / u32::try_from(FULL).expect("small");
    Numbers {
        database_away: seconds(60),
        bucket_away: seconds(600),
        frozen: seconds(90),
        attack: seconds(600),
        publishers: 100 * soak / FULL,
        deliveries_per_second: 50 * share,
        idle: 100,
        speed: 1,
        patience: PATIENCE + Duration::from_secs(400),
    }
}

/// A console that delivers to this machine, again and again within seconds.
fn console(data: &Path, database_url: &str) -> Command {
    let mut command = callsheet(data, database_url);
    command
        .args(["serve", "--http", "127.0.0.1:0"])
        .env("CALLSHEET_ALLOWED_NETWORKS", "127.0.0.0/8")
        .env("CALLSHEET_RETRY_SCHEDULE", format!("0{}", ",1".repeat(60)))
        .env("CALLSHEET_ORDER_HOLD", "600")
        .env("CALLSHEET_LEASE", "2");
    command
}

/// How many more requests the receiver sees before the `n`th failure: none at times, few, or many.
fn moment(n: usize) -> usize {
    if n % 5 == 4 { 0 } else { 1 + n * 17 % 40 }
}

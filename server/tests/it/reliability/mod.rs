//! What the console promises, proved while things break: it is killed, its database crashes, workers die, freeze, come and go,
//! and the disk is full.
//!
//! Each proof lets streams publish ([`load`]) for as long as it takes and breaks things at moments that depend on how far deliveries
//! are. In the end two witnesses are asked: the receiver, for what it was sent and in which order ([`witness`]), and the tables
//! ([`tables`]). `make soak` runs the same for longer: `CALLSHEET_SOAK` times as many failures, and more streams.

mod disk_full;
mod fronts;
#[cfg(feature = "ingest-rtmp")]
mod ingests;
mod kills;
mod leases;
mod load;
mod postgres_crashes;
#[cfg(feature = "ingest-rtmp")]
mod recordings;
mod tables;
mod witness;
mod workers;

use self::load::{Load, Stage};

/// How much longer than normally.
fn soak() -> usize {
    let soak = std::env::var("CALLSHEET_SOAK").map(|factor| factor.parse().expect("CALLSHEET_SOAK is a number"));
    soak.unwrap_or(1)
}

/// How often something breaks, when it normally breaks `times` times.
fn often(times: usize) -> usize {
    times * soak()
}

/// How many more requests the receiver sees before the `n`th failure: none at times, few, or many.
fn moment(n: usize) -> usize {
    if n % 5 == 4 { 0 } else { 1 + n * 17 % 40 }
}

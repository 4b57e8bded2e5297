//! What is measured.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callsheet::deliveries::Ownership;
use callsheet_server::config::Roles;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::machine::{cpu_seconds, describe, fsyncs, peak_mib, quantile, reset_peak};
use crate::receiver::{Arrival, Receiver, micros};
use crate::test_server::{Shared, Stage, sqlite};
use crate::{Outcome, baseline};

pub(crate) const ALL: Roles = Roles { web: true, worker: true, ingest: true };
const GOOD: usize = 50;
/// Reports at a time.
const REPORTERS: u64 = 1_024;
/// Events that may be accepted and not yet received.
const AHEAD: u64 = 4_000;

pub(crate) fn seconds() -> Duration {
    let seconds = std::env::var("CALLSHEET_BENCH_SECONDS").ok().and_then(|s| s.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

pub(crate) fn good(receiver: &Receiver) -> Vec<String> {
    (0..GOOD).map(|n| receiver.url("ok", n)).collect()
}

/// Deliveries a second, as fast as they go.
pub(crate) async fn throughput() -> Outcome<Value> {
    let dir = tempfile::tempdir()?;
    let syncs = fsyncs(dir.path())?;
    let receiver = Receiver::start()?;
    let floor = baseline::measure(dir.path(), receiver.port, seconds() / 6).await?;
    receiver.finish()?;

    let receiver = Receiver::start()?;
    reset_peak();
    let stage = Arc::new(Stage::start(dir.path(), &sqlite(dir.path()), ALL, &good(&receiver)).await?);
    let (started, cpu) = (Instant::now(), cpu_seconds("self"));
    let per_second = flood(&stage, &receiver, seconds()).await?;
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds("self") - cpu);
    let received = receiver.count();
    let lost = until_received(&stage, &receiver).await?;
    Arc::into_inner(stage).ok_or("still in use")?.stop().await?;
    Ok(json!({
        "bench": "throughput", "engine": "sqlite", "seconds": took.round(), "deliveriesPerSecond": per_second.round(),
        "floorPerSecond": floor.round(), "ratioToFloor": round(per_second / floor), "lost": lost,
        "cpuSecondsPer10000": round(cpu / received as f64 * 10_000.0), "peakMiB": peak_mib("self"),
        "machine": describe(syncs),
    }))
}

/// Reports publishes as fast as they are taken, a bounded number ahead of the receiver; returns what it got a second.
pub(crate) async fn flood(stage: &Shared, receiver: &Receiver, time: Duration) -> Outcome<f64> {
    let (next, accepted) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let end = Instant::now() + time;
    let received = Arc::new(AtomicU64::new(0));
    let mut reporters = JoinSet::new();
    for _ in 0..REPORTERS {
        let (stage, next, accepted, received) = (stage.clone(), next.clone(), accepted.clone(), received.clone());
        reporters.spawn(async move {
            while Instant::now() < end {
                if accepted.load(Ordering::Relaxed) > received.load(Ordering::Relaxed) + AHEAD {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    continue;
                }
                let n = next.fetch_add(1, Ordering::Relaxed);
                for done in [false, true] {
                    stage.report(n, done).await?;
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
            }
            Outcome::Ok(())
        });
    }
    let started = Instant::now();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
        received.store(receiver.count(), Ordering::Relaxed);
    }
    let per_second = receiver.count() as f64 / started.elapsed().as_secs_f64();
    while let Some(reporter) = reporters.join_next().await {
        reporter??;
    }
    Ok(per_second)
}

/// Waits until the queue is empty; returns how many of the accepted never came.
pub(crate) async fn until_received(stage: &Stage, receiver: &Receiver) -> Outcome<i64> {
    while stage.console.db.queue_depth(&Ownership::All).await? > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let events = stage.console.deliveries.figures(&callsheet::model::Actor::cli()).await?.events;
    Ok(events - i64::try_from(receiver.count())?)
}

/// From accepted to received, at a steady pace.
pub(crate) async fn delay(per_second: u64) -> Outcome<Value> {
    let dir = tempfile::tempdir()?;
    let syncs = fsyncs(dir.path())?;
    let receiver = Receiver::start()?;
    reset_peak();
    let stage = Arc::new(Stage::start(dir.path(), &sqlite(dir.path()), ALL, &good(&receiver)).await?);
    let cpu = cpu_seconds("self");
    let accepted = steady(&stage, per_second, seconds() / 3).await?;
    let cpu = cpu_seconds("self") - cpu;
    let lost = until_received(&stage, &receiver).await?;
    let delays = delays(&accepted, &receiver.finish()?, |_| true);
    Arc::into_inner(stage).ok_or("still in use")?.stop().await?;
    Ok(json!({
        "bench": "delay", "engine": "sqlite", "eventsPerSecond": per_second, "events": accepted.len(), "lost": lost,
        "p50Micros": quantile(&delays, 0.5), "p99Micros": quantile(&delays, 0.99), "maxMicros": delays.last(),
        "cpuSecondsPer10000": round(cpu / accepted.len() as f64 * 10_000.0), "peakMiB": peak_mib("self"),
        "machine": describe(syncs),
    }))
}

/// When each event was accepted, in microseconds since 1970.
pub(crate) type Accepted = HashMap<(u64, bool), u64>;

/// Reports so many events a second, evenly, whatever becomes of them.
pub(crate) async fn steady(stage: &Shared, per_second: u64, time: Duration) -> Outcome<Accepted> {
    let pairs = per_second * time.as_secs() / 2;
    let started = tokio::time::Instant::now();
    let mut reports = JoinSet::new();
    let mut accepted = Accepted::new();
    let mut take = |report: Result<Outcome<(u64, bool, u64)>, tokio::task::JoinError>| -> Outcome<()> {
        let (n, done, at) = report??;
        accepted.insert((n, done), at);
        Ok(())
    };
    // The end of a publish follows its beginning by a fifth of a second.
    let lag = per_second / 10;
    for tick in 0..pairs + lag {
        tokio::time::sleep_until(started + Duration::from_micros(tick * 2_000_000 / per_second)).await;
        for (n, done) in [(Some(tick).filter(|n| *n < pairs), false), (tick.checked_sub(lag), true)] {
            let Some(n) = n else { continue };
            let stage = stage.clone();
            reports.spawn(async move { stage.report(n, done).await.map(|()| (n, done, micros())) });
        }
        while let Some(report) = reports.try_join_next() {
            take(report)?;
        }
    }
    while let Some(report) = reports.join_next().await {
        take(report)?;
    }
    Ok(accepted)
}

pub(crate) fn delays(accepted: &Accepted, arrivals: &[Arrival], counts: impl Fn(u64) -> bool) -> Vec<u64> {
    let arrivals = arrivals.iter().filter(|(n, _, _)| counts(*n));
    let delay = |(n, done, at): &Arrival| Some(at.saturating_sub(*accepted.get(&(*n, *done))?));
    let mut delays: Vec<u64> = arrivals.filter_map(delay).collect();
    delays.sort_unstable();
    delays
}

/// Fifty good addresses beside twenty that accept and never answer and get 30 % of 200 events a second.
pub(crate) async fn holes() -> Outcome<Value> {
    const HOLES: usize = 20;
    let mut figures = Vec::new();
    let mut syncs = 0.0;
    for with_holes in [false, true] {
        let dir = tempfile::tempdir()?;
        syncs = fsyncs(dir.path())?;
        let receiver = Receiver::start()?;
        let mut addresses = good(&receiver);
        if with_holes {
            addresses.extend((0..HOLES).map(|n| receiver.url("hole", n)));
        }
        let domains = addresses.len() as u64;
        let stage = Arc::new(Stage::start(dir.path(), &sqlite(dir.path()), ALL, &addresses).await?);
        // 50 of 70 domains get 71 % of the events.
        let per_second = if with_holes { 200 } else { 142 };
        let accepted = steady(&stage, per_second, seconds()).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let is_good = |n: u64| n % domains < GOOD as u64;
        let expected = accepted.keys().filter(|(n, _)| is_good(*n)).count();
        let delays = delays(&accepted, &receiver.finish()?, is_good);
        drop(stage);
        figures.push((quantile(&delays, 0.5), quantile(&delays, 0.99), expected - delays.len()));
    }
    let [(p50_alone, p99_alone, lost_alone), (p50, p99, lost)] = figures[..] else { return Err("two runs".into()) };
    Ok(json!({
        "bench": "holes", "engine": "sqlite", "seconds": seconds().as_secs(), "goodAddresses": GOOD, "holes": HOLES,
        "p50Micros": p50, "p99Micros": p99, "lost": lost,
        "without": { "p50Micros": p50_alone, "p99Micros": p99_alone, "lost": lost_alone },
        "p99Ratio": round(p99 as f64 / p99_alone.max(1) as f64), "machine": describe(syncs),
    }))
}

pub(crate) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

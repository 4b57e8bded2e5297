//! What this worker owns: all of a database of its own, or leased shards of one that several share.

use std::time::{Duration, Instant};

use callsheet::deliveries::{Epochs, Leases};
use callsheet::storage::Db;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::TRY_AGAIN;

/// How often to look for what was queued, without a hint, and for what became of pauses.
pub(super) const LOOK_AROUND: Duration = Duration::from_secs(1);
/// Longest time between two renewals of the leases. Each also shares the shards out anew, so that workers that join or leave are noticed soon.
const RENEW: Duration = Duration::from_secs(1);
/// Between two looks by a hint.
const HINT_PAUSE: Duration = Duration::from_millis(10);

/// Keeps the leases alive.
pub(super) struct Owner {
    db: Db,
    worker: String,
    lease: Duration,
    leases: watch::Sender<Leases>,
    /// Shards to leave of which nothing is in flight any more.
    drained: mpsc::UnboundedReceiver<Epochs>,
}

impl Owner {
    pub(super) fn new(db: Db, lease: Duration, drained: mpsc::UnboundedReceiver<Epochs>) -> Self {
        let worker = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let leases = if db.is_shared() { Leases::none(&worker) } else { Leases::all() };
        Self { db, worker, lease, leases: watch::Sender::new(leases), drained }
    }

    /// What is owned, as it changes.
    pub(super) fn leases(&self) -> watch::Receiver<Leases> {
        self.leases.subscribe()
    }

    /// Renews well within the lease until `stop`, then gives all back.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        if !self.db.is_shared() {
            return;
        }
        let mut renewed = Instant::now();
        loop {
            let leaving = self.leases.borrow().leaving.clone();
            match self.db.lease(&self.worker, self.lease, &leaving).await {
                Ok(leases) => {
                    renewed = Instant::now();
                    self.leases.send_if_modified(|now| std::mem::replace(now, leases.clone()) != leases);
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot renew the leases; will try again"
                    );
                    if renewed.elapsed() > self.lease {
                        self.leases.send_replace(Leases::none(&self.worker));
                    }
                }
            }
            let next = tokio::time::Instant::now() + (self.lease / 4).min(RENEW);
            let stopped = loop {
                tokio::select! {
                    () = stop.cancelled() => break true,
                    () = tokio::time::sleep_until(next) => break false,
                    Some(drained) = self.drained.recv() => self.hand_over(&drained).await,
                }
            };
            if stopped {
                break;
            }
        }
        if let Err(error) = self.db.release(&self.worker).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the leases could not be given back; they run out"
            );
        }
    }

    /// Shards that could not be handed over stay among those to leave, and are soon reported as drained again.
    async fn hand_over(&self, drained: &Epochs) {
        match self.db.hand_over(&self.worker, drained).await {
            Ok(()) => self.leases.send_modify(|leases| leases.leaving.retain(|shard, _| !drained.contains_key(shard))),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot hand shards over; will try again");
            }
        }
    }
}

/// Passes on, at most a hundred times a second, that another process queued something.
pub(super) async fn follow_hints(db: Db, hinted: watch::Sender<()>) {
    loop {
        match db.queue_hints().await {
            Ok(None) => return,
            Ok(Some(mut hints)) => {
                while hints.next().await.is_ok() {
                    hinted.send_replace(());
                    tokio::time::sleep(HINT_PAUSE).await;
                }
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "no hints of other processes"),
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

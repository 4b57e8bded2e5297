//! Keeps the shard leases of this worker. The only worker of an SQLite database owns everything and needs none.

use std::time::{Duration, Instant};

use callsheet::deliveries::{Epochs, Leases};
use callsheet::storage::Db;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::messages::RETRY_DELAY;

/// Longest time between renewals. A renewal also redistributes the shards, so that workers that join or leave are noticed soon.
const RENEW_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum time between two polls that notifications trigger.
const NOTIFICATION_PAUSE: Duration = Duration::from_millis(10);

/// Renews the leases and hands shards over.
pub(super) struct LeaseKeeper {
    db: Db,
    worker: String,
    lease: Duration,
    leases: watch::Sender<Leases>,
    /// Shards to leave that have no attempt in flight.
    drained: mpsc::UnboundedReceiver<Epochs>,
}

impl LeaseKeeper {
    pub(super) fn new(db: Db, lease: Duration, drained: mpsc::UnboundedReceiver<Epochs>) -> Self {
        let worker = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let leases = if db.is_shared() { Leases::none(&worker) } else { Leases::all() };
        Self { db, worker, lease, leases: watch::Sender::new(leases), drained }
    }

    /// Returns the current leases and their changes.
    pub(super) fn leases(&self) -> watch::Receiver<Leases> {
        self.leases.subscribe()
    }

    /// Renews the leases until `stop`, then releases them.
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
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "failed to renew the shard leases; retrying");
                    if renewed.elapsed() > self.lease {
                        self.leases.send_replace(Leases::none(&self.worker));
                    }
                }
            }
            let next = tokio::time::Instant::now() + (self.lease / 4).min(RENEW_INTERVAL);
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
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "failed to release the shard leases; they will expire");
        }
    }

    /// Hands shards over. On failure they stay in `leaving`, and are soon reported as drained again.
    async fn hand_over(&self, drained: &Epochs) {
        match self.db.hand_over(&self.worker, drained).await {
            Ok(()) => self.leases.send_modify(|leases| leases.leaving.retain(|shard, _| !drained.contains_key(shard))),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "failed to hand shards over; retrying");
            }
        }
    }
}

/// Forwards notifications that other processes queued something, at most a hundred per second.
pub(super) async fn forward_notifications(db: Db, notified: watch::Sender<()>) {
    loop {
        match db.queue_notifications().await {
            Ok(None) => return,
            Ok(Some(mut notifications)) => {
                while notifications.next().await.is_ok() {
                    notified.send_replace(());
                    tokio::time::sleep(NOTIFICATION_PAUSE).await;
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "failed to listen for queue notifications; retrying");
            }
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

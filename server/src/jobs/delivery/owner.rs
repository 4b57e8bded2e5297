//! What this worker owns: all of a database of its own, or leased shards of one that several share.

use std::time::{Duration, Instant};

use callsheet::deliveries::Ownership;
use callsheet::storage::Db;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::TRY_AGAIN;

/// How often to look for what was queued, without a hint, and for what became of pauses.
pub(super) const LOOK_AROUND: Duration = Duration::from_secs(1);
/// Between two looks by a hint.
const HINT_PAUSE: Duration = Duration::from_millis(10);

/// Keeps the leases alive.
pub(super) struct Owner {
    db: Db,
    worker: String,
    lease: Duration,
    owned: watch::Sender<Ownership>,
}

impl Owner {
    pub(super) fn new(db: Db, lease: Duration) -> Self {
        let worker = format!("{}-{:016x}", std::process::id(), rand::random::<u64>());
        let owned = if db.is_shared() { nothing(&worker) } else { Ownership::All };
        Self { db, worker, lease, owned: watch::Sender::new(owned) }
    }

    /// What is owned, as it changes.
    pub(super) fn owned(&self) -> watch::Receiver<Ownership> {
        self.owned.subscribe()
    }

    /// Renews well within the lease until `stop`, then gives all back.
    pub(super) async fn run(self, stop: CancellationToken) {
        if !self.db.is_shared() {
            return;
        }
        let mut renewed = Instant::now();
        loop {
            match self.db.lease(&self.worker, self.lease).await {
                Ok(owned) => {
                    renewed = Instant::now();
                    self.owned.send_if_modified(|now| std::mem::replace(now, owned.clone()) != owned);
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "cannot renew the leases; will try again"
                    );
                    if renewed.elapsed() > self.lease {
                        self.owned.send_replace(nothing(&self.worker));
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.lease / 4) => {}
            }
        }
        if let Err(error) = self.db.release(&self.worker).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the leases could not be given back; they run out"
            );
        }
    }
}

fn nothing(worker: &str) -> Ownership {
    Ownership::Shards { worker: worker.to_owned(), epochs: Default::default() }
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

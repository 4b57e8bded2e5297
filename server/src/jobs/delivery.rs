//! The delivery loop: connects the run queue, the breakers, the sender and the database.
//!
//! One task, the [`dispatcher`], owns the `RunQueue` and the `Breaker`s. It gives due deliveries in groups to an [`attempt_runner`], which
//! reads their current content in one statement and makes each attempt in a task of its own. The [`writer`] records finished attempts:
//! those that finish during one commit are recorded by the next. The dispatcher learns of the end of an attempt only after that commit,
//! so a restart at any time may repeat an attempt but never skips one.
//!
//! Several workers can share a database. Then each delivers for the callbacks whose shards it has leased ([`lease_keeper`]), and polls
//! the queue for new deliveries of all processes ([`queue_poller`]).

mod attempt_runner;
mod dispatcher;
mod lease_keeper;
mod messages;
mod queue_poller;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use callsheet::deliveries::DeliverySender;
use callsheet::model::{Clock, Millis};
use callsheet::storage::Db;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::dispatcher::Dispatcher;
use self::lease_keeper::LeaseKeeper;
use self::messages::Channels;
use self::queue_poller::{POLL_INTERVAL, PollScope};
use super::Pulse;

/// Interval of counting the queue in the database while only part of it is in memory.
const MEASURE_INTERVAL: Duration = Duration::from_secs(10);

/// The dependencies and settings of the loop.
#[derive(Clone)]
pub struct DeliveryLoop {
    pub sender: DeliverySender,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    /// Longest time that a delivery waits for an earlier one of its stream, ms.
    pub order_hold: Millis,
    /// Time after which the shards of an unresponsive worker are free.
    pub lease: Duration,
}

/// Runs until `shutdown`. Then finishes and records the attempts in flight, and releases the shards.
pub async fn deliver(parts: DeliveryLoop, pulse: Pulse, shutdown: CancellationToken) {
    let DeliveryLoop { sender, db, clock, order_hold, lease } = parts;
    let stop_leasing = CancellationToken::new();
    let (drained_to, drained) = mpsc::unbounded_channel();
    let lease_keeper = LeaseKeeper::new(db.clone(), lease, drained);
    let mut leases = lease_keeper.leases();
    let (finished_to, finished) = mpsc::channel(writer::BATCH);
    let (updates_to, updates) = mpsc::unbounded_channel();
    let (messages_to, mut messages) = mpsc::unbounded_channel();
    let mut writers: FuturesUnordered<_> = [
        db.spawn_writer(writer::write_attempts(db.clone(), finished, messages_to.clone())),
        db.spawn_writer(writer::write_breaker_updates(db.clone(), leases.clone(), updates, messages_to.clone())),
    ]
    .into_iter()
    .collect();
    let leasing = tokio::spawn(lease_keeper.run(stop_leasing.clone()));
    let (notify, mut notified) = watch::channel(());
    let forwarding = AbortOnDropHandle::new(tokio::spawn(lease_keeper::forward_notifications(db.clone(), notify)));
    // Before the first read of the queue, so that no change is missed.
    let mut changes = db.subscribe();
    let channels =
        Channels { finished: finished_to, breaker_updates: updates_to, messages: messages_to, drained: drained_to };
    let mut dispatcher = Dispatcher::new(db.clone(), sender, clock, order_hold, channels);
    dispatcher.set_leases(leases.borrow_and_update().clone());
    let mut poll = tokio::time::interval(POLL_INTERVAL);
    let mut measure = tokio::time::interval(MEASURE_INTERVAL);
    let mut writer_failed = false;
    loop {
        // At least as often as `measure` ticks.
        pulse.beat();
        dispatcher.start_due();
        let wake = dispatcher.next_wake();
        tokio::select! {
            () = shutdown.cancelled() => break,
            change = changes.recv() => match change {
                Ok(changes) => dispatcher.apply_changes(&changes),
                Err(broadcast::error::RecvError::Lagged(_)) => dispatcher.reload(),
                Err(broadcast::error::RecvError::Closed) => break,
            },
            Some(ended) = writers.next() => {
                log_panic(&ended);
                writer_failed = true;
                break;
            }
            Some(message) = messages.recv() => dispatcher.handle(message),
            Ok(()) = leases.changed() => dispatcher.set_leases(leases.borrow_and_update().clone()),
            () = tokio::time::sleep(wake.unwrap_or_default()), if wake.is_some() => {}
            Ok(()) = notified.changed() => dispatcher.poll(PollScope::New),
            _ = measure.tick() => dispatcher.measure(),
            _ = poll.tick(), if db.is_shared() => {
                dispatcher.poll(PollScope::Widened);
                dispatcher.read_pauses();
                dispatcher.set_leaving(leases.borrow().leaving.clone());
            }
        }
    }
    drop(forwarding);
    if writer_failed {
        // Attempts in flight can no longer be recorded, and will be repeated.
        drop(dispatcher);
    } else {
        dispatcher.finish().await;
    }
    while let Some(ended) = writers.next().await {
        log_panic(&ended);
    }
    // Other workers may take the shards only after everything is recorded.
    stop_leasing.cancel();
    let _ = leasing.await;
}

fn log_panic(ended: &Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a writer of the delivery loop panicked");
    }
}

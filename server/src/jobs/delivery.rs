//! The delivery loop: ties the run queue, the breakers, the couriers and the store together.
//!
//! One task owns the `RunQueue` and the `Breaker`s ([`dispatch`]). What may depart it hands, in groups, to a task that reads these deliveries
//! as they are now, in one statement, and starts an attempt as a task of its own for each ([`flight`]). A writer task ([`writer`]) commits what attempts
//! bring home: all that comes in during one commit goes into the next. Only after its commit is a delivery told to have landed, so a
//! restart at any moment repeats an attempt but never skips one.
//!
//! Where several workers share a database, each delivers for the callbacks whose shards it has leased ([`owner`]), and learns what
//! it and others queued by looking at what is new ([`looks`]).

mod attempt_runner;
mod dispatcher;
mod lease_keeper;
mod queue_poller;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use callsheet::deliveries::Courier;
use callsheet::model::{Clock, Millis};
use callsheet::storage::Db;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::dispatcher::{Channels, Dispatch};
use self::lease_keeper::Owner;
use self::queue_poller::Reach;
use super::Pulse;

/// After a fault of the console itself.
const TRY_AGAIN_MS: Millis = 1_000;
const TRY_AGAIN: Duration = Duration::from_millis(TRY_AGAIN_MS.unsigned_abs());

/// Interval of counting the queue in the table, while not all of it is held.
const MEASURE: Duration = Duration::from_secs(10);

/// What the loop works with.
#[derive(Clone)]
pub struct DeliveryLoop {
    pub courier: Courier,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    /// How long a delivery waits for an earlier one of its stream, ms.
    pub order_hold: Millis,
    /// How long a worker that falls silent keeps its shards.
    pub lease: Duration,
}

/// Runs until `shutdown`; attempts in flight are then finished and recorded before the shards are given back.
pub async fn deliver(parts: DeliveryLoop, pulse: Pulse, shutdown: CancellationToken) {
    let DeliveryLoop { courier, db, clock, order_hold, lease } = parts;
    let stop_owning = CancellationToken::new();
    let (drained_to, drained) = mpsc::unbounded_channel();
    let owner = Owner::new(db.clone(), lease, drained);
    let mut leases = owner.leases();
    let (made_to, made) = mpsc::channel(writer::BATCH);
    let (paces_to, paces) = mpsc::unbounded_channel();
    let (messages_to, mut messages) = mpsc::unbounded_channel();
    let mut tasks: FuturesUnordered<_> = [
        db.spawn_writer(writer::write(db.clone(), made, messages_to.clone())),
        db.spawn_writer(writer::keep_pace(db.clone(), leases.clone(), paces, messages_to.clone())),
    ]
    .into_iter()
    .collect();
    let owning = tokio::spawn(owner.run(stop_owning.clone()));
    let (hint_to, mut hints) = watch::channel(());
    let following = AbortOnDropHandle::new(tokio::spawn(lease_keeper::follow_hints(db.clone(), hint_to)));
    // Before the first read of the queue, so that nothing falls between.
    let mut changes = db.subscribe();
    let channels = Channels { made: made_to, paces: paces_to, messages: messages_to, drained: drained_to };
    let mut dispatch = Dispatch::new(db.clone(), courier, clock, order_hold, channels);
    dispatch.own(leases.borrow_and_update().clone());
    let mut look_around = tokio::time::interval(lease_keeper::LOOK_AROUND);
    let mut measure = tokio::time::interval(MEASURE);
    let mut broke_down = false;
    loop {
        // At least as often as it measures the queue.
        pulse.beat();
        dispatch.depart();
        let wake = dispatch.next_wake();
        tokio::select! {
            () = shutdown.cancelled() => break,
            change = changes.recv() => match change {
                Ok(changes) => dispatch.hear(&changes),
                Err(broadcast::error::RecvError::Lagged(_)) => dispatch.load_anew(),
                Err(broadcast::error::RecvError::Closed) => break,
            },
            Some(ended) = tasks.next() => {
                tell_broken(&ended);
                broke_down = true;
                break;
            }
            Some(message) = messages.recv() => dispatch.take(message),
            Ok(()) = leases.changed() => dispatch.own(leases.borrow_and_update().clone()),
            () = tokio::time::sleep(wake.unwrap_or_default()), if wake.is_some() => {}
            Ok(()) = hints.changed() => dispatch.look(Reach::New),
            _ = measure.tick() => dispatch.measure(),
            _ = look_around.tick(), if db.is_shared() => {
                dispatch.look(Reach::Far);
                dispatch.look_at_pauses();
                dispatch.leave(leases.borrow().leaving.clone());
            }
        }
    }
    drop(following);
    if broke_down {
        // Nothing is recorded any more: what is in flight is tried again.
        drop(dispatch);
    } else {
        dispatch.finish().await;
    }
    while let Some(ended) = tasks.next().await {
        tell_broken(&ended);
    }
    // Only now that all is recorded may another worker go on.
    stop_owning.cancel();
    let _ = owning.await;
}

fn tell_broken(ended: &Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a task of the delivery loop broke down");
    }
}

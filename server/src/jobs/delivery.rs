//! The delivery loop: ties the run queue, the couriers and the store together.
//!
//! One task owns the [`RunQueue`]. It starts an attempt as a task of its own for each departure. A writer task commits what
//! attempts bring home: all that comes in during one commit goes into the next. Only after its commit is a delivery told to have
//! landed, so a restart at any moment repeats an attempt but never skips one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use callsheet::deliveries::{Courier, DeliveryStore, Departure, Fate, Made, Queued, RunQueue, log_courier_error};
use callsheet::model::{Clock, DeliveryId, Millis, StoreError};
use callsheet::storage::Db;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Requests in flight for one callback.
const PER_ENDPOINT_CONCURRENCY: usize = 16;
/// Attempts in one commit.
const BATCH: usize = 256;
/// After a fault of the console itself.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How often to look for deliveries that another process queued.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// Rows of the queue read at once.
const READ_ROWS: i64 = 5_000;

/// What the loop works with.
pub struct DeliveryLoop {
    pub courier: Courier,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    /// How long a delivery waits for an earlier one of its stream, ms.
    pub order_hold: Millis,
}

/// What became of an attempt, once it is committed.
struct Landed {
    delivery: DeliveryId,
    retry_at: Option<Millis>,
}

/// Runs until `shutdown`; attempts in flight are then finished and recorded.
pub async fn deliver(parts: DeliveryLoop, shutdown: CancellationToken) {
    let DeliveryLoop { courier, db, clock, order_hold } = parts;
    let (made, to_write) = mpsc::channel(4 * BATCH);
    let (landed_to, mut landed) = mpsc::unbounded_channel();
    let writer = tokio::spawn(write(db.clone(), to_write, landed_to.clone()));
    let mut dispatch = Dispatch {
        queue: RunQueue::new(order_hold, PER_ENDPOINT_CONCURRENCY),
        flights: JoinSet::new(),
        of: HashMap::new(),
        courier,
        made,
        landed: landed_to,
        clock: clock.clone(),
    };
    let mut changes = db.subscribe();
    dispatch.reload(&db).await;
    let mut look_around = tokio::time::interval(LOOK_AROUND);
    loop {
        dispatch.depart();
        let wake = dispatch.queue.next_wake().map(|at| u64::try_from(at - clock.now()).unwrap_or_default());
        tokio::select! {
            () = shutdown.cancelled() => break,
            change = changes.recv() => match change {
                Ok(Queued::Put(waiting)) => dispatch.queue.put(&waiting),
                Ok(Queued::Removed(delivery)) => dispatch.queue.remove(delivery),
                Ok(Queued::CallbackChanged(_)) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => dispatch.reload(&db).await,
                Err(broadcast::error::RecvError::Closed) => break,
            },
            Some(landing) = landed.recv() => dispatch.land(&landing),
            Some(ended) = dispatch.flights.join_next_with_id() => dispatch.ended(ended),
            () = tokio::time::sleep(Duration::from_millis(wake.unwrap_or_default())), if wake.is_some() => {}
            _ = look_around.tick() => {
                metrics::gauge!("callsheet_queue_depth").set(dispatch.queue.len() as f64);
                if db.is_shared() {
                    dispatch.look_around(&db).await;
                }
            }
        }
    }
    while dispatch.flights.join_next().await.is_some() {}
    drop(dispatch);
    if writer.await.is_err() {
        tracing::error!("the writer of attempts broke down");
    }
}

struct Dispatch {
    queue: RunQueue,
    flights: JoinSet<()>,
    of: HashMap<Id, DeliveryId>,
    courier: Courier,
    made: mpsc::Sender<Made>,
    landed: mpsc::UnboundedSender<Landed>,
    clock: Arc<dyn Clock>,
}

impl Dispatch {
    /// Reads the whole queue.
    async fn reload(&mut self, db: &Db) {
        let mut after = (0, DeliveryId(0));
        loop {
            match db.waiting(after, READ_ROWS).await {
                Ok(rows) => {
                    let Some(last) = rows.last() else { return };
                    after = (last.due_at, last.delivery);
                    for waiting in &rows {
                        self.queue.put(waiting);
                    }
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot read the queue; will try again");
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    /// Takes in what is due and not known here: another process queued it.
    async fn look_around(&mut self, db: &Db) {
        match db.waiting((0, DeliveryId(0)), READ_ROWS).await {
            Ok(rows) => {
                for waiting in &rows {
                    if !self.queue.contains(waiting.delivery) {
                        self.queue.put(waiting);
                    }
                }
            }
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "cannot read the queue"),
        }
    }

    fn depart(&mut self) {
        for departure in self.queue.depart(self.clock.now()) {
            let flight =
                fly(self.courier.clone(), departure, self.made.clone(), self.landed.clone(), self.clock.clone());
            let id = self.flights.spawn(flight).id();
            self.of.insert(id, departure.delivery);
        }
    }

    fn land(&mut self, landing: &Landed) {
        match landing.retry_at {
            Some(due_at) => self.queue.retry(landing.delivery, due_at),
            None => self.queue.finish(landing.delivery),
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let delivery = self.of.remove(&id);
        if let (Err(error), Some(delivery)) = (ended, delivery) {
            tracing::error!(%error, %delivery, "an attempt broke down; will try again");
            self.queue.retry(delivery, self.clock.now() + TRY_AGAIN.as_millis() as Millis);
        }
    }
}

async fn fly(
    courier: Courier,
    departure: Departure,
    made: mpsc::Sender<Made>,
    landed: mpsc::UnboundedSender<Landed>,
    clock: Arc<dyn Clock>,
) {
    let delivery = departure.delivery;
    let retry_at = match courier.attempt(departure).await {
        Ok(Some(attempt)) => {
            // The writer outlives all flights.
            let _ = made.send(attempt).await;
            return;
        }
        Ok(None) => None,
        Err(error) => {
            log_courier_error(&error);
            Some(clock.now() + TRY_AGAIN.as_millis() as Millis)
        }
    };
    let _ = landed.send(Landed { delivery, retry_at });
}

/// Commits attempts in batches. It does not give up: an attempt that was made must be recorded.
async fn write(db: Db, mut made: mpsc::Receiver<Made>, landed: mpsc::UnboundedSender<Landed>) {
    let mut batch = Vec::with_capacity(BATCH);
    while made.recv_many(&mut batch, BATCH).await > 0 {
        let mut records = Vec::with_capacity(batch.len());
        let mut off = Vec::new();
        for attempt in batch.drain(..) {
            count(&attempt);
            off.extend(attempt.off);
            records.push((attempt.record, attempt.fate));
        }
        while let Err(error) = db.complete(&records, &off).await {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot record attempts; will try again");
            if made.is_closed() && matches!(error, StoreError::Unavailable(_)) {
                // The console stops and the database is away: these attempts will be made once more.
                return;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        for (record, fate) in records {
            let retry_at = match fate {
                Fate::Retry { due_at } => Some(due_at),
                Fate::Delivered | Fate::Failed => None,
            };
            let _ = landed.send(Landed { delivery: record.delivery, retry_at });
        }
    }
}

fn count(made: &Made) {
    let kind = made.kind.as_str();
    let outcome = made.record.error_class.unwrap_or("delivered");
    metrics::counter!("callsheet_attempts_total", "kind" => kind, "outcome" => outcome).increment(1);
    metrics::histogram!("callsheet_attempt_duration_seconds").record(made.record.millis as f64 / 1000.0);
    if made.record.number == 1 {
        let delay = made.record.started_at - made.record.delivery.made_at();
        metrics::histogram!("callsheet_delivery_delay_seconds").record(delay as f64 / 1000.0);
    }
    let state = match made.fate {
        Fate::Delivered => "delivered",
        Fate::Failed => "failed",
        Fate::Retry { .. } => return,
    };
    metrics::counter!("callsheet_deliveries_total", "kind" => kind, "state" => state).increment(1);
}

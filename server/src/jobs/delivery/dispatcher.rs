//! The state of the delivery loop, and its reaction to each message.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use callsheet::callbacks::Pause;
use callsheet::deliveries::{
    Breaker, BreakerState, BreakerUpdate, ConcurrencyLimits, DeliverySender, Epochs, Leases, Ownership, QueueChange,
    QueuedDelivery, RunQueue, shard_of,
};
use callsheet::model::{CallbackId, Clock, ClockReading, DeliveryId, Millis, StoreError};
use callsheet::storage::Db;
use tokio_util::task::TaskTracker;

use super::attempt_runner::AttemptRunner;
use super::messages::{AttemptOutcome, Channels, Message, RETRY_DELAY};
use super::queue_poller::{PollScope, QueuePoller};

/// Maximum number of requests in flight for one callback.
const MAX_PER_CALLBACK: usize = 16;
/// Maximum numbers of requests in flight for all callbacks.
const LIMITS: ConcurrencyLimits = ConcurrencyLimits { first_tries: 1_024, retries: 256 };
/// Maximum number of deliveries prepared in one statement.
const GROUP: usize = 128;
/// Rows in a page of the queue.
const PAGE: i64 = 10_000;

/// Owns the run queue and the breakers.
pub(super) struct Dispatcher {
    db: Db,
    sender: DeliverySender,
    clock: Arc<dyn Clock>,
    queue: RunQueue,
    /// Part of the queue is only in the table.
    any_unread: bool,
    /// `None`: only this process queues deliveries, and its commits are reported.
    poller: Option<QueuePoller>,
    breakers: HashMap<CallbackId, Breaker>,
    /// Callbacks whose pause is stored. If one is no longer in the database, a user resumed the callback.
    stored_pauses: HashSet<CallbackId>,
    owned: Arc<Ownership>,
    /// Shards to hand over that may have attempts in flight.
    leaving: Epochs,
    /// Number of the current load of the whole queue.
    load: u64,
    /// During a load: the first callback that is not completely read.
    load_position: Option<CallbackId>,
    /// New deliveries of callbacks that are not completely read. They wait, because earlier deliveries of their streams may be unread.
    deferred: Vec<QueuedDelivery>,
    attempts: TaskTracker,
    channels: Channels,
}

impl Dispatcher {
    pub(super) fn new(
        db: Db,
        sender: DeliverySender,
        clock: Arc<dyn Clock>,
        order_hold: Millis,
        channels: Channels,
    ) -> Self {
        let poller = db.is_shared().then(|| QueuePoller::new(db.clone(), channels.messages.clone()));
        let queue = RunQueue::new(order_hold, sender.longest_wait(), MAX_PER_CALLBACK, LIMITS);
        Self {
            db,
            sender,
            clock,
            queue,
            any_unread: false,
            poller,
            breakers: HashMap::new(),
            stored_pauses: HashSet::new(),
            owned: Arc::new(Ownership::All),
            leaving: Epochs::new(),
            load: 0,
            load_position: None,
            deferred: Vec::new(),
            attempts: TaskTracker::new(),
            channels,
        }
    }

    /// Returns the time until a delivery is due.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let at = self.queue.next_wake()?;
        Some(Duration::from_millis(u64::try_from(at - self.clock.read().monotonic).unwrap_or_default()))
    }

    /// Applies new leases: removes the callbacks of lost shards, and reads the queue if shards were added.
    pub(super) fn set_leases(&mut self, leases: Leases) {
        let now = self.clock.read().monotonic;
        let Leases { owned, leaving } = leases;
        self.queue.remove_callbacks(|callback| !owned.holds(callback), now);
        self.breakers.retain(|callback, _| owned.holds(*callback));
        self.stored_pauses.retain(|callback| owned.holds(*callback));
        let has_more = owned.has_more_than(&self.owned);
        self.owned = Arc::new(owned);
        if has_more {
            self.reload();
        }
        self.set_leaving(leaving);
    }

    /// Sets the shards to hand over, each when its attempts in flight are recorded.
    pub(super) fn set_leaving(&mut self, leaving: Epochs) {
        self.leaving = leaving;
        self.report_drained();
    }

    fn report_drained(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        let in_flight: HashSet<i64> = self.queue.callbacks_in_flight().map(shard_of).collect();
        let drained = self.leaving.extract_if(.., |shard, _| !in_flight.contains(shard)).collect::<Epochs>();
        if !drained.is_empty() {
            let _ = self.channels.drained.send(drained);
        }
    }

    /// Reads the whole queue from the database, page by page, in the background.
    pub(super) fn reload(&mut self) {
        self.load += 1;
        self.load_position = Some(CallbackId(0));
        self.deferred.clear();
        self.read_pauses();
        self.poll(PollScope::Widened);
        self.load_page((CallbackId(0), DeliveryId(0)));
    }

    fn load_page(&self, after: (CallbackId, DeliveryId)) {
        let (db, owned, load) = (self.db.clone(), self.owned.clone(), self.load);
        self.read_queue(move || {
            let (db, owned) = (db.clone(), owned.clone());
            async move {
                let rows = db.queued_deliveries(&owned, after, PAGE).await?;
                let next = rows.last().map(|last| (last.callback, last.delivery));
                Ok(Message::Page { load, rows, next })
            }
        });
    }

    /// Makes the reads that the run queue requests.
    fn read_unread(&mut self) {
        for read in self.queue.take_reads() {
            let db = self.db.clone();
            self.read_queue(move || {
                let db = db.clone();
                async move {
                    let limit = i64::try_from(read.limit).unwrap_or(i64::MAX);
                    let rows = db.queued_deliveries_of(read.callback, read.after, limit).await?;
                    Ok(Message::ReadRows { read, rows })
                }
            });
        }
    }

    /// Reads in a task, and retries until it succeeds.
    fn read_queue<F>(&self, read: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = Result<Message, StoreError>> + Send,
    {
        let messages = self.channels.messages.clone();
        tokio::spawn(async move {
            while !messages.is_closed() {
                match read().await {
                    Ok(message) => return drop(messages.send(message)),
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "failed to read the queue; retrying");
                        tokio::time::sleep(RETRY_DELAY).await;
                    }
                }
            }
        });
    }

    /// Polls for new deliveries, if other processes queue some as well.
    pub(super) fn poll(&mut self, scope: PollScope) {
        if let Some(poller) = &mut self.poller {
            poller.request(scope, &self.owned);
        }
    }

    /// Reads which callbacks are paused, which also shows which ones users have resumed.
    pub(super) fn read_pauses(&self) {
        let (db, known, messages) = (self.db.clone(), self.stored_pauses.clone(), self.channels.messages.clone());
        tokio::spawn(async move {
            match db.paused_callbacks().await {
                Ok(paused) => drop(messages.send(Message::Pauses { known, paused })),
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "failed to read the pauses"),
            }
        });
    }

    /// Applies the changes of a commit of this process.
    pub(super) fn apply_changes(&mut self, changes: &[QueueChange]) {
        let now = self.clock.read();
        let mut poll = false;
        for change in changes {
            match change {
                // Another process may have committed earlier events of its stream.
                QueueChange::Added(_) if self.poller.is_some() => poll = true,
                QueueChange::Added(row) => self.add(row.clone(), now),
                QueueChange::Removed(delivery) => self.queue.remove(*delivery, now.monotonic),
                QueueChange::CallbackChanged(callback) => self.resume(*callback),
            }
        }
        if poll {
            self.poll(PollScope::New);
        }
    }

    /// Handles a message of one of its tasks.
    pub(super) fn handle(&mut self, message: Message) {
        let now = self.clock.read();
        match message {
            Message::Completed(outcomes) => {
                for outcome in outcomes {
                    self.on_completed(outcome, now);
                }
                self.report_drained();
            }
            Message::Page { load, rows, next } if load == self.load => self.on_page(&rows, next, now),
            // The load was started again.
            Message::Page { .. } => {}
            Message::ReadRows { read, rows } => self.queue.add_read(read, &rows, now),
            Message::Polled { result, took } => {
                let rows = self.poller.as_mut().map(|poller| poller.finish(result, took, &self.owned));
                rows.into_iter().flatten().for_each(|row| self.add(row, now));
            }
            Message::Pauses { known, paused } => self.on_pauses(&known, paused),
            Message::PauseStored(callback) => self.on_pause_stored(callback),
            Message::PauseRefused(callback) => self.resume(callback),
        }
        if !self.any_unread {
            metrics::gauge!("callsheet_queue_depth").set(self.queue.len() as f64);
        }
        metrics::gauge!("callsheet_callbacks_paused").set(self.stored_pauses.len() as f64);
    }

    /// Counts the queue in the database while only part of it is in memory.
    pub(super) fn measure(&mut self) {
        self.any_unread = self.queue.any_unread();
        if self.any_unread {
            let (db, owned) = (self.db.clone(), self.owned.clone());
            tokio::spawn(async move {
                match db.queue_depth(&owned).await {
                    Ok(depth) => metrics::gauge!("callsheet_queue_depth").set(depth as f64),
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "failed to count the queue");
                    }
                }
            });
        }
    }

    /// Starts the attempts that are due, and the reads that the run queue requests.
    pub(super) fn start_due(&mut self) {
        self.read_unread();
        let due = self.queue.take_due(self.clock.read().monotonic);
        for group in due.chunks(GROUP) {
            let runner = AttemptRunner {
                sender: self.sender.clone(),
                owned: self.owned.clone(),
                finished: self.channels.finished.clone(),
                messages: self.channels.messages.clone(),
            };
            self.attempts.spawn(runner.run(group.to_vec(), self.attempts.clone()));
        }
    }

    /// Waits for the attempts in flight.
    pub(super) async fn finish(self) {
        self.attempts.close();
        self.attempts.wait().await;
    }

    fn add(&mut self, row: QueuedDelivery, now: ClockReading) {
        if !self.owned.holds(row.callback) {
            return;
        }
        if self.load_position.is_some_and(|position| row.callback >= position) {
            self.deferred.push(row);
        } else {
            self.queue.add(&row, now);
        }
    }

    fn on_page(&mut self, rows: &[QueuedDelivery], next: Option<(CallbackId, DeliveryId)>, now: ClockReading) {
        for row in rows.iter().filter(|row| self.owned.holds(row.callback)) {
            self.queue.add(row, now);
        }
        self.load_position = next.map(|(callback, _)| callback);
        if let Some((callback, delivery)) = next {
            // The run queue reads the rest of a callback with a full window itself.
            let full = self.queue.is_unread(callback);
            self.load_page((callback, if full { DeliveryId(i64::MAX) } else { delivery }));
        }
        for row in std::mem::take(&mut self.deferred) {
            self.add(row, now);
        }
    }

    fn on_completed(&mut self, outcome: AttemptOutcome, now: ClockReading) {
        let AttemptOutcome { delivery, callback, retry_in, verdict } = outcome;
        match retry_in {
            Some(wait) => self.queue.retry(delivery, now.monotonic + wait, now.monotonic),
            None => self.queue.finish(delivery, now.monotonic),
        }
        let Some(verdict) = verdict else { return };
        let breaker = self.breakers.entry(callback).or_insert_with(|| Breaker::new(MAX_PER_CALLBACK));
        let before = breaker.state();
        let update = breaker.record(now, verdict);
        let state = breaker.state();
        if let Some(update) = update {
            if update == BreakerUpdate::Resumed {
                self.stored_pauses.remove(&callback);
            }
            let _ = self.channels.breaker_updates.send((callback, update));
        }
        if state != before {
            self.queue.set_state(callback, state, now.monotonic);
        }
    }

    /// Notes that a pause is stored, or removes it again if a user has ended it meanwhile.
    fn on_pause_stored(&mut self, callback: CallbackId) {
        let breaker = self.breakers.get(&callback);
        if breaker.is_some_and(|breaker| matches!(breaker.state(), BreakerState::Paused { .. })) {
            self.stored_pauses.insert(callback);
        } else {
            let _ = self.channels.breaker_updates.send((callback, BreakerUpdate::Resumed));
        }
    }

    /// Ends the pause of a callback that a user resumed or changed.
    fn resume(&mut self, callback: CallbackId) {
        self.stored_pauses.remove(&callback);
        if let Some(breaker) = self.breakers.get_mut(&callback) {
            breaker.resume();
            self.queue.set_state(callback, breaker.state(), self.clock.read().monotonic);
        }
    }

    /// Compares the pauses in the database with those of this worker. A `known` pause that is missing there was ended by a user. A pause
    /// of a callback without a breaker was begun before this worker owned its shard.
    fn on_pauses(&mut self, known: &HashSet<CallbackId>, paused: Vec<(CallbackId, Pause)>) {
        let in_database: HashSet<CallbackId> = paused.iter().map(|(callback, _)| *callback).collect();
        let known: Vec<CallbackId> = self.stored_pauses.intersection(known).copied().collect();
        for callback in known.into_iter().filter(|callback| !in_database.contains(callback)) {
            self.resume(callback);
        }
        let now = self.clock.read();
        for (callback, pause) in paused {
            if self.owned.holds(callback) && !self.breakers.contains_key(&callback) {
                let breaker = Breaker::restored(MAX_PER_CALLBACK, pause, now);
                self.queue.set_state(callback, breaker.state(), now.monotonic);
                self.breakers.insert(callback, breaker);
                self.stored_pauses.insert(callback);
            }
        }
    }
}

//! What the delivery loop knows, and what it does with what it hears.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use callsheet::callbacks::{OffReason, Pause};
use callsheet::deliveries::{
    Breaker, CallbackOff, Change, Courier, Epochs, Gate, Leases, Made, News, Ownership, Queued, Read, RunQueue, Slots,
    Verdict, Waiting, shard_of,
};
use callsheet::model::{CallbackId, Clock, ClockReading, DeliveryId, Millis, StoreError};
use callsheet::storage::Db;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::TRY_AGAIN;
use super::attempt_runner::Flight;
use super::queue_poller::{Looks, Reach};
use super::writer::Pace;

/// Requests in flight for one callback.
const PER_ENDPOINT_CONCURRENCY: usize = 16;
/// Requests in flight for all callbacks.
const SLOTS: Slots = Slots { first_tries: 1_024, retries: 256 };
/// Deliveries read in one statement.
const GROUP: usize = 128;
/// Rows of the queue read at once.
const PAGE: i64 = 10_000;

/// What became of an attempt, once it is committed.
pub(super) struct Landed {
    pub(super) delivery: DeliveryId,
    pub(super) callback: CallbackId,
    /// In how many ms the next attempt is due; `None`: none will follow.
    pub(super) retry_in: Option<Millis>,
    /// `None`: nothing was sent.
    pub(super) verdict: Option<Verdict>,
}

/// An attempt that came home, and what this worker owned when it departed.
pub(super) type Home = (Made, Arc<Ownership>);

/// What the loop hears from its tasks.
pub(super) enum Message {
    Landed(Vec<Landed>),
    /// A page of the queue, read for the load of this number; the place after which the next begins.
    Page {
        load: u64,
        rows: Vec<Waiting>,
        next: Option<(CallbackId, DeliveryId)>,
    },
    /// The next rows of a callback of which the table has more than is held.
    ReadOn {
        read: Read,
        rows: Vec<Waiting>,
    },
    /// A look for what was queued is over. `None`: it failed.
    Looked {
        news: Option<News>,
        took: Duration,
    },
    /// Which callbacks the table has as paused. `kept`: those whose pauses were stored when it was read.
    Pauses {
        kept: HashSet<CallbackId>,
        paused: Vec<(CallbackId, Pause)>,
    },
    /// The pause of this callback is stored.
    PauseKept(CallbackId),
    /// It is not: the callback is off, or a person changed it meanwhile.
    PauseRefused(CallbackId),
}

/// See the module.
pub(super) struct Dispatch {
    db: Db,
    courier: Courier,
    clock: Arc<dyn Clock>,
    queue: RunQueue,
    /// More waits than the queue holds.
    is_long: bool,
    /// `None`: this process alone fills the queue, and hears of all.
    looks: Option<Looks>,
    breakers: HashMap<CallbackId, Breaker>,
    /// Callbacks whose pause is stored: when it is gone there, a person has resumed them.
    pause_kept: HashSet<CallbackId>,
    owned: Arc<Ownership>,
    /// Shards to hand over of which something may still be in flight.
    leaving: Epochs,
    /// Counts the times that the queue was read from its beginning.
    load: u64,
    /// While it is being read: the first callback that is not read to its end.
    unread: Option<CallbackId>,
    /// What was queued for such callbacks meanwhile. It waits, because earlier deliveries of its stream may not have been read.
    early: Vec<Waiting>,
    flights: TaskTracker,
    made: mpsc::Sender<Home>,
    paces: mpsc::UnboundedSender<(CallbackId, Pace)>,
    messages: mpsc::UnboundedSender<Message>,
    drained: mpsc::UnboundedSender<Epochs>,
}

/// What a [`Dispatch`] speaks through.
pub(super) struct Channels {
    pub(super) made: mpsc::Sender<Home>,
    pub(super) paces: mpsc::UnboundedSender<(CallbackId, Pace)>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
    /// Shards that can be handed over, because nothing of them is in flight any more.
    pub(super) drained: mpsc::UnboundedSender<Epochs>,
}

impl Dispatch {
    pub(super) fn new(db: Db, courier: Courier, clock: Arc<dyn Clock>, order_hold: Millis, channels: Channels) -> Self {
        let Channels { made, paces, messages, drained } = channels;
        let looks = db.is_shared().then(|| Looks::new(db.clone(), messages.clone()));
        let queue = RunQueue::new(order_hold, courier.longest_wait(), PER_ENDPOINT_CONCURRENCY, SLOTS);
        Self {
            db,
            courier,
            clock,
            queue,
            is_long: false,
            looks,
            breakers: HashMap::new(),
            pause_kept: HashSet::new(),
            owned: Arc::new(Ownership::All),
            leaving: Epochs::new(),
            load: 0,
            unread: None,
            early: Vec::new(),
            flights: TaskTracker::new(),
            made,
            paces,
            messages,
            drained,
        }
    }

    /// How long until something is due.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        let at = self.queue.next_wake()?;
        Some(Duration::from_millis(u64::try_from(at - self.clock.read().monotonic).unwrap_or_default()))
    }

    /// This worker has these leases from now on. It forgets what it lost or is to leave, and reads what it won.
    pub(super) fn own(&mut self, leases: Leases) {
        let now = self.clock.read().monotonic;
        let Leases { owned, leaving } = leases;
        self.queue.remove_lines(|callback| !owned.holds(callback), now);
        self.breakers.retain(|callback, _| owned.holds(*callback));
        self.pause_kept.retain(|callback| owned.holds(*callback));
        let wins = owned.has_more_than(&self.owned);
        self.owned = Arc::new(owned);
        if wins {
            self.load_anew();
        }
        self.leave(leaving);
    }

    /// These shards are to be handed over, each as soon as its attempts in flight are recorded.
    pub(super) fn leave(&mut self, leaving: Epochs) {
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
            let _ = self.drained.send(drained);
        }
    }

    /// Reads the whole queue, page by page, beside everything else.
    pub(super) fn load_anew(&mut self) {
        self.load += 1;
        self.unread = Some(CallbackId(0));
        self.early.clear();
        self.look_at_pauses();
        self.look(Reach::Far);
        self.load_page((CallbackId(0), DeliveryId(0)));
    }

    fn load_page(&self, after: (CallbackId, DeliveryId)) {
        let (db, owned, load) = (self.db.clone(), self.owned.clone(), self.load);
        self.read_queue(move || {
            let (db, owned) = (db.clone(), owned.clone());
            async move {
                let rows = db.waiting(&owned, after, PAGE).await?;
                let next = rows.last().map(|last| (last.callback, last.delivery));
                Ok(Message::Page { load, rows, next })
            }
        });
    }

    /// Reads on where there is room.
    fn read_on(&mut self) {
        for read in self.queue.take_reads() {
            let db = self.db.clone();
            self.read_queue(move || {
                let db = db.clone();
                async move {
                    let limit = i64::try_from(read.limit).unwrap_or(i64::MAX);
                    Ok(Message::ReadOn { read, rows: db.waiting_of(read.callback, read.after, limit).await? })
                }
            });
        }
    }

    /// Reads until the database answers.
    fn read_queue<F>(&self, read: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = Result<Message, StoreError>> + Send,
    {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            while !messages.is_closed() {
                match read().await {
                    Ok(message) => return drop(messages.send(message)),
                    Err(error) => {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot read the queue; will try again"
                        );
                        tokio::time::sleep(TRY_AGAIN).await;
                    }
                }
            }
        });
    }

    /// Looks for what was queued, if other processes queue as well.
    pub(super) fn look(&mut self, reach: Reach) {
        if let Some(looks) = &mut self.looks {
            looks.ask(reach, &self.owned);
        }
    }

    /// Sees which callbacks are paused, and which others have resumed.
    pub(super) fn look_at_pauses(&self) {
        let (db, kept, messages) = (self.db.clone(), self.pause_kept.clone(), self.messages.clone());
        tokio::spawn(async move {
            match db.paused_callbacks().await {
                Ok(paused) => drop(messages.send(Message::Pauses { kept, paused })),
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "cannot read the pauses"),
            }
        });
    }

    /// A commit of this process changed the queue.
    pub(super) fn hear(&mut self, changes: &[Queued]) {
        let now = self.clock.read();
        let mut look = false;
        for change in changes {
            match change {
                // Another process may have committed earlier events of its stream.
                Queued::Put(_) if self.looks.is_some() => look = true,
                Queued::Put(waiting) => self.put(waiting.clone(), now),
                Queued::Removed(delivery) => self.queue.remove(*delivery, now.monotonic),
                Queued::CallbackChanged(callback) => self.resume(*callback),
            }
        }
        if look {
            self.look(Reach::New);
        }
    }

    /// One of its tasks has something to say.
    pub(super) fn take(&mut self, message: Message) {
        let now = self.clock.read();
        match message {
            Message::Landed(landed) => {
                for landed in landed {
                    self.land(&landed, now);
                }
                self.report_drained();
            }
            Message::Page { load, rows, next } if load == self.load => {
                for waiting in rows.iter().filter(|waiting| self.owned.holds(waiting.callback)) {
                    self.queue.put(waiting, now);
                }
                self.unread = next.map(|(callback, _)| callback);
                if let Some((callback, delivery)) = next {
                    // The rest of a long line is read when there is room.
                    let is_over = self.queue.is_unread(callback);
                    self.load_page((callback, if is_over { DeliveryId(i64::MAX) } else { delivery }));
                }
                for waiting in std::mem::take(&mut self.early) {
                    self.put(waiting, now);
                }
            }
            // It was begun anew.
            Message::Page { .. } => {}
            Message::ReadOn { read, rows } => self.queue.read_on(read, &rows, now),
            Message::Looked { news, took } => {
                let rows = self.looks.as_mut().map(|looks| looks.end(news, took, &self.owned));
                rows.into_iter().flatten().for_each(|waiting| self.put(waiting, now));
            }
            Message::Pauses { kept, paused } => self.see_pauses(&kept, paused),
            Message::PauseKept(callback) => self.keep_pause(callback),
            Message::PauseRefused(callback) => self.resume(callback),
        }
        if !self.is_long {
            metrics::gauge!("callsheet_queue_depth").set(self.queue.len() as f64);
        }
        metrics::gauge!("callsheet_callbacks_paused").set(self.pause_kept.len() as f64);
    }

    /// Sees whether more waits than is held; then the table is asked how much.
    pub(super) fn measure(&mut self) {
        self.is_long = self.queue.has_unread();
        if self.is_long {
            let (db, owned) = (self.db.clone(), self.owned.clone());
            tokio::spawn(async move {
                match db.queue_depth(&owned).await {
                    Ok(depth) => metrics::gauge!("callsheet_queue_depth").set(depth as f64),
                    Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "cannot count the queue"),
                }
            });
        }
    }

    /// Starts the attempts that may be made now, and reads on.
    pub(super) fn depart(&mut self) {
        self.read_on();
        let departures = self.queue.depart(self.clock.read().monotonic);
        for group in departures.chunks(GROUP) {
            let flight = Flight {
                courier: self.courier.clone(),
                owned: self.owned.clone(),
                made: self.made.clone(),
                messages: self.messages.clone(),
            };
            self.flights.spawn(flight.begin(group.to_vec(), self.flights.clone()));
        }
    }

    /// Waits for the attempts in flight.
    pub(super) async fn finish(self) {
        self.flights.close();
        self.flights.wait().await;
    }

    fn put(&mut self, waiting: Waiting, now: ClockReading) {
        if !self.owned.holds(waiting.callback) {
            return;
        }
        if self.unread.is_some_and(|unread| waiting.callback >= unread) {
            self.early.push(waiting);
        } else {
            self.queue.put(&waiting, now);
        }
    }

    fn land(&mut self, landed: &Landed, now: ClockReading) {
        match landed.retry_in {
            Some(wait) => self.queue.retry(landed.delivery, now.monotonic + wait, now.monotonic),
            None => self.queue.finish(landed.delivery, now.monotonic),
        }
        let Some(verdict) = landed.verdict else { return };
        let new = || Breaker::new(PER_ENDPOINT_CONCURRENCY);
        let breaker = self.breakers.entry(landed.callback).or_insert_with(new);
        let before = breaker.gate();
        let change = breaker.record(now, verdict);
        let gate = breaker.gate();
        let pace = match change {
            Some(Change::Paused(pause) | Change::ProbeFailed(pause)) => Some(Pace::Pause(pause)),
            Some(Change::Resumed) => {
                self.pause_kept.remove(&landed.callback);
                Some(Pace::Resumed)
            }
            Some(Change::TurnOff) => {
                let (callback, at) = (landed.callback, now.wall);
                Some(Pace::Off(CallbackOff { callback, at, reason: OffReason::PausedForLong }))
            }
            None => None,
        };
        if let Some(pace) = pace {
            let _ = self.paces.send((landed.callback, pace));
        }
        if gate != before {
            self.queue.set_gate(landed.callback, gate, now.monotonic);
        }
    }

    /// A pause is stored. One that a person has ended meanwhile is taken back.
    fn keep_pause(&mut self, callback: CallbackId) {
        if self.breakers.get(&callback).is_some_and(|breaker| matches!(breaker.gate(), Gate::Paused { .. })) {
            self.pause_kept.insert(callback);
        } else {
            let _ = self.paces.send((callback, Pace::Resumed));
        }
    }

    /// A person resumed the callback, or changed it.
    fn resume(&mut self, callback: CallbackId) {
        self.pause_kept.remove(&callback);
        if let Some(breaker) = self.breakers.get_mut(&callback) {
            breaker.resume();
            self.queue.set_gate(callback, breaker.gate(), self.clock.read().monotonic);
        }
    }

    /// `paused` is what the table says: one that is not known here was paused before this worker had it; one that is missing there
    /// although it was `kept` was resumed by a person.
    fn see_pauses(&mut self, kept: &HashSet<CallbackId>, paused: Vec<(CallbackId, Pause)>) {
        let stored: HashSet<CallbackId> = paused.iter().map(|(callback, _)| *callback).collect();
        let resumed: Vec<CallbackId> = self.pause_kept.intersection(kept).copied().collect();
        for callback in resumed.into_iter().filter(|callback| !stored.contains(callback)) {
            self.resume(callback);
        }
        let now = self.clock.read();
        for (callback, pause) in paused {
            if self.owned.holds(callback) && !self.breakers.contains_key(&callback) {
                let breaker = Breaker::restored(PER_ENDPOINT_CONCURRENCY, pause, now);
                self.queue.set_gate(callback, breaker.gate(), now.monotonic);
                self.breakers.insert(callback, breaker);
                self.pause_kept.insert(callback);
            }
        }
    }
}

//! Queued deliveries in memory: decides which may be sent now, and when to check again. Pure; the loop that uses it is in the server.
//!
//! **Time.** The queue table has wall-clock times. They are converted to monotonic time when a delivery is added, so that setting the
//! wall clock does not change a wait. All other times here, including those of breaker states, are monotonic (ms).
//!
//! **Structure.** A [`StreamQueue`] has the deliveries of one stream of one callback. A [`CallbackQueue`] has the streams of one
//! callback, its attempts in flight and its [`BreakerState`].
//!
//! **Invariants.**
//! 1. At most one delivery of a stream is in flight, and no delivery is in flight twice.
//! 2. The earliest delivery of a stream is sent first. A later one overtakes it only after it was held for `order_hold`, and is then
//!    marked as out of order.
//! 3. A callback has no more attempts in flight than its state allows. While both first tries and retries are ready, a quarter of the
//!    attempts are retries.
//! 4. Callbacks take turns, one attempt each, so that a long queue gets no more than a short one.
//! 5. A paused callback starts a probe only while none of its deliveries is in flight.
//! 6. A limited number of first tries of a callback, the earliest, is in memory; the rest is read from the table later ([`window`]).
//! 7. First tries and retries have separate [`ConcurrencyLimits`] over all callbacks, so that retries to hanging addresses do not delay
//!    new events.

mod callback_queue;
mod stream_queue;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use slab::Slab;

use self::callback_queue::CallbackQueue;
use self::stream_queue::{Class, Schedule, StreamPosition, StreamQueue};
pub use self::window::QueueRead;
use self::window::WINDOW;
use super::breaker::BreakerState;
use super::types::{Dispatch, QueuedDelivery};
use crate::model::{CallbackId, ClockReading, DeliveryId, Millis};

/// Wait after a probe that could not be made.
const PROBE_AGAIN_MS: Millis = 1_000;

/// Longest wait of a first try. Storage makes deliveries that it queues at once due one millisecond apart.
const LONGEST_FIRST_WAIT_MS: Millis = 1_000;

/// Maximum numbers of requests in flight for all callbacks.
#[derive(Debug, Clone, Copy)]
pub struct ConcurrencyLimits {
    pub first_tries: usize,
    pub retries: usize,
}

/// A delivery in flight.
#[derive(Debug)]
struct InFlight {
    stream: usize,
    class: Class,
    probe: bool,
    queued_at: Option<Millis>,
    /// Its row was read again, or it was queued again, under this stream key.
    added_again: Option<(Arc<str>, Schedule)>,
}

/// A delivery whose attempt has ended.
struct Ended {
    stream: usize,
    callback: CallbackId,
    added_again: Option<(Arc<str>, Schedule)>,
    /// `added_again` was queued again; otherwise it is the row that was in flight.
    is_new: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Stream(usize),
    Probe(CallbackId),
}

/// All queued deliveries in memory.
#[derive(Debug)]
pub struct RunQueue {
    streams: Slab<StreamQueue>,
    stream_indices: HashMap<(CallbackId, Arc<str>), usize>,
    callbacks: HashMap<CallbackId, CallbackQueue>,
    /// The stream of each delivery.
    stream_of: HashMap<DeliveryId, usize>,
    in_flight: HashMap<DeliveryId, InFlight>,
    timers: BTreeSet<(Millis, Timer)>,
    /// By class.
    turns: [VecDeque<CallbackId>; 2],
    /// By class.
    in_flight_count: [usize; 2],
    /// By class.
    limits: [usize; 2],
    order_hold: Millis,
    longest_retry: Millis,
    max_per_callback: usize,
    /// See [`WINDOW`].
    window: usize,
    reads: Vec<QueueRead>,
    /// Number of the last requested read.
    read_number: u64,
}

impl RunQueue {
    /// `order_hold` and `longest_retry` (the longest wait for a retry) in ms; `max_per_callback`: most requests in flight for one callback.
    #[must_use]
    pub fn new(order_hold: Millis, longest_retry: Millis, max_per_callback: usize, limits: ConcurrencyLimits) -> Self {
        Self {
            streams: Slab::new(),
            stream_indices: HashMap::new(),
            callbacks: HashMap::new(),
            stream_of: HashMap::new(),
            in_flight: HashMap::new(),
            timers: BTreeSet::new(),
            turns: Default::default(),
            in_flight_count: [0; 2],
            limits: [limits.first_tries, limits.retries],
            order_hold,
            longest_retry,
            max_per_callback,
            window: WINDOW,
            reads: Vec::new(),
            read_number: 0,
        }
    }

    /// Returns the number of deliveries in memory, those in flight included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stream_of.len()
    }

    /// Returns whether no delivery is in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stream_of.is_empty()
    }

    /// Adds a queued delivery, unless this row is known already or is beyond the window of its callback. One that is in flight is
    /// added when its attempt has ended.
    pub fn add(&mut self, row: &QueuedDelivery, now: ClockReading) {
        if self.is_beyond_window(row) {
            self.note_unread(row.callback);
        } else {
            self.add_in_window(row, now);
        }
    }

    fn add_in_window(&mut self, row: &QueuedDelivery, now: ClockReading) {
        let known = self.stream_of.get(&row.delivery);
        if known.is_some_and(|index| self.streams[*index].queued_at(row.delivery) == Some(row.queued_at)) {
            return;
        }
        let (class, longest) = match row.retry {
            true => (Class::Retry, self.longest_retry),
            false => (Class::FirstTry, LONGEST_FIRST_WAIT_MS),
        };
        let schedule = Schedule {
            due_at: now.until(row.due_at, longest),
            held_until: now.until(row.delivery.made_at() + self.order_hold, self.order_hold),
            queued_at: row.queued_at,
            class,
        };
        let stream: Arc<str> = row.stream_key.as_str().into();
        if let Some(in_flight) = self.in_flight.get_mut(&row.delivery) {
            in_flight.added_again = Some((stream, schedule));
        } else {
            self.insert(row.delivery, row.callback, stream, schedule, now.monotonic);
        }
    }

    fn insert(
        &mut self,
        delivery: DeliveryId,
        callback: CallbackId,
        stream: Arc<str>,
        schedule: Schedule,
        now: Millis,
    ) {
        let index = match self.stream_of.get(&delivery) {
            Some(index) => *index,
            None => self.stream_index(callback, stream),
        };
        let before = self.streams[index].insert(delivery, schedule);
        self.stream_of.insert(delivery, index);
        if let Some(queue) = self.callbacks.get_mut(&callback) {
            queue.last = queue.last.max(delivery);
            queue.count(before, Some(schedule.class));
        }
        self.reposition(index, now);
        self.restart_probe_timer(callback);
    }

    /// Removes a delivery that is no longer queued. If it is in flight, its stream continues when the attempt has ended.
    pub fn remove(&mut self, delivery: DeliveryId, now: Millis) {
        if let Some(in_flight) = self.in_flight.get_mut(&delivery) {
            in_flight.added_again = None;
        }
        if let Some(index) = self.stream_of.get(&delivery) {
            self.take_out(*index, delivery, now);
        }
    }

    fn take_out(&mut self, index: usize, delivery: DeliveryId, now: Millis) {
        self.stream_of.remove(&delivery);
        let callback = self.streams[index].callback;
        let before = self.streams[index].remove(delivery);
        if let Some(queue) = self.callbacks.get_mut(&callback) {
            queue.count(before, None);
        }
        self.reposition(index, now);
        self.read_if_few(callback);
    }

    /// Removes the callbacks for which `lost` is true, with their queued deliveries. Attempts in flight are not interrupted.
    pub fn remove_callbacks(&mut self, lost: impl Fn(CallbackId) -> bool, now: Millis) {
        let callbacks: Vec<CallbackId> = self.callbacks.keys().copied().filter(|callback| lost(*callback)).collect();
        for in_flight in self.in_flight.values_mut().filter(|one| lost(self.streams[one.stream].callback)) {
            in_flight.added_again = None;
        }
        for callback in callbacks {
            if let Some(queue) = self.callbacks.get_mut(&callback) {
                queue.unread = None;
                for index in queue.streams.clone() {
                    for delivery in self.streams[index].deliveries().collect::<Vec<_>>() {
                        self.take_out(index, delivery, now);
                    }
                }
            }
            self.set_state(callback, BreakerState::Active { limit: self.max_per_callback }, now);
        }
    }

    /// Returns the callback of each attempt in flight.
    pub fn callbacks_in_flight(&self) -> impl Iterator<Item = CallbackId> {
        self.in_flight.values().map(|in_flight| self.streams[in_flight.stream].callback)
    }

    /// Ends an attempt that is not retried, unless the delivery was queued again meanwhile.
    pub fn finish(&mut self, delivery: DeliveryId, now: Millis) {
        let Some(Ended { stream: index, callback, added_again, is_new }) = self.end_attempt(delivery, now) else {
            return;
        };
        self.take_out(index, delivery, now);
        if let Some((stream, schedule)) = added_again.filter(|_| is_new) {
            self.insert(delivery, callback, stream, schedule, now);
        }
    }

    /// Ends an attempt that is retried at `due_at`.
    pub fn retry(&mut self, delivery: DeliveryId, due_at: Millis, now: Millis) {
        let Some(Ended { stream: index, callback, added_again, is_new }) = self.end_attempt(delivery, now) else {
            return;
        };
        let before = self.streams[index].postpone(delivery, due_at);
        if let Some(queue) = self.callbacks.get_mut(&callback) {
            queue.count(before, before.map(|_| Class::Retry));
        }
        self.reposition(index, now);
        if let Some((stream, schedule)) = added_again {
            let schedule = if is_new { schedule } else { Schedule { due_at, class: Class::Retry, ..schedule } };
            self.insert(delivery, callback, stream, schedule, now);
        }
        self.read_if_few(callback);
    }

    /// Sets the breaker state of a callback.
    pub fn set_state(&mut self, callback: CallbackId, state: BreakerState, now: Millis) {
        let queue = self.callbacks.entry(callback).or_insert_with(|| CallbackQueue::new(self.max_per_callback));
        queue.state = state;
        let probe_at = match state {
            BreakerState::Paused { probe_at } => Some(probe_at),
            BreakerState::Active { .. } => None,
        };
        self.set_probe_timer(callback, probe_at);
        self.shrink_to_window(callback, now);
        self.read_if_few(callback);
        self.offer_turn(callback);
        self.drop_idle_callback(callback);
    }

    /// Takes the attempts to make now. Each must be answered by [`RunQueue::retry`] or [`RunQueue::finish`].
    pub fn take_due(&mut self, now: Millis) -> Vec<Dispatch> {
        let mut due = Vec::new();
        while let Some((at, timer)) = self.timers.first().copied()
            && at <= now
        {
            match timer {
                Timer::Stream(index) => self.reposition(index, now),
                Timer::Probe(callback) => {
                    self.set_probe_timer(callback, None);
                    due.extend(self.start_probe(callback));
                }
            }
        }
        for class in [Class::FirstTry, Class::Retry] {
            while self.in_flight_count[class as usize] < self.limits[class as usize]
                && let Some(callback) = self.turns[class as usize].pop_front()
            {
                due.extend(self.take_turn(callback, class));
            }
        }
        due
    }

    /// Returns when to call [`RunQueue::take_due`] again if nothing else happens.
    #[must_use]
    pub fn next_wake(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Returns the index of a stream queue, which is created if missing.
    fn stream_index(&mut self, callback: CallbackId, stream: Arc<str>) -> usize {
        *self.stream_indices.entry((callback, stream.clone())).or_insert_with(|| {
            let index = self.streams.insert(StreamQueue::new(callback, stream));
            let queue = self.callbacks.entry(callback).or_insert_with(|| CallbackQueue::new(self.max_per_callback));
            queue.streams.insert(index);
            index
        })
    }

    /// Sets the probe timer of a paused callback again. It is missing if the last probe found nothing to send, or something in flight.
    fn restart_probe_timer(&mut self, callback: CallbackId) {
        if let Some(queue) = self.callbacks.get(&callback)
            && let CallbackQueue { state: BreakerState::Paused { probe_at }, probe_timer: None, .. } = queue
            && !queue.has_in_flight()
        {
            self.set_probe_timer(callback, Some(*probe_at));
        }
    }

    /// Updates the position of a stream: none, the `ready` set of its callback, or a timer. Drops an empty stream.
    fn reposition(&mut self, index: usize, now: Millis) {
        let stream = &mut self.streams[index];
        let callback = stream.callback;
        let Some(queue) = self.callbacks.get_mut(&callback) else { return };
        match stream.position {
            StreamPosition::Idle => {}
            StreamPosition::Ready(class, delivery) => {
                queue.ready[class as usize].remove(&(delivery, index));
            }
            StreamPosition::Timer(at) => {
                self.timers.remove(&(at, Timer::Stream(index)));
            }
        }
        stream.position = stream.position_at(now);
        match stream.position {
            StreamPosition::Ready(class, delivery) => {
                queue.ready[class as usize].insert((delivery, index));
                self.offer_turn(callback);
            }
            StreamPosition::Timer(at) => {
                self.timers.insert((at, Timer::Stream(index)));
            }
            StreamPosition::Idle if stream.is_empty() => {
                let stream = self.streams.remove(index);
                self.stream_indices.remove(&(callback, stream.stream));
                queue.streams.remove(&index);
                self.drop_idle_callback(callback);
            }
            StreamPosition::Idle => {}
        }
    }

    fn set_probe_timer(&mut self, callback: CallbackId, at: Option<Millis>) {
        let Some(queue) = self.callbacks.get_mut(&callback) else { return };
        if let Some(at) = std::mem::replace(&mut queue.probe_timer, at) {
            self.timers.remove(&(at, Timer::Probe(callback)));
        }
        if let Some(at) = at {
            self.timers.insert((at, Timer::Probe(callback)));
        }
    }

    /// Drops a callback without streams, unless its state differs from the default.
    fn drop_idle_callback(&mut self, callback: CallbackId) {
        let default = BreakerState::Active { limit: self.max_per_callback };
        let idle = |queue: &CallbackQueue| queue.streams.is_empty() && queue.unread.is_none() && queue.state == default;
        if self.callbacks.get(&callback).is_some_and(idle) {
            self.callbacks.remove(&callback);
        }
    }

    /// Gives a callback a turn of each class for which it can start an attempt.
    fn offer_turn(&mut self, callback: CallbackId) {
        let Some(queue) = self.callbacks.get_mut(&callback) else { return };
        for class in [Class::FirstTry, Class::Retry] {
            if !queue.in_turn[class as usize] && !queue.ready[class as usize].is_empty() && queue.may_start(class) {
                queue.in_turn[class as usize] = true;
                self.turns[class as usize].push_back(callback);
            }
        }
    }

    fn take_turn(&mut self, callback: CallbackId, class: Class) -> Option<Dispatch> {
        let queue = self.callbacks.get_mut(&callback)?;
        queue.in_turn[class as usize] = false;
        if !queue.may_start(class) {
            return None;
        }
        let (delivery, index) = queue.ready[class as usize].pop_first()?;
        let dispatch = self.start(delivery, index, class, false);
        self.offer_turn(callback);
        Some(dispatch)
    }

    /// Starts the oldest delivery of a paused callback, due or not, unless one is in flight.
    fn start_probe(&mut self, callback: CallbackId) -> Option<Dispatch> {
        let queue = self.callbacks.get(&callback).filter(|queue| !queue.has_in_flight())?;
        let first = |index: &usize| self.streams[*index].first_to_send().map(|delivery| (delivery, *index));
        let (delivery, index) = queue.streams.iter().filter_map(first).min()?;
        match self.streams[index].position {
            StreamPosition::Timer(at) => {
                self.timers.remove(&(at, Timer::Stream(index)));
            }
            StreamPosition::Ready(class, ready) => {
                self.callbacks.get_mut(&callback)?.ready[class as usize].remove(&(ready, index));
            }
            StreamPosition::Idle => {}
        }
        Some(self.start(delivery, index, Class::Retry, true))
    }

    fn start(&mut self, delivery: DeliveryId, index: usize, class: Class, probe: bool) -> Dispatch {
        let stream = &mut self.streams[index];
        stream.position = StreamPosition::Idle;
        stream.in_flight = Some(delivery);
        let (callback, out_of_order) = (stream.callback, stream.first() != Some(delivery));
        if let Some(queue) = self.callbacks.get_mut(&callback) {
            queue.in_flight[class as usize] += 1;
        }
        self.in_flight_count[class as usize] += 1;
        let queued_at = stream.queued_at(delivery);
        self.in_flight.insert(delivery, InFlight { stream: index, class, probe, queued_at, added_again: None });
        Dispatch { delivery, callback, out_of_order, probe }
    }

    /// Frees the stream and the capacity that an attempt used.
    fn end_attempt(&mut self, delivery: DeliveryId, now: Millis) -> Option<Ended> {
        let InFlight { stream: index, class, probe, queued_at, added_again } = self.in_flight.remove(&delivery)?;
        self.in_flight_count[class as usize] -= 1;
        let stream = &mut self.streams[index];
        stream.in_flight = None;
        let callback = stream.callback;
        if let Some(queue) = self.callbacks.get_mut(&callback) {
            queue.in_flight[class as usize] -= 1;
            if probe && matches!(queue.state, BreakerState::Paused { .. }) {
                // A probe that was made is followed by a new state; this is for one that could not be made.
                self.set_probe_timer(callback, Some(now + PROBE_AGAIN_MS));
            }
        }
        self.restart_probe_timer(callback);
        self.offer_turn(callback);
        let is_new = added_again.as_ref().is_some_and(|(_, schedule)| Some(schedule.queued_at) != queued_at);
        Some(Ended { stream: index, callback, added_again, is_new })
    }
}

//! What waits, in memory: which delivery may go out now, and when to look again. Pure; the loop around it lives in the server.
//!
//! **Time.** The table has moments of the wall clock, which may be set. They become monotonic time when a delivery is taken in, so that
//! its wait takes as long as it was meant to. All other moments here, gates included, are monotonic (ms).
//!
//! **Dramatis personae.** A *lane* is one stream of one callback. A *line* is one callback: its lanes, what it has in flight,
//! and its [`Gate`].
//!
//! **Invariants.**
//! 1. Of one lane at most one delivery is in flight, and no delivery is in flight twice.
//! 2. Of a lane the earliest waiting one goes first; a later one only after it was held for `order_hold`, and then it is marked.
//! 3. A line has no more in flight than its gate allows. While both first tries and retries are ready, a quarter of its places
//!    is for retries.
//! 4. Lines take turns, one departure each, so that a long line gets no more than a short one.
//! 5. A probe leaves a paused line only while nothing else of it is in flight.
//! 6. Of a line only so many first tries are held, the earliest; the rest is read on from the table when they are fewer ([`window`]).
//! 7. First tries and retries of all lines together have [`Slots`] of their own: addresses that hang in retries take nothing
//!    from new events.

mod stream_queue;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use slab::Slab;

use self::stream_queue::{Class, Lane, Stands, Waits};
pub use self::window::Read;
use self::window::{HELD, Unread};
use super::breaker::Gate;
use super::types::Waiting;
use crate::model::{CallbackId, ClockReading, DeliveryId, Millis};

/// After a probe that could not be made.
const PROBE_AGAIN_MS: Millis = 1_000;

/// The longest that a first try waits. The store makes those that it queues at once due a millisecond apart.
const LONGEST_FIRST_WAIT_MS: Millis = 1_000;

/// How many requests may be in flight for all callbacks together.
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    pub first_tries: usize,
    pub retries: usize,
}

/// An attempt to make now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    /// It leaves before an earlier event of its stream.
    pub out_of_order: bool,
    /// It asks whether a paused callback is back; its failure uses up no try.
    pub probe: bool,
}

/// One callback.
#[derive(Debug)]
struct Line {
    gate: Gate,
    lanes: BTreeSet<usize>,
    /// By [`Class`]: the lanes whose next delivery may go now, oldest delivery first.
    ready: [BTreeSet<(DeliveryId, usize)>; 2],
    in_flight: [usize; 2],
    /// By class: how many deliveries are held, those in flight included.
    held: [usize; 2],
    /// The latest that was taken in.
    last: DeliveryId,
    /// `None`: all of it is held.
    unread: Option<Unread>,
    /// Whether it stands in `turns`, by class.
    in_turn: [bool; 2],
    /// The moment under which it stands in `timers`, while it is paused.
    probe_timer: Option<Millis>,
}

impl Line {
    fn new(limit: usize) -> Self {
        Self {
            gate: Gate::Open { limit },
            lanes: BTreeSet::new(),
            ready: Default::default(),
            in_flight: [0; 2],
            held: [0; 2],
            last: DeliveryId(0),
            unread: None,
            in_turn: [false; 2],
            probe_timer: None,
        }
    }

    /// A delivery is held in another class than before, or no more, or newly.
    fn count(&mut self, before: Option<Class>, after: Option<Class>) {
        if let Some(class) = before {
            self.held[class as usize] -= 1;
        }
        if let Some(class) = after {
            self.held[class as usize] += 1;
        }
    }

    fn is_flying(&self) -> bool {
        self.in_flight != [0; 2]
    }

    fn may_launch(&self, class: Class) -> bool {
        let Gate::Open { limit } = self.gate else { return false };
        let flying = self.in_flight[0] + self.in_flight[1];
        let share = match class {
            Class::Retry => (limit / 4).max(1),
            Class::FirstTry => limit - (limit / 4).max(1).min(limit),
        };
        flying < limit && (self.ready[class.other() as usize].is_empty() || self.in_flight[class as usize] < share)
    }
}

/// A delivery in flight.
#[derive(Debug)]
struct Flight {
    lane: usize,
    class: Class,
    probe: bool,
    queued_at: Option<Millis>,
    /// It was read again, or queued anew, meanwhile, under this stream key.
    again: Option<(Arc<str>, Waits)>,
}

/// An attempt that is over.
struct Landing {
    place: usize,
    callback: CallbackId,
    again: Option<(Arc<str>, Waits)>,
    /// What is to be taken in again was queued anew; otherwise it is what was in flight.
    is_new: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Lane(usize),
    Probe(CallbackId),
}

/// All that waits.
#[derive(Debug)]
pub struct RunQueue {
    lanes: Slab<Lane>,
    lane_of: HashMap<(CallbackId, Arc<str>), usize>,
    lines: HashMap<CallbackId, Line>,
    place_of: HashMap<DeliveryId, usize>,
    flights: HashMap<DeliveryId, Flight>,
    timers: BTreeSet<(Millis, Timer)>,
    /// By class.
    turns: [VecDeque<CallbackId>; 2],
    in_flight: [usize; 2],
    slots: [usize; 2],
    order_hold: Millis,
    longest_retry: Millis,
    cap: usize,
    /// See [`HELD`].
    limit: usize,
    reads: Vec<Read>,
    /// Counts the reads that were asked for.
    read_number: u64,
}

impl RunQueue {
    /// `order_hold` and `longest_retry`, the longest wait for a retry, in ms; `cap`: requests in flight for one callback at most.
    #[must_use]
    pub fn new(order_hold: Millis, longest_retry: Millis, cap: usize, slots: Slots) -> Self {
        Self {
            lanes: Slab::new(),
            lane_of: HashMap::new(),
            lines: HashMap::new(),
            place_of: HashMap::new(),
            flights: HashMap::new(),
            timers: BTreeSet::new(),
            turns: Default::default(),
            in_flight: [0; 2],
            slots: [slots.first_tries, slots.retries],
            order_hold,
            longest_retry,
            cap,
            limit: HELD,
            reads: Vec::new(),
            read_number: 0,
        }
    }

    /// How many deliveries are held, those in flight included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.place_of.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.place_of.is_empty()
    }

    /// Takes in a waiting delivery, unless it is known as it is, or its line has more than is held here and it is behind what is held.
    /// One that is in flight is taken in when its attempt is over.
    pub fn put(&mut self, waiting: &Waiting, now: ClockReading) {
        if self.is_beyond(waiting) {
            self.read_more(waiting.callback);
        } else {
            self.admit(waiting, now);
        }
    }

    fn admit(&mut self, waiting: &Waiting, now: ClockReading) {
        let known = self.place_of.get(&waiting.delivery);
        if known.is_some_and(|place| self.lanes[*place].queued_at(waiting.delivery) == Some(waiting.queued_at)) {
            return;
        }
        let (class, longest) = match waiting.retry {
            true => (Class::Retry, self.longest_retry),
            false => (Class::FirstTry, LONGEST_FIRST_WAIT_MS),
        };
        let waits = Waits {
            due_at: now.until(waiting.due_at, longest),
            held_until: now.until(waiting.delivery.made_at() + self.order_hold, self.order_hold),
            queued_at: waiting.queued_at,
            class,
        };
        let stream: Arc<str> = waiting.stream_key.as_str().into();
        if let Some(flight) = self.flights.get_mut(&waiting.delivery) {
            flight.again = Some((stream, waits));
        } else {
            self.enter(waiting.delivery, waiting.callback, stream, waits, now.monotonic);
        }
    }

    fn enter(&mut self, delivery: DeliveryId, callback: CallbackId, stream: Arc<str>, waits: Waits, now: Millis) {
        let place = match self.place_of.get(&delivery) {
            Some(place) => *place,
            None => self.lane(callback, stream),
        };
        let before = self.lanes[place].put(delivery, waits);
        self.place_of.insert(delivery, place);
        if let Some(line) = self.lines.get_mut(&callback) {
            line.last = line.last.max(delivery);
            line.count(before, Some(waits.class));
        }
        self.settle(place, now);
        self.rewind_probe(callback);
    }

    /// Forgets a delivery that waits no more. If it is in flight, its lane goes on when that is over.
    pub fn remove(&mut self, delivery: DeliveryId, now: Millis) {
        if let Some(flight) = self.flights.get_mut(&delivery) {
            flight.again = None;
        }
        if let Some(place) = self.place_of.get(&delivery) {
            self.take_out(*place, delivery, now);
        }
    }

    fn take_out(&mut self, place: usize, delivery: DeliveryId, now: Millis) {
        self.place_of.remove(&delivery);
        let callback = self.lanes[place].callback;
        let before = self.lanes[place].remove(delivery);
        if let Some(line) = self.lines.get_mut(&callback) {
            line.count(before, None);
        }
        self.settle(place, now);
        self.read_on_if_few(callback);
    }

    /// Forgets the callbacks that `gone` names, and all that waits for them; attempts in flight end by themselves.
    pub fn remove_lines(&mut self, gone: impl Fn(CallbackId) -> bool, now: Millis) {
        let lines: Vec<CallbackId> = self.lines.keys().copied().filter(|callback| gone(*callback)).collect();
        for flight in self.flights.values_mut().filter(|flight| gone(self.lanes[flight.lane].callback)) {
            flight.again = None;
        }
        for callback in lines {
            if let Some(line) = self.lines.get_mut(&callback) {
                line.unread = None;
                for place in line.lanes.clone() {
                    for delivery in self.lanes[place].deliveries().collect::<Vec<_>>() {
                        self.take_out(place, delivery, now);
                    }
                }
            }
            self.set_gate(callback, Gate::Open { limit: self.cap }, now);
        }
    }

    /// The callbacks of the attempts in flight, each as often as it has some.
    pub fn callbacks_in_flight(&self) -> impl Iterator<Item = CallbackId> {
        self.flights.values().map(|flight| self.lanes[flight.lane].callback)
    }

    /// An attempt is over and none will follow, unless the delivery was queued anew meanwhile.
    pub fn finish(&mut self, delivery: DeliveryId, now: Millis) {
        let Some(Landing { place, callback, again, is_new }) = self.land(delivery, now) else { return };
        self.take_out(place, delivery, now);
        if let Some((stream, waits)) = again.filter(|_| is_new) {
            self.enter(delivery, callback, stream, waits, now);
        }
    }

    /// An attempt is over and another will follow at `due_at`.
    pub fn retry(&mut self, delivery: DeliveryId, due_at: Millis, now: Millis) {
        let Some(Landing { place, callback, again, is_new }) = self.land(delivery, now) else { return };
        let before = self.lanes[place].postpone(delivery, due_at);
        if let Some(line) = self.lines.get_mut(&callback) {
            line.count(before, before.map(|_| Class::Retry));
        }
        self.settle(place, now);
        if let Some((stream, waits)) = again {
            let waits = if is_new { waits } else { Waits { due_at, class: Class::Retry, ..waits } };
            self.enter(delivery, callback, stream, waits, now);
        }
        self.read_on_if_few(callback);
    }

    /// How fast the callback may be called from now on.
    pub fn set_gate(&mut self, callback: CallbackId, gate: Gate, now: Millis) {
        let line = self.lines.entry(callback).or_insert_with(|| Line::new(self.cap));
        line.gate = gate;
        let probe_at = match gate {
            Gate::Paused { probe_at } => Some(probe_at),
            Gate::Open { .. } => None,
        };
        self.wind_probe(callback, probe_at);
        self.hold_fewer(callback, now);
        self.read_on_if_few(callback);
        self.offer(callback);
        self.drop_idle_line(callback);
    }

    /// The attempts to make now. Each must be answered by [`RunQueue::retry`] or [`RunQueue::finish`].
    pub fn depart(&mut self, now: Millis) -> Vec<Departure> {
        let mut departures = Vec::new();
        while let Some((at, timer)) = self.timers.first().copied()
            && at <= now
        {
            match timer {
                Timer::Lane(place) => self.settle(place, now),
                Timer::Probe(callback) => {
                    self.wind_probe(callback, None);
                    departures.extend(self.probe(callback));
                }
            }
        }
        for class in [Class::FirstTry, Class::Retry] {
            while self.in_flight[class as usize] < self.slots[class as usize]
                && let Some(callback) = self.turns[class as usize].pop_front()
            {
                departures.extend(self.take_turn(callback, class));
            }
        }
        departures
    }

    /// When to call [`RunQueue::depart`] again, if nothing else happens.
    #[must_use]
    pub fn next_wake(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn lane(&mut self, callback: CallbackId, stream: Arc<str>) -> usize {
        *self.lane_of.entry((callback, stream.clone())).or_insert_with(|| {
            let place = self.lanes.insert(Lane::new(callback, stream));
            let line = self.lines.entry(callback).or_insert_with(|| Line::new(self.cap));
            line.lanes.insert(place);
            place
        })
    }

    /// A paused line whose probe found nothing to send, or something in flight, looks again when something comes or lands.
    fn rewind_probe(&mut self, callback: CallbackId) {
        if let Some(line) = self.lines.get(&callback)
            && let Line { gate: Gate::Paused { probe_at }, probe_timer: None, .. } = line
            && !line.is_flying()
        {
            self.wind_probe(callback, Some(*probe_at));
        }
    }

    /// Finds anew where a lane stands: nowhere, in its line's `ready`, or at a timer. Drops it when nothing is left of it.
    fn settle(&mut self, place: usize, now: Millis) {
        let lane = &mut self.lanes[place];
        let callback = lane.callback;
        let Some(line) = self.lines.get_mut(&callback) else { return };
        match lane.stands {
            Stands::Nowhere => {}
            Stands::Ready(class, delivery) => {
                line.ready[class as usize].remove(&(delivery, place));
            }
            Stands::Timer(at) => {
                self.timers.remove(&(at, Timer::Lane(place)));
            }
        }
        lane.stands = lane.stand(now);
        match lane.stands {
            Stands::Ready(class, delivery) => {
                line.ready[class as usize].insert((delivery, place));
                self.offer(callback);
            }
            Stands::Timer(at) => {
                self.timers.insert((at, Timer::Lane(place)));
            }
            Stands::Nowhere if lane.is_over() => {
                let lane = self.lanes.remove(place);
                self.lane_of.remove(&(callback, lane.stream));
                line.lanes.remove(&place);
                self.drop_idle_line(callback);
            }
            Stands::Nowhere => {}
        }
    }

    fn wind_probe(&mut self, callback: CallbackId, at: Option<Millis>) {
        let Some(line) = self.lines.get_mut(&callback) else { return };
        if let Some(at) = std::mem::replace(&mut line.probe_timer, at) {
            self.timers.remove(&(at, Timer::Probe(callback)));
        }
        if let Some(at) = at {
            self.timers.insert((at, Timer::Probe(callback)));
        }
    }

    /// A line without lanes is kept while its gate says something.
    fn drop_idle_line(&mut self, callback: CallbackId) {
        let open = Gate::Open { limit: self.cap };
        let idle = |line: &Line| line.lanes.is_empty() && line.unread.is_none() && line.gate == open;
        if self.lines.get(&callback).is_some_and(idle) {
            self.lines.remove(&callback);
        }
    }

    /// Gives a line its turn if it can use one.
    fn offer(&mut self, callback: CallbackId) {
        let Some(line) = self.lines.get_mut(&callback) else { return };
        for class in [Class::FirstTry, Class::Retry] {
            if !line.in_turn[class as usize] && !line.ready[class as usize].is_empty() && line.may_launch(class) {
                line.in_turn[class as usize] = true;
                self.turns[class as usize].push_back(callback);
            }
        }
    }

    fn take_turn(&mut self, callback: CallbackId, class: Class) -> Option<Departure> {
        let line = self.lines.get_mut(&callback)?;
        line.in_turn[class as usize] = false;
        if !line.may_launch(class) {
            return None;
        }
        let (delivery, place) = line.ready[class as usize].pop_first()?;
        let departure = self.launch(delivery, place, class, false);
        self.offer(callback);
        Some(departure)
    }

    /// Sends the oldest delivery of a paused line, due or not, unless something is in flight.
    fn probe(&mut self, callback: CallbackId) -> Option<Departure> {
        let line = self.lines.get(&callback).filter(|line| !line.is_flying())?;
        let oldest = |place: &usize| self.lanes[*place].oldest().map(|delivery| (delivery, *place));
        let (delivery, place) = line.lanes.iter().filter_map(oldest).min()?;
        match self.lanes[place].stands {
            Stands::Timer(at) => {
                self.timers.remove(&(at, Timer::Lane(place)));
            }
            Stands::Ready(class, ready) => {
                self.lines.get_mut(&callback)?.ready[class as usize].remove(&(ready, place));
            }
            Stands::Nowhere => {}
        }
        Some(self.launch(delivery, place, Class::Retry, true))
    }

    fn launch(&mut self, delivery: DeliveryId, place: usize, class: Class, probe: bool) -> Departure {
        let lane = &mut self.lanes[place];
        lane.stands = Stands::Nowhere;
        lane.in_flight = Some(delivery);
        let (callback, out_of_order) = (lane.callback, lane.first() != Some(delivery));
        if let Some(line) = self.lines.get_mut(&callback) {
            line.in_flight[class as usize] += 1;
        }
        self.in_flight[class as usize] += 1;
        let queued_at = lane.queued_at(delivery);
        self.flights.insert(delivery, Flight { lane: place, class, probe, queued_at, again: None });
        Departure { delivery, callback, out_of_order, probe }
    }

    /// The attempt is over: frees its slot, its place in the line, and its lane.
    fn land(&mut self, delivery: DeliveryId, now: Millis) -> Option<Landing> {
        let Flight { lane: place, class, probe, queued_at, again } = self.flights.remove(&delivery)?;
        self.in_flight[class as usize] -= 1;
        let lane = &mut self.lanes[place];
        lane.in_flight = None;
        let callback = lane.callback;
        if let Some(line) = self.lines.get_mut(&callback) {
            line.in_flight[class as usize] -= 1;
            if probe && matches!(line.gate, Gate::Paused { .. }) {
                // Normally the gate is now set anew; not if the probe could not be made.
                self.wind_probe(callback, Some(now + PROBE_AGAIN_MS));
            }
        }
        self.rewind_probe(callback);
        self.offer(callback);
        let is_new = again.as_ref().is_some_and(|(_, waits)| Some(waits.queued_at) != queued_at);
        Some(Landing { place, callback, again, is_new })
    }
}

//! What waits, in memory: which delivery may go out now, and when to look again. Pure; the loop around it lives in the server.
//!
//! Invariants: of one stream of one callback at most one delivery is in flight. The earliest waiting one goes first; a later
//! one only after it was held for `order_hold`, and then it is marked. Different streams and callbacks never wait for
//! each other, up to the cap of requests in flight for one callback.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::store::Waiting;
use crate::model::{CallbackId, DeliveryId, Millis};

type StreamKey = (CallbackId, String);

/// One stream of one callback.
#[derive(Debug, Default)]
struct Lane {
    /// By id, which is the order of the events.
    waiting: BTreeMap<DeliveryId, Waits>,
    in_flight: Option<DeliveryId>,
    /// The moment under which the lane stands in `timers`.
    wake_at: Option<Millis>,
}

#[derive(Debug, Clone, Copy)]
struct Waits {
    due_at: Millis,
    /// From then on it no longer waits for earlier ones.
    held_until: Millis,
}

/// An attempt to make now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    /// It leaves before an earlier event of its stream.
    pub out_of_order: bool,
}

/// All that waits.
#[derive(Debug)]
pub struct RunQueue {
    lanes: HashMap<StreamKey, Lane>,
    timers: BTreeSet<(Millis, StreamKey)>,
    in_flight: HashMap<CallbackId, usize>,
    /// Lanes that are due but met the cap of their callback.
    capped: HashMap<CallbackId, VecDeque<StreamKey>>,
    where_is: HashMap<DeliveryId, StreamKey>,
    order_hold: Millis,
    cap: usize,
}

impl RunQueue {
    /// `order_hold` in ms; `cap`: requests in flight for one callback at most.
    #[must_use]
    pub fn new(order_hold: Millis, cap: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            timers: BTreeSet::new(),
            in_flight: HashMap::new(),
            capped: HashMap::new(),
            where_is: HashMap::new(),
            order_hold,
            cap,
        }
    }

    /// How many deliveries wait or are in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.where_is.len()
    }

    /// Whether nothing waits and nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.where_is.is_empty()
    }

    /// Takes in a waiting delivery, or its new due time. One that is in flight stays as it is.
    pub fn put(&mut self, waiting: &Waiting) {
        let key = (waiting.callback, waiting.stream_key.clone());
        let lane = self.lanes.entry(key.clone()).or_default();
        if lane.in_flight == Some(waiting.delivery) {
            return;
        }
        let held_until = waiting.delivery.made_at() + self.order_hold;
        lane.waiting.insert(waiting.delivery, Waits { due_at: waiting.due_at, held_until });
        self.where_is.insert(waiting.delivery, key.clone());
        self.wind(&key);
    }

    /// Forgets a delivery that waits no more.
    pub fn remove(&mut self, delivery: DeliveryId) {
        let Some(key) = self.where_is.remove(&delivery) else { return };
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.waiting.remove(&delivery);
        }
        self.land(&key, delivery);
    }

    /// An attempt is over and none will follow. A delivery that was queued anew meanwhile stays.
    pub fn finish(&mut self, delivery: DeliveryId) {
        let lane = self.where_is.get(&delivery).and_then(|key| self.lanes.get(key));
        if lane.is_some_and(|lane| lane.in_flight == Some(delivery)) {
            self.remove(delivery);
        }
    }

    /// An attempt is over and another will follow at `due_at`.
    pub fn retry(&mut self, delivery: DeliveryId, due_at: Millis) {
        let Some(key) = self.where_is.get(&delivery).cloned() else { return };
        if let Some(waits) = self.lanes.get_mut(&key).and_then(|lane| lane.waiting.get_mut(&delivery)) {
            waits.due_at = due_at;
        }
        self.land(&key, delivery);
    }

    /// Whether the delivery is known here.
    #[must_use]
    pub fn contains(&self, delivery: DeliveryId) -> bool {
        self.where_is.contains_key(&delivery)
    }

    /// The attempts to make now. Each must be answered by [`RunQueue::retry`] or [`RunQueue::finish`].
    pub fn depart(&mut self, now: Millis) -> Vec<Departure> {
        let mut departures = Vec::new();
        while let Some((at, key)) = self.timers.first().cloned() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            if let Some(lane) = self.lanes.get_mut(&key) {
                lane.wake_at = None;
            }
            if self.in_flight.get(&key.0).copied().unwrap_or_default() >= self.cap {
                self.capped.entry(key.0).or_default().push_back(key);
            } else {
                departures.extend(self.launch(&key, now));
            }
        }
        departures
    }

    /// When to call [`RunQueue::depart`] again, if nothing else happens.
    #[must_use]
    pub fn next_wake(&self) -> Option<Millis> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn launch(&mut self, key: &StreamKey, now: Millis) -> Option<Departure> {
        let lane = self.lanes.get_mut(key)?;
        if lane.in_flight.is_some() {
            return None;
        }
        let (first, _) = lane.waiting.first_key_value().map(|(id, w)| (*id, *w))?;
        let ready = |id: DeliveryId, w: &Waits| w.due_at <= now && (id == first || w.held_until <= now);
        let Some(delivery) = lane.waiting.iter().find(|(id, w)| ready(**id, w)).map(|(id, _)| *id) else {
            self.wind(key);
            return None;
        };
        lane.in_flight = Some(delivery);
        *self.in_flight.entry(key.0).or_default() += 1;
        Some(Departure { delivery, callback: key.0, out_of_order: delivery != first })
    }

    /// The attempt of `delivery` is over: its lane and one that met the cap may go on.
    fn land(&mut self, key: &StreamKey, delivery: DeliveryId) {
        if let Some(lane) = self.lanes.get_mut(key)
            && lane.in_flight == Some(delivery)
        {
            lane.in_flight = None;
            if let Some(count) = self.in_flight.get_mut(&key.0) {
                *count -= 1;
                if *count == 0 {
                    self.in_flight.remove(&key.0);
                }
            }
            if let Some(next) = self.capped.get_mut(&key.0).and_then(VecDeque::pop_front) {
                self.wind(&next);
            }
        }
        self.wind(key);
    }

    /// Sets the lane's timer, or drops the lane when nothing is left of it.
    fn wind(&mut self, key: &StreamKey) {
        let Some(lane) = self.lanes.get_mut(key) else { return };
        if let Some(at) = lane.wake_at.take() {
            self.timers.remove(&(at, key.clone()));
        }
        if lane.in_flight.is_some() {
            return;
        }
        let mut moments = lane.waiting.values();
        let first = moments.next().map(|w| w.due_at);
        let held = moments.map(|w| w.due_at.max(w.held_until)).min();
        match first.into_iter().chain(held).min() {
            Some(at) => {
                lane.wake_at = Some(at);
                self.timers.insert((at, key.clone()));
            }
            None => {
                self.lanes.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_795_357_880_000;

    fn id(n: i64) -> DeliveryId {
        DeliveryId((NOW << 20) + n)
    }

    fn waiting(n: i64, callback: i64, stream: &str, due_at: Millis) -> Waiting {
        Waiting { delivery: id(n), callback: CallbackId(callback), stream_key: stream.to_owned(), due_at }
    }

    fn departed(queue: &mut RunQueue, now: Millis) -> Vec<(DeliveryId, bool)> {
        queue.depart(now).into_iter().map(|d| (d.delivery, d.out_of_order)).collect()
    }

    #[test]
    fn a_stream_goes_in_order_and_others_do_not_wait() {
        let mut queue = RunQueue::new(60_000, 16);
        for n in 1..=2 {
            queue.put(&waiting(n, 1, "a", NOW));
            queue.put(&waiting(10 + n, 1, "b", NOW));
        }
        assert_eq!(departed(&mut queue, NOW), [(id(1), false), (id(11), false)]);
        queue.retry(id(1), NOW + 5_000);
        queue.remove(id(11));
        // `b` goes on; the second of `a` waits for the first.
        assert_eq!(departed(&mut queue, NOW), [(id(12), false)]);
        assert_eq!(departed(&mut queue, NOW + 4_999), []);
        assert_eq!(departed(&mut queue, NOW + 5_000), [(id(1), false)]);
        queue.remove(id(1));
        assert_eq!(departed(&mut queue, NOW + 5_000), [(id(2), false)]);
        queue.remove(id(2));
        queue.remove(id(12));
        assert!(queue.is_empty() && queue.next_wake().is_none() && queue.lanes.is_empty());
    }

    #[test]
    fn a_held_delivery_goes_out_of_order() {
        let mut queue = RunQueue::new(60_000, 16);
        queue.put(&waiting(1, 1, "a", NOW));
        queue.put(&waiting(2, 1, "a", NOW));
        assert_eq!(departed(&mut queue, NOW), [(id(1), false)]);
        queue.retry(id(1), NOW + 600_000);
        assert_eq!(queue.next_wake(), Some(NOW + 60_000));
        assert_eq!(departed(&mut queue, NOW + 60_000), [(id(2), true)]);
    }

    #[test]
    fn the_cap_of_one_callback_holds_only_itself() {
        let mut queue = RunQueue::new(60_000, 2);
        for n in 0..5 {
            queue.put(&waiting(n, 1, &format!("s{n}"), NOW));
        }
        queue.put(&waiting(9, 2, "s", NOW));
        assert_eq!(departed(&mut queue, NOW).len(), 3);
        assert_eq!(departed(&mut queue, NOW), []);
        queue.remove(id(0));
        assert_eq!(departed(&mut queue, NOW), [(id(2), false)]);
        for (landed, next) in [(1, 3), (2, 4)] {
            queue.remove(id(landed));
            assert_eq!(departed(&mut queue, NOW), [(id(next), false)]);
        }
    }

    #[test]
    fn a_delivery_queued_anew_survives_the_end_of_its_former_attempt() {
        let mut queue = RunQueue::new(60_000, 16);
        queue.put(&waiting(1, 1, "a", NOW));
        assert_eq!(departed(&mut queue, NOW), [(id(1), false)]);
        queue.remove(id(1));
        queue.put(&waiting(1, 1, "evt_1", NOW));
        queue.finish(id(1));
        assert_eq!(departed(&mut queue, NOW), [(id(1), false)]);
        queue.finish(id(1));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_cancelled_head_lets_the_next_go() {
        let mut queue = RunQueue::new(60_000, 16);
        queue.put(&waiting(1, 1, "a", NOW + 5_000));
        queue.put(&waiting(2, 1, "a", NOW));
        assert_eq!(departed(&mut queue, NOW), []);
        queue.remove(id(1));
        assert_eq!(departed(&mut queue, NOW), [(id(2), false)]);
    }
}

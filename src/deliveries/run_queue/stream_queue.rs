//! The queue of one stream of one callback.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{CallbackId, DeliveryId, Millis};

/// Whether a try of the delivery has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    FirstTry = 0,
    Retry = 1,
}

impl Class {
    pub(super) fn other(self) -> Self {
        match self {
            Self::FirstTry => Self::Retry,
            Self::Retry => Self::FirstTry,
        }
    }
}

/// The index of the run queue that has an entry for a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum StreamPosition {
    /// None: a delivery is in flight, or the stream is empty.
    Idle,
    /// The ready set of its callback: this delivery may be sent now.
    Ready(Class, DeliveryId),
    /// The timers: a delivery may be sent at this time.
    Timer(Millis),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) due_at: Millis,
    /// From this time on it no longer waits for earlier deliveries of its stream.
    pub(super) held_until: Millis,
    pub(super) queued_at: Millis,
    pub(super) class: Class,
}

/// See [`super`].
#[derive(Debug)]
pub(super) struct StreamQueue {
    pub(super) callback: CallbackId,
    pub(super) stream: Arc<str>,
    pub(super) in_flight: Option<DeliveryId>,
    pub(super) position: StreamPosition,
    /// Includes the delivery in flight. Ids are in the order of the events.
    deliveries: BTreeMap<DeliveryId, Schedule>,
}

impl StreamQueue {
    pub(super) fn new(callback: CallbackId, stream: Arc<str>) -> Self {
        Self { callback, stream, in_flight: None, position: StreamPosition::Idle, deliveries: BTreeMap::new() }
    }

    /// Inserts or replaces a delivery. Returns its previous class.
    pub(super) fn insert(&mut self, delivery: DeliveryId, schedule: Schedule) -> Option<Class> {
        self.deliveries.insert(delivery, schedule).map(|before| before.class)
    }

    pub(super) fn queued_at(&self, delivery: DeliveryId) -> Option<Millis> {
        self.deliveries.get(&delivery).map(|schedule| schedule.queued_at)
    }

    /// Removes a delivery. Returns its class.
    pub(super) fn remove(&mut self, delivery: DeliveryId) -> Option<Class> {
        self.deliveries.remove(&delivery).map(|schedule| schedule.class)
    }

    /// Returns all deliveries, including the one in flight.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = DeliveryId> {
        self.deliveries.keys().copied()
    }

    /// Schedules a retry after a failed try. Returns the previous class.
    pub(super) fn postpone(&mut self, delivery: DeliveryId, due_at: Millis) -> Option<Class> {
        let schedule = self.deliveries.get_mut(&delivery)?;
        schedule.due_at = due_at;
        Some(std::mem::replace(&mut schedule.class, Class::Retry))
    }

    /// Returns the earliest delivery, in flight or not.
    pub(super) fn first(&self) -> Option<DeliveryId> {
        self.deliveries.first_key_value().map(|(delivery, _)| *delivery)
    }

    /// Returns the earliest delivery if none is in flight.
    pub(super) fn first_to_send(&self) -> Option<DeliveryId> {
        if self.in_flight.is_some() { None } else { self.first() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.in_flight.is_none()
    }

    /// Returns its position at `now`.
    pub(super) fn position_at(&self, now: Millis) -> StreamPosition {
        if self.in_flight.is_some() {
            return StreamPosition::Idle;
        }
        let mut first = true;
        let mut next = None;
        for (delivery, schedule) in &self.deliveries {
            let at = if first { schedule.due_at } else { schedule.due_at.max(schedule.held_until) };
            first = false;
            if at <= now {
                return StreamPosition::Ready(schedule.class, *delivery);
            }
            next = Some(next.map_or(at, |earliest: Millis| earliest.min(at)));
            // Ids are in the order of time, so no later delivery is held for a shorter time.
            if schedule.held_until > now && next.is_some_and(|earliest| earliest <= schedule.held_until) {
                break;
            }
        }
        next.map_or(StreamPosition::Idle, StreamPosition::Timer)
    }
}

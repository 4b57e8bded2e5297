//! One stream of one callback.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{CallbackId, DeliveryId, Millis};

/// Whether a delivery has failed before.
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

/// Where the queue keeps a lane.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stands {
    /// One of its deliveries is in flight, or nothing waits.
    Nowhere,
    /// This delivery may go now.
    Ready(Class, DeliveryId),
    /// Look again at this moment.
    Timer(Millis),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    pub(super) due_at: Millis,
    /// From then on it no longer waits for earlier ones.
    pub(super) held_until: Millis,
    pub(super) queued_at: Millis,
    pub(super) class: Class,
}

/// See [`super`].
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) callback: CallbackId,
    pub(super) stream: Arc<str>,
    pub(super) in_flight: Option<DeliveryId>,
    pub(super) stands: Stands,
    /// By id, which is the order of the events.
    waiting: BTreeMap<DeliveryId, Waits>,
}

impl Lane {
    pub(super) fn new(callback: CallbackId, stream: Arc<str>) -> Self {
        Self { callback, stream, in_flight: None, stands: Stands::Nowhere, waiting: BTreeMap::new() }
    }

    /// Returns as what it waited before.
    pub(super) fn put(&mut self, delivery: DeliveryId, waits: Waits) -> Option<Class> {
        self.waiting.insert(delivery, waits).map(|before| before.class)
    }

    pub(super) fn queued_at(&self, delivery: DeliveryId) -> Option<Millis> {
        self.waiting.get(&delivery).map(|waits| waits.queued_at)
    }

    /// Returns as what it waited.
    pub(super) fn remove(&mut self, delivery: DeliveryId) -> Option<Class> {
        self.waiting.remove(&delivery).map(|waits| waits.class)
    }

    /// All that waits or is in flight.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = DeliveryId> {
        self.waiting.keys().copied()
    }

    /// A try failed; the next is due at `due_at`. Returns as what it waited before.
    pub(super) fn postpone(&mut self, delivery: DeliveryId, due_at: Millis) -> Option<Class> {
        let waits = self.waiting.get_mut(&delivery)?;
        waits.due_at = due_at;
        Some(std::mem::replace(&mut waits.class, Class::Retry))
    }

    /// The earliest event that waits or is in flight.
    pub(super) fn first(&self) -> Option<DeliveryId> {
        self.waiting.first_key_value().map(|(delivery, _)| *delivery)
    }

    /// The earliest event, if nothing of the lane is in flight.
    pub(super) fn oldest(&self) -> Option<DeliveryId> {
        if self.in_flight.is_some() { None } else { self.first() }
    }

    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_none()
    }

    /// Where it belongs at `now`.
    pub(super) fn stand(&self, now: Millis) -> Stands {
        if self.in_flight.is_some() {
            return Stands::Nowhere;
        }
        let mut first = true;
        let mut next = None;
        for (delivery, waits) in &self.waiting {
            let at = if first { waits.due_at } else { waits.due_at.max(waits.held_until) };
            first = false;
            if at <= now {
                return Stands::Ready(waits.class, *delivery);
            }
            next = Some(next.map_or(at, |earliest: Millis| earliest.min(at)));
            // Ids are in the order of time, so none further on is held for less long.
            if waits.held_until > now && next.is_some_and(|earliest| earliest <= waits.held_until) {
                break;
            }
        }
        next.map_or(Stands::Nowhere, Stands::Timer)
    }
}

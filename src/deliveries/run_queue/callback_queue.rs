//! The queue of one callback.

use std::collections::BTreeSet;

use super::stream_queue::Class;
use super::window::Unread;
use crate::deliveries::BreakerState;
use crate::model::{DeliveryId, Millis};

/// The streams of one callback, its attempts in flight and its breaker state.
#[derive(Debug)]
pub(super) struct CallbackQueue {
    pub(super) state: BreakerState,
    /// Indices of its stream queues.
    pub(super) streams: BTreeSet<usize>,
    /// By [`Class`]: the streams with a delivery that may be sent now, oldest delivery first.
    pub(super) ready: [BTreeSet<(DeliveryId, usize)>; 2],
    /// By class.
    pub(super) in_flight: [usize; 2],
    /// By class: deliveries in memory, those in flight included.
    pub(super) in_memory: [usize; 2],
    /// The latest delivery that was added.
    pub(super) last: DeliveryId,
    /// `None`: all its deliveries are in memory.
    pub(super) unread: Option<Unread>,
    /// By class: whether it has an entry in `RunQueue::turns`.
    pub(super) in_turn: [bool; 2],
    /// Time of its probe timer, if one is set.
    pub(super) probe_timer: Option<Millis>,
}

impl CallbackQueue {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: BreakerState::Active { limit },
            streams: BTreeSet::new(),
            ready: Default::default(),
            in_flight: [0; 2],
            in_memory: [0; 2],
            last: DeliveryId(0),
            unread: None,
            in_turn: [false; 2],
            probe_timer: None,
        }
    }

    /// Counts a delivery that was added (no `before`), removed (no `after`) or changed its class.
    pub(super) fn count(&mut self, before: Option<Class>, after: Option<Class>) {
        if let Some(class) = before {
            self.in_memory[class as usize] -= 1;
        }
        if let Some(class) = after {
            self.in_memory[class as usize] += 1;
        }
    }

    pub(super) fn has_in_flight(&self) -> bool {
        self.in_flight != [0; 2]
    }

    /// Returns whether it may start an attempt of this class now.
    pub(super) fn may_start(&self, class: Class) -> bool {
        let BreakerState::Active { limit } = self.state else { return false };
        let in_flight = self.in_flight[0] + self.in_flight[1];
        let share = match class {
            Class::Retry => (limit / 4).max(1),
            Class::FirstTry => limit - (limit / 4).max(1).min(limit),
        };
        in_flight < limit && (self.ready[class.other() as usize].is_empty() || self.in_flight[class as usize] < share)
    }
}

//! The window of each callback: its earliest deliveries, which are in memory; the rest stays in the queue table.
//!
//! A callback, above all a paused one, may have more queued deliveries than memory should hold. Then memory holds those up to some
//! delivery, and the rest is *unread*. The rest is later in every stream, so the order of each stream is kept. When few deliveries are
//! left in memory, the next ones are read, until the table has no more.
//!
//! While a callback is active, retries do not count towards the window: they wait for hours, and must not hold up later deliveries. So
//! an active callback may hold any number of retries. While it is paused, all its deliveries count.
//!
//! **No delivery is missed.** A delivery that is queued beyond the window is not added, but noted: the callback has no unread part only
//! after a read found no row and nothing was noted since that read was requested. The result of a superseded read is ignored.

use super::RunQueue;
use super::callback_queue::CallbackQueue;
use crate::deliveries::{BreakerState, QueuedDelivery};
use crate::model::{CallbackId, ClockReading, DeliveryId, Millis};

/// Deliveries of one callback in memory.
pub(super) const WINDOW: usize = 10_000;

/// The part of a callback's queue that is not in memory.
#[derive(Debug)]
pub(super) struct Unread {
    after: DeliveryId,
    /// The number of the pending read.
    reading: Option<u64>,
    /// Something was queued since that read was requested.
    more: bool,
}

/// A read of the next rows of a callback from the queue table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueRead {
    pub callback: CallbackId,
    pub after: DeliveryId,
    pub limit: usize,
    number: u64,
}

impl CallbackQueue {
    /// Returns the number of deliveries that count towards the window.
    fn window_len(&self) -> usize {
        let [first_tries, retries] = self.in_memory;
        match self.state {
            BreakerState::Active { .. } => first_tries,
            BreakerState::Paused { .. } => first_tries + retries,
        }
    }
}

impl RunQueue {
    /// Returns whether the table has deliveries of this callback that are not in memory.
    #[must_use]
    pub fn is_unread(&self, callback: CallbackId) -> bool {
        self.callbacks.get(&callback).is_some_and(|queue| queue.unread.is_some())
    }

    /// Returns whether the table has deliveries of any callback that are not in memory.
    #[must_use]
    pub fn any_unread(&self) -> bool {
        self.callbacks.values().any(|queue| queue.unread.is_some())
    }

    /// Takes the reads to make now. Each must be answered by [`RunQueue::add_read`].
    pub fn take_reads(&mut self) -> Vec<QueueRead> {
        std::mem::take(&mut self.reads)
    }

    /// Adds the rows that a read found.
    pub fn add_read(&mut self, read: QueueRead, rows: &[QueuedDelivery], now: ClockReading) {
        let Some(queue) = self.callbacks.get_mut(&read.callback) else { return };
        let Some(unread) = queue.unread.as_mut().filter(|unread| unread.reading == Some(read.number)) else { return };
        unread.reading = None;
        match rows.last() {
            Some(last) => {
                unread.after = last.delivery;
                queue.last = queue.last.max(last.delivery);
                for row in rows {
                    self.add_in_window(row, now);
                }
            }
            None if unread.more => {}
            None => queue.unread = None,
        }
        self.read_if_few(read.callback);
        self.drop_idle_callback(read.callback);
    }

    /// Returns whether a delivery is beyond the window of its callback. The first one beyond a full window begins the unread part.
    pub(super) fn is_beyond_window(&mut self, row: &QueuedDelivery) -> bool {
        let window = self.window;
        let Some(queue) = self.callbacks.get_mut(&row.callback) else { return false };
        if queue.unread.is_none() && queue.window_len() >= window && row.delivery > queue.last {
            queue.unread = Some(Unread { after: queue.last, reading: None, more: true });
        }
        queue.unread.as_ref().is_some_and(|unread| row.delivery > unread.after)
    }

    /// Notes that something was queued beyond the window.
    pub(super) fn note_unread(&mut self, callback: CallbackId) {
        if let Some(unread) = self.callbacks.get_mut(&callback).and_then(|queue| queue.unread.as_mut()) {
            unread.more = true;
        }
        self.read_if_few(callback);
    }

    /// Requests the next rows of a callback when its window is less than half full.
    pub(super) fn read_if_few(&mut self, callback: CallbackId) {
        let Some(queue) = self.callbacks.get_mut(&callback) else { return };
        let few = queue.window_len() * 2 < self.window;
        if let Some(unread) = queue.unread.as_mut().filter(|unread| few && unread.reading.is_none()) {
            self.read_number += 1;
            (unread.reading, unread.more) = (Some(self.read_number), false);
            let (after, limit) = (unread.after, self.window.div_ceil(2));
            self.reads.push(QueueRead { callback, after, limit, number: self.read_number });
        }
    }

    /// Removes the latest deliveries of a callback from memory that are too many because it is now paused.
    pub(super) fn shrink_to_window(&mut self, callback: CallbackId, now: Millis) {
        let Some(queue) = self.callbacks.get_mut(&callback).filter(|queue| queue.window_len() > self.window) else {
            return;
        };
        if matches!(queue.state, BreakerState::Active { .. }) {
            return;
        }
        let streams = &self.streams;
        let of_stream =
            |index: &usize| streams[*index].deliveries().map(|delivery| (delivery, *index)).collect::<Vec<_>>();
        let mut in_memory: Vec<(DeliveryId, usize)> = queue.streams.iter().flat_map(of_stream).collect();
        in_memory.sort_unstable();
        let rest = in_memory.split_off(self.window);
        let after = in_memory.last().map_or(DeliveryId(0), |(delivery, _)| *delivery);
        queue.unread = Some(Unread { after, reading: None, more: true });
        for (delivery, index) in rest {
            self.take_out(index, delivery, now);
        }
    }
}

#[cfg(test)]
mod tests;

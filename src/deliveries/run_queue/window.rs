//! Holds the earliest deliveries of each callback, and says when to read on.
//!
//! A callback may have more deliveries waiting than memory should hold, above all one that is paused. Then its *line* holds those up to
//! some delivery, and the table has the rest: the line is *unread* from there on. As the rest comes later, nothing that is held has to
//! wait for it, and the order of each stream is kept. When few are held, the next are read, until the table has no more.
//!
//! Retries do not count while a callback is open: they wait for hours, and what comes after them must not. So a callback that is not
//! paused holds as many retries as have failed. While it is paused, all that waits counts.
//!
//! **Nothing is missed.** What is queued behind the unread place is not taken in, but noted: the line is held whole again only
//! when a read finds nothing, and nothing was noted since that read was asked for. A read that was overtaken by another is ignored.

use super::{Line, RunQueue};
use crate::deliveries::{Gate, Waiting};
use crate::model::{CallbackId, ClockReading, DeliveryId, Millis};

/// How many deliveries of one callback are held.
pub(super) const HELD: usize = 10_000;

/// Where the rest of a line begins.
#[derive(Debug)]
pub(super) struct Unread {
    after: DeliveryId,
    /// The number of the read under way.
    reading: Option<u64>,
    /// Something was queued since that read was asked for.
    more: bool,
}

/// Rows of the table to read: the callback's next ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    pub callback: CallbackId,
    pub after: DeliveryId,
    pub limit: usize,
    number: u64,
}

impl Line {
    /// How many deliveries count as held.
    fn counted(&self) -> usize {
        let [first_tries, retries] = self.held;
        match self.gate {
            Gate::Open { .. } => first_tries,
            Gate::Paused { .. } => first_tries + retries,
        }
    }
}

impl RunQueue {
    /// Whether the table has more of the callback than is held here.
    #[must_use]
    pub fn is_unread(&self, callback: CallbackId) -> bool {
        self.lines.get(&callback).is_some_and(|line| line.unread.is_some())
    }

    /// Whether the table has more of any callback than is held here.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        self.lines.values().any(|line| line.unread.is_some())
    }

    /// The reads to make now. Each must be answered by [`RunQueue::read_on`].
    pub fn take_reads(&mut self) -> Vec<Read> {
        std::mem::take(&mut self.reads)
    }

    /// Takes in the rows that a read found, the callback's first after the place where it began.
    pub fn read_on(&mut self, read: Read, rows: &[Waiting], now: ClockReading) {
        let Some(line) = self.lines.get_mut(&read.callback) else { return };
        let Some(unread) = line.unread.as_mut().filter(|unread| unread.reading == Some(read.number)) else { return };
        unread.reading = None;
        match rows.last() {
            Some(last) => {
                unread.after = last.delivery;
                line.last = line.last.max(last.delivery);
                for row in rows {
                    self.admit(row, now);
                }
            }
            None if unread.more => {}
            None => line.unread = None,
        }
        self.read_on_if_few(read.callback);
        self.drop_idle_line(read.callback);
    }

    /// Whether a delivery is behind what is held of its line. A full line is unread from now on.
    pub(super) fn is_beyond(&mut self, waiting: &Waiting) -> bool {
        let limit = self.limit;
        let Some(line) = self.lines.get_mut(&waiting.callback) else { return false };
        if line.unread.is_none() && line.counted() >= limit && waiting.delivery > line.last {
            line.unread = Some(Unread { after: line.last, reading: None, more: true });
        }
        line.unread.as_ref().is_some_and(|unread| waiting.delivery > unread.after)
    }

    /// Notes that something was queued behind what is held.
    pub(super) fn read_more(&mut self, callback: CallbackId) {
        if let Some(unread) = self.lines.get_mut(&callback).and_then(|line| line.unread.as_mut()) {
            unread.more = true;
        }
        self.read_on_if_few(callback);
    }

    /// Asks for the next rows of a line when half of what it may hold is gone.
    pub(super) fn read_on_if_few(&mut self, callback: CallbackId) {
        let Some(line) = self.lines.get_mut(&callback) else { return };
        let few = line.counted() * 2 < self.limit;
        if let Some(unread) = line.unread.as_mut().filter(|unread| few && unread.reading.is_none()) {
            self.read_number += 1;
            (unread.reading, unread.more) = (Some(self.read_number), false);
            let (after, limit) = (unread.after, self.limit.div_ceil(2));
            self.reads.push(Read { callback, after, limit, number: self.read_number });
        }
    }

    /// Forgets the latest deliveries of a line that holds more than it may, because it is paused now.
    pub(super) fn hold_fewer(&mut self, callback: CallbackId, now: Millis) {
        let Some(line) = self.lines.get_mut(&callback).filter(|line| line.counted() > self.limit) else { return };
        if matches!(line.gate, Gate::Open { .. }) {
            return;
        }
        let lanes = &self.lanes;
        let in_lane = |place: &usize| lanes[*place].deliveries().map(|delivery| (delivery, *place)).collect::<Vec<_>>();
        let mut held: Vec<(DeliveryId, usize)> = line.lanes.iter().flat_map(in_lane).collect();
        held.sort_unstable();
        let rest = held.split_off(self.limit);
        let after = held.last().map_or(DeliveryId(0), |(delivery, _)| *delivery);
        line.unread = Some(Unread { after, reading: None, more: true });
        for (delivery, place) in rest {
            self.take_out(place, delivery, now);
        }
    }
}

#[cfg(test)]
mod tests;

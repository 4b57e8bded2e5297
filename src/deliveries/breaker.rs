//! How fast one callback may be sent to: fewer at a time when it asks for that, and not at all while it only fails. Pure;
//! the delivery loop keeps one [`Breaker`] for each callback and tells it how each attempt ended.
//!
//! **Who acts.** The run queue lets attempts leave as [`Breaker::gate`] says. When one has landed, the loop calls
//! [`Breaker::record`] and stores the [`Change`] that follows from it. When a person resumes or changes the callback, it calls
//! [`Breaker::resume`].
//!
//! **States.**
//! - *Open*: up to `limit` attempts at a time. One that is answered 429, 502 or 504 halves the limit, each success adds
//!   one.
//! - *Paused after failures*: one attempt at a time, the *probe*, and not before `probe_at`. The first success resumes,
//!   with limit 1.
//!
//! **What holds.**
//! - The limit lies between 1 and the cap.
//! - A pause begins only when of the latest attempts, at least 20 of them within at least 60 s, 90 % or more failed. Attempts
//!   from before the last pause, or before a person resumed, do not count.
//! - Only a success or a person ends a pause; nothing else opens the gate.
//! - A probe leaves only when nothing is in flight, so no probe is followed by another before it ended, and one that broke
//!   down or was cancelled is simply made again.
//! - What fails before `probe_at` left before the pause began. It is no probe: it neither counts nor delays the next one. What left
//!   so early and fails only after `probe_at` is as good as a probe, which waited for it, and counts as one.
//! - All waits are measured by the monotonic clock. Only the [`Pause`] that is stored has moments of the wall clock: whoever sets that
//!   neither begins, nor lengthens, nor ends a pause.
//! - A busy callback costs no more memory than a quiet one: attempts of the same second are counted together.

use std::collections::VecDeque;

use crate::callbacks::Pause;
use crate::model::{ClockReading, Millis};

/// Attempts to judge by, at least.
const ATTEMPTS: u64 = 20;
/// The time they span, at least (ms).
const SPAN_MS: Millis = 60_000;
/// How many of a hundred must have failed.
const FAILED_PERCENT: u64 = 90;
/// Attempts within this time are counted together (ms).
const SLOT_MS: Millis = 1_000;
/// From the beginning of a pause to its first probe (ms). Each failed probe doubles it.
const FIRST_PROBE_MS: Millis = 30_000;
/// From a probe to the next, at most (ms).
const LAST_PROBE_MS: Millis = 10 * 60_000;
/// A callback that is paused for so long is turned off when its next probe fails (ms).
const LONGEST_PAUSE_MS: Millis = 5 * 24 * 3_600_000;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Success,
    /// It failed, with this error class.
    Failure(&'static str),
    /// It failed, and the receiver asks for fewer at a time.
    SlowDown(&'static str),
}

impl Verdict {
    /// What an attempt says about its callback, by its error class (none: it succeeded) and the HTTP status of its answer.
    #[must_use]
    pub fn of(error_class: Option<&'static str>, status: Option<i64>) -> Self {
        match (error_class, status) {
            (None, _) => Self::Success,
            (Some(class), Some(429 | 502 | 504)) => Self::SlowDown(class),
            (Some(class), _) => Self::Failure(class),
        }
    }
}

/// What follows from an attempt, to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The callback is paused from now on.
    Paused(Pause),
    /// It stays paused; the next probe is later.
    ProbeFailed(Pause),
    /// It works again.
    Resumed,
    /// It was paused for so long that it is to be turned off.
    TurnOff,
}

/// What may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// So many attempts at a time.
    Open { limit: usize },
    /// One attempt at a time, the oldest delivery, from then on (monotonic ms).
    Paused { probe_at: Millis },
}

/// Attempts that landed within one second.
#[derive(Debug)]
struct Slot {
    /// When the first of them landed.
    at: Millis,
    attempts: u64,
    failed: u64,
}

/// A pause, with its moments in monotonic time.
#[derive(Debug)]
struct Paused {
    since: Millis,
    probe_at: Millis,
    stored: Pause,
}

/// The pace of one callback.
#[derive(Debug)]
pub struct Breaker {
    cap: usize,
    limit: usize,
    /// The latest attempts, oldest first: as few as are enough to judge by.
    slots: VecDeque<Slot>,
    pause: Option<Paused>,
}

impl Breaker {
    /// Open. `cap`: attempts at a time, at most; at least 1.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        let cap = cap.max(1);
        Self { cap, limit: cap, slots: VecDeque::new(), pause: None }
    }

    /// Paused, as it was stored.
    #[must_use]
    pub fn restored(cap: usize, stored: Pause, now: ClockReading) -> Self {
        let (since, probe_at) = (now.until(stored.since, 0), now.until(stored.probe_at, LAST_PROBE_MS));
        Self { pause: Some(Paused { since, probe_at, stored }), ..Self::new(cap) }
    }

    /// What may leave now.
    #[must_use]
    pub fn gate(&self) -> Gate {
        match &self.pause {
            Some(pause) => Gate::Paused { probe_at: pause.probe_at },
            None => Gate::Open { limit: self.limit },
        }
    }

    /// An attempt landed at `now`.
    pub fn record(&mut self, reading: ClockReading, verdict: Verdict) -> Option<Change> {
        let ClockReading { wall, monotonic: now } = reading;
        let reason = match verdict {
            Verdict::Success if self.pause.is_some() => {
                self.resume();
                return Some(Change::Resumed);
            }
            Verdict::Success => {
                self.limit = (self.limit + 1).min(self.cap);
                self.count(now, false);
                return None;
            }
            Verdict::SlowDown(class) => {
                self.limit = (self.limit / 2).max(1);
                class
            }
            Verdict::Failure(class) => class,
        };
        match &mut self.pause {
            Some(pause) if now < pause.probe_at => None,
            Some(pause) if now - pause.since >= LONGEST_PAUSE_MS => Some(Change::TurnOff),
            Some(pause) => {
                pause.stored.probes += 1;
                let delay = probe_delay(pause.stored.probes);
                (pause.probe_at, pause.stored.probe_at) = (now + delay, wall + delay);
                reason.clone_into(&mut pause.stored.reason);
                Some(Change::ProbeFailed(pause.stored.clone()))
            }
            None => {
                self.count(now, true);
                if !self.only_fails(now) {
                    return None;
                }
                let delay = probe_delay(0);
                let stored = Pause { since: wall, probe_at: wall + delay, probes: 0, reason: reason.to_owned() };
                self.pause = Some(Paused { since: now, probe_at: now + delay, stored: stored.clone() });
                Some(Change::Paused(stored))
            }
        }
    }

    /// A person resumed the callback, or changed it: what failed before says nothing of what comes.
    pub fn resume(&mut self) {
        self.slots.clear();
        if self.pause.take().is_some() {
            self.limit = 1;
        }
    }

    fn count(&mut self, now: Millis, failed: bool) {
        let failed = u64::from(failed);
        match self.slots.back_mut() {
            Some(slot) if now - slot.at < SLOT_MS => {
                slot.attempts += 1;
                slot.failed += failed;
            }
            _ => self.slots.push_back(Slot { at: now, attempts: 1, failed }),
        }
        let mut attempts: u64 = self.slots.iter().map(|slot| slot.attempts).sum();
        while let (Some(first), Some(second)) = (self.slots.front(), self.slots.get(1)) {
            let rest = attempts - first.attempts;
            if rest < ATTEMPTS || now - second.at < SPAN_MS {
                break;
            }
            attempts = rest;
            self.slots.pop_front();
        }
    }

    fn only_fails(&self, now: Millis) -> bool {
        let (attempts, failed) =
            self.slots.iter().fold((0, 0), |(attempts, failed), slot| (attempts + slot.attempts, failed + slot.failed));
        let spans = self.slots.front().is_some_and(|first| now - first.at >= SPAN_MS);
        spans && attempts >= ATTEMPTS && failed * 100 >= attempts * FAILED_PERCENT
    }
}

/// How long to wait for the next probe after so many that failed: 30 s, 1, 2, 4, 8, 10, 10 … min.
fn probe_delay(failed: i64) -> Millis {
    u32::try_from(failed)
        .ok()
        .and_then(|failed| 1_i64.checked_shl(failed))
        .and_then(|times| FIRST_PROBE_MS.checked_mul(times))
        .filter(|delay| (0..LAST_PROBE_MS).contains(delay))
        .unwrap_or(LAST_PROBE_MS)
}

#[cfg(test)]
mod tests;

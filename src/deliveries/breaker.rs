//! The circuit breaker of a callback: sends fewer requests at a time when the receiver asks for that, and pauses after failures. Pure;
//! the delivery loop keeps one [`Breaker`] for each callback and records the result of each attempt in it.
//!
//! **Actors.** The run queue sends attempts within [`Breaker::state`]. When an attempt is recorded, the loop calls
//! [`Breaker::record`] and stores the returned [`BreakerUpdate`]. When a user resumes or changes the callback, the loop calls
//! [`Breaker::resume`].
//!
//! **States.**
//! - *Active*: up to `limit` attempts at a time. A response of 429, 502 or 504 halves the limit; each success raises it by one.
//! - *Paused after failures*: one attempt at a time, the *probe*, from `probe_at` on. The first success resumes the callback with
//!   limit 1.
//!
//! **Invariants.**
//! - The limit is between 1 and the maximum.
//! - A pause begins only if at least 20 of the latest attempts, over at least 60 s, were made and 90 % or more of them failed. Attempts
//!   from before the last pause, or before a user resumed the callback, do not count.
//! - Only a success or a user ends a pause.
//! - A probe starts only while nothing is in flight, so probes do not overlap. A probe that was cancelled or could not be made is
//!   repeated.
//! - An attempt that fails before `probe_at` was started before the pause. It does not count as a probe and does not delay the next one. An
//!   attempt that was started before the pause but fails after `probe_at` delayed the probe, and counts as one.
//! - All waits are measured by the monotonic clock. Only the stored [`Pause`] has wall-clock times: setting the wall clock neither
//!   begins, lengthens nor ends a pause.
//! - Memory does not grow with the number of attempts: those of the same second are counted together.

use std::collections::VecDeque;

use crate::callbacks::Pause;
use crate::model::{ClockReading, Millis};

/// Minimum number of attempts before a pause.
const MIN_ATTEMPTS: u64 = 20;
/// Minimum time that these attempts span (ms).
const MIN_SPAN_MS: Millis = 60_000;
/// Minimum percentage of failed attempts.
const FAILED_PERCENT: u64 = 90;
/// Attempts within this time are counted together (ms).
const BUCKET_MS: Millis = 1_000;
/// Wait from the beginning of a pause to its first probe (ms). Each failed probe doubles the wait.
const FIRST_PROBE_MS: Millis = 30_000;
/// Longest wait between probes (ms).
const MAX_PROBE_WAIT_MS: Millis = 10 * 60_000;
/// A callback that has been paused for this time is turned off when its next probe fails (ms).
const LONGEST_PAUSE_MS: Millis = 5 * 24 * 3_600_000;

/// The result of an attempt, as it concerns the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Success,
    /// Failed with this error class.
    Failure(&'static str),
    /// Failed with this error class; the receiver is overloaded.
    SlowDown(&'static str),
}

impl Verdict {
    /// Classifies an attempt by its error class (`None`: it succeeded) and the HTTP status of the response.
    #[must_use]
    pub fn of(error_class: Option<&'static str>, status: Option<i64>) -> Self {
        match (error_class, status) {
            (None, _) => Self::Success,
            (Some(class), Some(429 | 502 | 504)) => Self::SlowDown(class),
            (Some(class), _) => Self::Failure(class),
        }
    }
}

/// A change of the breaker to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakerUpdate {
    /// The callback is now paused.
    Paused(Pause),
    /// The pause continues, with a later probe.
    ProbeFailed(Pause),
    /// The pause is over.
    Resumed,
    /// The pause is so long that the callback is to be turned off. `at`: wall clock.
    TurnOff { at: Millis },
}

/// The requests that a callback may get now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Up to `limit` attempts at a time.
    Active { limit: usize },
    /// One attempt at a time, of the oldest delivery, from `probe_at` on (monotonic ms).
    Paused { probe_at: Millis },
}

/// The attempts that ended within one second.
#[derive(Debug)]
struct Bucket {
    /// End of the first attempt.
    at: Millis,
    attempts: u64,
    failed: u64,
}

/// A pause in monotonic time, and as it is stored.
#[derive(Debug)]
struct MonotonicPause {
    since: Millis,
    probe_at: Millis,
    stored: Pause,
}

/// The circuit breaker of one callback.
#[derive(Debug)]
pub struct Breaker {
    max: usize,
    limit: usize,
    /// The latest attempts, oldest first: only as many as a decision needs.
    buckets: VecDeque<Bucket>,
    pause: Option<MonotonicPause>,
}

impl Breaker {
    /// Creates an active breaker. `max`: highest limit, at least 1.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let max = max.max(1);
        Self { max, limit: max, buckets: VecDeque::new(), pause: None }
    }

    /// Creates a breaker with a stored pause.
    #[must_use]
    pub fn restored(max: usize, stored: Pause, now: ClockReading) -> Self {
        let (since, probe_at) = (now.until(stored.since, 0), now.until(stored.probe_at, MAX_PROBE_WAIT_MS));
        Self { pause: Some(MonotonicPause { since, probe_at, stored }), ..Self::new(max) }
    }

    /// Returns the current state.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        match &self.pause {
            Some(pause) => BreakerState::Paused { probe_at: pause.probe_at },
            None => BreakerState::Active { limit: self.limit },
        }
    }

    /// Records an attempt that ended now.
    pub fn record(&mut self, reading: ClockReading, verdict: Verdict) -> Option<BreakerUpdate> {
        let ClockReading { wall, monotonic: now } = reading;
        let reason = match verdict {
            Verdict::Success if self.pause.is_some() => {
                self.resume();
                return Some(BreakerUpdate::Resumed);
            }
            Verdict::Success => {
                self.limit = (self.limit + 1).min(self.max);
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
            Some(pause) if now - pause.since >= LONGEST_PAUSE_MS => Some(BreakerUpdate::TurnOff { at: wall }),
            Some(pause) => {
                pause.stored.probes += 1;
                let delay = probe_delay(pause.stored.probes);
                (pause.probe_at, pause.stored.probe_at) = (now + delay, wall + delay);
                reason.clone_into(&mut pause.stored.reason);
                Some(BreakerUpdate::ProbeFailed(pause.stored.clone()))
            }
            None => {
                self.count(now, true);
                if !self.mostly_failed(now) {
                    return None;
                }
                let delay = probe_delay(0);
                let stored = Pause { since: wall, probe_at: wall + delay, probes: 0, reason: reason.to_owned() };
                self.pause = Some(MonotonicPause { since: now, probe_at: now + delay, stored: stored.clone() });
                Some(BreakerUpdate::Paused(stored))
            }
        }
    }

    /// Ends a pause and forgets earlier attempts, because a user resumed or changed the callback.
    pub fn resume(&mut self) {
        self.buckets.clear();
        if self.pause.take().is_some() {
            self.limit = 1;
        }
    }

    fn count(&mut self, now: Millis, failed: bool) {
        let failed = u64::from(failed);
        match self.buckets.back_mut() {
            Some(bucket) if now - bucket.at < BUCKET_MS => {
                bucket.attempts += 1;
                bucket.failed += failed;
            }
            _ => self.buckets.push_back(Bucket { at: now, attempts: 1, failed }),
        }
        let mut attempts: u64 = self.buckets.iter().map(|bucket| bucket.attempts).sum();
        while let (Some(first), Some(second)) = (self.buckets.front(), self.buckets.get(1)) {
            let rest = attempts - first.attempts;
            if rest < MIN_ATTEMPTS || now - second.at < MIN_SPAN_MS {
                break;
            }
            attempts = rest;
            self.buckets.pop_front();
        }
    }

    fn mostly_failed(&self, now: Millis) -> bool {
        let (attempts, failed) = self
            .buckets
            .iter()
            .fold((0, 0), |(attempts, failed), bucket| (attempts + bucket.attempts, failed + bucket.failed));
        let spans = self.buckets.front().is_some_and(|first| now - first.at >= MIN_SPAN_MS);
        spans && attempts >= MIN_ATTEMPTS && failed * 100 >= attempts * FAILED_PERCENT
    }
}

/// Returns the wait for the next probe after `failed` failed ones: 30 s, 1, 2, 4, 8, 10, 10 … min.
fn probe_delay(failed: i64) -> Millis {
    u32::try_from(failed)
        .ok()
        .and_then(|failed| 1_i64.checked_shl(failed))
        .and_then(|times| FIRST_PROBE_MS.checked_mul(times))
        .filter(|delay| (0..MAX_PROBE_WAIT_MS).contains(delay))
        .unwrap_or(MAX_PROBE_WAIT_MS)
}

#[cfg(test)]
mod tests;

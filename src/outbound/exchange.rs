//! What came of a post, phase by phase.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Instant;

use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::Failure;
use crate::model::string_enum;

string_enum!(
    /// A step of an exchange. The order is the one in which they happen.
    Phase {
        /// The address is well-formed.
        Address = "address",
        /// The host name has IP addresses.
        Dns = "dns",
        /// An IP address may be reached.
        Policy = "policy",
        /// TCP.
        Connect = "connect",
        /// TLS and the certificate.
        Tls = "tls",
        /// The request is written.
        Request = "request",
        /// The status line is read.
        Status = "status",
        /// The headers and the body of a 2xx answer are read.
        Body = "body",
    }
);

/// One phase that was entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhaseReport {
    pub phase: Phase,
    pub ok: bool,
    /// How long it took.
    pub micros: u64,
    /// What was found, in English: addresses, peer, certificate, status; or why it failed.
    pub detail: Cow<'static, str>,
}

/// What the receiver answered, complete or as far as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    /// At most 64 KiB.
    pub headers: HeaderMap,
    /// At most 16 KiB.
    pub body: Vec<u8>,
    /// Whether there was, or should have been, more than `body`.
    pub truncated: bool,
}

impl Answer {
    /// Its status line was read.
    pub(super) fn begun(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new(), truncated: true }
    }
}

/// One request and what came of it.
#[derive(Debug)]
pub struct Exchange {
    /// The phases that were entered, in order; only the last can have failed. In an exchange without `failure` that is the body,
    /// and its detail is a note. An exchange over a kept connection has no dns, policy and tls.
    pub phases: Vec<PhaseReport>,
    /// Present as soon as the status line came, in a failed exchange too.
    pub answer: Option<Answer>,
    /// Why it counts as failed; absent exactly when a 2xx status line came in time.
    pub failure: Option<Failure>,
    /// Where the connection went.
    pub peer: Option<SocketAddr>,
    /// From start to end.
    pub micros: u64,
}

impl Exchange {
    /// Returns whether the receiver took the event. The status decides, however the rest of the answer ends.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }
}

/// An exchange in the making. It outlives the future that works on it, so that a deadline loses nothing.
pub(super) struct Progress {
    started: Instant,
    /// The phase under way, and since when.
    current: Option<(Phase, Instant)>,
    phases: Vec<PhaseReport>,
    pub(super) answer: Option<Answer>,
    pub(super) peer: Option<SocketAddr>,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
            current: None,
            phases: Vec::with_capacity(Phase::ALL.len()),
            answer: None,
            peer: None,
        }
    }

    /// Enters a phase; it stays the current one until [`Self::done`].
    pub(super) fn begin(&mut self, phase: Phase) {
        self.current = Some((phase, Instant::now()));
    }

    /// The current phase succeeded.
    pub(super) fn done(&mut self, detail: impl Into<Cow<'static, str>>) {
        self.close(true, detail.into());
    }

    /// The current phase failed, which does not change what became of the exchange.
    pub(super) fn note(&mut self, detail: String) {
        self.close(false, detail.into());
    }

    /// The phase under way.
    pub(super) fn phase(&self) -> Phase {
        self.current.map_or(Phase::Address, |(phase, _)| phase)
    }

    /// Forgets what was tried on a kept connection that turned out to be dead.
    pub(super) fn back_to_address(&mut self) {
        self.current = None;
        self.phases.truncate(1);
        self.peer = None;
    }

    pub(super) fn finish(mut self, failure: Option<Failure>) -> Exchange {
        if let Some(failure) = &failure {
            self.close(false, failure.detail.clone().into());
        }
        Exchange {
            phases: self.phases,
            answer: self.answer,
            failure,
            peer: self.peer,
            micros: micros_since(self.started),
        }
    }

    fn close(&mut self, ok: bool, detail: Cow<'static, str>) {
        if let Some((phase, since)) = self.current.take() {
            self.phases.push(PhaseReport { phase, ok, micros: micros_since(since), detail });
        }
    }
}

fn micros_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}

//! Result of a request, phase by phase.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Instant;

use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::Failure;
use crate::model::string_enum;

string_enum!(
    /// Phase of an exchange, in chronological order.
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
    /// Result in English: addresses, peer, certificate, status, or the reason of a failure.
    pub detail: Cow<'static, str>,
}

/// The receiver's response, possibly incomplete.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    /// At most 64 KiB.
    pub headers: HeaderMap,
    /// At most 16 KiB.
    pub body: Vec<u8>,
    /// The response has, or should have had, more than `body`.
    pub truncated: bool,
}

impl Answer {
    /// Creates an answer of which only the status line was read.
    pub(super) fn begun(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new(), truncated: true }
    }
}

/// A request and its result.
#[derive(Debug)]
pub struct Exchange {
    /// Phases in order; only the last one can have failed. If the exchange has no `failure`, that is the body, and its detail is a note.
    /// An exchange over a kept connection has no dns, policy and tls.
    pub phases: Vec<PhaseReport>,
    /// Present if the status line was read, also in a failed exchange.
    pub answer: Option<Answer>,
    /// Absent if and only if a 2xx status line was read in time.
    pub failure: Option<Failure>,
    /// Address of the receiver.
    pub peer: Option<SocketAddr>,
    /// Total duration.
    pub micros: u64,
}

impl Exchange {
    /// Returns whether the receiver accepted the event. The status decides, even if the rest of the response is broken.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }
}

/// An unfinished exchange. It outlives the future that fills it in, so that nothing is lost at the deadline.
pub(super) struct Progress {
    started: Instant,
    /// The current phase and its start.
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

    /// Enters a phase, which lasts until [`Self::done`].
    pub(super) fn begin(&mut self, phase: Phase) {
        self.current = Some((phase, Instant::now()));
    }

    /// Ends the current phase with success.
    pub(super) fn done(&mut self, detail: impl Into<Cow<'static, str>>) {
        self.close(true, detail.into());
    }

    /// Ends the current phase with a problem that does not fail the exchange.
    pub(super) fn note(&mut self, detail: String) {
        self.close(false, detail.into());
    }

    /// Returns the current phase.
    pub(super) fn phase(&self) -> Phase {
        self.current.map_or(Phase::Address, |(phase, _)| phase)
    }

    /// Discards the phases that were tried on a closed connection.
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

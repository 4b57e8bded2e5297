//! The state machine of one publish. Pure: no clock and no I/O. Serialisable.
//!
//! **Actors.** The caller loads the session, calls one method with the current time (`now`), and commits the changed session together with
//! the [`Outcome`]. Times within a source event say when something happened; `now` only decides what is overdue. At `due_at`, the caller
//! calls [`Session::tick`].
//!
//! **States.**
//! - *Opening*: another session holds the same stream, so nothing is reported to customers. A second publisher that the source refuses ends
//!   here, without an event. A heartbeat, the end of the grace period, or the end of the other session makes it *live*; the events of its
//!   recording are then sent, too. If the source may refuse publishers without a report, and also reports the holder, the reports of the
//!   holder decide (`contest.rs`).
//! - *Live*: `publish_started` was sent. If the source sends heartbeats, silence ends the publish as lost; the caller measures silence on a
//!   monotonic clock ([`Session::lose_silent`]). Silence also ends an opening session.
//! - *Closing*: `publish_done` was sent. Parts may still be reported until the grace period ends.
//! - *Closed*: all events were sent. A part that is reported now is stored without an event.
//!
//! **Recording** (`recording.rs`):
//! - Only the first recorder that reports counts. Files of others, and files closed while *opening*, are ignored.
//! - A part without a reported start first gets its missing `record_started` and `record_part_started`.
//! - If a source never reports starts, the next part is assumed to start where the previous one stopped. The assumed start is sent when the
//!   source has been silent for the settle time, or shows that the publish continues. If the publish ends first, there was no next part.
//! - `record_done` is sent when the publish has ended and every started part is reported: before `publish_done` if that is already the
//!   case, otherwise after it. Parts that are still open at the end of the grace period fail.
//! - If starts are assumed, pending parts are unknown. `record_done` is then sent when the source has been silent for the settle time after
//!   the end, or when the grace period ends.
//! - A source that keeps its parts reports each of them eventually, and then the end of the recording. Until then the session stays open.
//! - A recording fails if no part succeeded. Failed parts do not count towards its duration.
//! - A recording that could not start has a single failed `record_started`, without part events and `record_done`. If a running recording
//!   fails, its open part fails.

use serde::{Deserialize, Serialize};

use super::{Admitted, Media, SourceEvent, may_be_secret};
use crate::model::{EventName, Millis, Status, string_enum};

mod contest;
mod recording;
#[cfg(test)]
mod tests;

use contest::Holder;
use recording::Recording;
pub use recording::{OpenPart, Part};

string_enum!(
    /// State of a session.
    Phase {
        /// Another session holds the stream; no event was sent.
        Opening = "opening",
        /// The publish is running.
        Live = "live",
        /// The publish has ended; parts may be pending.
        Closing = "closing",
        /// All events were sent.
        Closed = "closed",
    }
);

/// Error of a publish whose source became silent.
const SOURCE_LOST: &str = "source lost";

/// Grace period for sources that keep their parts (ms). The source may be restarting.
const PARTS_GRACE_MS: Millis = 15 * 60_000;

/// Silence after which no more parts are expected from a source whose starts are assumed (ms). nginx-rtmp reports a cut, the last part
/// and the end within milliseconds over separate connections, so they may overtake each other.
const SETTLE_MS: Millis = 1_000;

/// Capabilities of a source, and waiting times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// Grace period for late reports (ms).
    pub grace_ms: Millis,
    /// The source sends heartbeats from the start. For others, this is known after the first one.
    pub sends_heartbeats: bool,
    /// The source reports each part eventually, and then the end of the recording.
    pub keeps_parts: bool,
    /// Recording is on and starts with the publish, because the source does not report its start.
    pub records_at_publish: bool,
    /// The source reports a start before it checks the name, and refuses a second publisher without a report.
    pub may_refuse: bool,
}

/// An event for customers, with the data of all dialects.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// 1, 2, … within the session.
    pub sequence: i64,
    pub name: EventName,
    pub status: Status,
    /// With `Fail`: the reason.
    pub error: Option<String>,
    /// Time of the event.
    pub at: Millis,
    /// Part number, for part events.
    pub part: Option<i64>,
    /// Location of the part; for `record_done`, only if the recording has exactly one part.
    pub url: Option<String>,
    /// Recorded duration, for `record_part_done` and `record_done`.
    pub duration_ms: Option<Millis>,
    /// Start of the recording or the part.
    pub start_time_ms: Option<Millis>,
    /// End of the recording or the part.
    pub stop_time_ms: Option<Millis>,
    /// File size of the part.
    pub bytes: Option<i64>,
    /// Address of the publisher, for `publish_started`.
    pub client: Option<String>,
    /// Query parameters of the push URL, for `publish_started`.
    pub params: Vec<(String, String)>,
}

impl Event {
    /// Returns the duration in whole seconds, rounded half up, at least 1 if anything was recorded.
    #[must_use]
    pub fn duration_s(&self) -> Option<i64> {
        self.duration_ms.map(|ms| match ms {
            ..=0 => 0,
            ms => ((ms + 500) / 1000).max(1),
        })
    }
}

/// The effects of one call, to be committed together with the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In the order of their delivery.
    pub events: Vec<Event>,
    /// Parts that completed or failed.
    pub parts: Vec<Part>,
    /// The session became live. The previously live session must be [superseded]; its events come first.
    ///
    /// [superseded]: Session::supersede
    pub promoted: bool,
}

/// One publish of one stream. The serialised form is short, because each update writes it.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub phase: Phase,
    pub started_at: Millis,
    pub ended_at: Option<Millis>,
    /// Reason of an abnormal end.
    pub failure: Option<String>,
    /// Time of the last report, by the clock of the console.
    pub last_heard_at: Millis,
    /// Time of the next [`Session::tick`].
    pub due_at: Option<Millis>,
    /// Sequence number of the last event; 0: none.
    pub sequence: i64,
    /// Address of the publisher.
    pub client: Option<String>,
    /// Query parameters of the push URL. Possible secrets are removed when the session closes.
    pub params: Vec<(String, String)>,
    /// Latest properties of the media.
    pub media: Option<Media>,
    pub record_started_at: Option<Millis>,
    /// The open part.
    pub open_part: Option<OpenPart>,
    pub parts_done: i64,
    pub parts_failed: i64,
    /// Total duration of successful parts (ms).
    pub recorded_ms: Millis,
    /// The source sends heartbeats.
    heartbeat_seen: bool,
    /// The source reports each part eventually, and then the end of the recording.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    keeps_parts: bool,
    /// It ended because its source became silent or seemed to be gone, possibly by mistake.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_silent: bool,
    /// The source has reported more than the start.
    heard_since_start: bool,
    /// While opening or closing: end of the grace period.
    grace_until: Option<Millis>,
    /// While opening, if the source may have refused it: the live session of the stream.
    holder: Option<Holder>,
    #[serde(default, skip_serializing_if = "Recording::is_untouched")]
    recording: Recording,
}

/// Details of the publisher.
struct Publisher {
    client: Option<String>,
    params: Vec<(String, String)>,
}

impl Session {
    /// Starts a session. `at`: start of the publish; `others_live`: another session of this stream is live.
    #[must_use]
    pub fn start(at: Millis, now: Millis, push: &Admitted, others_live: bool, rules: &SessionRules) -> (Self, Outcome) {
        let push = Publisher { client: push.client.clone(), params: push.params.clone() };
        Self::begin(at, now, push, others_live, rules)
    }

    fn begin(at: Millis, now: Millis, push: Publisher, others_live: bool, rules: &SessionRules) -> (Self, Outcome) {
        let mut session = Self {
            phase: Phase::Opening,
            started_at: at,
            ended_at: None,
            failure: None,
            last_heard_at: now,
            due_at: None,
            sequence: 0,
            client: push.client,
            params: push.params,
            media: None,
            record_started_at: None,
            open_part: None,
            parts_done: 0,
            parts_failed: 0,
            recorded_ms: 0,
            heartbeat_seen: rules.sends_heartbeats,
            keeps_parts: rules.keeps_parts,
            is_silent: false,
            heard_since_start: false,
            grace_until: Some(now + rules.grace_ms),
            holder: None,
            recording: Recording::default(),
        };
        let mut outcome = Outcome::default();
        if !others_live {
            session.go_live(rules, &mut outcome);
        }
        session.schedule();
        (session, outcome)
    }

    /// Starts a new session for a publish that was considered lost but continues, with the known details of its publisher.
    #[must_use]
    pub fn start_again(&self, at: Millis, now: Millis, others_live: bool, rules: &SessionRules) -> (Self, Outcome) {
        let push = Publisher { client: self.client.clone(), params: self.params.clone() };
        let rules = SessionRules {
            sends_heartbeats: true,
            keeps_parts: self.keeps_parts,
            records_at_publish: rules.records_at_publish && self.record_started_at.is_some(),
            ..*rules
        };
        Self::begin(at, now, push, others_live, &rules)
    }

    /// Applies a source event.
    pub fn apply(&mut self, event: &SourceEvent, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        if !matches!(event, SourceEvent::Started { .. }) {
            self.heard_since_start = true;
            // Even if the clock was set back: a change of this value shows that the source is alive.
            self.last_heard_at = now;
        }
        match event {
            // The caller checks with `is_repeat_of_start` whether this starts another session.
            SourceEvent::Started { .. } => {}
            SourceEvent::Alive { media, .. } => self.alive(media.as_ref(), now, rules, &mut outcome),
            SourceEvent::Ended { at, failure } => {
                self.end(*at, failure.clone(), now, rules, &mut outcome);
            }
            SourceEvent::RecordingStarted { at } => self.recording_started(*at, &mut outcome),
            SourceEvent::RecordingFailed { at, reason } => {
                self.recording_failed(*at, reason, &mut outcome);
            }
            SourceEvent::PartOpened { at, location } => {
                self.part_opened(*at, location.clone(), &mut outcome);
            }
            SourceEvent::PartClosed(part) => self.part_closed(part, &mut outcome),
            SourceEvent::PartsPending { .. } => {
                if self.phase == Phase::Closing {
                    self.grace_until = Some(now + PARTS_GRACE_MS);
                }
            }
            SourceEvent::RecordingEnded { at } => self.recording_ended(*at, &mut outcome),
        }
        self.schedule();
        outcome
    }

    /// Applies everything overdue at `now`. To be called at `due_at`; earlier calls change nothing.
    pub fn tick(&mut self, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        if self.due_at.is_none_or(|due| now < due) {
            return outcome;
        }
        let is_over = |moment: Option<Millis>| moment.is_some_and(|moment| moment <= now);
        match self.phase {
            Phase::Opening => {
                if !self.yields(now, rules) {
                    self.promote_into(rules, &mut outcome);
                }
            }
            Phase::Live | Phase::Closing if is_over(self.settles_at()) => self.settle(&mut outcome),
            Phase::Closing if is_over(self.grace_until) => self.give_up_recording(now, &mut outcome),
            Phase::Live | Phase::Closing | Phase::Closed => {}
        }
        self.schedule();
        outcome
    }

    /// Makes an opening session live after the end of the other session.
    pub fn promote(&mut self, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        self.promote_into(rules, &mut outcome);
        self.schedule();
        outcome
    }

    /// Ends the session because a newer session of the stream is live. Its parts may still be reported within the grace period.
    pub fn supersede(&mut self, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        self.lose(now, rules, &mut outcome);
        self.schedule();
        outcome
    }

    /// Returns the time of the last heartbeat while silence can end the session.
    #[must_use]
    pub fn heartbeat(&self) -> Option<Millis> {
        let is_open = matches!(self.phase, Phase::Opening | Phase::Live);
        (is_open && self.heartbeat_seen).then_some(self.last_heard_at)
    }

    /// Ends the session after too long a silence since `heard_at`. Does nothing if the source was heard since.
    pub fn lose_silent(&mut self, heard_at: Millis, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        if self.heartbeat() == Some(heard_at) {
            self.lose(now, rules, &mut outcome);
            self.is_silent = true;
            self.schedule();
        }
        outcome
    }

    /// Ends the session because the run of its source is considered ended.
    pub fn abandon(&mut self, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        self.is_silent |= self.phase == Phase::Live;
        self.lose(now, rules, &mut outcome);
        self.schedule();
        outcome
    }

    /// Returns whether the event shows that a publish that was considered lost is still running.
    #[must_use]
    pub fn is_revived_by(&self, event: &SourceEvent) -> bool {
        self.is_silent && matches!(event, SourceEvent::Alive { .. } | SourceEvent::PartOpened { .. })
    }

    /// Returns whether the publish ended before `at`, so that an end at that time belongs to another one.
    #[must_use]
    pub fn ended_before(&self, at: Millis) -> bool {
        matches!(self.phase, Phase::Closing | Phase::Closed) && self.ended_at.is_some_and(|ended| ended < at)
    }

    /// Returns whether a start under the key of this session at `now` is a duplicate. Otherwise it is a new publish.
    #[must_use]
    pub fn is_repeat_of_start(&self, now: Millis, rules: &SessionRules) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Live)
            && !self.heard_since_start
            && now - self.last_heard_at <= rules.grace_ms
    }

    fn alive(&mut self, media: Option<&Media>, now: Millis, rules: &SessionRules, outcome: &mut Outcome) {
        self.heartbeat_seen = true;
        if let Some(media) = media {
            self.media = Some(media.clone());
        }
        if self.phase == Phase::Opening && self.claims(now, rules) {
            self.promote_into(rules, outcome);
        }
        self.open_next(outcome);
    }

    fn promote_into(&mut self, rules: &SessionRules, outcome: &mut Outcome) {
        if self.phase == Phase::Opening {
            self.go_live(rules, outcome);
            outcome.promoted = true;
        }
    }

    fn go_live(&mut self, rules: &SessionRules, outcome: &mut Outcome) {
        self.phase = Phase::Live;
        self.grace_until = None;
        self.holder = None;
        let event = Event {
            client: self.client.clone(),
            params: self.params.clone(),
            ..self.event(EventName::PublishStarted, self.started_at)
        };
        outcome.events.push(event);
        self.tell_recording_so_far(rules, outcome);
    }

    fn lose(&mut self, now: Millis, rules: &SessionRules, outcome: &mut Outcome) {
        self.end(now, Some(SOURCE_LOST.to_owned()), now, rules, outcome);
    }

    fn end(&mut self, at: Millis, failure: Option<String>, now: Millis, rules: &SessionRules, outcome: &mut Outcome) {
        if !matches!(self.phase, Phase::Opening | Phase::Live) {
            return;
        }
        let told = self.phase == Phase::Live;
        let at = at.max(self.started_at);
        self.ended_at = Some(at);
        self.failure = failure;
        self.phase = Phase::Closing;
        let grace = if self.keeps_parts && self.is_recording() { PARTS_GRACE_MS } else { rules.grace_ms };
        self.grace_until = Some(now + grace);
        if !told {
            self.open_part = None;
            self.close();
            return;
        }
        self.drop_assumed_part();
        self.close_if_all_reported(at, outcome);
        let event = match self.failure.clone() {
            Some(reason) => self.failed(EventName::PublishDone, at, reason),
            None => self.event(EventName::PublishDone, at),
        };
        outcome.events.push(event);
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.grace_until = None;
        self.holder = None;
        for (name, value) in &mut self.params {
            if may_be_secret(name) {
                "…".clone_into(value);
            }
        }
    }

    fn schedule(&mut self) {
        let pending = [self.grace_until, self.settles_at()];
        self.due_at = pending.into_iter().flatten().min();
    }

    /// Creates the next event of the session: a success with only name and time.
    fn event(&mut self, name: EventName, at: Millis) -> Event {
        self.sequence += 1;
        Event {
            sequence: self.sequence,
            name,
            status: Status::Success,
            error: None,
            at,
            part: None,
            url: None,
            duration_ms: None,
            start_time_ms: None,
            stop_time_ms: None,
            bytes: None,
            client: None,
            params: Vec::new(),
        }
    }

    fn failed(&mut self, name: EventName, at: Millis, reason: String) -> Event {
        Event { status: Status::Fail, error: Some(reason), ..self.event(name, at) }
    }
}

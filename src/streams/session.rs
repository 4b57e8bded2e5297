//! One publish, from its source's hints to our events. Pure: no clock and no I/O, and it serialises.
//!
//! **Who acts.** The caller loads the session, calls one method with the time of the console (`now`), and commits the
//! changed session together with the [`Outcome`]. Times inside a hint say when something happened; `now` only decides
//! what is overdue. When `due_at` comes, the caller calls [`Session::tick`].
//!
//! **States.**
//! - *Opening*: another session holds the same stream. Nothing is told. A second publisher that the source refuses
//!   ends here, without an event. A heartbeat, the end of the grace, or the end of the other session makes it *live*; what its
//!   recording did meanwhile is told then. Where its source may have refused it without a report, and reports the holder too, the
//!   reports decide (`contest.rs`).
//! - *Live*: `publish_started` was told. If the source sends heartbeats, silence ends the publish as lost. The caller measures the silence
//!   on a monotonic clock ([`Session::lose_silent`]). Silence ends an opening session too.
//! - *Closing*: `publish_done` was told, and a part may still be reported until the grace is over.
//! - *Closed*: everything is told. A part that is reported now is kept, but makes no event.
//!
//! **The recording** is followed in `recording.rs`. Its rules:
//! - The first recorder that reports counts; files of others are dropped. So is a file that is closed while *opening*.
//! - A part without an opening gets its missing `record_started` and `record_part_started` first.
//! - Where no opening was ever reported, the next part is assumed to start where the one before stopped. It is told once
//!   the source was silent for the settle time, or shows that the publish goes on; if the publish ends first, it never was.
//! - `record_done` comes when the publish is over and every opened part is reported: before `publish_done` if that was
//!   so already, after it otherwise. Parts that are still open when the grace is over fail.
//! - Where openings are assumed, nothing tells of a part that is still to come. Then `record_done` comes when the source
//!   was silent for the settle time after the end, or when the grace is over.
//! - A source that keeps its parts reports each of them, however late, and then the end of the recording: until then nothing is over.
//! - It fails when no part succeeded. Failed parts do not count in its duration.
//! - A recording that could not begin is told by one failed `record_started`; no part event and no `record_done` follow.
//!   When a running one fails, its open part does.

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
    /// How far a session is.
    Phase {
        /// Another session holds the stream; nothing is told yet.
        Opening = "opening",
        /// The publish runs.
        Live = "live",
        /// The publish is over, its recording perhaps not.
        Closing = "closing",
        /// Everything is told.
        Closed = "closed",
    }
);

/// The error of a publish whose source fell silent.
const SOURCE_LOST: &str = "source lost";

/// Grace after the end of a publish for sources that keep their parts (ms). The source may be restarting.
const PARTS_GRACE_MS: Millis = 15 * 60_000;

/// How long a source whose openings are assumed is silent before what it told is taken for all (ms). nginx-rtmp reports a
/// cut, the last part and the end within milliseconds, each over a connection of its own, so they overtake each other.
const SETTLE_MS: Millis = 1_000;

/// What a source can tell, and how long to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// How long late reports are awaited (ms).
    pub grace_ms: Millis,
    /// The source sends heartbeats from the start; of others it is known when the first has come.
    pub sends_heartbeats: bool,
    /// The source reports each part sooner or later, and then that the recording is over.
    pub keeps_parts: bool,
    /// The recording is on and begins with the publish, because the source does not report its beginning.
    pub records_at_publish: bool,
    /// The source reports a start before it knows whether the name is free, and refuses a second publisher without a report.
    pub may_refuse: bool,
}

/// Something happened that customers are told. Holds what any dialect needs.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// 1, 2, … within the session.
    pub sequence: i64,
    pub name: EventName,
    pub status: Status,
    /// With `Fail`: the reason, for people.
    pub error: Option<String>,
    /// When it happened.
    pub at: Millis,
    /// The number of the part, for events of a part.
    pub part: Option<i64>,
    /// Where the part lies; for `record_done` only when the recording has exactly one part.
    pub url: Option<String>,
    /// What was recorded; for `record_part_done` and `record_done`.
    pub duration_ms: Option<Millis>,
    /// When the recording or the part began.
    pub start_time_ms: Option<Millis>,
    /// When the recording or the part ended.
    pub stop_time_ms: Option<Millis>,
    /// The size of the part's file.
    pub bytes: Option<i64>,
    /// The publisher's address; for `publish_started`.
    pub client: Option<String>,
    /// The push address's query; for `publish_started`.
    pub params: Vec<(String, String)>,
}

impl Event {
    /// The duration on the wire: whole seconds, rounded half up, at least 1 when anything was recorded.
    #[must_use]
    pub fn duration_s(&self) -> Option<i64> {
        self.duration_ms.map(|ms| match ms {
            ..=0 => 0,
            ms => ((ms + 500) / 1000).max(1),
        })
    }
}

/// What follows from one call, to be committed together with the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In the order in which to tell them.
    pub events: Vec<Event>,
    /// Parts that are now complete or failed.
    pub parts: Vec<Part>,
    /// The session was opening and is live now: whichever session was live before is to be [superseded]
    /// (its events go first).
    ///
    /// [superseded]: Session::supersede
    pub promoted: bool,
}

/// One publish of one stream. What is stored of it is short, because it is written with each report.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub phase: Phase,
    pub started_at: Millis,
    pub ended_at: Option<Millis>,
    /// Why the publish did not end as it should.
    pub failure: Option<String>,
    /// When the source last reported anything, by the console's time.
    pub last_heard_at: Millis,
    /// When to call [`Session::tick`].
    pub due_at: Option<Millis>,
    /// The sequence of the last event; 0 while nothing was told.
    pub sequence: i64,
    /// The publisher's address.
    pub client: Option<String>,
    /// The push address's query, as pushed. What may be secret is taken out when the session closes.
    pub params: Vec<(String, String)>,
    /// What the source last told of the media.
    pub media: Option<Media>,
    pub record_started_at: Option<Millis>,
    /// The part that is being written.
    pub open_part: Option<OpenPart>,
    pub parts_done: i64,
    pub parts_failed: i64,
    /// The durations of all parts that succeeded (ms).
    pub recorded_ms: Millis,
    /// The source sends heartbeats.
    heartbeat_seen: bool,
    /// The source reports each part sooner or later, and then that the recording is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    keeps_parts: bool,
    /// It ended because its source fell silent or seemed to be gone, which may have been wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_silent: bool,
    /// The source reported more than the start.
    heard_since_start: bool,
    /// While opening or closing: when the grace is over.
    grace_until: Option<Millis>,
    /// While opening, where the source may have refused it: the live session of the stream.
    holder: Option<Holder>,
    #[serde(default, skip_serializing_if = "Recording::is_untouched")]
    recording: Recording,
}

/// Publisher details that the session stores.
struct Publisher {
    client: Option<String>,
    params: Vec<(String, String)>,
}

impl Session {
    /// A publish was accepted. `at` is when it started, `others_live`: another session of this stream is live.
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

    /// The publish goes on although it was taken for lost: it is another session from now on, with what is known of its publisher.
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

    /// Takes one report of the source.
    pub fn apply(&mut self, hint: &SourceEvent, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        if !matches!(hint, SourceEvent::Started { .. }) {
            self.heard_since_start = true;
            // Also when the clock was set back: that this changes is how the source is known to be alive.
            self.last_heard_at = now;
        }
        match hint {
            // Whether it begins another session is for the caller to ask: `is_repeat_of_start`.
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

    /// Does what is overdue at `now`. Call it when `due_at` has come; earlier calls change nothing.
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

    /// The other session of the stream is over: an opening session becomes live.
    pub fn promote(&mut self, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        self.promote_into(rules, &mut outcome);
        self.schedule();
        outcome
    }

    /// A newer session of the stream is live, so this publish is over, though its source never said so. Its parts may
    /// still be reported within the grace.
    pub fn supersede(&mut self, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        self.lose(now, rules, &mut outcome);
        self.schedule();
        outcome
    }

    /// When the source was last heard, while its silence ends the session.
    #[must_use]
    pub fn heartbeat(&self) -> Option<Millis> {
        let is_open = matches!(self.phase, Phase::Opening | Phase::Live);
        (is_open && self.heartbeat_seen).then_some(self.last_heard_at)
    }

    /// The source was silent for too long since `heard_at`. Does nothing if it was heard since.
    pub fn lose_silent(&mut self, heard_at: Millis, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        if self.heartbeat() == Some(heard_at) {
            self.lose(now, rules, &mut outcome);
            self.is_silent = true;
            self.schedule();
        }
        outcome
    }

    /// The run of the source that reported it is taken to be over.
    pub fn abandon(&mut self, now: Millis, rules: &SessionRules) -> Outcome {
        let mut outcome = Outcome::default();
        self.is_silent |= self.phase == Phase::Live;
        self.lose(now, rules, &mut outcome);
        self.schedule();
        outcome
    }

    /// Returns whether the hint shows that a publish that was considered lost is still running.
    #[must_use]
    pub fn is_revived_by(&self, hint: &SourceEvent) -> bool {
        self.is_silent && matches!(hint, SourceEvent::Alive { .. } | SourceEvent::PartOpened { .. })
    }

    /// Returns whether the publish ended before `at`, so that an end at that time is the end of another one.
    #[must_use]
    pub fn ended_before(&self, at: Millis) -> bool {
        matches!(self.phase, Phase::Closing | Phase::Closed) && self.ended_at.is_some_and(|ended| ended < at)
    }

    /// Whether a start under this session's key at `now` is the known start once more. Otherwise it is a new publish.
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

    /// The next event of the session; a success, with nothing but its name and time.
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

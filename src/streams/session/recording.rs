//! The recording of a session, part by part.

use serde::{Deserialize, Serialize};

use super::{Event, Outcome, Phase, SETTLE_MS, Session, SessionRules};
use crate::model::{EventName, Millis};
use crate::streams::ClosedPart;

/// The error of a part that was still open when the grace was over, or that was forgotten for newer ones.
const UNREPORTED: &str = "the source did not report the end of this part";

/// How many closed parts are remembered: a report is repeated soon or never.
const REMEMBERED: usize = 8;

/// A part that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPart {
    /// From 1.
    pub number: i64,
    pub opened_at: Millis,
    /// Where it will lie, as far as it is known.
    pub location: Option<String>,
}

/// A part that is complete, or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: i64,
    pub location: Option<String>,
    pub start: Millis,
    pub stop: Millis,
    /// What was recorded; of a failed part only what its source tells.
    pub duration_ms: Millis,
    pub bytes: Option<i64>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// What a session remembers of its recording beside what it shows.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recording {
    stage: Stage,
    /// Why it could not begin.
    failure: Option<String>,
    /// The recorder that counts: the first that reported.
    recorder: Option<String>,
    /// No opening was reported so far: each part is taken to begin where the one before stopped.
    openings_assumed: bool,
    /// The opening after the part that is open, reported before that part's end. While none is open: one that is assumed,
    /// and not told yet.
    next_part: Option<OpenPart>,
    last_opened_at: Option<Millis>,
    first_start: Option<Millis>,
    last_stop: Option<Millis>,
    /// Where the first part lies.
    first_location: Option<String>,
    /// The parts that were reported last, to know a repeated report.
    closed: Vec<ClosedAs>,
}

impl Recording {
    pub(super) fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}

/// By what a repeated report of a part is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ClosedAs {
    location: Option<String>,
    stop: Millis,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    #[default]
    NotBegun,
    Running,
    /// The source said so, or a part failed for want of a file. A later opening resumes it.
    Over,
    /// It could not begin.
    Failed,
}

impl Session {
    pub(super) fn recording_started(&mut self, at: Millis, outcome: &mut Outcome) {
        if self.recording.stage != Stage::NotBegun || self.phase == Phase::Closed {
            return;
        }
        self.recording.stage = Stage::Running;
        self.record_started_at = Some(at);
        if self.phase != Phase::Opening {
            self.tell_record_started(at, outcome);
        }
    }

    /// Before the recording has begun, it cannot. Afterwards, the part in hand failed.
    pub(super) fn recording_failed(&mut self, at: Millis, reason: &str, outcome: &mut Outcome) {
        match self.recording.stage {
            _ if self.phase == Phase::Closed => {}
            Stage::NotBegun => {
                self.recording.stage = Stage::Failed;
                self.recording.failure = Some(reason.to_owned());
                self.record_started_at = Some(at);
                if self.phase != Phase::Opening {
                    self.tell_record_started(at, outcome);
                    self.close_if_all_reported(at, outcome);
                }
            }
            Stage::Running if self.phase != Phase::Opening => {
                self.recording.stage = Stage::Over;
                let part = ClosedPart {
                    recorder: String::new(),
                    location: None,
                    started_at: None,
                    stopped_at: at,
                    duration_ms: None,
                    bytes: None,
                    failure: Some(reason.to_owned()),
                };
                self.take_part(&part, outcome);
            }
            Stage::Running | Stage::Over | Stage::Failed => {}
        }
    }

    pub(super) fn recording_ended(&mut self, at: Millis, outcome: &mut Outcome) {
        if self.recording.stage == Stage::Running {
            self.recording.stage = Stage::Over;
            self.drop_assumed_part();
            self.close_if_all_reported(at, outcome);
        }
    }

    pub(super) fn part_opened(&mut self, at: Millis, location: Option<String>, outcome: &mut Outcome) {
        if self.phase == Phase::Closed
            || self.recording.stage == Stage::Failed
            || self.knows_opening(at, location.as_deref())
        {
            return;
        }
        self.recording_started(at, outcome);
        self.recording.stage = Stage::Running;
        self.recording.last_opened_at = Some(at);
        let assumed = std::mem::take(&mut self.recording.openings_assumed);
        match &mut self.open_part {
            Some(open) if assumed => open.location = open.location.take().or(location),
            Some(_) if self.phase != Phase::Opening => self.open_ahead(at, location, outcome),
            _ => {
                self.drop_assumed_part();
                self.open(at, location, outcome);
            }
        }
    }

    pub(super) fn part_closed(&mut self, part: &ClosedPart, outcome: &mut Outcome) {
        if self.phase == Phase::Opening {
            self.open_part = None;
            return;
        }
        // A session that was refused while opening leaves junk behind.
        if self.sequence == 0 || self.knows_closing(part) {
            return;
        }
        let recorder = self.recording.recorder.get_or_insert_with(|| part.recorder.clone());
        if *recorder == part.recorder {
            self.take_part(part, outcome);
        }
    }

    /// Tells what the recording did while the session was opening, and begins one that nobody will report.
    pub(super) fn tell_recording_so_far(&mut self, rules: &SessionRules, outcome: &mut Outcome) {
        if let Some(at) = self.record_started_at {
            self.tell_record_started(at, outcome);
            if let Some(open) = self.open_part.clone() {
                self.tell_part_started(&open, outcome);
            }
        } else if rules.records_at_publish {
            self.recording.openings_assumed = true;
            self.recording_started(self.started_at, outcome);
            self.open(self.started_at, None, outcome);
        }
    }

    /// The end of a closing session, when nothing more is to come.
    pub(super) fn close_if_all_reported(&mut self, at: Millis, outcome: &mut Outcome) {
        if self.phase == Phase::Closing && self.all_reported() && !self.assumes_parts() && !self.expects_parts() {
            self.tell_record_done(at, outcome);
            self.close();
        }
    }

    /// Until when the source has to be silent for what is assumed to be told.
    pub(super) fn settles_at(&self) -> Option<Millis> {
        let waits = match self.phase {
            Phase::Live => self.holds_assumed_part(),
            Phase::Closing => self.all_reported() && !self.expects_parts(),
            Phase::Opening | Phase::Closed => false,
        };
        waits.then(|| self.last_heard_at + SETTLE_MS)
    }

    /// The source was silent: the publish goes on with the next part, or it was the last one.
    pub(super) fn settle(&mut self, outcome: &mut Outcome) {
        self.open_next(outcome);
        if self.phase == Phase::Closing {
            let at = self.recording.last_stop.max(self.ended_at).unwrap_or(self.started_at);
            self.tell_record_done(at, outcome);
            self.close();
        }
    }

    /// Opens the part that is known or assumed to follow, unless one is open.
    pub(super) fn open_next(&mut self, outcome: &mut Outcome) {
        if self.open_part.is_none()
            && let Some(next) = self.recording.next_part.take()
        {
            self.open(next.opened_at, next.location, outcome);
        }
    }

    /// There is no next part after all, or its opening is reported.
    pub(super) fn drop_assumed_part(&mut self) {
        if self.holds_assumed_part() {
            self.recording.next_part = None;
        }
    }

    /// The end of a closing session whose grace is over.
    pub(super) fn give_up_recording(&mut self, now: Millis, outcome: &mut Outcome) {
        while self.open_part.is_some() {
            self.give_up_part(now, outcome);
        }
        self.tell_record_done(now, outcome);
        self.close();
    }

    fn parts(&self) -> i64 {
        self.parts_done + self.parts_failed
    }

    /// No part is known to be unreported.
    fn all_reported(&self) -> bool {
        self.open_part.is_none()
            && match self.recording.stage {
                // A recording without a part, or none at all, may still be reported.
                Stage::NotBegun => false,
                Stage::Running => self.parts() > 0,
                Stage::Over | Stage::Failed => true,
            }
    }

    /// Returns whether a recording is running whose end was not reported.
    pub(super) fn is_recording(&self) -> bool {
        self.recording.stage == Stage::Running
    }

    /// Its source will report more parts, or that there are none.
    fn expects_parts(&self) -> bool {
        self.keeps_parts && self.is_recording()
    }

    /// There may be a part of which nothing was reported.
    fn assumes_parts(&self) -> bool {
        self.recording.openings_assumed && self.recording.stage == Stage::Running
    }

    fn holds_assumed_part(&self) -> bool {
        self.open_part.is_none() && self.recording.next_part.is_some()
    }

    /// Openings of one recorder only move forward, so an earlier one is a repeated report.
    fn knows_opening(&self, at: Millis, location: Option<&str>) -> bool {
        let recording = &self.recording;
        recording.last_opened_at.is_some_and(|last| at <= last)
            || location.is_some_and(|location| {
                let open = self.open_part.iter().chain(&recording.next_part);
                recording.closed.iter().any(|closed| closed.location.as_deref() == Some(location))
                    || open.filter_map(|part| part.location.as_deref()).any(|l| l == location)
            })
    }

    fn knows_closing(&self, part: &ClosedPart) -> bool {
        let mut closed = self.recording.closed.iter();
        match &part.location {
            Some(_) => closed.any(|closed| closed.location == part.location),
            None => {
                // A part without media stops where it began, which is where the one before stopped.
                let open = [&self.open_part, &self.recording.next_part];
                let is_open = open.into_iter().flatten().any(|open| Some(open.opened_at) == part.started_at);
                let stop = part.stopped_at;
                !is_open && (self.recording.last_stop == Some(stop) || closed.any(|closed| closed.stop == stop))
            }
        }
    }

    fn open(&mut self, at: Millis, location: Option<String>, outcome: &mut Outcome) {
        let part = OpenPart { number: self.parts() + 1, opened_at: at, location };
        if self.phase != Phase::Opening {
            self.tell_part_started(&part, outcome);
        }
        self.open_part = Some(part);
    }

    /// The next part was opened, and the end of this one is still to come. Of two such parts, the older is given up.
    fn open_ahead(&mut self, at: Millis, location: Option<String>, outcome: &mut Outcome) {
        if self.recording.next_part.is_some() {
            self.give_up_part(at, outcome);
        }
        let number = self.parts() + 2;
        self.recording.next_part = Some(OpenPart { number, opened_at: at, location });
    }

    fn give_up_part(&mut self, at: Millis, outcome: &mut Outcome) {
        let Some(open) = self.open_part.take() else {
            return;
        };
        let part = Part {
            number: open.number,
            location: open.location,
            start: open.opened_at,
            stop: self.ended_at.unwrap_or(at).max(open.opened_at),
            duration_ms: 0,
            bytes: None,
            failure: Some(UNREPORTED.to_owned()),
        };
        self.finish_part(part, at, outcome);
    }

    fn take_part(&mut self, report: &ClosedPart, outcome: &mut Outcome) {
        self.open_next(outcome);
        let open = self.open_part.take();
        let stop = report.stopped_at;
        let start = report
            .started_at
            .or(open.as_ref().map(|open| open.opened_at))
            .or(self.recording.last_stop)
            .unwrap_or(self.started_at)
            .min(stop);
        let known = if report.failure.is_some() { 0 } else { stop - start };
        let part = Part {
            number: self.parts() + 1,
            location: report.location.clone().or(open.as_ref().and_then(|open| open.location.clone())),
            start,
            stop,
            duration_ms: report.duration_ms.unwrap_or(known).max(0),
            bytes: report.bytes,
            failure: report.failure.clone(),
        };
        if self.recording.closed.len() == REMEMBERED {
            self.recording.closed.remove(0);
        }
        self.recording.closed.push(ClosedAs { location: report.location.clone(), stop });
        if self.phase == Phase::Closed || self.recording.stage == Stage::Failed {
            self.count(&part);
            outcome.parts.push(part);
            return;
        }
        if self.recording.stage == Stage::NotBegun {
            self.recording.openings_assumed = true;
            self.recording_started(start, outcome);
        }
        if open.is_none() {
            self.open(start, part.location.clone(), outcome);
            self.open_part = None;
        }
        self.finish_part(part, stop, outcome);
        if self.phase == Phase::Live && self.assumes_parts() {
            self.recording.next_part = Some(OpenPart { number: self.parts() + 1, opened_at: stop, location: None });
        }
        self.close_if_all_reported(stop.max(self.ended_at.unwrap_or(stop)), outcome);
    }

    /// Tells the end of a part, and the start of the next one if that was reported.
    fn finish_part(&mut self, part: Part, at: Millis, outcome: &mut Outcome) {
        self.count(&part);
        let event = match part.failure.clone() {
            Some(reason) => self.failed(EventName::RecordPartDone, at, reason),
            None => self.event(EventName::RecordPartDone, at),
        };
        outcome.events.push(Event {
            part: Some(part.number),
            url: part.location.clone(),
            duration_ms: Some(part.duration_ms),
            start_time_ms: Some(part.start),
            stop_time_ms: Some(part.stop),
            bytes: part.bytes,
            ..event
        });
        outcome.parts.push(part);
        self.open_next(outcome);
    }

    fn count(&mut self, part: &Part) {
        if self.parts() == 0 {
            self.recording.first_location = part.location.clone();
        }
        if part.failure.is_none() {
            self.parts_done += 1;
            self.recorded_ms += part.duration_ms;
        } else {
            self.parts_failed += 1;
        }
        let recording = &mut self.recording;
        recording.first_start = Some(recording.first_start.map_or(part.start, |t| t.min(part.start)));
        recording.last_stop = Some(recording.last_stop.map_or(part.stop, |t| t.max(part.stop)));
    }

    fn tell_record_started(&mut self, at: Millis, outcome: &mut Outcome) {
        let event = match self.recording.failure.clone() {
            Some(reason) => self.failed(EventName::RecordStarted, at, reason),
            None => self.event(EventName::RecordStarted, at),
        };
        outcome.events.push(Event { start_time_ms: Some(at), ..event });
    }

    fn tell_part_started(&mut self, part: &OpenPart, outcome: &mut Outcome) {
        let event = Event {
            part: Some(part.number),
            url: part.location.clone(),
            start_time_ms: Some(part.opened_at),
            ..self.event(EventName::RecordPartStarted, part.opened_at)
        };
        outcome.events.push(event);
    }

    /// Nothing to tell of a recording that never began.
    fn tell_record_done(&mut self, at: Millis, outcome: &mut Outcome) {
        if !matches!(self.recording.stage, Stage::Running | Stage::Over) {
            return;
        }
        let event = match (self.parts_done, self.parts_failed) {
            (0, 0) => self.failed(EventName::RecordDone, at, "no part was recorded".to_owned()),
            (0, _) => self.failed(EventName::RecordDone, at, "every part failed".to_owned()),
            _ => self.event(EventName::RecordDone, at),
        };
        let only_part = self.parts() == 1;
        outcome.events.push(Event {
            url: self.recording.first_location.clone().filter(|_| only_part),
            duration_ms: Some(self.recorded_ms),
            start_time_ms: self.recording.first_start.or(self.record_started_at),
            stop_time_ms: self.recording.last_stop.or(self.ended_at),
            ..event
        });
    }
}

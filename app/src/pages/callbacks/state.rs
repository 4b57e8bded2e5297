//! What a callback row shows, as it travels between server and browser. Every text is in the person's language already.

use callsheet_types::CallbackKind;
use serde::{Deserialize, Serialize};

/// What the row itself changes, and what its changes end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowState {
    pub(crate) enabled: bool,
    pub(crate) address: Option<String>,
    /// Version of the address.
    pub(crate) version: String,
    /// The console turned it off by itself: why, in a sentence.
    pub(crate) off: Option<String>,
    pub(crate) pause: Option<PauseNote>,
    /// What just happened, if anything did.
    pub(crate) note: String,
}

/// The callback is paused after failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PauseNote {
    pub(crate) reason: String,
    pub(crate) since: Moment,
    pub(crate) next_probe: Moment,
}

/// A moment as its `<time>` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    pub(crate) machine: String,
    /// In UTC, for hovering.
    pub(crate) utc: String,
    pub(crate) text: String,
}

/// The answer of a form of the row: done, or a question first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done(RowState),
    /// Turning it off cancels deliveries that wait.
    AskTurnOff(String),
    /// The address failed its test.
    AskSave(TestView),
    /// Somebody changed the address after the form was opened: what it is now, in a sentence, and the row with it.
    Changed {
        now: RowState,
        message: String,
    },
}

/// A test of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TestView {
    pub(crate) ok: bool,
    /// The outcome in a sentence.
    pub(crate) summary: String,
    pub(crate) phases: Vec<PhaseLine>,
    /// The beginning of the receiver's answer.
    pub(crate) body: String,
}

/// A step of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PhaseLine {
    pub(crate) outcome: PhaseOutcome,
    /// The outcome in a word, for screen readers.
    pub(crate) word: String,
    pub(crate) name: String,
    pub(crate) text: String,
    /// What to do, where it failed.
    pub(crate) remedy: Option<String>,
    pub(crate) took: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PhaseOutcome {
    Passed,
    Failed,
    NotReached,
}

impl PhaseOutcome {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotReached => "skipped",
        }
    }
}

/// What a row starts with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RowStart {
    pub(crate) push: String,
    pub(crate) kind: CallbackKind,
    pub(crate) state: RowState,
    /// The person may change it.
    pub(crate) editable: bool,
    /// The address is being edited.
    pub(crate) editing: bool,
    /// What is in the address field.
    pub(crate) typed: String,
    /// Version of the address that the field was filled with.
    pub(crate) version: String,
    pub(crate) test: Option<TestView>,
    /// Asks whether to turn it off.
    pub(crate) ask_turn_off: Option<String>,
    /// Asks whether to save an address that failed its test.
    pub(crate) ask_save: bool,
    /// The error of the address field.
    pub(crate) wrong: Option<String>,
    /// The address of the page.
    pub(crate) page: String,
    /// An address that loads the page afresh, at this row.
    pub(crate) back: String,
    pub(crate) labels: RowLabels,
}

/// The row's fixed texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RowLabels {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) address: String,
    pub(crate) address_help: String,
    pub(crate) no_address: String,
    pub(crate) edit: String,
    pub(crate) test: String,
    pub(crate) testing: String,
    pub(crate) cancel: String,
    pub(crate) ok: String,
    pub(crate) turn_off: String,
    pub(crate) keep_on: String,
    pub(crate) ask_save: String,
    pub(crate) save_anyway: String,
    pub(crate) body: String,
    pub(crate) paused: String,
    pub(crate) paused_help: String,
    pub(crate) since: String,
    pub(crate) next_probe: String,
    pub(crate) resume: String,
    pub(crate) connection: String,
}

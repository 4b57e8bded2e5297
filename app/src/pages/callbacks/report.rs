//! What rows and reports say, in the person's language.

use callsheet::callbacks::{CallbackSettings, OffReason, Pause, address_version};
use callsheet::deliveries::{PhaseView, ProbeReport};
use callsheet::model::CallbackKind;

use super::state::{Moment, PauseNote, PhaseLine, PhaseOutcome, RowState, TestView};
use crate::context::Visit;
use crate::error::UiError;
use crate::texts::Texts;

/// The phases of an exchange, in order.
const PHASES: [&str; 8] = ["address", "dns", "policy", "connect", "tls", "request", "status", "body"];

/// The id of a callback's row in the page.
pub(super) fn anchor(kind: CallbackKind) -> String {
    format!("callback-{kind}")
}

/// Builds the state of a callback's row.
pub(super) fn row_state(
    visit: &Visit,
    settings: &CallbackSettings,
    off_reason: Option<OffReason>,
    pause: Option<&Pause>,
    note: String,
) -> RowState {
    let (texts, times) = (visit.texts, &visit.times);
    let moment = |at, text| {
        let (machine, utc) = times.utc(at);
        Moment { machine, utc, text }
    };
    let off = off_reason.map(|reason| texts.fill("callback.off_reason", &[("reason", &texts.off_reason(reason))]));
    let pause = pause.map(|pause| PauseNote {
        reason: texts.word("class", &pause.reason),
        since: moment(pause.since, times.at_text(pause.since)),
        next_probe: moment(pause.probe_at, times.until_text(pause.probe_at)),
    });
    let version = address_version(settings).as_str().to_owned();
    RowState { enabled: settings.enabled, address: settings.address.clone(), version, off, pause, note }
}

/// A test's report in the person's language.
pub(super) fn test_view(visit: &Visit, address: &str, report: &ProbeReport) -> TestView {
    let texts = visit.texts;
    let failure = failure_of(texts, report);
    let line = |phase: &PhaseView| {
        let failure = failure.clone().filter(|_| !phase.ok);
        let (outcome, word) = match failure {
            Some(_) => (PhaseOutcome::Failed, "phase.failed"),
            None => (PhaseOutcome::Passed, "phase.passed"),
        };
        let (text, mut remedy) = failure.unzip();
        if report.ok && !phase.ok {
            remedy = Some(texts.get("delivery.broken_response"));
        }
        PhaseLine {
            outcome,
            word: texts.get(word),
            name: texts.word("phase", &phase.phase),
            text: text.unwrap_or_else(|| texts.detail(&phase.detail)),
            remedy,
            took: visit.times.took_micros(phase.micros),
        }
    };
    let mut phases: Vec<PhaseLine> = report.phases.iter().map(line).collect();
    let last = report.phases.last().and_then(|last| PHASES.iter().position(|name| *name == last.phase));
    let encrypted = !address.to_ascii_lowercase().starts_with("http:");
    for name in PHASES.iter().skip(last.map_or(0, |at| at + 1)).filter(|name| encrypted || **name != "tls") {
        if report.ok {
            break;
        }
        phases.push(PhaseLine {
            outcome: PhaseOutcome::NotReached,
            word: String::new(),
            name: texts.word("phase", name),
            text: texts.get("phase.not_reached"),
            remedy: None,
            took: String::new(),
        });
    }
    let summary = match (report.ok, report.status) {
        (true, status) => texts.fill("test.passed", &[("status", &status.unwrap_or_default().to_string())]),
        (false, _) => {
            let phase = texts.word("phase", report.failed_phase.as_deref().unwrap_or_default());
            texts.fill("test.failed", &[("phase", &phase)])
        }
    };
    TestView { ok: report.ok, summary, phases, body: report.body.clone() }
}

/// What went wrong and what to do, if it failed.
fn failure_of(texts: Texts, report: &ProbeReport) -> Option<(String, String)> {
    let class = report.error_class.as_deref()?;
    Some((texts.failure(class, report.error.as_deref()?), texts.remedy(class, report.remedy.as_deref()?)))
}

/// The error of an address that the policy forbids, which nobody can save.
pub(super) fn blocked(texts: Texts, report: &ProbeReport) -> Option<UiError> {
    let (error, remedy) =
        failure_of(texts, report).filter(|_| report.error_class.as_deref() == Some("blocked_address"))?;
    let message = format!("{error} {remedy}");
    Some(UiError { code: "blocked_address".to_owned(), status: 422, message, field: Some("address".to_owned()) })
}

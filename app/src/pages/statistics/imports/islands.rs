//! The button of the upload form. Without script, it posts the form and the response is the page with the result. With script, it shows the
//! progress and updates the page in place.

use leptos::html::Button;
use leptos::prelude::*;

use super::state::UploadLabels;
use super::upload::{Phase, Upload};

/// The button *Upload and count*, replaced by progress and *Cancel* during an upload.
#[island]
pub(crate) fn UploadButton(labels: UploadLabels) -> impl IntoView {
    let upload = Upload {
        place: NodeRef::new(),
        phase: RwSignal::new(Phase::Idle),
        wrong: RwSignal::new(None),
        cancelled: RwSignal::new(false),
        #[cfg(feature = "hydrate")]
        broken: StoredValue::new(labels.broken.clone()),
        #[cfg(feature = "hydrate")]
        request: StoredValue::new_local(None),
    };
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| super::send::listen(upload));
    let (submit, cancel) = (NodeRef::<Button>::new(), NodeRef::<Button>::new());
    // Moves the focus to *Cancel*, and back after cancelling.
    Effect::new(move |was_idle: Option<bool>| {
        let is_idle = upload.is_idle();
        request_animation_frame(move || match (was_idle, is_idle) {
            (Some(true), false) => drop(cancel.get_untracked().map(|button| button.focus())),
            (Some(false), true) if upload.cancelled.get_untracked() => {
                drop(submit.get_untracked().map(|button| button.focus()));
            }
            _ => {}
        });
        is_idle
    });
    let sending = labels.sending;
    let status = move || match upload.phase.get() {
        Phase::Sending { sent, total } if total > 0 => {
            let share = (sent * 100 / total).to_string();
            let text = sending.replace("%{sent}", &size(sent)).replace("%{total}", &size(total));
            text.replace("%{share}", &share)
        }
        Phase::Idle | Phase::Sending { .. } | Phase::Counting => String::new(),
    };
    // Without a value, the progress is indeterminate.
    let value = move || match upload.phase.get() {
        Phase::Sending { sent, total } if total > 0 => Some(sent.to_string()),
        Phase::Idle | Phase::Sending { .. } | Phase::Counting => None,
    };
    let max = move || match upload.phase.get() {
        Phase::Sending { total, .. } => total.max(1).to_string(),
        Phase::Idle | Phase::Counting => "1".to_owned(),
    };
    let (counting, cancelled) = (labels.counting, labels.cancelled);
    let announcement = move || match upload.phase.get() {
        Phase::Counting => counting.clone(),
        Phase::Idle if upload.cancelled.get() => cancelled.clone(),
        Phase::Idle | Phase::Sending { .. } => String::new(),
    };
    let cancel_upload = move |_| {
        #[cfg(feature = "hydrate")]
        super::send::cancel(upload);
    };
    view! {
        <p class="error-text" role="alert" hidden=move || upload.wrong.with(Option::is_none)>{move || upload.wrong.get()}</p>
        <div class="row" node_ref=upload.place hidden=move || !upload.is_idle()>
            <button class="btn primary" node_ref=submit>{labels.submit}</button>
        </div>
        <div class="upload-progress" hidden=move || upload.is_idle()>
            <progress aria-label=labels.progress max=max value=value></progress>
            <div class="row">
                <span>{status}</span>
                <button type="button" class="btn small" node_ref=cancel hidden=move || upload.phase.get() == Phase::Counting
                    on:click=cancel_upload>{labels.cancel}</button>
            </div>
        </div>
        <p class="muted" class:visually-hidden=move || upload.phase.get() != Phase::Counting && !upload.cancelled.get() role="status">{announcement}</p>
    }
}

/// Returns a rounded size such as `12.8 MB`, in units of 1000.
fn size(bytes: u64) -> String {
    let units = [(1_000, "KB"), (1_000_000, "MB"), (1_000_000_000, "GB")];
    let rounded = |one: u64| (u128::from(bytes) * 10 + u128::from(one / 2)) / u128::from(one);
    let fits = units.iter().find(|(one, _)| rounded(*one) < 10_000).or(units.last());
    match fits {
        Some((one, unit)) if bytes >= 1_000 => format!("{}.{} {unit}", rounded(*one) / 10, rounded(*one) % 10),
        _ => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (12_849_999, "12.8 MB"),
            (999_949_999, "999.9 MB"),
            (999_999_999, "1.0 GB"),
            (8_589_934_592, "8.6 GB"),
            (5_000_000_000_000, "5000.0 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}

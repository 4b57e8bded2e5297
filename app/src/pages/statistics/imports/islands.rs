//! The button of the upload form. Without script it posts, and the page comes back with what became of the file; with
//! script it tells how far the file is, and the page takes over what has changed.

use leptos::html::{Button, Div};
use leptos::prelude::*;

use super::state::UploadLabels;

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    /// Bytes.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only a browser sends"))]
    Sending {
        sent: u64,
        total: u64,
    },
    /// All has arrived.
    Counting,
}

/// The upload as it is now.
#[derive(Clone, Copy)]
pub(super) struct Upload {
    /// Within the form.
    pub(super) place: NodeRef<Div>,
    pub(super) phase: RwSignal<Phase>,
    /// What is wrong with none of the fields.
    pub(super) wrong: RwSignal<Option<String>>,
    /// The person has cancelled.
    pub(super) cancelled: RwSignal<bool>,
    /// Said when the console cannot be reached.
    #[cfg(feature = "hydrate")]
    pub(super) broken: StoredValue<String>,
    #[cfg(feature = "hydrate")]
    pub(super) request: StoredValue<Option<web_sys::XmlHttpRequest>, LocalStorage>,
}

impl Upload {
    fn is_idle(self) -> bool {
        self.phase.get() == Phase::Idle
    }

    fn cancel(self) {
        #[cfg(feature = "hydrate")]
        super::send::cancel(self);
    }
}

/// *Upload and count*; then progress with *Cancel*.
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
    Effect::new(move |_| super::send::follow(upload));
    let (submit, cancel) = (NodeRef::<Button>::new(), NodeRef::<Button>::new());
    // The keyboard follows: to *Cancel*, and back from there. Without focus the person has to click; nothing else is lost.
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
    let told = move || match upload.phase.get() {
        Phase::Sending { sent, total } if total > 0 => {
            let share = (sent * 100 / total).to_string();
            let text = sending.replace("%{sent}", &size(sent)).replace("%{total}", &size(total));
            text.replace("%{share}", &share)
        }
        Phase::Idle | Phase::Sending { .. } | Phase::Counting => String::new(),
    };
    // Without a value it says that something goes on.
    let value = move || match upload.phase.get() {
        Phase::Sending { sent, total } if total > 0 => Some(sent.to_string()),
        Phase::Idle | Phase::Sending { .. } | Phase::Counting => None,
    };
    let most = move || match upload.phase.get() {
        Phase::Sending { total, .. } => total.max(1).to_string(),
        Phase::Idle | Phase::Counting => "1".to_owned(),
    };
    let (counting, cancelled) = (labels.counting, labels.cancelled);
    let said = move || match upload.phase.get() {
        Phase::Counting => counting.clone(),
        Phase::Idle if upload.cancelled.get() => cancelled.clone(),
        Phase::Idle | Phase::Sending { .. } => String::new(),
    };
    view! {
        <p class="error-text" role="alert" hidden=move || upload.wrong.with(Option::is_none)>{move || upload.wrong.get()}</p>
        <div class="row" node_ref=upload.place hidden=move || !upload.is_idle()>
            <button class="btn primary" node_ref=submit>{labels.submit}</button>
        </div>
        <div class="upload-progress" hidden=move || upload.is_idle()>
            <progress aria-label=labels.progress max=most value=value></progress>
            <div class="row">
                <span>{told}</span>
                <button type="button" class="btn small" node_ref=cancel hidden=move || upload.phase.get() == Phase::Counting
                    on:click=move |_| upload.cancel()>{labels.cancel}</button>
            </div>
        </div>
        <p class="muted" class:visually-hidden=move || upload.phase.get() != Phase::Counting && !upload.cancelled.get() role="status">{said}</p>
    }
}

/// `12.8 MB`, base 1000, rounded.
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

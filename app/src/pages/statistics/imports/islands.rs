//! The upload form. Without script it posts, and the page comes back with the outcome; with script it tells how far the
//! file is, and shows the outcome in place.

use leptos::ev::SubmitEvent;
use leptos::html::{Button, Div, Form};
use leptos::prelude::*;

use super::state::{BadLines, Outcome, PATH, UnknownHosts, UploadLabels, UploadStart};
use crate::error::UiError;

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

/// The form as it is now.
#[derive(Clone, Copy)]
pub(super) struct Upload {
    pub(super) form: NodeRef<Form>,
    pub(super) phase: RwSignal<Phase>,
    pub(super) error: RwSignal<Option<UiError>>,
    pub(super) outcome: RwSignal<Option<Outcome>>,
    /// The person has cancelled.
    pub(super) cancelled: RwSignal<bool>,
    /// Said when the console cannot be reached.
    #[cfg(feature = "hydrate")]
    pub(super) broken: StoredValue<String>,
    #[cfg(feature = "hydrate")]
    pub(super) request: StoredValue<Option<web_sys::XmlHttpRequest>, LocalStorage>,
}

impl Upload {
    fn new(start: &UploadStart) -> Self {
        Self {
            form: NodeRef::new(),
            phase: RwSignal::new(Phase::Idle),
            error: RwSignal::new(start.error.clone()),
            outcome: RwSignal::new(start.outcome.clone()),
            cancelled: RwSignal::new(false),
            #[cfg(feature = "hydrate")]
            broken: StoredValue::new(start.labels.broken.clone()),
            #[cfg(feature = "hydrate")]
            request: StoredValue::new_local(None),
        }
    }

    fn is_idle(self) -> bool {
        self.phase.get() == Phase::Idle
    }

    /// The error of one field; of none in particular without a name.
    fn wrong(self, field: Option<&str>) -> Option<String> {
        self.error.with(|error| error.as_ref().filter(|e| e.field.as_deref() == field).map(|e| e.message.clone()))
    }

    fn submit(self, event: &SubmitEvent) {
        event.prevent_default();
        #[cfg(feature = "hydrate")]
        super::send::begin(self);
    }

    fn cancel(self) {
        #[cfg(feature = "hydrate")]
        super::send::cancel(self);
    }
}

/// File, format, domain; then progress with *Cancel*; then what became of it.
#[island]
pub(crate) fn UploadLog(start: UploadStart) -> impl IntoView {
    let upload = Upload::new(&start);
    let UploadStart { labels, formats, format, domain, error, .. } = start;
    let wrong = error.and_then(|error| error.field).unwrap_or_default();
    let options: Vec<_> = formats
        .into_iter()
        .map(|(value, text)| view! { <option value=value.clone() selected=value == format>{text}</option> })
        .collect();
    let (submit, cancel, outcome) = (NodeRef::<Button>::new(), NodeRef::<Button>::new(), NodeRef::<Div>::new());
    // The keyboard follows: to *Cancel*, back from there, and to what has come of the file. Without focus the person has to
    // click; nothing else is lost.
    Effect::new(move |was_idle: Option<bool>| {
        let is_idle = upload.is_idle();
        request_animation_frame(move || match (was_idle, is_idle) {
            (Some(true), false) => drop(cancel.get_untracked().map(|button| button.focus())),
            (Some(false), true) if upload.cancelled.get_untracked() => {
                drop(submit.get_untracked().map(|button| button.focus()));
            }
            (Some(false), true) if upload.outcome.with_untracked(Option::is_some) => {
                drop(outcome.get_untracked().map(|told| told.focus()));
            }
            _ => {}
        });
        is_idle
    });
    view! {
        <form class="fields" id="upload" method="post" action=PATH enctype="multipart/form-data" node_ref=upload.form
            on:submit=move |event| upload.submit(&event)>
            {field(upload, "file", labels.file.clone(), Some(labels.file_help.clone()), |described, invalid| view! {
                <input class="input" id="file" name="file" type="file" required=true autofocus={wrong == "file"} aria-describedby=described aria-invalid=invalid/>
            }.into_any())}
            <div class="two">
                {field(upload, "format", labels.format.clone(), None, |described, invalid| view! {
                    <select class="input" id="format" name="format" autofocus={wrong == "format"} aria-describedby=described aria-invalid=invalid>{options}</select>
                }.into_any())}
                {field(upload, "domain", labels.domain.clone(), Some(labels.domain_help.clone()), |described, invalid| view! {
                    <input class="input" id="domain" name="domain" list="known-hosts" value=domain autocomplete="off" spellcheck="false"
                        autocapitalize="none" inputmode="url" autofocus={wrong == "domain"} aria-describedby=described aria-invalid=invalid/>
                }.into_any())}
            </div>
            <p class="wrong" role="alert" hidden=move || upload.wrong(None).is_none()>{move || upload.wrong(None)}</p>
            <div class="row" hidden=move || !upload.is_idle()>
                <button class="btn primary" node_ref=submit>{labels.submit.clone()}</button>
            </div>
            {progress(upload, &labels, cancel)}
        </form>
        <div tabindex="-1" node_ref=outcome>{move || upload.outcome.get().map(told)}</div>
    }
}

/// A labelled input with its help and its error. `input` gets what describes it, and whether it is wrong.
fn field(
    upload: Upload,
    name: &'static str,
    label: String,
    help: Option<String>,
    input: impl FnOnce(Signal<Option<String>>, Signal<Option<&'static str>>) -> AnyView,
) -> AnyView {
    let is_wrong = move || upload.wrong(Some(name)).is_some();
    let has_help = help.is_some();
    let described = Signal::derive(move || {
        let ids = [has_help.then(|| format!("{name}-help")), is_wrong().then(|| format!("{name}-error"))];
        let ids: Vec<String> = ids.into_iter().flatten().collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    });
    let invalid = Signal::derive(move || is_wrong().then_some("true"));
    view! {
        <div class="field">
            <label for=name>{label}</label>
            {input(described, invalid)}
            <p class="wrong" id=format!("{name}-error") hidden=move || !is_wrong()>{move || upload.wrong(Some(name))}</p>
            {help.map(|text| view! { <p class="help" id=format!("{name}-help")>{text}</p> })}
        </div>
    }
    .into_any()
}

fn progress(upload: Upload, labels: &UploadLabels, cancel: NodeRef<Button>) -> AnyView {
    let sending = labels.sending.clone();
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
    let (counting, cancelled) = (labels.counting.clone(), labels.cancelled.clone());
    let said = move || match upload.phase.get() {
        Phase::Counting => counting.clone(),
        Phase::Idle if upload.cancelled.get() => cancelled.clone(),
        Phase::Idle | Phase::Sending { .. } => String::new(),
    };
    view! {
        <div class="uploading" hidden=move || upload.is_idle()>
            <progress aria-label=labels.progress.clone() max=most value=value></progress>
            <div class="row">
                <span>{told}</span>
                <button type="button" class="btn small" node_ref=cancel hidden=move || upload.phase.get() == Phase::Counting
                    on:click=move |_| upload.cancel()>{labels.cancel.clone()}</button>
            </div>
        </div>
        <p class="muted" class:aside=move || upload.phase.get() != Phase::Counting && !upload.cancelled.get() role="status">{said}</p>
    }
    .into_any()
}

/// `12.8 MB`, base 1000.
fn size(bytes: u64) -> String {
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), 0);
    let units = ["B", "KB", "MB", "GB"];
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths /= 1_000;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{}.{} {}", tenths / 10, tenths % 10, units[unit]),
    }
}

fn told(outcome: Outcome) -> AnyView {
    let Outcome { tone, title, notes, facts, bad, unknown } = outcome;
    let notes: Vec<_> = notes.into_iter().map(|note| view! { <p>{note}</p> }).collect();
    let facts: Vec<_> =
        facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect();
    view! {
        <section class=tone.class() aria-labelledby="outcome">
            <h3 id="outcome">{title}</h3>
            {notes}
            {(!facts.is_empty()).then(|| view! { <dl class="counts">{facts}</dl> })}
            {unknown.map(unknown_hosts)}
            {bad.map(bad_lines)}
        </section>
    }
    .into_any()
}

fn bad_lines(BadLines { title, heads: [line, reason], rows }: BadLines) -> AnyView {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|[line, reason]| view! { <tr><th scope="row">{line}</th><td>{reason}</td></tr> })
        .collect();
    view! {
        <details class="more" open=true>
            <summary>{title}</summary>
            <table class="findings">
                <thead><tr><th scope="col">{line}</th><th scope="col">{reason}</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
    .into_any()
}

fn unknown_hosts(UnknownHosts { title, help, heads: [host, requests], rows }: UnknownHosts) -> AnyView {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|unknown| {
            let add = unknown.add.map(|(href, text)| {
                let host = unknown.host.clone();
                view! { <a class="add" href=href>{text}<span class="aside">" "{host}</span></a> }
            });
            view! { <tr><th scope="row">{unknown.host}{add}</th><td>{unknown.requests}</td></tr> }
        })
        .collect();
    view! {
        <details class="more" open=true>
            <summary>{title}</summary>
            <p>{help}</p>
            <table class="findings hosts">
                <thead><tr><th scope="col">{host}</th><th scope="col">{requests}</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
    .into_any()
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
            (999_999_999, "999.9 MB"),
            (8_589_934_592, "8.5 GB"),
            (5_000_000_000_000, "5000.0 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}

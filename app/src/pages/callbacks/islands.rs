//! A callback row. Each of its forms posts and each of its links leads somewhere without script; with script the row
//! does the same in place.

use callsheet_types::CallbackKind;
use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::html::{A, Input};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;

use super::server_fns::{
    ResumeCallback, SaveCallbackAddress, SetCallbackEnabled, TestCallback, resume_callback, save_callback_address,
    set_callback_enabled, test_callback,
};
use super::state::{Answer, Moment, RowLabels, RowStart, RowState, TestView};
use crate::error::UiError;

/// Slider, help, address, *Edit* → *Test*, *Cancel*, *OK*. `children`: the health, from the server.
#[island]
pub(crate) fn CallbackRow(start: RowStart, children: Children) -> impl IntoView {
    let row = Row::new(&start);
    let kind = start.kind;
    let labels = start.labels;
    let question = turn_off_question(row, &start.back, &labels);
    let edit = NodeRef::<A>::new();
    let address = address_line(row, &start.page, &labels, start.editable, edit);
    let editor = editor(row, &start.back, &labels, start.typed, edit);
    let findings = findings(row, &labels);
    let trouble = trouble(row, &labels, start.editable);
    view! {
        <div class="callback" id=format!("callback-{kind}")>
            <div>
                <h3 id=format!("callback-{kind}-name")>{labels.name.clone()}</h3>
                <span class="help">{labels.help}</span>
            </div>
            <form method="post" action=SetCallbackEnabled::PATH on:submit=move |event| row.slide(&event, false)>
                {row.hidden_fields()}
                <input type="hidden" name="enabled" value=move || (!row.enabled()).to_string()/>
                <button class="switch" role="switch" aria-label=labels.name disabled=!start.editable
                    aria-checked=move || row.enabled().to_string() aria-busy=move || row.busy.get().to_string()></button>
            </form>
            <div class="callback-content">
                {question}
                {trouble}
                {address}
                {editor}
                {findings}
                <div hidden=move || !row.enabled()>{children()}</div>
            </div>
        </div>
    }
}

/// The row as it is now.
#[derive(Clone, Copy)]
struct Row {
    push: StoredValue<String>,
    kind: CallbackKind,
    state: RwSignal<RowState>,
    editing: RwSignal<bool>,
    /// The address field. It alone holds what was typed, so that nothing is lost when the script comes late.
    field: NodeRef<Input>,
    /// Version of the address that the field was filled with: a save replaces that one only.
    version: RwSignal<String>,
    test: RwSignal<Option<TestView>>,
    /// Asks whether to turn the callback off.
    ask_turn_off: RwSignal<Option<String>>,
    /// Asks whether to save an address that failed its test.
    ask_save: RwSignal<bool>,
    wrong: RwSignal<Option<String>>,
    /// A request is under way.
    busy: RwSignal<bool>,
    /// Said when the console cannot be reached.
    connection: StoredValue<String>,
}

impl Row {
    fn new(start: &RowStart) -> Self {
        Self {
            push: StoredValue::new(start.push.clone()),
            kind: start.kind,
            state: RwSignal::new(start.state.clone()),
            editing: RwSignal::new(start.editing),
            field: NodeRef::new(),
            version: RwSignal::new(start.version.clone()),
            test: RwSignal::new(start.test.clone()),
            ask_turn_off: RwSignal::new(start.ask_turn_off.clone()),
            ask_save: RwSignal::new(start.ask_save),
            wrong: RwSignal::new(start.wrong.clone()),
            busy: RwSignal::new(false),
            connection: StoredValue::new(start.labels.connection.clone()),
        }
    }

    fn enabled(self) -> bool {
        self.state.with(|state| state.enabled)
    }

    fn typed(self) -> String {
        self.field.get_untracked().map(|field| field.value()).unwrap_or_default()
    }

    /// Puts the saved address back into the field.
    fn restore(self) {
        self.version.set(self.state.with_untracked(|state| state.version.clone()));
        if let Some(field) = self.field.get_untracked() {
            field.set_value(&self.state.with_untracked(|state| state.address.clone()).unwrap_or_default());
        }
    }

    /// The fields by which every form of the row names its callback.
    fn hidden_fields(self) -> impl IntoView + use<> {
        view! {
            <input type="hidden" name="push" value=self.push.get_value()/>
            <input type="hidden" name="kind" value=self.kind.as_str()/>
        }
    }

    /// A request begins; `false`: one is under way already.
    fn begin(self) -> bool {
        if self.busy.get_untracked() {
            return false;
        }
        self.busy.set(true);
        self.wrong.set(None);
        self.test.set(None);
        self.ask_save.set(false);
        self.state.update(|state| state.note.clear());
        true
    }

    fn fail(self, error: UiError) {
        self.wrong.set(Some(if error.message.is_empty() { self.connection.get_value() } else { error.message }));
    }

    fn take(self, answer: Result<Answer, UiError>) {
        self.busy.set(false);
        match answer {
            Ok(Answer::Done(done)) => {
                // Slide, then edit: a callback that is on without an address asks for one at once.
                self.editing.set(done.enabled && done.address.is_none());
                self.ask_turn_off.set(None);
                self.state.set(done);
                self.restore();
            }
            Ok(Answer::AskTurnOff(question)) => self.ask_turn_off.set(Some(question)),
            Ok(Answer::AskSave(view)) => {
                self.test.set(Some(view));
                self.ask_save.set(true);
            }
            Ok(Answer::Changed { now, message }) => {
                // The typed value stays, so that it can be saved over theirs after the message was read.
                self.version.set(now.version.clone());
                self.state.set(now);
                self.wrong.set(Some(message));
            }
            Err(error) => self.fail(error),
        }
    }

    fn slide(self, event: &SubmitEvent, confirmed: bool) {
        event.prevent_default();
        let wanted = !self.state.with_untracked(|state| state.enabled);
        if self.begin() {
            spawn_local(async move {
                self.take(set_callback_enabled(self.push.get_value(), self.kind, wanted, confirmed).await);
            });
        }
    }

    fn save(self, event: &SubmitEvent) {
        event.prevent_default();
        let (address, untested) = (self.typed(), self.ask_save.get_untracked());
        let version = self.version.get_untracked();
        if self.begin() {
            spawn_local(async move {
                let push = self.push.get_value();
                self.take(save_callback_address(push, self.kind, address, untested, version).await);
            });
        }
    }

    fn try_address(self, event: &MouseEvent) {
        event.prevent_default();
        let (address, version) = (self.typed(), self.version.get_untracked());
        if self.begin() {
            spawn_local(async move {
                let outcome = test_callback(self.push.get_value(), self.kind, address, version).await;
                self.busy.set(false);
                match outcome {
                    Ok(view) => self.test.set(Some(view)),
                    Err(error) => self.fail(error),
                }
            });
        }
    }

    fn resume(self, event: &SubmitEvent) {
        event.prevent_default();
        if self.begin() {
            spawn_local(async move {
                let outcome = resume_callback(self.push.get_value(), self.kind).await;
                self.busy.set(false);
                match outcome {
                    Ok(resumed) => self.state.set(resumed),
                    Err(error) => self.fail(error),
                }
            });
        }
    }

    fn edit(self, event: &MouseEvent) {
        event.prevent_default();
        self.state.update(|state| state.note.clear());
        self.restore();
        self.editing.set(true);
    }

    fn cancel(self, event: &MouseEvent) {
        event.prevent_default();
        self.editing.set(false);
        self.wrong.set(None);
        self.test.set(None);
        self.ask_save.set(false);
        self.restore();
    }
}

/// Asked before deliveries that wait are cancelled.
fn turn_off_question(row: Row, back: &str, labels: &RowLabels) -> impl IntoView + use<> {
    let keep_on = move |event: MouseEvent| {
        event.prevent_default();
        row.ask_turn_off.set(None);
    };
    view! {
        <div class="notice warning" role="alert" hidden=move || row.ask_turn_off.with(Option::is_none)>
            <form class="stack" method="post" action=SetCallbackEnabled::PATH on:submit=move |event| row.slide(&event, true)>
                {row.hidden_fields()}
                <input type="hidden" name="enabled" value="false"/>
                <input type="hidden" name="confirmed" value="true"/>
                <p>{move || row.ask_turn_off.get()}</p>
                <div class="row">
                    <button class="btn danger">{labels.turn_off.clone()}</button>
                    <a class="btn" href=back.to_owned() on:click=keep_on>{labels.keep_on.clone()}</a>
                </div>
            </form>
        </div>
    }
}

/// Said while the console has turned the callback off, or paused it: with *Resume now*.
fn trouble(row: Row, labels: &RowLabels, editable: bool) -> impl IntoView + use<> {
    let (since, next_probe) = (labels.since.clone(), labels.next_probe.clone());
    let facts = move || {
        let pause = row.state.with(|state| state.pause.clone())?;
        Some(view! {
            <span>{pause.reason}</span>
            <span>{since.clone()} " " {time(pause.since)}</span>
            <span>{next_probe.clone()} " " {time(pause.next_probe)}</span>
        })
    };
    view! {
        <p class="notice error" hidden=move || row.state.with(|state| state.off.is_none())>
            {move || row.state.with(|state| state.off.clone())}
        </p>
        <form class="notice warning" method="post" action=ResumeCallback::PATH on:submit=move |event| row.resume(&event)
            hidden=move || row.state.with(|state| state.pause.is_none())>
            {row.hidden_fields()}
            <p class="health"><strong>{labels.paused.clone()}</strong>{facts}</p>
            <p>{labels.paused_help.clone()}</p>
            <div hidden=!editable><button class="btn small">{labels.resume.clone()}</button></div>
        </form>
    }
}

fn time(moment: Moment) -> impl IntoView {
    view! { <time datetime=moment.machine title=moment.utc>{moment.text}</time> }
}

/// The address at rest, with *Edit*.
fn address_line(row: Row, page: &str, labels: &RowLabels, editable: bool, edit: NodeRef<A>) -> impl IntoView + use<> {
    let kind = row.kind;
    let none = labels.no_address.clone();
    let shown = move || row.state.with(|state| state.address.clone()).unwrap_or_else(|| none.clone());
    view! {
        <div class="address" hidden=move || !row.enabled() || row.editing.get()>
            <code class:muted=move || row.state.with(|state| state.address.is_none())>{shown}</code>
            <a class="btn small" href=format!("{page}?edit={kind}#callback-{kind}") hidden=!editable node_ref=edit
                on:click=move |event| row.edit(&event)>
                {labels.edit.clone()}
                <span class="visually-hidden">" "{labels.name.clone()}</span>
            </a>
        </div>
    }
}

/// The address in its field, with *Test*, *Cancel* and *OK*. `edit`: the link that opens it.
fn editor(row: Row, back: &str, labels: &RowLabels, typed: String, edit: NodeRef<A>) -> impl IntoView + use<> {
    let kind = row.kind;
    // The keyboard follows: into the field, and back to *Edit*. Both can take it after this turn only. Without focus the
    // person has to click; nothing else is lost.
    Effect::new(move |before: Option<bool>| {
        let now = row.editing.get();
        match (before, now, row.field.get(), edit.get()) {
            (Some(false), true, Some(field), _) => request_animation_frame(move || drop(field.focus())),
            (Some(true), false, _, Some(link)) => request_animation_frame(move || drop(link.focus())),
            _ => {}
        }
        now
    });
    let field_id = format!("{kind}-address");
    let described = format!("{field_id}-help {field_id}-wrong");
    let (test, testing) = (labels.test.clone(), labels.testing.clone());
    let (ok, save_anyway) = (labels.ok.clone(), labels.save_anyway.clone());
    let field = view! {
        <input class="input" id=field_id.clone() name="address" type="text" inputmode="url" autocomplete="off"
            spellcheck="false" autocapitalize="none" placeholder="https://example.com/callback" aria-describedby=described
            aria-invalid=move || row.wrong.with(Option::is_some).to_string() node_ref=row.field
            value=typed on:input=move |_| row.ask_save.set(false)/>
    };
    let buttons = view! {
        <button class="btn" formaction=TestCallback::PATH aria-disabled=move || row.busy.get().to_string()
            on:click=move |event| row.try_address(&event)>
            {move || if row.busy.get() { testing.clone() } else { test.clone() }}
        </button>
        <a class="btn quiet" href=back.to_owned() on:click=move |event| row.cancel(&event)>
            {labels.cancel.clone()}
        </a>
        <button class="btn primary" aria-disabled=move || row.busy.get().to_string()>
            {move || if row.ask_save.get() { save_anyway.clone() } else { ok.clone() }}
        </button>
    };
    view! {
        <form class="edit-form" method="post" action=SaveCallbackAddress::PATH
            hidden=move || !row.enabled() || !row.editing.get() on:submit=move |event| row.save(&event)>
            {row.hidden_fields()}
            <input type="hidden" name="untested" value=move || row.ask_save.get().to_string()/>
            <input type="hidden" name="version" value=move || row.version.get()/>
            // Enter means OK, which is not the first button that people see.
            <button hidden></button>
            <label for=field_id.clone()>{labels.address.clone()}</label>
            <div class="row">{field} {buttons}</div>
            <p class="help" id=format!("{field_id}-help")>{labels.address_help.clone()}</p>
        </form>
    }
}

/// What the last request found: an error, a question, a test, good news.
fn findings(row: Row, labels: &RowLabels) -> impl IntoView + use<> {
    let body_label = labels.body.clone();
    view! {
        <p class="error-text" role="alert" id=format!("{}-address-wrong", row.kind) hidden=move || row.wrong.with(Option::is_none)>
            {move || row.wrong.get()}
        </p>
        <p class="notice warning" role="alert" hidden=move || !row.ask_save.get()>{labels.ask_save.clone()}</p>
        <div role="status" hidden=move || row.test.with(Option::is_none)>
            {move || row.test.get().map(|view| phases(view, body_label.clone()))}
        </div>
        <p class="notice success" role="status" hidden=move || row.state.with(|state| state.note.is_empty())>
            {move || row.state.with(|state| state.note.clone())}
        </p>
    }
}

/// The steps of a test, and the beginning of the answer.
fn phases(view: TestView, body_label: String) -> impl IntoView + use<> {
    let lines: Vec<_> = view
        .phases
        .into_iter()
        .map(|line| {
            let remedy = line.remedy.map(|text| view! { " "<span class="remedy">{text}</span> });
            view! {
                <li class=line.outcome.class()>
                    <span class="icon"><span class="visually-hidden">{line.word}</span></span>
                    <span>{line.name}</span>
                    <span>{line.text}{remedy}</span>
                    <span class="duration">{line.took}</span>
                </li>
            }
        })
        .collect();
    let body = (!view.body.is_empty()).then(|| {
        view! {
            <details class="disclosure"><summary>{body_label}</summary><pre tabindex="0">{view.body}</pre></details>
        }
    });
    view! {
        <p class=if view.ok { "success-text" } else { "error-text" }>{view.summary}</p>
        <ol class="phases">{lines}</ol>
        {body}
    }
}

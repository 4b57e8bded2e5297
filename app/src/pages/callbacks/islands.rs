//! A callback row. Each of its forms posts and each of its links leads somewhere without script; with script the row
//! does the same in place.

use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::html::Input;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;

use super::server_fns::{
    SaveCallbackAddress, SetCallbackEnabled, TestCallback, save_callback_address, set_callback_enabled, test_callback,
};
use super::state::{Answer, RowStart, RowState, TestView};
use crate::error::UiError;

/// Slider, help, address, *Edit* → *Test*, *Cancel*, *OK*. `children`: the health, from the server.
#[island]
pub(crate) fn CallbackRow(start: RowStart, children: Children) -> impl IntoView {
    let RowStart { push, kind, state, editable, page, labels, .. } = start;
    let state = RwSignal::new(state);
    let editing = RwSignal::new(start.editing);
    let typed = RwSignal::new(start.typed);
    let test = RwSignal::new(start.test);
    let ask_turn_off = RwSignal::new(start.ask_turn_off);
    let ask_save = RwSignal::new(start.ask_save);
    let wrong = RwSignal::new(start.wrong);
    let busy = RwSignal::new(false);
    let input = NodeRef::<Input>::new();
    let kind_text = kind.as_str();
    let enabled = move || state.with(|s| s.enabled);

    let settle = move |done: RowState| {
        // Slide, then edit: a callback that is on without an address asks for one at once.
        editing.set(done.enabled && done.address.is_none());
        typed.set(done.address.clone().unwrap_or_default());
        test.set(None);
        ask_turn_off.set(None);
        ask_save.set(false);
        state.set(done);
    };
    let connection = StoredValue::new(labels.connection.clone());
    let fail = move |error: UiError| {
        let text = if error.message.is_empty() { connection.get_value() } else { error.message };
        wrong.set(Some(text));
    };
    let take = move |answer: Result<Answer, UiError>| {
        busy.set(false);
        match answer {
            Ok(Answer::Done(done)) => settle(done),
            Ok(Answer::AskTurnOff(question)) => ask_turn_off.set(Some(question)),
            Ok(Answer::AskSave(view)) => {
                test.set(Some(view));
                ask_save.set(true);
            }
            Err(error) => fail(error),
        }
    };
    let begin = move || {
        busy.set(true);
        wrong.set(None);
        test.set(None);
        ask_save.set(false);
        state.update(|s| s.note.clear());
    };

    let domain = StoredValue::new(push.clone());
    let slide = move |confirmed: bool| {
        move |event: SubmitEvent| {
            event.prevent_default();
            if busy.get_untracked() {
                return;
            }
            let wanted = !state.with_untracked(|s| s.enabled);
            begin();
            spawn_local(async move { take(set_callback_enabled(domain.get_value(), kind, wanted, confirmed).await) });
        }
    };
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let untested = ask_save.get_untracked();
        begin();
        let address = typed.get_untracked();
        spawn_local(async move { take(save_callback_address(domain.get_value(), kind, address, untested).await) });
    };
    let try_address = move |event: MouseEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        begin();
        let address = typed.get_untracked();
        spawn_local(async move {
            let outcome = test_callback(domain.get_value(), kind, address).await;
            busy.set(false);
            match outcome {
                Ok(view) => test.set(Some(view)),
                Err(error) => fail(error),
            }
        });
    };
    let edit = move |event: MouseEvent| {
        event.prevent_default();
        state.update(|s| s.note.clear());
        editing.set(true);
    };
    let cancel = move |event: MouseEvent| {
        event.prevent_default();
        editing.set(false);
        wrong.set(None);
        test.set(None);
        ask_save.set(false);
        typed.set(state.with_untracked(|s| s.address.clone()).unwrap_or_default());
    };
    Effect::new(move |before: Option<bool>| {
        let now = editing.get();
        if now
            && before == Some(false)
            && let Some(field) = input.get()
        {
            // The field is in the page after this turn.
            request_animation_frame(move || {
                let _ = field.focus();
            });
        }
        now
    });

    let field_id = format!("{kind}-address");
    let (help_id, wrong_id) = (format!("{field_id}-help"), format!("{field_id}-wrong"));
    let described = format!("{help_id} {wrong_id}");
    let edit_href = format!("{page}?edit={kind}#callback-{kind}");
    let cancel_href = format!("{page}#callback-{kind}");
    let shown = {
        let no_address = labels.no_address.clone();
        move || state.with(|s| s.address.clone()).unwrap_or_else(|| no_address.clone())
    };
    let (test_label, testing_label) = (labels.test.clone(), labels.testing.clone());
    let (ok_label, save_anyway_label) = (labels.ok.clone(), labels.save_anyway.clone());
    let body_label = StoredValue::new(labels.body.clone());

    view! {
        <div class="callback" id=format!("callback-{kind}")>
            <div>
                <h3>{labels.name.clone()}</h3>
                <span class="help">{labels.help.clone()}</span>
            </div>
            <form method="post" action=SetCallbackEnabled::PATH on:submit=slide(false)>
                <input type="hidden" name="push" value=push.clone()/>
                <input type="hidden" name="kind" value=kind_text/>
                <input type="hidden" name="enabled" value=move || (!enabled()).to_string()/>
                <button class="switch" role="switch" aria-label=labels.name.clone() disabled=!editable
                    aria-checked=move || enabled().to_string() aria-busy=move || busy.get().to_string()></button>
            </form>
            <div class="what">
                <div class="note warn" role="alert" hidden=move || ask_turn_off.with(Option::is_none)>
                <form class="stack" method="post" action=SetCallbackEnabled::PATH on:submit=slide(true)>
                    <input type="hidden" name="push" value=push.clone()/>
                    <input type="hidden" name="kind" value=kind_text/>
                    <input type="hidden" name="enabled" value="false"/>
                    <input type="hidden" name="confirmed" value="true"/>
                    <p>{move || ask_turn_off.get()}</p>
                    <div class="row">
                        <button class="btn danger">{labels.turn_off.clone()}</button>
                        <a class="btn" href=cancel_href.clone() on:click=move |event| {
                            event.prevent_default();
                            ask_turn_off.set(None);
                        }>{labels.keep_on.clone()}</a>
                    </div>
                </form>
                </div>
                <div class="address" hidden=move || !enabled() || editing.get()>
                    <code class:muted=move || state.with(|s| s.address.is_none())>{shown}</code>
                    <a class="btn small" href=edit_href hidden=!editable on:click=edit>
                        {labels.edit.clone()}<span class="aside">" "{labels.name.clone()}</span>
                    </a>
                </div>
                <form class="edit" method="post" action=SaveCallbackAddress::PATH
                    hidden=move || !enabled() || !editing.get() on:submit=save>
                    <input type="hidden" name="push" value=push/>
                    <input type="hidden" name="kind" value=kind_text/>
                    <input type="hidden" name="untested" value=move || ask_save.get().to_string()/>
                    // Enter means OK, which is not the first button that people see.
                    <button hidden></button>
                    <label for=field_id.clone()>{labels.address.clone()}</label>
                    <div class="row">
                        <input class="input" id=field_id name="address" type="text" inputmode="url" autocomplete="off"
                            spellcheck="false" autocapitalize="none" placeholder="https://example.com/callback"
                            aria-describedby=described aria-invalid=move || wrong.with(Option::is_some).to_string()
                            node_ref=input prop:value=move || typed.get() value=typed.get_untracked()
                            on:input:target=move |event| {
                                typed.set(event.target().value());
                                ask_save.set(false);
                            }/>
                        <button class="btn" formaction=TestCallback::PATH disabled=move || busy.get() on:click=try_address>
                            {move || if busy.get() { testing_label.clone() } else { test_label.clone() }}
                        </button>
                        <a class="btn quiet" href=cancel_href on:click=cancel>{labels.cancel.clone()}</a>
                        <button class="btn primary" disabled=move || busy.get()>
                            {move || if ask_save.get() { save_anyway_label.clone() } else { ok_label.clone() }}
                        </button>
                    </div>
                    <p class="help" id=help_id>{labels.address_help.clone()}</p>
                </form>
                <p class="wrong" role="alert" id=wrong_id hidden=move || wrong.with(Option::is_none)>{move || wrong.get()}</p>
                <p class="note warn" role="alert" hidden=move || !ask_save.get()>{labels.ask_save.clone()}</p>
                <div role="status" hidden=move || test.with(Option::is_none)>
                    {move || test.get().map(|view| phases(view, body_label.get_value()))}
                </div>
                <p class="health" role="status" hidden=move || state.with(|s| s.note.is_empty())>
                    {move || state.with(|s| s.note.clone())}
                </p>
                <div hidden=move || !enabled()>{children()}</div>
            </div>
        </div>
    }
}

/// The steps of a test, and the beginning of the answer.
fn phases(view: TestView, body_label: String) -> impl IntoView {
    let lines: Vec<_> = view
        .phases
        .into_iter()
        .map(|line| {
            let remedy = line.remedy.map(|text| view! { " "<span class="fix">{text}</span> });
            view! {
                <li class=line.outcome.class()>
                    <span class=line.outcome.class()><span class="aside">{line.word}</span></span>
                    <span>{line.name}</span>
                    <span>{line.text}{remedy}</span>
                    <span class="took">{line.took}</span>
                </li>
            }
        })
        .collect();
    let body = (!view.body.is_empty()).then(|| {
        view! {
            <details class="more"><summary>{body_label}</summary><pre tabindex="0">{view.body}</pre></details>
        }
    });
    view! {
        <p class=if view.ok { "passed" } else { "wrong" }>{view.summary}</p>
        <ol class="phases">{lines}</ol>
        {body}
    }
}

//! The server's part of the callback rows: their start, their health, *Advanced*.

use callsheet::callbacks::{CallbackSettings, CallbackView, Dialect, HealthState, options_version};
use callsheet::deliveries::DeliveryState;
use callsheet::model::{CallbackKind, Millis};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::islands::CallbackRow;
use super::report::{anchor, row_state};
use super::server_fns::{
    RotateCallbackSecret, SaveCallbackAddress, SaveCallbackSettings, SetCallbackEnabled, SetSecretOverlap, TestCallback,
};
use super::state::{Answer, RowLabels, RowStart, TestView};
use crate::components::{Badge, Choice, Field, Note, Select, Tone, copyable};
use crate::context::Visit;
use crate::forms::Flash;
use crate::request::encode;
use crate::request::page_of;
use crate::texts::{Texts, number};

/// The card with both rows. `editing`: the row whose address is being edited, by link.
#[component]
pub(crate) fn LiveVideoInformation(
    visit: Visit,
    push: String,
    callbacks: Vec<CallbackView>,
    editable: bool,
    editing: Option<CallbackKind>,
    flash: Flash,
) -> impl IntoView {
    let texts = visit.texts;
    let rows: Vec<_> = callbacks
        .into_iter()
        .map(|view| {
            let mine = Some(view.kind.as_str().to_owned());
            let note = flash.message(Some(&anchor(view.kind))).unwrap_or_default();
            let flash = if flash.typed("kind") == mine { flash.clone() } else { Flash::default() };
            let edited = editing == Some(view.kind);
            let start = RowStart {
                state: row_state(&visit, &view.settings, view.off_reason, view.pause.as_ref(), note),
                ..start(&visit, &push, &view, editable, edited, &flash)
            };
            let health = health(&visit, &push, &view, editable);
            let advanced = editable.then(|| advanced(&visit, &push, &view, &flash));
            let name = format!("{}-name", anchor(view.kind));
            view! {
                <div class="callback-row" role="group" aria-labelledby=name>
                    <CallbackRow start=start>{health}</CallbackRow> {advanced}
                </div>
            }
        })
        .collect();
    view! {
        <section class="card" id="live-video-information" aria-labelledby="live-video-title">
            <header>
                <h2 id="live-video-title">{texts.get("callback.title")}</h2>
                <p>{texts.get("callback.subtitle")}</p>
            </header>
            <div class="body">{rows}</div>
        </section>
    }
}

fn start(visit: &Visit, push: &str, view: &CallbackView, editable: bool, edited: bool, flash: &Flash) -> RowStart {
    let texts = visit.texts;
    let kind = view.kind;
    let (tested, saved) = (flash.of(TestCallback::PATH), flash.of(SaveCallbackAddress::PATH));
    let typed = tested.typed("address").or_else(|| saved.typed("address"));
    let (ask_save, untested, changed) = match saved.value::<Answer>() {
        Some(Answer::AskSave(test)) => (true, Some(test), None),
        Some(Answer::Changed { message, .. }) => (false, None, Some(message)),
        _ => (false, None, None),
    };
    let state = row_state(visit, &view.settings, view.off_reason, view.pause.as_ref(), String::new());
    // A form that comes back keeps the version it was opened with, unless the person is now told of the present one.
    let version = tested.typed("version").or_else(|| saved.typed("version")).filter(|_| changed.is_none());
    let ask_turn_off = match flash.of(SetCallbackEnabled::PATH).value::<Answer>() {
        Some(Answer::AskTurnOff(question)) => Some(question),
        _ => None,
    };
    let wanting = view.settings.enabled && view.settings.address.is_none();
    // To the address that the browser is at, a link with a fragment only scrolls.
    let query = if visit.address.contains('?') { "" } else { "?edit=none" };
    RowStart {
        push: push.to_owned(),
        kind,
        version: version.unwrap_or_else(|| state.version.clone()),
        state,
        editable,
        editing: editable && (edited || typed.is_some() || wanting),
        typed: typed.or_else(|| view.settings.address.clone()).unwrap_or_default(),
        test: tested.value::<TestView>().or(untested),
        ask_turn_off,
        ask_save,
        wrong: changed.or_else(|| tested.wrong("address")).or_else(|| saved.wrong("address")),
        page: page_of(push),
        back: format!("{}{query}#{}", page_of(push), anchor(kind)),
        labels: labels(texts, kind),
    }
}

fn labels(texts: Texts, kind: CallbackKind) -> RowLabels {
    let (name, help) = match kind {
        CallbackKind::Publish => ("callback.publish", "callback.publish_help"),
        CallbackKind::Record => ("callback.record", "callback.record_help"),
    };
    RowLabels {
        name: texts.get(name),
        help: texts.get(help),
        address: texts.get("callback.address"),
        address_help: texts.get("callback.address_help"),
        no_address: texts.get("callback.no_address"),
        edit: texts.get("callback.edit"),
        test: texts.get("callback.test"),
        testing: texts.get("callback.testing"),
        cancel: texts.get("callback.cancel"),
        ok: texts.get("callback.ok"),
        turn_off: texts.get("callback.turn_off"),
        keep_on: texts.get("callback.keep_on"),
        ask_save: texts.get("callback.ask_save"),
        save_anyway: texts.get("callback.save_anyway"),
        body: texts.get("callback.response_body"),
        paused: texts.get("callback.paused"),
        paused_help: texts.get("callback.paused_help"),
        since: texts.get("callback.paused_since"),
        next_probe: texts.get("callback.next_probe"),
        resume: texts.get("callback.resume"),
        connection: texts.get("error.connection"),
    }
}

/// The state of a callback in a word.
pub(crate) fn health_badge(texts: Texts, state: HealthState) -> AnyView {
    let tone = match state {
        HealthState::Unused => Tone::Plain,
        HealthState::Healthy => Tone::Ok,
        HealthState::Retrying | HealthState::Unrecovered => Tone::Warn,
        HealthState::Failing => Tone::Bad,
    };
    view! { <Badge tone text=texts.word("health", state.as_str())/> }.into_any()
}

/// Links to the failed deliveries of a callback, whatever their age; with `recovers`, to the page that sends them again together.
pub(crate) fn failures_link(push: &str, kind: CallbackKind, recovers: bool) -> String {
    let kind = ("kind", kind.to_string());
    let failed = ("state", DeliveryState::Failed.to_string());
    if recovers {
        // With an empty start, for without any the page looks back for a day.
        format!("/recoveries{}&since=", encode(&[("domain", push.to_owned()), kind, failed]))
    } else {
        format!("{}/deliveries{}", page_of(push), encode(&[kind, failed]))
    }
}

/// Shows the health of the callback.
fn health(visit: &Visit, push: &str, view: &CallbackView, editable: bool) -> AnyView {
    let texts = visit.texts;
    let health = &view.health;
    let finished = health.delivered + health.failed;
    let last = health
        .last_delivered_at
        .map(|at| view! { <span>{texts.get("health.last_delivered")} " " {visit.times.ago(at)}</span> });
    let error = health.last_error.as_ref().map(|class| {
        let when = health.last_error_at.map(|at| visit.times.ago(at));
        view! { <span>{texts.get("health.last_error")} " " {texts.word("class", class)} " " {when}</span> }
    });
    let rate = (finished > 0).then(|| {
        let share = format!("{}", health.delivered * 100 / finished);
        texts.fill("health.rate", &[("share", &share), ("n", &number(finished))])
    });
    let unrecovered = (health.unrecovered > 0).then(|| {
        let text = texts.count("health.unrecovered_count", health.unrecovered);
        view! { <a href=failures_link(push, view.kind, editable)>{text}</a> }
    });
    let waiting = (health.waiting > 0).then(|| texts.count("health.waiting", health.waiting));
    let log = format!("{}/deliveries{}", page_of(push), encode(&[("kind", view.kind.to_string())]));
    view! {
        <div class="health">
            {health_badge(texts, health.state)}
            {last}
            {error}
            {unrecovered}
            {rate.map(|text| view! { <span>{text}</span> })}
            {waiting.map(|text| view! { <span>{text}</span> })}
            <a href=log>{texts.get("health.log")}</a>
        </div>
    }
    .into_any()
}

/// Dialect, order, timeout, headers and the signing secret.
fn advanced(visit: &Visit, push: &str, view: &CallbackView, flash: &Flash) -> AnyView {
    let texts = visit.texts;
    let kind = view.kind;
    let settings = flash.of(SaveCallbackSettings::PATH);
    let secret: Option<String> = flash.of(RotateCallbackSecret::PATH).value();
    let overlap = flash.of(SetSecretOverlap::PATH);
    let open = settings.error.is_some() || secret.is_some() || overlap.error.is_some();
    let own = |field: &str, now: String| settings.typed(field).unwrap_or(now);
    let ordered = if settings.error.is_some() {
        settings.typed("ordered").is_some_and(|v| !v.is_empty())
    } else {
        view.settings.ordered
    };
    let headers: Vec<String> = view.settings.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let headers = headers.join("\n");
    let version = settings.version(&options_version(&view.settings));
    let changed = settings.wrong("version").map(|message| saved_meanwhile(texts, &view.settings, message, &headers));
    let dialects =
        Dialect::ALL.iter().map(|d| Choice { value: d.to_string(), text: texts.word("dialect", d.as_str()) });
    let name = texts.get(match kind {
        CallbackKind::Publish => "callback.publish",
        CallbackKind::Record => "callback.record",
    });
    let overlap = view.previous_secret_until.map(|until| overlap_forms(visit, push, kind, until, &overlap));
    let shown = secret.map(|secret| {
        view! {
            <Note tone=Tone::Warn>
                <p><strong>{texts.get("secret.shown_once")}</strong></p>
                <div class="row secret">{copyable(texts, &secret, &texts.get("secret.title"))}</div>
            </Note>
        }
    });
    view! {
        <details class="disclosure advanced" id=format!("{kind}-advanced") open=open>
            <summary>{texts.get("callback.advanced")}<span class="visually-hidden">" "{name}</span></summary>
            <div class="columns">
                <form class="fields" method="post" action=SaveCallbackSettings::PATH>
                    {changed}
                    <input type="hidden" name="push" value=push.to_owned()/>
                    <input type="hidden" name="kind" value=kind.as_str()/>
                    <input type="hidden" name="version" value=version/>
                    <Select name="dialect" id=format!("{kind}-dialect") label=texts.get("callback.dialect") choices=dialects.collect()
                        value=own("dialect", view.settings.dialect.to_string()) error=settings.wrong("dialect")/>
                    <Field name="timeoutSeconds" id=format!("{kind}-timeout") label=texts.get("callback.timeout") help=texts.get("callback.timeout_help")
                        kind="number" inputmode="numeric" class="narrow" error=settings.wrong("timeoutSeconds")
                        value=own("timeoutSeconds", view.settings.timeout_seconds.to_string())/>
                    <label class="checkbox">
                        <input type="checkbox" name="ordered" value="true" checked=ordered/>
                        <span>{texts.get("callback.ordered")}</span>
                    </label>
                    <Field name="headers" id=format!("{kind}-headers") label=texts.get("callback.headers") help=texts.get("callback.headers_help") lines=true
                        error=settings.wrong("headers") value=own("headers", headers)/>
                    <div><button class="btn">{texts.get("callback.save_settings")}</button></div>
                </form>
                <div class="fields">
                    <div class="field">
                        <h4>{texts.get("secret.title")}</h4>
                        <p class="help">{texts.get("secret.help")}</p>
                    </div>
                    {shown}
                    <form method="post" action=RotateCallbackSecret::PATH>
                        <input type="hidden" name="push" value=push.to_owned()/>
                        <input type="hidden" name="kind" value=kind.as_str()/>
                        <button class="btn">{texts.get("secret.rotate")}</button>
                    </form>
                    {overlap}
                </div>
            </div>
        </details>
    }
    .into_any()
}

/// Somebody else changed the settings while they were being edited here: what is saved now.
fn saved_meanwhile(texts: Texts, settings: &CallbackSettings, message: String, headers: &str) -> AnyView {
    let order = if settings.ordered { "callback.in_order" } else { "callback.in_any_order" };
    let lines: Vec<_> = headers.lines().map(|line| view! { <div><code>{line.to_owned()}</code></div> }).collect();
    let lines = if lines.is_empty() {
        texts.get("callback.no_headers").into_any()
    } else {
        view! { <div>{lines}</div> }.into_any()
    };
    let facts = view! {
        <dl class="description-list">
            <dt>{texts.get("callback.dialect")}</dt><dd>{texts.word("dialect", settings.dialect.as_str())}</dd>
            <dt>{texts.get("callback.timeout")}</dt><dd>{number(settings.timeout_seconds)}</dd>
            <dt>{texts.get("callback.order")}</dt><dd>{texts.get(order)}</dd>
            <dt>{texts.get("callback.headers")}</dt><dd>{lines}</dd>
        </dl>
    };
    view! { <Note tone=Tone::Bad><p>{message}</p>{facts}</Note> }.into_any()
}

/// Until when the former secret signs too, how to change that, and *End now*.
fn overlap_forms(visit: &Visit, push: &str, kind: CallbackKind, until: Millis, flash: &Flash) -> AnyView {
    let texts = visit.texts;
    let end = format!("{kind}-overlap-end");
    let hours_left = (((until - visit.times.now).max(0) + 3_599_999) / 3_600_000).to_string();
    let hidden = || {
        view! {
            <input type="hidden" name="push" value=push.to_owned()/>
            <input type="hidden" name="kind" value=kind.as_str()/>
        }
    };
    view! {
        <form hidden id=end.clone() method="post" action=SetSecretOverlap::PATH>
            {hidden()}
            <input type="hidden" name="overlapHours" value="0"/>
        </form>
        <div class="field">
            <h4>{texts.get("secret.previous")}</h4>
            <p class="help">{texts.get("secret.overlap")} " " {visit.times.at(until)}</p>
        </div>
        <form class="fields" method="post" action=SetSecretOverlap::PATH>
            {hidden()}
            <Field name="overlapHours" id=format!("{kind}-overlap") label=texts.get("secret.overlap_hours")
                help=texts.get("secret.overlap_hours_help") kind="number" inputmode="numeric" class="narrow"
                value=flash.typed("overlapHours").unwrap_or(hours_left) error=flash.wrong("overlapHours")/>
            <div class="row">
                <button class="btn">{texts.get("secret.overlap_change")}</button>
                <button class="btn" form=end>{texts.get("secret.overlap_end")}</button>
            </div>
        </form>
    }
    .into_any()
}

//! Where the callback rows post to.

use callsheet_types::CallbackKind;
use leptos::prelude::*;

use super::state::{Answer, RowState, TestView};
use crate::error::UiError;

#[cfg(feature = "ssr")]
use {
    super::report::{anchor, blocked, row_state, test_view},
    crate::context::Visit,
    crate::forms::{Done, Post, changed_meanwhile, expected},
    callsheet::callbacks::{Callback, CallbackError, CallbackSettings, CallbackView, HeaderError, OVERLAP_HOURS},
    callsheet::model::StoreError,
    leptos::server_fn::ServerFn,
};

/// Moves the slider. Turning it off while deliveries wait asks first, unless `confirmed`.
#[server(SetCallbackEnabled)]
pub(crate) async fn set_callback_enabled(
    push: String,
    kind: CallbackKind,
    enabled: bool,
    #[server(default)] confirmed: bool,
) -> Result<Answer, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, SetCallbackEnabled::PATH, &[("kind", kind.as_str())]);
    let callbacks = &visit.console.callbacks;
    if !enabled
        && !confirmed
        && let Ok(waiting) = callbacks.waiting(actor, &push, kind).await
        && waiting > 0
    {
        let question = visit.texts.count("callback.ask_turn_off", waiting);
        return post.show(Answer::AskTurnOff(question), &anchor(kind)).await;
    }
    match callbacks.set_enabled(actor, &push, kind, enabled).await {
        Ok(callback) => {
            let message = visit.texts.get(match (enabled, &callback.settings.address) {
                (false, _) => "callback.is_off",
                (true, None) => "callback.is_on_without_address",
                (true, Some(_)) => "callback.is_on",
            });
            let state = row_of(&visit, &callback, message.clone());
            post.succeed(Answer::Done(state), Done { message, page: page(&push, kind) }).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Makes a sample request to an address, saved or not. `version`: of the address that the form was opened with, which it keeps.
#[server(TestCallback)]
pub(crate) async fn test_callback(
    push: String,
    kind: CallbackKind,
    address: String,
    #[server(default)] version: String,
) -> Result<TestView, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [("kind", kind.as_str()), ("address", address.as_str()), ("version", version.as_str())];
    let post = Post::new(&visit, TestCallback::PATH, &typed);
    match visit.console.prober.test(actor, Some(&push), kind, address.trim()).await {
        Ok(report) => post.show(test_view(&visit, address.trim(), &report), &anchor(kind)).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Saves the address. It is tested first, unless that was just done, and when it fails a person is asked, unless `untested`.
/// `version`: of the address that the form was opened with.
#[server(SaveCallbackAddress)]
pub(crate) async fn save_callback_address(
    push: String,
    kind: CallbackKind,
    address: String,
    #[server(default)] untested: bool,
    #[server(default)] version: String,
) -> Result<Answer, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [("kind", kind.as_str()), ("address", address.as_str()), ("version", version.as_str())];
    let post = Post::new(&visit, SaveCallbackAddress::PATH, &typed);
    let address = address.trim();
    if !untested {
        match visit.console.prober.test_before_saving(actor, &push, kind, address).await {
            Ok(None) => {}
            Ok(Some(report)) if report.ok => {}
            Ok(Some(report)) => {
                if let Some(error) = blocked(visit.texts, &report) {
                    return post.fail(error).await;
                }
                let test = test_view(&visit, address, &report);
                return post.show(Answer::AskSave(test), &anchor(kind)).await;
            }
            Err(problem) => return post.fail(UiError::of(visit.texts, &problem)).await,
        }
    }
    let note = visit.texts.get("callback.saved");
    let callbacks = &visit.console.callbacks;
    let outcome = callbacks.set_address_if(actor, &push, kind, address, &expected(&version)).await;
    let outcome = match outcome {
        Err(CallbackError::Store(StoreError::Changed)) => match callbacks.get(actor, &push, kind).await {
            Ok(now) => return post.show(changed(&visit, &now), &anchor(kind)).await,
            Err(problem) => Err(problem),
        },
        outcome => outcome,
    };
    let outcome = outcome.map(|callback| Answer::Done(row_of(&visit, &callback, note.clone())));
    post.answer(outcome, |_| Done { message: note, page: page(&push, kind) }).await
}

/// Ends a pause before its next probe.
#[server(ResumeCallback)]
pub(crate) async fn resume_callback(push: String, kind: CallbackKind) -> Result<RowState, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, ResumeCallback::PATH, &[("kind", kind.as_str())]);
    let note = visit.texts.get("callback.resumed");
    let outcome = visit.console.callbacks.resume(actor, &push, kind).await;
    let outcome = outcome.map(|callback| row_of(&visit, &callback, note.clone()));
    post.answer(outcome, |_| Done { message: note, page: page(&push, kind) }).await
}

/// Changes what is under *Advanced*. `version`: of the settings that the form was opened with.
#[server(SaveCallbackSettings)]
pub(crate) async fn save_callback_settings(
    push: String,
    kind: CallbackKind,
    dialect: String,
    #[server(default)] ordered: bool,
    #[server(rename = "timeoutSeconds")] timeout_seconds: String,
    headers: String,
    #[server(default)] version: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [
        ("kind", kind.as_str()),
        ("dialect", dialect.as_str()),
        ("ordered", if ordered { "true" } else { "" }),
        ("timeoutSeconds", timeout_seconds.as_str()),
        ("headers", headers.as_str()),
        ("version", version.as_str()),
    ];
    let post = Post::new(&visit, SaveCallbackSettings::PATH, &typed);
    let outcome = async {
        let dialect = dialect.parse().map_err(|()| CallbackError::BadDialect(dialect.clone()))?;
        let timeout_seconds = timeout_seconds.trim().parse().map_err(|_| CallbackError::BadTimeout)?;
        let headers = parse_headers(&headers)?;
        let change = |settings| CallbackSettings { dialect, ordered, timeout_seconds, headers, ..settings };
        visit.console.callbacks.set_options_if(actor, &push, kind, &expected(&version), change).await.map(drop)
    }
    .await;
    if let Err(CallbackError::Store(StoreError::Changed)) = outcome {
        let message = visit.texts.get("callback.changed_settings");
        return post.fail_on(changed_meanwhile(message, Some("version")), page(&push, kind)).await;
    }
    let message = visit.texts.get("callback.settings_saved");
    post.answer(outcome, |()| Done { message, page: page(&push, kind) }).await
}

/// Makes a new signing secret, which is shown once.
#[server(RotateCallbackSecret)]
pub(crate) async fn rotate_callback_secret(push: String, kind: CallbackKind) -> Result<String, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, RotateCallbackSecret::PATH, &[("kind", kind.as_str())]);
    match visit.console.callbacks.rotate_secret(actor, &push, kind, OVERLAP_HOURS).await {
        Ok(secret) => post.show(secret.0.expose().to_owned(), &anchor(kind)).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Says for how many hours from now the former secret goes on signing; 0 ends it.
#[server(SetSecretOverlap)]
pub(crate) async fn set_secret_overlap(
    push: String,
    kind: CallbackKind,
    #[server(rename = "overlapHours")] overlap_hours: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [("kind", kind.as_str()), ("overlapHours", overlap_hours.as_str())];
    let post = Post::new(&visit, SetSecretOverlap::PATH, &typed);
    let outcome = async {
        let hours = overlap_hours.trim().parse().map_err(|_| CallbackError::BadOverlap)?;
        visit.console.callbacks.set_overlap(actor, &push, kind, hours).await.map(drop)
    }
    .await;
    let message = match overlap_hours.trim() {
        "0" => visit.texts.get("secret.overlap_ended"),
        hours => visit.texts.fill("secret.overlap_set", &[("n", hours)]),
    };
    post.answer(outcome, |()| Done { message, page: page(&push, kind) }).await
}

#[cfg(feature = "ssr")]
fn row_of(visit: &Visit, callback: &Callback, note: String) -> RowState {
    row_state(visit, &callback.settings, callback.off_reason, callback.pause.as_ref(), note)
}

/// Somebody else changed the address, and this is what it is now.
#[cfg(feature = "ssr")]
fn changed(visit: &Visit, now: &CallbackView) -> Answer {
    let message = match &now.settings.address {
        Some(address) => visit.texts.fill("callback.changed_address", &[("address", address)]),
        None => visit.texts.get("callback.removed_address"),
    };
    let now = row_state(visit, &now.settings, now.off_reason, now.pause.as_ref(), String::new());
    Answer::Changed { now, message }
}

/// One `Name: value` a line.
#[cfg(feature = "ssr")]
fn parse_headers(text: &str) -> Result<Vec<(String, String)>, CallbackError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.split_once(':') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(HeaderError::Unreadable(line.to_owned()).into()),
        })
        .collect()
}

#[cfg(feature = "ssr")]
fn page(push: &str, kind: CallbackKind) -> String {
    format!("{}#{}", crate::request::page_of(push), anchor(kind))
}

//! Where the callback rows post to.

use callsheet::model::CallbackKind;
use leptos::prelude::*;

use super::state::{Answer, RowState, TestView};
use crate::error::UiError;

#[cfg(feature = "ssr")]
use {
    super::report::{anchor, blocked, row_state, test_view},
    crate::context::Visit,
    crate::forms::{Done, Post},
    callsheet::callbacks::{CallbackChange, CallbackError, CallbackView, HeaderError, OVERLAP_HOURS},
    callsheet::outbound::CallbackAddress,
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
    if !enabled && !confirmed {
        let view = callbacks.get(actor, &push, kind).await;
        if let Ok(CallbackView { health, .. }) = view
            && health.waiting > 0
        {
            let question = visit.texts.count("callback.ask_turn_off", health.waiting);
            return post.show(Answer::AskTurnOff(question), &anchor(kind)).await;
        }
    }
    match callbacks.set_enabled(actor, &push, kind, enabled).await {
        Ok(view) => {
            let message = visit.texts.get(match (enabled, &view.address) {
                (false, _) => "callback.is_off",
                (true, None) => "callback.is_on_without_address",
                (true, Some(_)) => "callback.is_on",
            });
            let state = row_state(&visit, &view, message.clone());
            post.succeed(Answer::Done(state), Done { message, page: page(&push, kind) }).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Makes a sample request to an address, saved or not.
#[server(TestCallback)]
pub(crate) async fn test_callback(push: String, kind: CallbackKind, address: String) -> Result<TestView, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, TestCallback::PATH, &[("kind", kind.as_str()), ("address", &address)]);
    match visit.console.prober.test(actor, Some(&push), kind, address.trim()).await {
        Ok(report) => post.show(test_view(&visit, address.trim(), &report), &anchor(kind)).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Saves the address. It is tested first, and when it fails a person is asked, unless `untested`.
#[server(SaveCallbackAddress)]
pub(crate) async fn save_callback_address(
    push: String,
    kind: CallbackKind,
    address: String,
    #[server(default)] untested: bool,
) -> Result<Answer, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, SaveCallbackAddress::PATH, &[("kind", kind.as_str()), ("address", &address)]);
    let address = address.trim();
    if !untested {
        match visit.console.prober.test(actor, Some(&push), kind, address).await {
            Ok(report) if report.ok => {}
            Ok(report) => {
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
    let outcome = visit.console.callbacks.set_address(actor, &push, kind, address).await;
    let outcome = outcome.map(|view| Answer::Done(row_state(&visit, &view, note.clone())));
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
    let outcome = outcome.map(|view| row_state(&visit, &view, note.clone()));
    post.answer(outcome, |_| Done { message: note, page: page(&push, kind) }).await
}

/// Changes what stands under *Advanced*.
#[server(SaveCallbackSettings)]
pub(crate) async fn save_callback_settings(
    push: String,
    kind: CallbackKind,
    dialect: String,
    #[server(default)] ordered: bool,
    #[server(rename = "timeoutSeconds")] timeout_seconds: String,
    headers: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [
        ("kind", kind.as_str()),
        ("dialect", dialect.as_str()),
        ("ordered", if ordered { "true" } else { "" }),
        ("timeoutSeconds", timeout_seconds.as_str()),
        ("headers", headers.as_str()),
    ];
    let post = Post::new(&visit, SaveCallbackSettings::PATH, &typed);
    let callbacks = &visit.console.callbacks;
    let outcome = async {
        let now = callbacks.get(actor, &push, kind).await?;
        let change = CallbackChange {
            enabled: now.enabled,
            address: now.address.as_deref().map(CallbackAddress::parse).transpose()?,
            dialect: dialect.parse().map_err(|()| CallbackError::BadDialect(dialect.clone()))?,
            ordered,
            timeout_seconds: timeout_seconds.trim().parse().map_err(|_| CallbackError::BadTimeout)?,
            headers: parse_headers(&headers)?,
        };
        callbacks.put(actor, &push, kind, change).await.map(drop)
    }
    .await;
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
        visit.console.callbacks.set_overlap(actor, &push, kind, hours).await
    }
    .await;
    let outcome = outcome.map(|view| view.previous_secret_until.is_some());
    let message = |signs: &bool| visit.texts.get(if *signs { "secret.overlap_set" } else { "secret.overlap_ended" });
    let done = |signs: &bool| Done { message: message(signs), page: page(&push, kind) };
    post.answer(outcome, done).await.map(drop)
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

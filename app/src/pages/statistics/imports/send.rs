//! The browser's part of the upload form. `fetch` does not tell how much of a body has left, so this is an `XMLHttpRequest`.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{FormData, HtmlElement, ProgressEvent, XmlHttpRequest};

use super::islands::{Phase, Upload};
use super::state::{Outcome, PATH};
use crate::components::refresh;
use crate::error::UiError;

/// Sends the form, unless a file is on its way already.
pub(super) fn begin(upload: Upload) {
    let Some(form) = upload.form.get_untracked() else { return };
    if upload.phase.get_untracked() != Phase::Idle {
        return;
    }
    upload.error.set(None);
    upload.outcome.set(None);
    upload.cancelled.set(false);
    let sent = FormData::new_with_form(&form).and_then(|data| send(upload, &data));
    match sent {
        Ok(request) => {
            upload.phase.set(Phase::Sending { sent: 0, total: 0 });
            upload.request.set_value(Some(request));
        }
        Err(_) => end(upload, Err(unreachable(upload))),
    }
}

/// Stops sending. What has arrived of the file is thrown away by the console.
pub(super) fn cancel(upload: Upload) {
    upload.cancelled.set(true);
    if let Some(request) = upload.request.get_value() {
        // Fails in no state that it can be in.
        let _ = request.abort();
    }
}

fn send(upload: Upload, data: &FormData) -> Result<XmlHttpRequest, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open("POST", PATH)?;
    request.set_request_header("accept", "application/json")?;
    let moves = move |event: ProgressEvent| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of bytes")]
        let (sent, total) = (event.loaded() as u64, event.total() as u64);
        upload.phase.set(if sent < total { Phase::Sending { sent, total } } else { Phase::Counting });
    };
    // These last as long as the document, as the form does.
    let moves = Closure::<dyn Fn(ProgressEvent)>::new(moves).into_js_value();
    request.upload()?.set_onprogress(Some(moves.unchecked_ref()));
    let answered = request.clone();
    let ends = Closure::once_into_js(move || {
        let body = answered.response_text().ok().flatten().unwrap_or_default();
        end(upload, read(upload, answered.status().unwrap_or_default(), &body));
    });
    // Comes after the answer, after a failure and after being cancelled.
    request.set_onloadend(Some(ends.unchecked_ref()));
    request.send_with_opt_form_data(Some(data))?;
    Ok(request)
}

fn read(upload: Upload, status: u16, body: &str) -> Result<Outcome, UiError> {
    if status == 200 {
        return serde_json::from_str(body).map_err(|_| unreachable(upload));
    }
    Err(serde_json::from_str(body).unwrap_or_else(|_| unreachable(upload)))
}

fn unreachable(upload: Upload) -> UiError {
    UiError { code: "connection".to_owned(), status: 503, message: upload.broken.get_value(), field: None }
}

fn end(upload: Upload, answer: Result<Outcome, UiError>) {
    upload.phase.set(Phase::Idle);
    upload.request.set_value(None);
    if upload.cancelled.get_untracked() {
        return;
    }
    match answer {
        Ok(outcome) => {
            upload.outcome.set(Some(outcome));
            if let Some(form) = upload.form.get_untracked() {
                form.reset();
            }
            // The list below is as old as the page until it can be fetched.
            spawn_local(async { drop(refresh().await) });
        }
        Err(error) => {
            let field = error.field.as_deref().and_then(|field| document().get_element_by_id(field));
            upload.error.set(Some(error));
            if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
                // Without focus the person has to click; nothing else is lost.
                let _ = field.focus();
            }
        }
    }
}

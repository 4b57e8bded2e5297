//! Sends the upload form from the browser. Uses `XMLHttpRequest`, because `fetch` reports no upload progress.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Document, FormData, HtmlElement, HtmlFormElement, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType,
};

use super::state::PATH;
use super::upload::{Phase, Upload};
use crate::components::take_over;

/// Handles submits of the form around the button, for the lifetime of the document.
pub(super) fn listen(upload: Upload) {
    let Some(form) = upload.place.get().and_then(|place| place.closest("form").ok().flatten()) else { return };
    let form: HtmlFormElement = form.unchecked_into();
    let sent = form.clone();
    let on_submit = Closure::<dyn Fn(SubmitEvent)>::new(move |event: SubmitEvent| {
        event.prevent_default();
        begin(upload, &sent);
    });
    // Cannot fail for a form.
    let _ = form.add_event_listener_with_callback("submit", on_submit.into_js_value().unchecked_ref());
}

/// Sends the form, unless an upload is running.
fn begin(upload: Upload, form: &HtmlFormElement) {
    if upload.phase.get_untracked() != Phase::Idle {
        return;
    }
    upload.wrong.set(None);
    upload.cancelled.set(false);
    match FormData::new_with_form(form).and_then(|data| send(upload, form, &data)) {
        Ok(request) => {
            upload.phase.set(Phase::Sending { sent: 0, total: 0 });
            upload.request.set_value(Some(request));
        }
        Err(_) => upload.wrong.set(Some(upload.broken.get_value())),
    }
}

/// Cancels the upload. The server discards what it has received.
pub(super) fn cancel(upload: Upload) {
    upload.cancelled.set(true);
    if let Some(request) = upload.request.get_value() {
        // Cannot fail in any state of a request.
        let _ = request.abort();
    }
}

fn send(upload: Upload, form: &HtmlFormElement, data: &FormData) -> Result<XmlHttpRequest, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open("POST", PATH)?;
    request.set_response_type(XmlHttpRequestResponseType::Document);
    let on_progress = move |event: ProgressEvent| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of bytes")]
        let (sent, total) = (event.loaded() as u64, event.total() as u64);
        upload.phase.set(if sent < total { Phase::Sending { sent, total } } else { Phase::Counting });
    };
    // Leaked on purpose: the form lives as long as the document.
    let on_progress = Closure::<dyn Fn(ProgressEvent)>::new(on_progress).into_js_value();
    request.upload()?.set_onprogress(Some(on_progress.unchecked_ref()));
    let (response, form) = (request.clone(), form.clone());
    let on_end = Closure::once_into_js(move || {
        upload.phase.set(Phase::Idle);
        upload.request.set_value(None);
        if !upload.cancelled.get_untracked() {
            upload.wrong.set(show_response(&response, &form).unwrap_or_else(|_| Some(upload.broken.get_value())));
        }
    });
    // Fired after the response, after a failure and after a cancellation.
    request.set_onloadend(Some(on_end.unchecked_ref()));
    request.send_with_opt_form_data(Some(data))?;
    Ok(request)
}

/// Shows the page of the response. Returns the error that belongs to no field.
fn show_response(response: &XmlHttpRequest, form: &HtmlFormElement) -> Result<Option<String>, JsValue> {
    let page: Document = response.response_xml()?.ok_or(JsValue::NULL)?;
    if page.get_element_by_id(&form.id()).is_none() {
        // The session has ended: go to the sign-in page.
        window().location().set_href(&response.response_url())?;
        return Ok(None);
    }
    take_over(&page);
    let wrong = page.query_selector("main > .notice.error")?.and_then(|note| note.text_content());
    let refused = form.query_selector("[aria-invalid]")?;
    if wrong.is_none() && refused.is_none() {
        form.reset();
    }
    let result = document().get_element_by_id("told");
    let next = refused.or(result).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    next.map_or(Ok(()), |element| element.focus())?;
    Ok(wrong)
}

//! The browser's part of the upload form. `fetch` does not tell how much of a body has left, so this is an `XMLHttpRequest`.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Document, FormData, HtmlElement, HtmlFormElement, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType,
};

use super::islands::{Phase, Upload};
use super::state::PATH;
use crate::components::take_over;

/// Sends the form that the button stands in, for as long as the document lives.
pub(super) fn follow(upload: Upload) {
    let Some(form) = upload.place.get().and_then(|place| place.closest("form").ok().flatten()) else { return };
    let form: HtmlFormElement = form.unchecked_into();
    let sent = form.clone();
    let submits = Closure::<dyn Fn(SubmitEvent)>::new(move |event: SubmitEvent| {
        event.prevent_default();
        begin(upload, &sent);
    });
    // Fails for no form.
    let _ = form.add_event_listener_with_callback("submit", submits.into_js_value().unchecked_ref());
}

/// Sends the form, unless a file is on its way already.
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

/// Stops sending. What has arrived of the file is thrown away by the console.
pub(super) fn cancel(upload: Upload) {
    upload.cancelled.set(true);
    if let Some(request) = upload.request.get_value() {
        // Fails in no state that it can be in.
        let _ = request.abort();
    }
}

fn send(upload: Upload, form: &HtmlFormElement, data: &FormData) -> Result<XmlHttpRequest, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open("POST", PATH)?;
    request.set_response_type(XmlHttpRequestResponseType::Document);
    let moves = move |event: ProgressEvent| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of bytes")]
        let (sent, total) = (event.loaded() as u64, event.total() as u64);
        upload.phase.set(if sent < total { Phase::Sending { sent, total } } else { Phase::Counting });
    };
    // These last as long as the document, as the form does.
    let moves = Closure::<dyn Fn(ProgressEvent)>::new(moves).into_js_value();
    request.upload()?.set_onprogress(Some(moves.unchecked_ref()));
    let (answered, form) = (request.clone(), form.clone());
    let ends = Closure::once_into_js(move || {
        upload.phase.set(Phase::Idle);
        upload.request.set_value(None);
        if !upload.cancelled.get_untracked() {
            upload.wrong.set(end(&answered, &form).unwrap_or_else(|_| Some(upload.broken.get_value())));
        }
    });
    // Comes after the answer, after a failure and after being cancelled.
    request.set_onloadend(Some(ends.unchecked_ref()));
    request.send_with_opt_form_data(Some(data))?;
    Ok(request)
}

/// Shows the page that came back; answers with what is wrong with none of the fields.
fn end(answered: &XmlHttpRequest, form: &HtmlFormElement) -> Result<Option<String>, JsValue> {
    let page: Document = answered.response_xml()?.ok_or(JsValue::NULL)?;
    if page.get_element_by_id(&form.id()).is_none() {
        // Who is not signed in any more sees where to.
        window().location().set_href(&answered.response_url())?;
        return Ok(None);
    }
    take_over(&page);
    let wrong = page.query_selector("main > .notice.error")?.and_then(|note| note.text_content());
    let refused = form.query_selector("[aria-invalid]")?;
    if wrong.is_none() && refused.is_none() {
        form.reset();
    }
    let told = document().get_element_by_id("told");
    let next = refused.or(told).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    // Without focus the person has to click; nothing else is lost.
    next.map_or(Ok(()), |element| element.focus())?;
    Ok(wrong)
}

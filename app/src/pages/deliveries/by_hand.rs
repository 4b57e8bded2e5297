//! A delivery by hand: the command that repeats its last request, what was signed, and receivers that check it.

use callsheet::deliveries::DeliveryDetail;
use leptos::prelude::*;

use super::curl::curl;
use crate::components::CopyButton;
use crate::context::Visit;

/// Complete receivers with the public Standard Webhooks libraries: language and source. Tests run them.
const RECEIVERS: [(&str, &str); 4] = [
    ("Node.js", include_str!("../../../receivers/receiver.mjs")),
    ("Python", include_str!("../../../receivers/receiver.py")),
    ("Go", include_str!("../../../receivers/receiver.go")),
    ("Rust", include_str!("../../../receivers/receiver.rs")),
];

/// The card; nothing as long as nothing was sent, or when the headers of what was sent are removed.
pub(super) fn by_hand(visit: &Visit, detail: &DeliveryDetail) -> AnyView {
    let texts = visit.texts;
    let last = detail.attempts.first().and_then(|last| Some((&last.address, last.traffic.as_ref()?)));
    let Some((address, traffic)) = last else { return ().into_any() };
    let command = curl(address, &traffic.request_headers, &detail.body);
    view! {
        <section class="card" id="by-hand">
            <header><h2>{texts.get("delivery.by_hand")}</h2><p>{texts.get("delivery.by_hand_help")}</p></header>
            <div class="body">
                {code(visit, command, texts.get("delivery.copy_curl"))}
                <details class="disclosure">
                    <summary>{texts.get("delivery.signature")}</summary>
                    {signature(visit, detail, &traffic.request_headers)}
                </details>
            </div>
        </section>
    }
    .into_any()
}

/// A text with its copy button.
fn code(visit: &Visit, text: String, label: String) -> AnyView {
    view! {
        <div class="code-block">
            <pre tabindex="0">{text.clone()}</pre>
            <CopyButton text label done=visit.texts.get("copy.done") what=String::new()/>
        </div>
    }
    .into_any()
}

/// What was signed, in the values of the last request, and how a receiver checks it.
fn signature(visit: &Visit, detail: &DeliveryDetail, headers: &[(String, String)]) -> AnyView {
    let texts = visit.texts;
    let header = |name: &str| {
        let found = headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let receivers: Vec<_> = RECEIVERS
        .iter()
        .map(|(language, source)| {
            view! {
                <details class="receiver-example" name="receiver">
                    <summary>{*language}</summary>
                    {code(visit, (*source).to_owned(), texts.get("copy.label"))}
                </details>
            }
        })
        .collect();
    view! {
        <div class="stack signature">
            <p>{texts.get("delivery.signature_text")}</p>
            <dl class="description-list">
                <dt>{texts.get("delivery.signed")}</dt>
                <dd><code><b>{id}</b>"."<b>{timestamp}</b>"."{detail.body.clone()}</code></dd>
                <dt><code>"webhook-signature"</code></dt>
                <dd><code>{header("webhook-signature")}</code></dd>
            </dl>
            <p>{texts.get("delivery.receivers_text")}</p>
            <div>{receivers}</div>
        </div>
    }
    .into_any()
}

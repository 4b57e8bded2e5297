//! *Deliveries*: the log with its filters, one delivery with each of its attempts, and recoveries.

mod attempts;
mod by_hand;
mod curl;
mod detail;
mod filter;
mod list;
mod recover;
mod recovery;
mod server_fns;

pub(crate) use detail::DeliveryPage;
pub(crate) use list::{DeliveriesPage, DomainDeliveriesPage};
pub(crate) use recover::RecoverPage;
pub(crate) use recovery::RecoveryPage;

use leptos::prelude::*;

use crate::components::{Badge, Tone};
use crate::texts::Texts;

/// A delivery's state by colour and word.
pub(crate) fn state_badge(texts: Texts, state: &str) -> AnyView {
    let tone = match state {
        "delivered" => Tone::Ok,
        "retrying" => Tone::Warn,
        "failed" => Tone::Bad,
        "cancelled" | "skipped" => Tone::Off,
        _ => Tone::Plain,
    };
    view! { <Badge tone text=texts.word("state", state)/> }.into_any()
}

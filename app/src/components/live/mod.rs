//! What keeps an open page fresh.

#[cfg(feature = "hydrate")]
mod merge;

use leptos::prelude::*;
#[cfg(feature = "hydrate")]
pub(crate) use merge::take_over;

/// Refreshes each part of the page that is marked `data-live` (and has an id) while something in one waits
/// (`data-waits`), and says what has changed (`data-say`) without taking the focus. Children of `data-keyed` are told
/// apart by their ids. Without script a page has its *Refresh* link.
#[island]
pub(crate) fn Live() -> impl IntoView {
    let said = RwSignal::new(String::new());
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| merge::watch(said));
    view! { <span class="visually-hidden" aria-live="polite">{move || said.get()}</span> }
}

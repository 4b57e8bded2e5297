//! The button that puts a text on the clipboard.

use leptos::prelude::*;

/// Copies `text`. Without script there is nothing to press, and the text beside it can be selected.
#[island]
pub(crate) fn CopyButton(
    text: String,
    /// What the button says.
    label: String,
    /// What it says once it has copied.
    done: String,
    /// What is copied, for screen readers; may be empty.
    what: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    // Shown only where script runs and the browser lets pages write to the clipboard (https or this machine).
    let able = RwSignal::new(false);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| able.set(window().is_secure_context()));
    let copy = move |_| {
        #[cfg(feature = "hydrate")]
        {
            let promise = window().navigator().clipboard().write_text(&text);
            leptos::task::spawn_local(async move {
                if wasm_bindgen_futures::JsFuture::from(promise).await.is_ok() {
                    copied.set(true);
                    set_timeout(move || copied.set(false), std::time::Duration::from_secs(2));
                }
            });
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = &text;
    };
    let aside = (!what.is_empty()).then(|| view! { <span class="visually-hidden">" "{what}</span> });
    view! {
        <button type="button" class="btn small quiet" hidden=move || !able.get() on:click=copy>
            <span aria-live="polite">{move || if copied.get() { done.clone() } else { label.clone() }}</span>
            {aside}
        </button>
    }
}

//! The button that selects every row of a list.

use leptos::prelude::*;

/// Ticks all boxes of its form. Without script there is nothing to press.
#[island]
pub(crate) fn PickAll(label: String) -> impl IntoView {
    let able = RwSignal::new(false);
    let button = NodeRef::<leptos::html::Button>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| able.set(true));
    let pick = move |_| {
        #[cfg(feature = "hydrate")]
        tick_all(button);
    };
    view! {
        <button type="button" class="btn quiet" node_ref=button hidden=move || !able.get() on:click=pick>{label}</button>
    }
}

#[cfg(feature = "hydrate")]
fn tick_all(button: NodeRef<leptos::html::Button>) {
    use wasm_bindgen::JsCast;
    use web_sys::HtmlInputElement;

    let Some(form) = button.get_untracked().and_then(|button| button.form()) else { return };
    let fields = form.elements();
    for place in 0..fields.length() {
        if let Some(input) = fields.item(place).and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) {
            input.set_checked(input.type_() == "checkbox");
        }
    }
}

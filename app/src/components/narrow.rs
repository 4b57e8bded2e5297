//! The box that finds one of many.

use leptos::prelude::*;

/// Hides those labels of the fieldset beside it that do not contain what is typed. Without script there is no box.
#[island]
pub(crate) fn Narrow(label: String) -> impl IntoView {
    let able = RwSignal::new(false);
    let field = NodeRef::<leptos::html::Input>::new();
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| able.set(true));
    let narrow = move |_| {
        #[cfg(feature = "hydrate")]
        hide_others(field);
    };
    view! {
        <input class="input" type="search" node_ref=field hidden=move || !able.get() placeholder=label.clone() aria-label=label.clone()
            autocomplete="off" on:input=narrow/>
    }
}

#[cfg(feature = "hydrate")]
fn hide_others(field: NodeRef<leptos::html::Input>) {
    use wasm_bindgen::JsCast;

    let Some(field) = field.get_untracked() else { return };
    let typed = field.value().trim().to_lowercase();
    let island = field.closest("leptos-island").ok().flatten();
    let Some(around) = island.and_then(|island| island.parent_element()) else { return };
    let Ok(labels) = around.query_selector_all("fieldset label") else { return };
    for place in 0..labels.length() {
        let Some(label) = labels.item(place).and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok()) else {
            continue;
        };
        let text = label.text_content().unwrap_or_default().to_lowercase();
        label.set_hidden(!text.contains(&typed));
    }
}

//! The top of a page: where it is, what it is called, what can be done.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::request;

/// The mark and the name, linking home.
#[component]
pub(crate) fn Logo() -> impl IntoView {
    view! {
        <a class="brand" href="/">
            <svg width="22" height="22" viewBox="0 0 22 22" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
                <circle cx="11" cy="11" r="3.2" fill="currentColor" stroke="none"></circle>
                <path d="M5.5 5.5a7.8 7.8 0 0 0 0 11M16.5 5.5a7.8 7.8 0 0 1 0 11" stroke-linecap="round"></path>
            </svg>
            "Callsheet"
        </a>
    }
}

/// A page above this one.
pub(crate) struct Crumb {
    pub(crate) href: String,
    pub(crate) text: String,
}

/// Crumbs, the title, and beside it state and actions.
#[component]
pub(crate) fn Head(
    #[prop(into)] title: String,
    #[prop(default = Vec::new())] crumbs: Vec<Crumb>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let texts = request::texts();
    let path = (!crumbs.is_empty()).then(|| {
        let links = crumbs.into_iter().map(|crumb| view! { <li><a href=crumb.href>{crumb.text}</a></li> });
        view! { <nav aria-label=texts.get("nav.crumbs")><ol class="breadcrumbs">{links.collect_view()}</ol></nav> }
    });
    view! {
        <Title text=title.clone()/>
        {path}
        <div class="page-header"><h1>{title}</h1>{children.map(|children| children())}</div>
    }
}

/// Links between the pages of one thing.
#[component]
pub(crate) fn Tabs(
    #[prop(into)] label: String,
    /// Address and text of each.
    tabs: Vec<(String, String)>,
    /// The address of the page that is shown.
    #[prop(into)]
    here: String,
) -> impl IntoView {
    let links: Vec<_> = tabs
        .into_iter()
        .map(|(href, text)| {
            let current = (href == here).then_some("page");
            view! { <a href=href aria-current=current>{text}</a> }
        })
        .collect();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }
}

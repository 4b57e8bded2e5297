//! What lists have around their rows.

use callsheet::model::Page;
use leptos::prelude::*;

use crate::request;
use crate::request::encode;
use crate::texts::number;

/// Which rows are shown of how many, and links to the pages beside. `query` holds the list's filters; without `exact` there are at least
/// `total` rows.
#[component]
pub(crate) fn Pager(
    number: i64,
    size: i64,
    total: i64,
    #[prop(default = true)] exact: bool,
    #[prop(into)] path: String,
    query: Vec<(&'static str, String)>,
) -> impl IntoView {
    let texts = request::texts();
    let last = Page::<()> { rows: Vec::new(), total, exact, number, size }.count();
    let href = |to: i64| {
        let mut pairs = query.clone();
        pairs.push(("page", if to == 1 { String::new() } else { to.to_string() }));
        format!("{path}{}", encode(&pairs))
    };
    let link = |to: i64, rel: &'static str, key: &str| {
        (1..=last).contains(&to).then(|| view! { <a class="btn small" rel=rel href=href(to)>{texts.get(key)}</a> })
    };
    let first = ((number - 1) * size + 1).min(total);
    // The last row that was counted shows only that there are more than those before it.
    let (key, of) = if exact { ("list.shown", total) } else { ("list.shown_of_more", total - 1) };
    let shown = texts.fill(
        key,
        &[
            ("first", &self::number(first)),
            ("last", &self::number((number * size).min(total))),
            ("total", &self::number(of)),
        ],
    );
    view! {
        <nav class="pager" aria-label=texts.get("list.pages")>
            <span>{shown}</span>
            <span class="row">{link(number - 1, "prev", "list.previous")} {link(number + 1, "next", "list.next")}</span>
        </nav>
    }
}

/// In place of rows: why there are none, and what to do next.
#[component]
pub(crate) fn Empty(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="row">{children()}</div> })}
        </div>
    }
}

//! What lists have around their rows.

use callsheet::model::Page;
use leptos::prelude::*;

use crate::request;
use crate::request::encode;
use crate::texts::number;

/// Which rows are shown of how many, and links to the pages beside. `query` holds the list's filters; without `exact` there are at least
/// `total` rows.
#[component]
fn Pager(
    number: i64,
    size: i64,
    total: i64,
    exact: bool,
    path: String,
    query: Vec<(&'static str, String)>,
) -> impl IntoView {
    let texts = request::texts();
    let last = Page::<()> { rows: Vec::new(), total, exact, number, size }.count();
    let link = |to: i64, rel: &'static str, key: &str| {
        (1..=last)
            .contains(&to)
            .then(|| view! { <a class="btn small" rel=rel href=page_href(&path, &query, to)>{texts.get(key)}</a> })
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
        <nav class="pagination" aria-label=texts.get("list.pages")>
            <span>{shown}</span>
            <span class="row">{link(number - 1, "prev", "list.previous")} {link(number + 1, "next", "list.next")}</span>
        </nav>
    }
}

/// A page of a list: its rows with the pager, or in their place why there are none. `query` holds the list's filters; `none` is shown where
/// the whole list is empty.
pub(crate) fn listed<T>(
    list: &Page<T>,
    path: String,
    query: Vec<(&'static str, String)>,
    rows: impl FnOnce() -> AnyView,
    none: impl FnOnce() -> AnyView,
) -> AnyView {
    if list.rows.is_empty() {
        return if list.total > 0 { beyond(list, &path, &query) } else { none() };
    }
    let (number, size, total, exact) = (list.number, list.size, list.total, list.exact);
    view! {
        {rows()}
        <Pager number size total exact path query/>
    }
    .into_any()
}

/// A page after the last: the address counted too far, or rows were removed.
fn beyond<T>(list: &Page<T>, path: &str, query: &[(&'static str, String)]) -> AnyView {
    let texts = request::texts();
    let last = list.count();
    let text = texts.count("list.beyond_text", last);
    let link =
        |to: i64, key: &str| view! { <a class="btn" href=page_href(path, query, to)>{texts.get(key)}</a> }.into_any();
    let first = link(1, "list.first");
    let last = (last > 1).then(|| link(last, "list.last"));
    view! { <Empty title=texts.get("list.beyond") text>{first} {last}</Empty> }.into_any()
}

fn page_href(path: &str, query: &[(&'static str, String)], to: i64) -> String {
    let number = if to == 1 { String::new() } else { to.to_string() };
    let pairs: Vec<_> = query.iter().cloned().chain([("page", number)]).collect();
    format!("{path}{}", encode(&pairs))
}

/// In place of rows: why there are none, and what to do next.
#[component]
pub(crate) fn Empty(
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty-state">
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="row">{children()}</div> })}
        </div>
    }
}

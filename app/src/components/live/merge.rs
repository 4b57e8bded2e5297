//! The browser's part of [`super::Live`]: fetches the page again and takes over what has changed.
//!
//! Nodes stay where they are; only texts and attributes that differ are written. So the focus, what is ticked, what is
//! folded open and where the page is scrolled to stay as they were.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, DomParser, Element, Node, Response, SupportedType};

const EVERY: Duration = Duration::from_secs(2);
/// More changes than these at once are not read out.
const SAID_AT_ONCE: usize = 3;

/// Looks every two seconds, for as long as the document lives.
pub(super) fn watch(said: RwSignal<String>) {
    let busy = StoredValue::new(false);
    let look = move || {
        let waits = document().query_selector("[data-live] [data-waits]");
        if busy.get_value() || document().hidden() || !matches!(waits, Ok(Some(_))) {
            return;
        }
        busy.set_value(true);
        spawn_local(async move {
            // A console that cannot be reached is asked again in two seconds.
            if let Ok(news) = refresh().await
                && !news.is_empty()
            {
                said.set(news[..news.len().min(SAID_AT_ONCE)].join("; "));
            }
            busy.set_value(false);
        });
    };
    set_interval(look, EVERY);
}

/// Brings the live parts of the page up to date; answers with what is to be said.
async fn refresh() -> Result<Vec<String>, JsValue> {
    fetch().await.map(|page| take_over(&page))
}

/// This page as it is now on the server.
async fn fetch() -> Result<Document, JsValue> {
    let address = window().location().href()?;
    let response: Response = JsFuture::from(window().fetch_with_str(&address)).await?.dyn_into()?;
    if !response.ok() || response.redirected() {
        return Err(JsValue::NULL);
    }
    let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)
}

/// Merges every live part of the new page; returns what is to be said.
pub(crate) fn take_over(page: &Document) -> Vec<String> {
    let mut merge = Merge { focus: document().active_element(), news: Vec::new() };
    let Ok(parts) = document().query_selector_all("[data-live]") else { return merge.news };
    for place in 0..parts.length() {
        let Some(old) = parts.get(place).and_then(|node| node.dyn_into::<Element>().ok()) else { continue };
        if let Some(new) = page.get_element_by_id(&old.id()) {
            merge.element(&old, &new);
        }
    }
    merge.news
}

struct Merge {
    focus: Option<Element>,
    news: Vec<String>,
}

impl Merge {
    fn holds_focus(&self, node: &Node) -> bool {
        self.focus.as_ref().is_some_and(|focus| node.contains(Some(focus)))
    }

    fn element(&mut self, old: &Element, new: &Element) {
        // An island keeps its own state.
        if old.is_equal_node(Some(new)) || old.tag_name() == "LEPTOS-ISLAND" {
            return;
        }
        self.attributes(old, new);
        if old.has_attribute("data-keyed") {
            self.keyed(old, new);
            return;
        }
        let (before, after) = (children(old), children(new));
        let same_shape =
            before.len() == after.len() && before.iter().zip(&after).all(|(b, a)| b.node_name() == a.node_name());
        if same_shape {
            for (before, after) in before.iter().zip(&after) {
                match (before.dyn_ref::<Element>(), after.dyn_ref::<Element>()) {
                    (Some(before), Some(after)) => self.element(before, after),
                    _ if before.node_value() != after.node_value() => {
                        before.set_node_value(after.node_value().as_deref());
                    }
                    _ => {}
                }
            }
        } else if !self.holds_focus(old) {
            old.set_inner_html(&new.inner_html());
        }
    }

    fn attributes(&mut self, old: &Element, new: &Element) {
        let say = new.get_attribute("data-say");
        if say.is_some() && say != old.get_attribute("data-say") {
            self.news.extend(say);
        }
        for name in old.get_attribute_names().iter().chain(new.get_attribute_names().iter()) {
            let name = name.as_string().unwrap_or_default();
            // What is folded open or ticked is the person's.
            if name == "open" || name == "checked" || old.get_attribute(&name) == new.get_attribute(&name) {
                continue;
            }
            // Names that came from an element are valid.
            let _ = match new.get_attribute(&name) {
                Some(value) => old.set_attribute(&name, &value),
                None => old.remove_attribute(&name),
            };
        }
    }

    /// Children with ids: what is new comes in, what is gone leaves unless the person is at it.
    fn keyed(&mut self, old: &Element, new: &Element) {
        let wanted = elements(new);
        let ids: Vec<String> = wanted.iter().map(Element::id).collect();
        for gone in elements(old).iter().filter(|one| !ids.contains(&one.id())) {
            let ticked = matches!(gone.query_selector("input:checked"), Ok(Some(_)));
            if !ticked && !self.holds_focus(gone) {
                gone.remove();
            }
        }
        let mut place = old.first_element_child();
        for new in &wanted {
            while let Some(kept) = place.as_ref().filter(|here| !ids.contains(&here.id())) {
                place = kept.next_element_sibling();
            }
            let mine = elements(old).into_iter().find(|one| one.id() == new.id());
            if mine.is_some() && mine == place {
                place = place.and_then(|here| here.next_element_sibling());
            } else {
                // Only fails for a node that would hold itself.
                let _ = old.insert_before(mine.as_ref().unwrap_or(new), place.as_deref());
            }
            if let Some(mine) = mine {
                self.element(&mine, new);
            }
        }
    }
}

fn children(element: &Element) -> Vec<Node> {
    let nodes = element.child_nodes();
    (0..nodes.length()).filter_map(|place| nodes.get(place)).collect()
}

fn elements(element: &Element) -> Vec<Element> {
    children(element).into_iter().filter_map(|node| node.dyn_into().ok()).collect()
}

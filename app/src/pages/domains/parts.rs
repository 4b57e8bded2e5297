//! What the pages of one domain share.

use callsheet::domains::DomainView;
use callsheet::model::{Action, Actor};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::server_fns::SetDomainEnabled;
use crate::components::{Badge, Crumb, Head, Tabs, Tone};
use crate::context::Visit;
use crate::request::page_of;

/// Crumbs, name, state, *Enable* or *Disable*, and the tabs. `tab`: what follows the domain's address, with its slash.
pub(crate) fn domain_head(visit: &Visit, actor: &Actor, domain: &DomainView, tab: &str) -> AnyView {
    let texts = visit.texts;
    let base = page_of(&domain.push);
    let tabs = [
        ("", "domain.basic"),
        ("/streams", "domain.streams"),
        ("/recording", "domain.recording"),
        ("/deliveries", "domain.deliveries"),
    ];
    let tabs = tabs.iter().map(|(path, key)| (format!("{base}{path}"), texts.get(key))).collect();
    let (tone, state) = if domain.enabled { (Tone::Ok, "domains.enabled") } else { (Tone::Off, "domains.disabled") };
    let may = actor.check_domain(Action::ManageDomains, &domain.push).is_ok();
    let operations = may.then(|| {
        let delete = (!domain.enabled).then(|| {
            view! { <a class="btn danger" href=format!("{base}/delete")>{texts.get("domains.delete")}</a> }
        });
        view! { {enable_form(visit, domain, "btn")} {delete} }
    });
    let crumbs = vec![Crumb { href: "/domains".to_owned(), text: texts.get("nav.domains") }];
    view! {
        <Head title=domain.push_display.clone() crumbs>
            <Badge tone text=texts.get(state)/>
            <span class="spacer"></span>
            {operations}
        </Head>
        <Tabs label=texts.get("domain.tabs") tabs here=format!("{base}{tab}")/>
    }
    .into_any()
}

/// The button that enables a disabled domain and disables an enabled one.
pub(super) fn enable_form(visit: &Visit, domain: &DomainView, class: &'static str) -> AnyView {
    let key = if domain.enabled { "domains.disable" } else { "domains.enable" };
    view! {
        <form method="post" action=SetDomainEnabled::PATH>
            <input type="hidden" name="push" value=domain.push.clone()/>
            <input type="hidden" name="enabled" value=(!domain.enabled).to_string()/>
            <button class=class>{visit.texts.get(key)}<span class="visually-hidden">" "{domain.push_display.clone()}</span></button>
        </form>
    }
    .into_any()
}

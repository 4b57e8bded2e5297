//! The filters of the audit log, as they stand in the page's address.

use callsheet::audit::{ACTIONS, AuditFilter};
use jiff::tz::TimeZone;
use leptos::prelude::*;
use url::form_urlencoded;

use super::action;
use crate::components::{Choice, Field, Select};
use crate::context::Visit;
use crate::times::typed_moment;

/// What stands in the address, as typed.
#[derive(Clone, Default)]
pub(super) struct Filters {
    text: String,
    action: String,
    actor: String,
    target: String,
    since: String,
    until: String,
}

impl Filters {
    /// Out of an encoded query.
    pub(super) fn of_query(query: &str) -> Self {
        let get = |name: &str| {
            let value = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            value.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        Self {
            text: get("q"),
            action: get("action"),
            actor: get("actor"),
            target: get("target"),
            since: get("since"),
            until: get("until"),
        }
    }

    /// For links to other pages of the list, and to its export.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("q", self.text.clone()),
            ("action", self.action.clone()),
            ("actor", self.actor.clone()),
            ("target", self.target.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
        ]
    }

    pub(super) fn any(&self) -> bool {
        self.query().iter().any(|(_, value)| !value.is_empty())
    }

    /// What to ask the core for; a time that does not read filters nothing.
    pub(super) fn parse(&self, zone: &TimeZone) -> AuditFilter {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        AuditFilter {
            text: text(&self.text),
            actor: text(&self.actor),
            action: text(&self.action),
            target: text(&self.target),
            since: typed_moment(&self.since, zone),
            until: typed_moment(&self.until, zone),
        }
    }
}

/// The filters as a form.
pub(super) fn form(visit: &Visit, filters: &Filters) -> AnyView {
    let texts = visit.texts;
    let open = [&filters.actor, &filters.target, &filters.since, &filters.until].iter().any(|value| !value.is_empty());
    let all = Choice { value: String::new(), text: texts.get("deliveries.all") };
    let mut actions: Vec<_> =
        ACTIONS.iter().map(|code| Choice { value: (*code).to_owned(), text: action(texts, code) }).collect();
    actions.sort_by(|a, b| a.text.cmp(&b.text));
    let actions = std::iter::once(all).chain(actions).collect();
    let filters = filters.clone();
    view! {
        <form method="get" action="/audit" role="search">
            <div class="filters">
                <div class="field grow">
                    <label for="q">{texts.get("audit.search")}</label>
                    <input class="input" type="search" id="q" name="q" value=filters.text spellcheck="false"/>
                </div>
                <Select name="action" label=texts.get("audit.action") value=filters.action choices=actions/>
                <button class="btn">{texts.get("list.filter")}</button>
                <a class="btn quiet" href="/audit">{texts.get("list.clear")}</a>
            </div>
            <details class="more" open=open>
                <summary>{texts.get("deliveries.more_filters")}</summary>
                <div class="filters">
                    <Field name="actor" label=texts.get("audit.actor") value=filters.actor/>
                    <Field name="target" label=texts.get("audit.target") value=filters.target/>
                    <Field name="since" label=texts.get("deliveries.since") kind="datetime-local" value=filters.since/>
                    <Field name="until" label=texts.get("deliveries.until") kind="datetime-local" value=filters.until/>
                </div>
            </details>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::encode;

    #[test]
    fn an_address_is_read_and_written_again() {
        let query = "q=a+b&action=domain.create&since=2018-04-23T17%3A49&page=2";
        let filters = Filters::of_query(query);
        assert_eq!(encode(&filters.query()), "?q=a+b&action=domain.create&since=2018-04-23T17%3A49");
        let filter = filters.parse(&TimeZone::get("Asia/Shanghai").expect("zone"));
        assert_eq!((filter.text.as_deref(), filter.since), (Some("a b"), Some(1_524_476_940_000)));
        assert_eq!((filter.actor, filter.target, filter.until), (None, None, None));
        assert!(filters.any() && !Filters::of_query("page=3&since=").any());
    }
}

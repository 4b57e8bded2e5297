//! The filters of the audit log, as they stand in the page's address.

use callsheet::audit::{ACTIONS, AuditFilter};
use jiff::tz::TimeZone;
use leptos::prelude::*;
use url::form_urlencoded;

use super::action;
use crate::components::{Choice, Field, Select};
use crate::context::Visit;
use crate::query::{Fault, Mistakes, moment_field};

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

    /// Parses the filters for the core.
    pub(super) fn parse(&self, zone: &TimeZone) -> Result<AuditFilter, Mistakes> {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let mut wrong = Mistakes::default();
        let action = |typed: &str| ACTIONS.contains(&typed).then(|| typed.to_owned());
        let action = wrong.read(("action", "audit.action"), Fault::Choice, &self.action, action);
        let (since, until) = wrong.read_span(&self.since, &self.until, zone);
        let (actor, target) = (text(&self.actor), text(&self.target));
        wrong.or(AuditFilter { text: text(&self.text), actor, action, target, since, until })
    }
}

/// The filters as a form, with what is wrong with them above.
pub(super) fn form(visit: &Visit, filters: &Filters, wrong: &Mistakes) -> AnyView {
    let texts = visit.texts;
    let open = [&filters.actor, &filters.target, &filters.since, &filters.until].iter().any(|value| !value.is_empty());
    let all = Choice { value: String::new(), text: texts.get("deliveries.all") };
    let mut actions: Vec<_> =
        ACTIONS.iter().map(|code| Choice { value: (*code).to_owned(), text: action(texts, code) }).collect();
    actions.sort_by(|a, b| a.text.cmp(&b.text));
    let actions = std::iter::once(all).chain(actions).collect();
    let filters = filters.clone();
    view! {
        {wrong.note(texts)}
        <form method="get" action="/audit" role="search">
            <div class="filters">
                <div class="field grow">
                    <label for="q">{texts.get("audit.search")}</label>
                    <input class="input" type="search" id="q" name="q" value=filters.text spellcheck="false"/>
                </div>
                <Select name="action" label=texts.get("audit.action") value=filters.action choices=actions mistake=wrong.of("action")/>
                <button class="btn">{texts.get("list.filter")}</button>
                <a class="btn quiet" href="/audit">{texts.get("list.clear")}</a>
            </div>
            <details class="disclosure" open=open>
                <summary>{texts.get("deliveries.more_filters")}</summary>
                <div class="filters">
                    <Field name="actor" label=texts.get("audit.actor") value=filters.actor/>
                    <Field name="target" label=texts.get("audit.target") value=filters.target/>
                    {moment_field(texts, "since", "deliveries.since", filters.since, wrong)}
                    {moment_field(texts, "until", "deliveries.until", filters.until, wrong)}
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
        let filter = filters.parse(&TimeZone::get("Asia/Shanghai").expect("zone")).expect("a filter");
        assert_eq!((filter.text.as_deref(), filter.since), (Some("a b"), Some(1_524_476_940_000)));
        assert_eq!((filter.actor, filter.target, filter.until), (None, None, None));
        assert!(filters.any() && !Filters::of_query("page=3&since=").any());
    }

    #[test]
    fn a_value_that_cannot_be_used_is_never_passed_over() {
        for (query, field) in [
            ("action=domain.made", "action"),
            ("since=foo", "since"),
            ("until=2026-02-30T00:00", "until"),
            ("since=2026-11-22T00:00&until=2026-11-22T00:00", "until"),
        ] {
            let wrong = Filters::of_query(query).parse(&TimeZone::UTC).map(drop).expect_err(query);
            assert!(wrong.of(field).is_some(), "{query}: {wrong:?}");
        }
    }
}

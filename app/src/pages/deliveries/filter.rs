//! The filters of the delivery log, as they stand in the page's address.

use callsheet::deliveries::{DeliveryFilter, DeliveryState};
use callsheet::model::{CallbackKind, EventName, Millis};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;

use crate::components::{Choice, Field, Select};
use crate::context::Visit;
use crate::texts::Texts;

/// The error classes of attempts.
const CLASSES: [&str; 8] =
    ["blocked_address", "dns", "connect", "tls", "timeout", "http_status", "too_large", "protocol"];

/// What stands in the address, as typed.
#[derive(Clone, Default)]
pub(super) struct Filters {
    domain: String,
    kind: String,
    event: String,
    state: String,
    stream: String,
    status: String,
    error: String,
    since: String,
    until: String,
    text: String,
}

impl Filters {
    pub(super) fn of(query: &ParamsMap) -> Self {
        let get = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
        Self {
            domain: get("domain"),
            kind: get("kind"),
            event: get("event"),
            state: get("state"),
            stream: get("stream"),
            status: get("status"),
            error: get("errorClass"),
            since: get("since"),
            until: get("until"),
            text: get("q"),
        }
    }

    /// The same, of one domain; of all with an empty name.
    pub(super) fn in_domain(&self, push: &str) -> Self {
        Self { domain: push.to_owned(), ..self.clone() }
    }

    /// For links to other pages of the list.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        vec![
            ("domain", self.domain.clone()),
            ("kind", self.kind.clone()),
            ("event", self.event.clone()),
            ("state", self.state.clone()),
            ("stream", self.stream.clone()),
            ("status", self.status.clone()),
            ("errorClass", self.error.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
            ("q", self.text.clone()),
        ]
    }

    pub(super) fn any(&self) -> bool {
        self.query().iter().any(|(_, value)| !value.is_empty())
    }

    /// What to ask the core for; what does not read as its kind filters nothing.
    pub(super) fn parse(&self, zone: &TimeZone) -> DeliveryFilter {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        DeliveryFilter {
            domain: text(&self.domain),
            kind: self.kind.parse::<CallbackKind>().ok(),
            event: self.event.parse::<EventName>().ok(),
            stream: text(&self.stream),
            state: self.state.parse::<DeliveryState>().ok(),
            since: moment(&self.since, zone),
            until: moment(&self.until, zone),
            status: self.status.parse().ok(),
            error_class: text(&self.error),
            text: text(&self.text),
            only: None,
        }
    }
}

/// `2026-11-22T14:31` in the console's zone.
fn moment(text: &str, zone: &TimeZone) -> Option<Millis> {
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// The filters as a form. `path`: the list; `with_domain`: it shows several domains.
pub(super) fn form(visit: &Visit, filters: &Filters, path: String, with_domain: bool) -> AnyView {
    let texts = visit.texts;
    let clear = path.clone();
    let less_common = [&filters.event, &filters.status, &filters.error, &filters.since, &filters.until, &filters.text];
    let open = less_common.iter().any(|value| !value.is_empty());
    let states = DeliveryState::ALL.iter().map(|state| state.as_str());
    let kinds = CallbackKind::ALL.iter().map(|kind| kind.as_str());
    let events = EventName::ALL.iter().map(|event| event.as_str());
    let filters = filters.clone();
    let domain = with_domain.then(|| {
        view! {
            <div class="field grow">
                <label for="domain">{texts.get("domains.domain")}</label>
                <input class="input" id="domain" name="domain" value=filters.domain placeholder="push.example.com" spellcheck="false"/>
            </div>
        }
    });
    view! {
        <form method="get" action=path role="search">
            <div class="filters">
                {domain}
                <div class="field grow">
                    <label for="stream">{texts.get("streams.stream")}</label>
                    <input class="input" id="stream" name="stream" value=filters.stream placeholder="live/room_7" spellcheck="false"/>
                </div>
                <Select name="state" label=texts.get("deliveries.state") value=filters.state choices=choices(texts, "state", states)/>
                <Select name="kind" label=texts.get("deliveries.kind") value=filters.kind choices=choices(texts, "kind", kinds)/>
                <button class="btn">{texts.get("list.filter")}</button>
                <a class="btn quiet" href=clear>{texts.get("list.clear")}</a>
            </div>
            <details class="more" open=open>
                <summary>{texts.get("deliveries.more_filters")}</summary>
                <div class="filters">
                    <Select name="event" label=texts.get("deliveries.event") value=filters.event choices=choices(texts, "event", events)/>
                    <Select name="errorClass" label=texts.get("deliveries.error") value=filters.error
                        choices=choices(texts, "class", CLASSES.into_iter())/>
                    <Field name="status" label=texts.get("deliveries.status") kind="number" inputmode="numeric" class="short" value=filters.status/>
                    <Field name="since" label=texts.get("deliveries.since") kind="datetime-local" value=filters.since/>
                    <Field name="until" label=texts.get("deliveries.until") kind="datetime-local" value=filters.until/>
                    <Field name="q" label=texts.get("deliveries.text") kind="search" value=filters.text/>
                </div>
            </details>
        </form>
    }
    .into_any()
}

fn choices<'a>(texts: Texts, vocabulary: &str, values: impl Iterator<Item = &'a str>) -> Vec<Choice> {
    let all = Choice { value: String::new(), text: texts.get("deliveries.all") };
    let word = |value: &str| Choice { value: value.to_owned(), text: texts.word(vocabulary, value) };
    std::iter::once(all).chain(values.map(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_the_consoles_zone() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        assert_eq!(moment("2018-04-23T17:49:42", &zone), Some(1_524_476_982_000));
        assert_eq!(moment("2018-04-23T17:49", &zone), Some(1_524_476_940_000));
        assert_eq!(moment("yesterday", &zone), None);
    }

    #[test]
    fn what_does_not_read_filters_nothing() {
        let filters = Filters { state: "lost".to_owned(), status: "5xx".to_owned(), ..Filters::default() };
        let filter = filters.parse(&TimeZone::UTC);
        assert_eq!((filter.state, filter.status, filter.domain), (None, None, None));
        assert!(filters.any());
    }
}

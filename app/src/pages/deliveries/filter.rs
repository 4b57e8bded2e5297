//! The filters of the delivery log, as they stand in the page's address.

use callsheet::deliveries::{DeliveryFilter, DeliveryState};
use callsheet::model::{CallbackKind, DomainName, EventName, Millis, RecoveryId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use url::form_urlencoded;

use crate::components::{Choice, Field, Select};
use crate::context::Visit;
use crate::texts::Texts;
use crate::times::typed_moment;

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
    recovery: String,
}

impl Filters {
    pub(super) fn of(query: &ParamsMap) -> Self {
        Self::read(|name| query.get(name))
    }

    /// Out of a query such as [`Filters::query`] makes, encoded.
    pub(super) fn of_text(query: &str) -> Self {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self::read(|name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
    }

    /// What a filter asks for, as a person would have typed it.
    pub(super) fn of_filter(filter: &DeliveryFilter, zone: &TimeZone) -> Self {
        let word = |value: Option<&'static str>| value.unwrap_or_default().to_owned();
        let typed = |at: Option<Millis>| at.map(|at| written_moment(at, zone)).unwrap_or_default();
        Self {
            domain: filter.domain.clone().unwrap_or_default(),
            kind: word(filter.kind.map(CallbackKind::as_str)),
            event: word(filter.event.map(EventName::as_str)),
            state: word(filter.state.map(DeliveryState::as_str)),
            stream: filter.stream.clone().unwrap_or_default(),
            status: filter.status.map(|status| status.to_string()).unwrap_or_default(),
            error: filter.error_class.clone().unwrap_or_default(),
            since: typed(filter.since),
            until: typed(filter.until),
            text: filter.text.clone().unwrap_or_default(),
            recovery: filter.recovery.map(|id| id.to_string()).unwrap_or_default(),
        }
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| get(name).unwrap_or_default().trim().to_owned();
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
            recovery: get("recovery"),
        }
    }

    /// The same, of one domain; of all with an empty name.
    pub(super) fn in_domain(&self, push: &str) -> Self {
        Self { domain: push.to_owned(), ..self.clone() }
    }

    /// The same, from a moment on.
    pub(super) fn from(&self, since: Millis, zone: &TimeZone) -> Self {
        Self { since: written_moment(since, zone), ..self.clone() }
    }

    /// The same for a recovery: a state that cannot be recovered does not filter.
    pub(super) fn recoverable(&self) -> Self {
        let state = self.state.parse::<DeliveryState>().is_ok_and(DeliveryState::is_recoverable);
        Self { state: if state { self.state.clone() } else { String::new() }, ..self.clone() }
    }

    /// The first field that is filled but does not read as its kind, so that it filters nothing; its text's key.
    pub(super) fn unread(&self, zone: &TimeZone) -> Option<&'static str> {
        let filter = self.parse(zone);
        [
            ("deliveries.kind", &self.kind, filter.kind.is_none()),
            ("deliveries.event", &self.event, filter.event.is_none()),
            ("deliveries.state", &self.state, filter.state.is_none()),
            ("deliveries.status", &self.status, filter.status.is_none()),
            ("deliveries.since", &self.since, filter.since.is_none()),
            ("deliveries.until", &self.until, filter.until.is_none()),
            ("recovery.one", &self.recovery, filter.recovery.is_none()),
        ]
        .into_iter()
        .find(|(_, typed, nothing)| *nothing && !typed.is_empty())
        .map(|(key, _, _)| key)
    }

    /// The domain whose deliveries are listed, if it is one.
    pub(super) fn domain_of_list(&self) -> Option<&str> {
        Some(self.domain.as_str()).filter(|domain| !domain.is_empty())
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
            ("recovery", self.recovery.clone()),
        ]
    }

    pub(super) fn any(&self) -> bool {
        self.query().iter().any(|(_, value)| !value.is_empty())
    }

    /// What to ask the core for; what does not read as its kind filters nothing.
    pub(super) fn parse(&self, zone: &TimeZone) -> DeliveryFilter {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        DeliveryFilter {
            // As written by people, such as 直播.example; what is no name matches nothing.
            domain: text(&self.domain).map(|typed| match DomainName::parse(&typed) {
                Ok(name) => name.ascii().to_owned(),
                Err(_) => typed,
            }),
            kind: self.kind.parse::<CallbackKind>().ok(),
            event: self.event.parse::<EventName>().ok(),
            stream: text(&self.stream),
            state: self.state.parse::<DeliveryState>().ok(),
            since: typed_moment(&self.since, zone),
            until: typed_moment(&self.until, zone),
            status: self.status.parse().ok(),
            error_class: text(&self.error),
            text: text(&self.text),
            recovery: self.recovery.parse().ok(),
            only: None,
        }
    }
}

/// A moment as the browser's field for times reads it.
fn written_moment(at: Millis, zone: &TimeZone) -> String {
    let moment = Timestamp::from_millisecond(at).map(|moment| moment.to_zoned(zone.clone()));
    moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}

/// What a form of filters is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The log of all domains.
    Log,
    /// The log of one domain.
    DomainLog,
    /// To count what a recovery would find.
    Recovery,
}

/// The filters as a form. `path`: the page that shows what they find.
pub(super) fn form(visit: &Visit, filters: &Filters, path: String, purpose: Purpose) -> AnyView {
    let texts = visit.texts;
    let clear = path.clone();
    let recovers = purpose == Purpose::Recovery;
    let less_common = [&filters.event, &filters.status, &filters.error, &filters.until, &filters.text];
    let open = less_common.iter().any(|value| !value.is_empty()) || (!recovers && !filters.since.is_empty());
    let states = DeliveryState::ALL.iter().filter(|state| !recovers || state.is_recoverable());
    let all_states = if recovers { "recovery.all_states" } else { "deliveries.all" };
    let states = choices_of(texts, all_states, "state", states.map(|state| state.as_str()));
    let kinds = CallbackKind::ALL.iter().map(|kind| kind.as_str());
    let events = EventName::ALL.iter().map(|event| event.as_str());
    let filters = filters.clone();
    let domain = (purpose != Purpose::DomainLog).then(|| {
        view! {
            <div class="field grow">
                <label for="domain">{texts.get("domains.domain")}</label>
                <input class="input" id="domain" name="domain" value=filters.domain placeholder="push.example.com" spellcheck="false"/>
            </div>
        }
    });
    // When things went wrong is what a recovery asks first; the log asks it last.
    let since = view! {
        <Field name="since" label=texts.get("deliveries.since") kind="datetime-local" value=filters.since/>
    }
    .into_any();
    let shown = filters.recovery.parse::<RecoveryId>().ok().map(|recovery| {
        view! { <a href=format!("/recoveries/{recovery}")>{texts.get("recovery.show")}</a> }
    });
    let recovery = (!filters.recovery.is_empty()).then(|| {
        view! {
            <input type="hidden" name="recovery" value=filters.recovery.clone()/>
            <p class="note"><span>{texts.get("recovery.only")} " " {shown}</span></p>
        }
    });
    let (first, last) = if recovers { (Some(since), None) } else { (None, Some(since)) };
    view! {
        <form method="get" action=path role="search">
            {recovery}
            <div class="filters">
                {first}
                {domain}
                <div class="field grow">
                    <label for="stream">{texts.get("streams.stream")}</label>
                    <input class="input" id="stream" name="stream" value=filters.stream placeholder="live/room_7" spellcheck="false"/>
                </div>
                <Select name="state" label=texts.get("deliveries.state") value=filters.state choices=states/>
                <Select name="kind" label=texts.get("deliveries.kind") value=filters.kind choices=choices(texts, "kind", kinds)/>
                <button class="btn">{texts.get(if recovers { "recovery.count" } else { "list.filter" })}</button>
                <a class="btn quiet" href=clear>{texts.get("list.clear")}</a>
            </div>
            <details class="more" open=open>
                <summary>{texts.get("deliveries.more_filters")}</summary>
                <div class="filters">
                    <Select name="event" label=texts.get("deliveries.event") value=filters.event choices=choices(texts, "event", events)/>
                    <Select name="errorClass" label=texts.get("deliveries.error") value=filters.error
                        choices=choices(texts, "class", CLASSES.into_iter())/>
                    <Field name="status" label=texts.get("deliveries.status") kind="number" inputmode="numeric" class="short" value=filters.status/>
                    {last}
                    <Field name="until" label=texts.get("deliveries.until") kind="datetime-local" value=filters.until/>
                    <Field name="q" label=texts.get("deliveries.text") kind="search" value=filters.text/>
                </div>
            </details>
        </form>
    }
    .into_any()
}

fn choices<'a>(texts: Texts, vocabulary: &str, values: impl Iterator<Item = &'a str>) -> Vec<Choice> {
    choices_of(texts, "deliveries.all", vocabulary, values)
}

/// `all`: the key of the text for no choice.
fn choices_of<'a>(texts: Texts, all: &str, vocabulary: &str, values: impl Iterator<Item = &'a str>) -> Vec<Choice> {
    let all = Choice { value: String::new(), text: texts.get(all) };
    let word = |value: &str| Choice { value: value.to_owned(), text: texts.word(vocabulary, value) };
    std::iter::once(all).chain(values.map(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::encode;

    #[test]
    fn times_are_in_the_consoles_zone() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        assert_eq!(typed_moment("2018-04-23T17:49:42", &zone), Some(1_524_476_982_000));
        assert_eq!(typed_moment("2018-04-23T17:49", &zone), Some(1_524_476_940_000));
        assert_eq!(typed_moment("yesterday", &zone), None);
    }

    #[test]
    fn what_does_not_read_filters_nothing() {
        let filters = Filters { state: "lost".to_owned(), status: "5xx".to_owned(), ..Filters::default() };
        let filter = filters.parse(&TimeZone::UTC);
        assert_eq!((filter.state, filter.status, filter.domain), (None, None, None));
        assert!(filters.any());
        assert_eq!(filters.unread(&TimeZone::UTC), Some("deliveries.state"));
        assert_eq!(filters.recoverable().unread(&TimeZone::UTC), Some("deliveries.status"));
        assert_eq!(Filters::default().unread(&TimeZone::UTC), None);
    }

    #[test]
    fn a_filter_is_typed_and_read_again() {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        let filter = DeliveryFilter {
            domain: Some("push.example.com".to_owned()),
            kind: Some(CallbackKind::Record),
            event: Some(EventName::RecordDone),
            stream: Some("live/room_7".to_owned()),
            state: Some(DeliveryState::Failed),
            since: Some(1_524_476_982_000),
            until: Some(1_524_476_983_000),
            status: Some(503),
            error_class: Some("http_status".to_owned()),
            text: Some("a b&c".to_owned()),
            recovery: Some(RecoveryId(7)),
            only: None,
        };
        let typed = encode(&Filters::of_filter(&filter, &zone).query());
        assert!(typed.contains("since=2018-04-23T17%3A49%3A42"), "{typed}");
        let read = Filters::of_text(typed.strip_prefix('?').expect("a query")).parse(&zone);
        assert_eq!(format!("{read:?}"), format!("{filter:?}"));
    }
}

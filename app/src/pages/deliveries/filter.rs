//! The filters of the delivery log, as they stand in the page's address.

use callsheet::deliveries::{DeliveryFilter, DeliveryState};
use callsheet::domains::DomainError;
use callsheet::model::{Actor, CallbackKind, DomainName, EventName, Millis, RecoveryId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use url::form_urlencoded;

use crate::components::{Choice, Field, Select};
use crate::context::Visit;
use crate::query::{Fault, Mistakes, kind_of, moment_field};
use crate::texts::Texts;

/// The error classes of attempts.
const CLASSES: [&str; 8] =
    ["blocked_address", "dns", "connect", "tls", "timeout", "http_status", "too_large", "protocol"];

/// Name and label of the field.
const DOMAIN: (&str, &str) = ("domain", "domains.domain");

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

    /// Parses the filters for the core.
    pub(super) fn parse(&self, zone: &TimeZone) -> Result<DeliveryFilter, Mistakes> {
        self.parse_states(zone, |_| true)
    }

    /// The same for a recovery, which has fewer states.
    pub(super) fn parse_recoverable(&self, zone: &TimeZone) -> Result<DeliveryFilter, Mistakes> {
        self.parse_states(zone, DeliveryState::is_recoverable)
    }

    fn parse_states(
        &self,
        zone: &TimeZone,
        has: impl FnOnce(DeliveryState) -> bool,
    ) -> Result<DeliveryFilter, Mistakes> {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let mut wrong = Mistakes::default();
        let (since, until) = wrong.read_span(&self.since, &self.until, zone);
        let state = |typed: &str| typed.parse().ok().filter(|state: &DeliveryState| has(*state));
        let class = |typed: &str| CLASSES.contains(&typed).then(|| typed.to_owned());
        let status = |typed: &str| typed.parse().ok().filter(|status| (100..1000).contains(status));
        // As written by people, such as 直播.example.
        let domain = |typed: &str| DomainName::parse(typed).ok().map(|name| name.ascii().to_owned());
        let filter = DeliveryFilter {
            domain: wrong.read(DOMAIN, Fault::Domain, &self.domain, domain),
            kind: wrong.read(("kind", "deliveries.kind"), Fault::Choice, &self.kind, |typed| typed.parse().ok()),
            event: wrong.read(("event", "deliveries.event"), Fault::Choice, &self.event, |typed| typed.parse().ok()),
            stream: text(&self.stream),
            state: wrong.read(("state", "deliveries.state"), Fault::Choice, &self.state, state),
            since,
            until,
            status: wrong.read(("status", "deliveries.status"), Fault::Status, &self.status, status),
            error_class: wrong.read(("errorClass", "deliveries.error"), Fault::Choice, &self.error, class),
            text: text(&self.text),
            recovery: wrong
                .read(("recovery", "recovery.one"), Fault::Choice, &self.recovery, |typed| typed.parse().ok()),
            only: None,
        };
        wrong.or(filter)
    }

    /// Finds the mistake where nothing was found: the console has no such domain.
    pub(super) async fn found_nothing(&self, visit: &Visit, actor: &Actor) -> Result<(), Mistakes> {
        if self.domain.is_empty() {
            return Ok(());
        }
        match visit.console.domains.get(actor, &self.domain).await {
            Err(DomainError::Unknown(_)) => Err(Mistakes::one(DOMAIN.0, DOMAIN.1, Fault::Domain, &self.domain)),
            _ => Ok(()),
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

/// The filters as a form, with what is wrong with them above. `path`: the page that shows what they find.
pub(super) fn form(visit: &Visit, filters: &Filters, wrong: &Mistakes, path: String, purpose: Purpose) -> AnyView {
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
                <input class="input" id="domain" name="domain" value=filters.domain placeholder="push.example.com" spellcheck="false"
                    aria-invalid=wrong.of("domain").map(|_| "true") aria-describedby=wrong.of("domain")/>
            </div>
        }
    });
    // When things went wrong is what a recovery asks first; the log asks it last.
    let since = moment_field(texts, "since", "deliveries.since", filters.since, wrong);
    let shown = filters.recovery.parse::<RecoveryId>().ok().map(|recovery| {
        view! { <a href=format!("/recoveries/{recovery}")>{texts.get("recovery.show")}</a> }
    });
    let recovery = (!filters.recovery.is_empty()).then(|| {
        view! {
            <input type="hidden" name="recovery" value=filters.recovery.clone()/>
            <p class="notice"><span>{texts.get("recovery.only")} " " {shown}</span></p>
        }
    });
    let (first, last) = if recovers { (Some(since), None) } else { (None, Some(since)) };
    let until = moment_field(texts, "until", "deliveries.until", filters.until, wrong);
    let number = kind_of(&filters.status, "number", |typed| typed.parse::<i64>().is_ok());
    view! {
        {wrong.note(texts)}
        <form method="get" action=path role="search">
            {recovery}
            <div class="filters">
                {first}
                {domain}
                <div class="field grow">
                    <label for="stream">{texts.get("streams.stream")}</label>
                    <input class="input" id="stream" name="stream" value=filters.stream placeholder="live/room_7" spellcheck="false"/>
                </div>
                <Select name="state" label=texts.get("deliveries.state") value=filters.state choices=states mistake=wrong.of("state")/>
                <Select name="kind" label=texts.get("deliveries.kind") value=filters.kind
                    choices=choices(texts, "kind", kinds) mistake=wrong.of("kind")/>
                <button class="btn">{texts.get(if recovers { "recovery.count" } else { "list.filter" })}</button>
                <a class="btn quiet" href=clear>{texts.get("list.clear")}</a>
            </div>
            <details class="disclosure" open=open>
                <summary>{texts.get("deliveries.more_filters")}</summary>
                <div class="filters">
                    <Select name="event" label=texts.get("deliveries.event") value=filters.event
                        choices=choices(texts, "event", events) mistake=wrong.of("event")/>
                    <Select name="errorClass" label=texts.get("deliveries.error") value=filters.error
                        choices=choices(texts, "class", CLASSES.into_iter()) mistake=wrong.of("errorClass")/>
                    <Field name="status" label=texts.get("deliveries.status") kind=number inputmode="numeric" class="narrow" value=filters.status
                        mistake=wrong.of("status")/>
                    {last}
                    {until}
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

    /// One row for each value that is none: nothing of it is passed over, in the log as in a recovery.
    #[test]
    fn a_value_that_cannot_be_used_is_never_passed_over() {
        for (query, field) in [
            ("state=nonsense", "state"),
            ("state=Failed", "state"),
            ("kind=pull", "kind"),
            ("event=publish", "event"),
            ("errorClass=http", "errorClass"),
            ("status=abc", "status"),
            ("status=5xx", "status"),
            ("status=99", "status"),
            ("status=-1", "status"),
            ("status=99999999999999999999", "status"),
            ("since=foo", "since"),
            ("since=1795357880", "since"),
            ("until=2026-02-30T00:00", "until"),
            ("since=2026-11-22T00:00&until=2026-11-21T00:00", "until"),
            ("domain=a+b", "domain"),
            ("state=failed&domain=-", "domain"),
        ] {
            let filters = Filters::of_text(query);
            for parsed in [filters.parse(&TimeZone::UTC), filters.parse_recoverable(&TimeZone::UTC)] {
                let wrong = parsed.map(|filter| format!("{filter:?}")).expect_err(query);
                assert!(wrong.of(field).is_some(), "{query}: {wrong:?}");
            }
        }
        let delivered = Filters::of_text("state=delivered");
        assert!(delivered.parse(&TimeZone::UTC).is_ok());
        assert!(delivered.parse_recoverable(&TimeZone::UTC).is_err(), "it cannot be recovered");
        assert!(
            delivered.recoverable().parse_recoverable(&TimeZone::UTC).is_ok(),
            "the link to recoveries leaves it out"
        );
        assert!(Filters::default().parse(&TimeZone::UTC).is_ok());
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
        let read = Filters::of_text(typed.strip_prefix('?').expect("a query")).parse(&zone).expect("a filter");
        assert_eq!(format!("{read:?}"), format!("{filter:?}"));
    }
}

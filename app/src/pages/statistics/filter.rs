//! The filters of statistics in the query string: `?slot=7d` or `?from=2026-11-01&to=2026-11-07`, and `&domain=a&domain=b`.

use callsheet::model::{Actor, DomainName};
use callsheet::stats::calendar::{Calendar, MAX_RANGE_S};
use callsheet::stats::{OTHER, StatsError, TimeRange};
use jiff::civil::Date;
use leptos::prelude::*;
use url::form_urlencoded;

use crate::components::{Head, Narrow};
use crate::context::Visit;
use crate::error::UiError;
use crate::query::{Fault, Mistakes, day_field};
use crate::request::encode;
use crate::texts::Texts;

/// Presets for the days up to today: parameter value and number of days.
const PRESETS: [(&str, i64); 3] = [("1d", 1), ("7d", 7), ("30d", 30)];
/// Number of domains above which the browser offers a text filter.
const FILTER_ABOVE: usize = 8;
/// Maximum number of domains in the list. Above it, the server searches.
const MAX_LISTED: usize = 100;

/// Names and values of query parameters.
pub(super) type Pairs = Vec<(&'static str, String)>;

/// Name and label of a field.
const FROM: (&str, &str) = ("from", "statistics.from");
const TO: (&str, &str) = ("to", "statistics.to");
/// Parameters that only the API supports. Ignoring them would show other figures than the address requests.
const API_ONLY: [&str; 4] = ["granularity", "groupBy", "codec", "class"];

/// Time range and domains of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// One of [`PRESETS`].
    preset: &'static str,
    /// An invalid preset; usually empty.
    unknown_preset: String,
    /// Parameters of [`API_ONLY`].
    api_only: Vec<(&'static str, String)>,
    /// First day as entered; empty: use the preset.
    from: String,
    to: String,
    /// Empty: all domains.
    pub(super) domains: Vec<String>,
    /// Search text for the list of domains.
    find: String,
}

/// Returns the values of a query parameter.
pub(super) fn values<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let values = pairs.filter(move |(key, _)| key == name).map(|(_, value)| value.trim().to_owned());
    values.filter(|value| !value.is_empty())
}

impl Scope {
    /// Parses a query string. `preset` is the default.
    pub(super) fn of_query(query: &str, preset: &'static str) -> Self {
        let value = |name| values(query, name).next().unwrap_or_default();
        let preset_value = value("slot");
        let named = PRESETS.iter().map(|(name, _)| *name).find(|name| *name == preset_value);
        let mut domains: Vec<String> = values(query, "domain").map(stored).collect();
        domains.sort_unstable();
        domains.dedup();
        Self {
            preset: named.unwrap_or(preset),
            unknown_preset: if named.is_some() { String::new() } else { preset_value },
            api_only: API_ONLY.into_iter().filter_map(|name| Some((name, values(query, name).next()?))).collect(),
            from: value("from"),
            to: value("to"),
            domains,
            find: value("find"),
        }
    }

    /// Returns whether dates are entered, valid or not.
    fn has_dates(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    /// Returns the range at `now` (Unix seconds). Errors are added to `wrong`; then the range must not be used.
    pub(super) fn range(&self, calendar: &Calendar, now: i64, wrong: &mut Mistakes) -> TimeRange {
        let days = PRESETS.iter().find(|(name, _)| *name == self.preset).map_or(1, |(_, days)| *days);
        if !self.unknown_preset.is_empty() {
            wrong.add("slot", "statistics.up_to_today", Fault::Choice, &self.unknown_preset);
        }
        for (name, value) in &self.api_only {
            wrong.add(name, "", Fault::ApiOnly, value);
        }
        let dates = if self.has_dates() { self.dates(calendar, wrong) } else { None };
        dates.unwrap_or_else(|| calendar.last_days(now, days))
    }

    /// Parses the dates. If one is missing, the range is a single day.
    fn dates(&self, calendar: &Calendar, wrong: &mut Mistakes) -> Option<TimeRange> {
        let day = |typed: &str| typed.parse::<Date>().ok();
        let from = wrong.read(FROM, Fault::Day, &self.from, day);
        let to = wrong.read(TO, Fault::Day, &self.to, day);
        let (first, last) = from.zip(to).or(from.zip(from)).or(to.zip(to))?;
        if last < first {
            wrong.add(TO.0, TO.1, Fault::Order, &self.to);
            return None;
        }
        let range = calendar.days(&first.to_string(), &last.to_string());
        let range = range.filter(|range| range.from >= 0 && range.to - range.from <= MAX_RANGE_S);
        if range.is_none() {
            let (name, label) = if self.from.is_empty() { TO } else { FROM };
            wrong.add(name, label, Fault::Span, if self.from.is_empty() { &self.to } else { &self.from });
        }
        range
    }

    /// Returns the query parameters.
    pub(super) fn pairs(&self) -> Pairs {
        let mut pairs = if self.has_dates() {
            vec![("from", self.from.clone()), ("to", self.to.clone())]
        } else {
            vec![("slot", self.preset.to_owned())]
        };
        pairs.extend(self.domains.iter().map(|domain| ("domain", domain.clone())));
        pairs
    }

    /// Returns the same range for one domain.
    pub(super) fn with_domain(&self, domain: &str) -> Self {
        Self { domains: vec![domain.to_owned()], ..self.clone() }
    }

    fn with_preset(&self, preset: &'static str) -> Self {
        Self { preset, unknown_preset: String::new(), from: String::new(), to: String::new(), ..self.clone() }
    }
}

/// Converts a domain name such as 直播.example to the stored form.
fn stored(name: String) -> String {
    if name == OTHER {
        return name;
    }
    DomainName::parse(&name).map_or(name, |parsed| parsed.ascii().to_owned())
}

/// Returns the address of `path` with these filters.
pub(super) fn href(path: &str, scope: &Scope, others: &Pairs) -> String {
    let mut pairs = scope.pairs();
    pairs.extend(others.iter().cloned());
    format!("{path}{}", encode(&pairs))
}

/// Renders the filters as a form that works without script, below their errors. `others` are the other query parameters.
pub(super) async fn form(
    visit: &Visit,
    actor: &Actor,
    wrong: &Mistakes,
    path: &'static str,
    scope: &Scope,
    others: &Pairs,
) -> Result<AnyView, UiError> {
    let texts = visit.texts;
    let known = visit.console.stats.domain_names(actor, &scope.find, MAX_LISTED as i64 + 1).await;
    let known = known.map_err(|e| UiError::of(texts, &e))?;
    let presets = PRESETS.map(|(preset, days)| {
        let current =
            (!scope.has_dates() && scope.unknown_preset.is_empty() && scope.preset == preset).then_some("true");
        let text = texts.count("statistics.days", days);
        view! { <a href=href(path, &scope.with_preset(preset), others) aria-current=current>{text}</a> }
    });
    let hidden = others.iter().map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> });
    let hidden: Vec<_> = hidden.collect();
    let range = (!scope.has_dates()).then(|| view! { <input type="hidden" name="slot" value=scope.preset/> });
    Ok(view! {
        {wrong.note(texts)}
        <form class="filters" method="get" action=path role="search">
            {hidden} {range}
            <div class="field grow">
                <span class="field-label">{texts.get("statistics.domains")}</span>
                {picker(texts, scope, &known)}
            </div>
            <div class="field">
                <span class="field-label" id="presets">{texts.get("statistics.up_to_today")}</span>
                <nav class="segmented" aria-labelledby="presets">{presets}</nav>
            </div>
            {day_field(texts, FROM.0, FROM.1, scope.from.clone(), wrong)}
            {day_field(texts, TO.0, TO.1, scope.to.clone(), wrong)}
            <button class="btn primary">{texts.get("statistics.show")}</button>
        </form>
    }
    .into_any())
}

/// Converts an unknown domain to an error of the filter, and any other error to a failure of the page.
pub(super) fn found<T>(answer: Result<T, StatsError>, texts: Texts) -> Result<Result<T, Mistakes>, UiError> {
    match answer {
        Ok(view) => Ok(Ok(view)),
        Err(StatsError::UnknownDomain(name)) => {
            Ok(Err(Mistakes::one("domain", "statistics.domains", Fault::Domain, &name)))
        }
        Err(error) => Err(UiError::of(texts, &error)),
    }
}

/// Renders a page with invalid filters. `title` is the key of its text.
pub(super) fn refused(texts: Texts, wrong: &Mistakes, title: &str, form: AnyView, path: &str) -> AnyView {
    view! {
        <Head title=texts.get(title)/>
        {form}
        <section class="card">{wrong.instead(texts, path, &[])}</section>
    }
    .into_any()
}

/// Renders the list of domains, collapsed below the selection.
fn picker(texts: Texts, scope: &Scope, known: &[String]) -> AnyView {
    let selected = match scope.domains.as_slice() {
        [] => texts.get("statistics.all_domains"),
        [one] => display_name(texts, one),
        several => texts.count("statistics.some_domains", i64::try_from(several.len()).unwrap_or(i64::MAX)),
    };
    let is_cut = known.len() > MAX_LISTED;
    // Selected domains come first, even without statistics.
    let others = known.iter().take(MAX_LISTED).filter(|name| !scope.domains.contains(name));
    let boxes: Vec<_> = scope
        .domains
        .iter()
        .map(|name| (name, true))
        .chain(others.map(|name| (name, false)))
        .map(|(name, checked)| {
            view! {
                <label><input type="checkbox" name="domain" value=name.clone() checked=checked autocomplete="off"/>{display_name(texts, name)}</label>
            }
        })
        .collect();
    let label = texts.get("statistics.find_domain");
    let find = if is_cut || !scope.find.is_empty() {
        let help = texts.fill("statistics.find_help", &[("n", &MAX_LISTED.to_string())]);
        view! {
            <input class="input" type="search" name="find" value=scope.find.clone() placeholder=label.clone() aria-label=label
                aria-describedby="find-help" autocomplete="off"/>
            <p class="help" id="find-help">{help}</p>
        }
        .into_any()
    } else {
        (boxes.len() > FILTER_ABOVE).then(|| view! { <Narrow label=label/> }).into_any()
    };
    view! {
        <details class="domain-picker" open=!scope.find.is_empty()>
            <summary class="input">{selected}</summary>
            <div>
                {find}
                <fieldset>
                    <legend class="visually-hidden">{texts.get("statistics.domains")}</legend>
                    {boxes}
                </fieldset>
                <p class="help">{texts.get("statistics.none_is_all")}</p>
            </div>
        </details>
    }
    .into_any()
}

/// Returns the display name of a domain.
pub(super) fn display_name(texts: Texts, domain: &str) -> String {
    if domain == OTHER { texts.get("statistics.other_hosts") } else { domain.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    // 22 November 2026, 14:35 in Shanghai.
    const NOW: i64 = 1_795_329_300;

    fn calendar() -> Calendar {
        Calendar::new(TimeZone::get("Asia/Shanghai").expect("zone"))
    }

    fn read(query: &str) -> Result<TimeRange, Mistakes> {
        let mut wrong = Mistakes::default();
        let range = Scope::of_query(query, "1d").range(&calendar(), NOW, &mut wrong);
        wrong.or(range)
    }

    #[test]
    fn days_follow_the_time_zone_of_the_console() {
        let range = |query: &str| read(query).expect("a range");
        let midnight = 1_795_276_800;
        assert_eq!(range(""), TimeRange { from: midnight, to: midnight + 86_400 });
        assert_eq!(range("slot=7d"), TimeRange { from: midnight - 6 * 86_400, to: midnight + 86_400 });
        assert_eq!(range("from=2026-11-20&to=2026-11-21"), TimeRange { from: midnight - 2 * 86_400, to: midnight });
        assert_eq!(range("from=2026-11-20"), TimeRange { from: midnight - 2 * 86_400, to: midnight - 86_400 });
        assert_eq!(range("to=2026-11-20"), range("from=2026-11-20"));
    }

    #[test]
    fn an_invalid_value_is_never_ignored() {
        for (query, field) in [
            ("from=2026-11-21&to=2026-11-20", "to"),
            ("from=soon", "from"),
            ("from=2026-11-20&to=foo", "to"),
            ("to=2026-02-30&slot=30d", "to"),
            ("from=1999-01-01&to=2026-11-22", "from"),
            ("to=1969-12-30", "to"),
            ("slot=year", "slot"),
            ("slot=year&from=2026-11-20", "slot"),
            ("granularity=nonsense", "granularity"),
            ("slot=7d&groupBy=domain", "groupBy"),
        ] {
            let wrong = read(query).expect_err(query);
            assert!(wrong.of(field).is_some(), "{query}: {wrong:?}");
        }
    }

    #[test]
    fn an_address_is_parsed_and_written_unchanged() {
        let query = "slot=30d&domain=b.example&domain=&domain=a.example&domain=b.example&domain=(other)";
        let scope = Scope::of_query(query, "1d");
        assert_eq!(scope.domains, ["(other)", "a.example", "b.example"]);
        let address = href("/statistics/usage", &scope, &vec![("metric", "traffic".to_owned())]);
        assert_eq!(
            address,
            "/statistics/usage?slot=30d&domain=%28other%29&domain=a.example&domain=b.example&metric=traffic"
        );
        assert_eq!(Scope::of_query(&address[18..], "1d"), scope);
        assert_eq!(href("/x", &scope.with_domain("c.example"), &Vec::new()), "/x?slot=30d&domain=c.example");
        assert_eq!(Scope::of_query("domain=%E7%9B%B4%E6%92%AD.example", "1d").domains, ["xn--z6ut02b.example"]);
    }
}

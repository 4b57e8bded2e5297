//! The filters of statistics, as they stand in the page's address: `?slot=7d` or `?from=2026-11-01&to=2026-11-07`, and `&domain=a&domain=b`.

use callsheet::model::{Actor, DomainName};
use callsheet::stats::calendar::{Calendar, LONGEST};
use callsheet::stats::{OTHER, Slot, StatsError};
use jiff::civil::Date;
use leptos::prelude::*;
use url::form_urlencoded;

use crate::components::{Head, Narrow};
use crate::context::Visit;
use crate::error::UiError;
use crate::query::{Fault, Mistakes, day_field};
use crate::request::encode;
use crate::texts::Texts;

/// Days up to today: what stands in the address, and how many.
const PRESETS: [(&str, i64); 3] = [("1d", 1), ("7d", 7), ("30d", 30)];
/// Of more domains than these, a box finds the one.
const MANY: usize = 8;
/// Domains to choose from at once; of more than these the server finds the one.
const MOST: usize = 100;

/// Name and value of each pair of an address.
pub(super) type Pairs = Vec<(&'static str, String)>;

/// Name and label of the fields.
const FROM: (&str, &str) = ("from", "statistics.from");
const TO: (&str, &str) = ("to", "statistics.to");
/// Names that only the API reads. A page that ignored them would show more than its address asks for.
const API_ONLY: [&str; 4] = ["granularity", "groupBy", "codec", "class"];

/// Of when and of which domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// One of [`PRESETS`].
    preset: &'static str,
    /// A value that is given as a preset and is none; usually empty.
    slot: String,
    /// What of [`API_ONLY`] stands in the address.
    foreign: Vec<(&'static str, String)>,
    /// As typed; empty: the preset.
    from: String,
    to: String,
    /// None: all.
    pub(super) domains: Vec<String>,
    /// Part of the names to choose from.
    find: String,
}

/// The values of one name in an address.
pub(super) fn values<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let values = pairs.filter(move |(key, _)| key == name).map(|(_, value)| value.trim().to_owned());
    values.filter(|value| !value.is_empty())
}

impl Scope {
    /// `preset`: where the address names none.
    pub(super) fn of_query(query: &str, preset: &'static str) -> Self {
        let value = |name| values(query, name).next().unwrap_or_default();
        let slot = value("slot");
        let named = PRESETS.iter().map(|(name, _)| *name).find(|name| *name == slot);
        let mut domains: Vec<String> = values(query, "domain").map(stored).collect();
        domains.sort_unstable();
        domains.dedup();
        Self {
            preset: named.unwrap_or(preset),
            slot: if named.is_some() { String::new() } else { slot },
            foreign: API_ONLY.into_iter().filter_map(|name| Some((name, values(query, name).next()?))).collect(),
            from: value("from"),
            to: value("to"),
            domains,
            find: value("find"),
        }
    }

    /// A range of one's own, whether or not it reads as one.
    fn is_own(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    /// The slot at `now` (Unix seconds). `wrong` gets what of the scope cannot be used, and the slot is none then.
    pub(super) fn slot(&self, calendar: &Calendar, now: i64, wrong: &mut Mistakes) -> Slot {
        let days = PRESETS.iter().find(|(name, _)| *name == self.preset).map_or(1, |(_, days)| *days);
        if !self.slot.is_empty() {
            wrong.add("slot", "statistics.up_to_today", Fault::Choice, &self.slot);
        }
        for (name, value) in &self.foreign {
            wrong.add(name, "", Fault::ApiOnly, value);
        }
        let own = if self.is_own() { self.own(calendar, wrong) } else { None };
        own.unwrap_or_else(|| calendar.last_days(now, days))
    }

    /// One day where the other is not given.
    fn own(&self, calendar: &Calendar, wrong: &mut Mistakes) -> Option<Slot> {
        let day = |typed: &str| typed.parse::<Date>().ok();
        let from = wrong.read(FROM, Fault::Day, &self.from, day);
        let to = wrong.read(TO, Fault::Day, &self.to, day);
        let (first, last) = from.zip(to).or(from.zip(from)).or(to.zip(to))?;
        if last < first {
            wrong.add(TO.0, TO.1, Fault::Order, &self.to);
            return None;
        }
        let slot = calendar.days(&first.to_string(), &last.to_string());
        let slot = slot.filter(|slot| slot.from >= 0 && slot.to - slot.from <= LONGEST);
        if slot.is_none() {
            let (name, label) = if self.from.is_empty() { TO } else { FROM };
            wrong.add(name, label, Fault::Span, if self.from.is_empty() { &self.to } else { &self.from });
        }
        slot
    }

    /// The same, in an address.
    pub(super) fn pairs(&self) -> Pairs {
        let mut pairs = if self.is_own() {
            vec![("from", self.from.clone()), ("to", self.to.clone())]
        } else {
            vec![("slot", self.preset.to_owned())]
        };
        pairs.extend(self.domains.iter().map(|domain| ("domain", domain.clone())));
        pairs
    }

    /// The same time, of one domain.
    pub(super) fn of_domain(&self, domain: &str) -> Self {
        Self { domains: vec![domain.to_owned()], ..self.clone() }
    }

    fn in_preset(&self, preset: &'static str) -> Self {
        Self { preset, slot: String::new(), from: String::new(), to: String::new(), ..self.clone() }
    }
}

/// A name as figures are stored under; people write 直播.example.
fn stored(name: String) -> String {
    if name == OTHER {
        return name;
    }
    DomainName::parse(&name).map_or(name, |parsed| parsed.ascii().to_owned())
}

/// The address of `path` with these filters.
pub(super) fn href(path: &str, scope: &Scope, others: &Pairs) -> String {
    let mut pairs = scope.pairs();
    pairs.extend(others.iter().cloned());
    format!("{path}{}", encode(&pairs))
}

/// The filters as a form that works without script, with what is wrong with them above. `others`: what else the address says.
pub(super) async fn form(
    visit: &Visit,
    actor: &Actor,
    wrong: &Mistakes,
    path: &'static str,
    scope: &Scope,
    others: &Pairs,
) -> Result<AnyView, UiError> {
    let texts = visit.texts;
    let known = visit.console.stats.domain_names(actor, &scope.find, MOST as i64 + 1).await;
    let known = known.map_err(|e| UiError::of(texts, &e))?;
    let presets = PRESETS.map(|(preset, days)| {
        let current = (!scope.is_own() && scope.slot.is_empty() && scope.preset == preset).then_some("true");
        let text = texts.count("statistics.days", days);
        view! { <a href=href(path, &scope.in_preset(preset), others) aria-current=current>{text}</a> }
    });
    let hidden = others.iter().map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> });
    let hidden: Vec<_> = hidden.collect();
    let slot = (!scope.is_own()).then(|| view! { <input type="hidden" name="slot" value=scope.preset/> });
    Ok(view! {
        {wrong.note(texts)}
        <form class="filters" method="get" action=path role="search">
            {hidden} {slot}
            <div class="field grow">
                <span class="label">{texts.get("statistics.domains")}</span>
                {picker(texts, scope, &known)}
            </div>
            <div class="field">
                <span class="label" id="presets">{texts.get("statistics.up_to_today")}</span>
                <nav class="seg" aria-labelledby="presets">{presets}</nav>
            </div>
            {day_field(texts, FROM.0, FROM.1, scope.from.clone(), wrong)}
            {day_field(texts, TO.0, TO.1, scope.to.clone(), wrong)}
            <button class="btn primary">{texts.get("statistics.show")}</button>
        </form>
    }
    .into_any())
}

/// What the core answers. A domain that it does not know is a mistake of the filter; all else is a failure of the page.
pub(super) fn found<T>(answer: Result<T, StatsError>, texts: Texts) -> Result<Result<T, Mistakes>, UiError> {
    match answer {
        Ok(view) => Ok(Ok(view)),
        Err(StatsError::UnknownDomain(name)) => {
            Ok(Err(Mistakes::one("domain", "statistics.domains", Fault::Domain, &name)))
        }
        Err(error) => Err(UiError::of(texts, &error)),
    }
}

/// A page whose filters cannot be used. `title`: key of its text.
pub(super) fn refused(texts: Texts, wrong: &Mistakes, title: &str, form: AnyView, path: &str) -> AnyView {
    view! {
        <Head title=texts.get(title)/>
        {form}
        <section class="card">{wrong.instead(texts, path, &[])}</section>
    }
    .into_any()
}

/// The domains to choose from, folded behind what is chosen.
fn picker(texts: Texts, scope: &Scope, known: &[String]) -> AnyView {
    let chosen = match scope.domains.as_slice() {
        [] => texts.get("statistics.all_domains"),
        [one] => shown(texts, one),
        several => texts.count("statistics.some_domains", i64::try_from(several.len()).unwrap_or(i64::MAX)),
    };
    let is_cut = known.len() > MOST;
    // Chosen ones first, also those of which there is nothing.
    let others = known.iter().take(MOST).filter(|name| !scope.domains.contains(name));
    let boxes: Vec<_> = scope
        .domains
        .iter()
        .map(|name| (name, true))
        .chain(others.map(|name| (name, false)))
        .map(|(name, checked)| {
            view! {
                <label><input type="checkbox" name="domain" value=name.clone() checked=checked autocomplete="off"/>{shown(texts, name)}</label>
            }
        })
        .collect();
    let label = texts.get("statistics.find_domain");
    let find = if is_cut || !scope.find.is_empty() {
        let help = texts.fill("statistics.find_help", &[("n", &MOST.to_string())]);
        view! {
            <input class="input" type="search" name="find" value=scope.find.clone() placeholder=label.clone() aria-label=label
                aria-describedby="find-help" autocomplete="off"/>
            <p class="help" id="find-help">{help}</p>
        }
        .into_any()
    } else {
        (boxes.len() > MANY).then(|| view! { <Narrow label=label/> }).into_any()
    };
    view! {
        <details class="picker" open=!scope.find.is_empty()>
            <summary class="input">{chosen}</summary>
            <div>
                {find}
                <fieldset>
                    <legend class="aside">{texts.get("statistics.domains")}</legend>
                    {boxes}
                </fieldset>
                <p class="help">{texts.get("statistics.none_is_all")}</p>
            </div>
        </details>
    }
    .into_any()
}

/// A domain's name for people.
pub(super) fn shown(texts: Texts, domain: &str) -> String {
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

    fn read(query: &str) -> Result<Slot, Mistakes> {
        let mut wrong = Mistakes::default();
        let slot = Scope::of_query(query, "1d").slot(&calendar(), NOW, &mut wrong);
        wrong.or(slot)
    }

    #[test]
    fn days_are_of_the_consoles_zone() {
        let slot = |query: &str| read(query).expect("a slot");
        let midnight = 1_795_276_800;
        assert_eq!(slot(""), Slot { from: midnight, to: midnight + 86_400 });
        assert_eq!(slot("slot=7d"), Slot { from: midnight - 6 * 86_400, to: midnight + 86_400 });
        assert_eq!(slot("from=2026-11-20&to=2026-11-21"), Slot { from: midnight - 2 * 86_400, to: midnight });
        assert_eq!(slot("from=2026-11-20"), Slot { from: midnight - 2 * 86_400, to: midnight - 86_400 });
        assert_eq!(slot("to=2026-11-20"), slot("from=2026-11-20"));
    }

    #[test]
    fn a_value_that_cannot_be_used_is_never_passed_over() {
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
    fn an_address_is_read_and_written_again() {
        let query = "slot=30d&domain=b.example&domain=&domain=a.example&domain=b.example&domain=(other)";
        let scope = Scope::of_query(query, "1d");
        assert_eq!(scope.domains, ["(other)", "a.example", "b.example"]);
        let address = href("/statistics/usage", &scope, &vec![("metric", "traffic".to_owned())]);
        assert_eq!(
            address,
            "/statistics/usage?slot=30d&domain=%28other%29&domain=a.example&domain=b.example&metric=traffic"
        );
        assert_eq!(Scope::of_query(&address[18..], "1d"), scope);
        assert_eq!(href("/x", &scope.of_domain("c.example"), &Vec::new()), "/x?slot=30d&domain=c.example");
        assert_eq!(Scope::of_query("domain=%E7%9B%B4%E6%92%AD.example", "1d").domains, ["xn--z6ut02b.example"]);
    }
}

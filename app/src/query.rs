//! What the address of a page asks for. People type addresses, cut them short and pass them on after what they name is gone: a value that
//! cannot be used is shown by the name of its field, and nothing is listed or counted as if it had not been asked for.

use callsheet::model::{Millis, PageRequest};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use leptos::prelude::*;

use crate::components::{Empty, Field, Note, Tone};
use crate::error::UiError;
use crate::request::{encode, set_status};
use crate::texts::Texts;
use crate::times::typed_moment;

/// Characters of a value that a message repeats.
const SHOWN: usize = 60;
/// Far beyond any list; keeps the offset small enough to count.
const MOST_PAGES: i64 = 1_000_000;

/// Why a value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None of the values that the field has.
    Choice,
    /// No date with a time of day.
    Moment,
    /// No date.
    Day,
    /// No HTTP status.
    Status,
    /// A domain that the console does not have.
    Domain,
    /// No number of a page.
    Page,
    /// The end of a span of time is not after its start.
    Order,
    /// A span of time that is longer or earlier than statistics are.
    Span,
    /// Only the API has this.
    ApiOnly,
}

impl Fault {
    const fn key(self) -> &'static str {
        match self {
            Self::Choice => "query.choice",
            Self::Moment => "query.moment",
            Self::Day => "query.day",
            Self::Status => "query.status",
            Self::Domain => "query.domain",
            Self::Page => "query.page_number",
            Self::Order => "query.order",
            Self::Span => "query.span",
            Self::ApiOnly => "query.api_only",
        }
    }
}

/// A value of the address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mistake {
    /// In the address and in the form.
    name: &'static str,
    /// Key of the field's label; empty: it has none but its name.
    label: &'static str,
    fault: Fault,
    value: String,
}

impl Mistake {
    fn text(&self, texts: Texts) -> String {
        let field = if self.label.is_empty() { self.name.to_owned() } else { texts.get(self.label) };
        let mut value: String = self.value.chars().take(SHOWN).collect();
        if value.len() < self.value.len() {
            value.push('…');
        }
        texts.fill(self.fault.key(), &[("field", &field), ("value", &value)])
    }
}

/// What of an address cannot be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(crate) fn one(name: &'static str, label: &'static str, fault: Fault, value: &str) -> Self {
        let mut mistakes = Self::default();
        mistakes.add(name, label, fault, value);
        mistakes
    }

    pub(crate) fn add(&mut self, name: &'static str, label: &'static str, fault: Fault, value: &str) {
        self.0.push(Mistake { name, label, fault, value: value.to_owned() });
    }

    /// A field's value by `read`; an empty field has none. `label`: key of the field's text.
    pub(crate) fn read<T>(
        &mut self,
        (name, label): (&'static str, &'static str),
        fault: Fault,
        typed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if typed.is_empty() {
            return None;
        }
        let value = read(typed);
        if value.is_none() {
            self.add(name, label, fault, typed);
        }
        value
    }

    /// `since` and `until` of a list.
    pub(crate) fn read_span(&mut self, since: &str, until: &str, zone: &TimeZone) -> (Option<Millis>, Option<Millis>) {
        let mut moment = |field, typed: &str| self.read(field, Fault::Moment, typed, |typed| typed_moment(typed, zone));
        let from = moment(("since", "deliveries.since"), since);
        let to = moment(("until", "deliveries.until"), until);
        if from.zip(to).is_some_and(|(from, to)| to <= from) {
            self.add("until", "deliveries.until", Fault::Order, until);
        }
        (from, to)
    }

    /// `value`, if nothing was wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The id of the message of a field, where its value cannot be used.
    pub(crate) fn of(&self, name: &str) -> Option<String> {
        self.0.iter().find(|mistake| mistake.name == name).map(|mistake| id(mistake.name))
    }

    /// As the API answers: a domain that is none is not found, all else cannot be read.
    fn status(&self) -> u16 {
        if self.0.iter().all(|mistake| mistake.fault == Fault::Domain) { 404 } else { 422 }
    }

    /// The message above the filters. The answer's status says so too.
    pub(crate) fn note(&self, texts: Texts) -> AnyView {
        if self.0.is_empty() {
            return ().into_any();
        }
        set_status(self.status());
        let lines = self.0.iter().map(|mistake| view! { <p id=id(mistake.name)>{mistake.text(texts)}</p> });
        let lines: Vec<_> = lines.collect();
        view! { <Note tone=Tone::Bad>{lines}</Note> }.into_any()
    }

    /// In place of rows or figures. `path`: the page without filters; `query`: the filters, which stay where only the page of the list is
    /// none.
    pub(crate) fn instead(&self, texts: Texts, path: &str, query: &[(&'static str, String)]) -> AnyView {
        let only_page = self.0.iter().all(|mistake| mistake.fault == Fault::Page);
        let (title, text, href, label) = if only_page {
            ("list.beyond", "query.no_page", format!("{path}{}", encode(query)), "list.first")
        } else {
            ("query.nothing", "query.nothing_text", path.to_owned(), "list.clear")
        };
        let link = view! { <a class="btn" href=href>{texts.get(label)}</a> };
        view! { <Empty title=texts.get(title) text=texts.get(text)>{link}</Empty> }.into_any()
    }

    /// The same in place of a file.
    pub(crate) fn error(&self, texts: Texts) -> UiError {
        let lines: Vec<_> = self.0.iter().map(|mistake| mistake.text(texts)).collect();
        let field = self.0.first().map(|mistake| mistake.name.to_owned());
        UiError { code: "bad_request".to_owned(), status: self.status(), message: lines.join("\n"), field }
    }
}

/// Both, or all that is wrong with either.
pub(crate) fn both<A, B>(a: Result<A, Mistakes>, b: Result<B, Mistakes>) -> Result<(A, B), Mistakes> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(Mistakes([a.0, b.0].concat())),
        (Err(mistakes), _) | (_, Err(mistakes)) => Err(mistakes),
    }
}

fn id(name: &str) -> String {
    format!("{name}-mistake")
}

/// The page of a list that an address asks for; the first where it names none.
pub(crate) fn page_of_list(typed: Option<String>) -> Result<PageRequest, Mistakes> {
    let typed = typed.unwrap_or_default();
    let number = match typed.trim() {
        "" => Some(1),
        // Too many digits for any number are a page beyond the end too.
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().unwrap_or(MOST_PAGES)),
        _ => None,
    };
    match number.filter(|number| *number >= 1) {
        Some(number) => Ok(PageRequest::of_console(number)),
        None => Err(Mistakes::one("page", "list.page", Fault::Page, &typed)),
    }
}

/// A field for a moment. What the browser's own field for times cannot hold is shown as text, so that it stays to be corrected.
pub(crate) fn moment_field(texts: Texts, name: &'static str, key: &str, typed: String, mistakes: &Mistakes) -> AnyView {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let kind =
        kind_of(&typed, "datetime-local", |typed| forms.iter().any(|form| DateTime::strptime(form, typed).is_ok()));
    view! { <Field name label=texts.get(key) kind value=typed mistake=mistakes.of(name)/> }.into_any()
}

/// A field for a day, in the same way.
pub(crate) fn day_field(texts: Texts, name: &'static str, key: &str, typed: String, mistakes: &Mistakes) -> AnyView {
    let kind = kind_of(&typed, "date", |typed| Date::strptime("%Y-%m-%d", typed).is_ok());
    view! { <Field name label=texts.get(key) kind value=typed mistake=mistakes.of(name)/> }.into_any()
}

/// The kind of input for a value: `kind`, unless the browser could not show it.
pub(crate) fn kind_of(typed: &str, kind: &'static str, holds: impl FnOnce(&str) -> bool) -> &'static str {
    if typed.is_empty() || holds(typed) { kind } else { "text" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Locale;

    #[test]
    fn pages_are_counted_from_one() {
        let number = |typed: &str| page_of_list(Some(typed.to_owned())).map(|page| page.number).ok();
        assert_eq!(page_of_list(None).map(|page| page.number), Ok(1));
        for (typed, page) in [
            ("", Some(1)),
            (" 1 ", Some(1)),
            ("007", Some(7)),
            ("9999", Some(9999)),
            ("99999999999999999999999", Some(MOST_PAGES)),
            ("0", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("abc", None),
            ("１", None),
        ] {
            assert_eq!(number(typed), page, "{typed}");
        }
    }

    #[test]
    fn a_span_ends_after_its_start() {
        let read = |since: &str, until: &str| {
            let mut mistakes = Mistakes::default();
            let span = mistakes.read_span(since, until, &TimeZone::UTC);
            mistakes.or(span).map_err(|mistakes| mistakes.0.iter().map(|m| (m.name, m.fault)).collect::<Vec<_>>())
        };
        assert_eq!(read("", ""), Ok((None, None)));
        assert_eq!(read("1970-01-01T00:00:01", "1970-01-01T00:00:02"), Ok((Some(1000), Some(2000))));
        assert_eq!(read("1970-01-01T00:01", "1970-01-01T00:01"), Err(vec![("until", Fault::Order)]));
        assert_eq!(read("foo", "1970-02-30T00:00"), Err(vec![("since", Fault::Moment), ("until", Fault::Moment)]));
    }

    #[test]
    fn a_message_names_the_field_and_repeats_what_was_typed() {
        let long = "x".repeat(SHOWN + 1);
        let mistakes = Mistakes::one("state", "deliveries.state", Fault::Choice, &long);
        for locale in Locale::ALL {
            let message = mistakes.error(Texts(locale)).message;
            assert!(message.contains(&Texts(locale).get("deliveries.state")), "{message}");
            assert!(message.contains(&format!("{}…", &long[1..])), "{message}");
        }
        assert_eq!((mistakes.of("state").as_deref(), mistakes.of("kind")), (Some("state-mistake"), None));
    }
}

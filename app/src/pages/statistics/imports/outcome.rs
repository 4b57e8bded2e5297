//! Result of an upload as the page shows it.

use callsheet::model::DomainName;
use callsheet::stats::access_log::{BadLine, ImportReport, LineError, Note, NoteCount};
use callsheet::stats::{ImportResult, TrafficBase};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::request::encode;
use crate::texts::{Texts, number};
use crate::units::Quantity;

/// Texts about the import of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) tone: OutcomeTone,
    pub(crate) title: String,
    pub(crate) notes: Vec<String>,
    /// Name and value of each.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) bad: Option<BadLines>,
    pub(crate) unknown: Option<UnknownHosts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OutcomeTone {
    Good,
    /// Counted, with something to check.
    Mixed,
    /// No line could be counted.
    Bad,
    /// Contained nothing new.
    Plain,
}

impl OutcomeTone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "notice success import-result",
            Self::Mixed => "notice warning import-result",
            Self::Bad => "notice error import-result",
            Self::Plain => "notice import-result",
        }
    }
}

/// A table of lines that were not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BadLines {
    pub(crate) title: String,
    pub(crate) heads: [String; 2],
    /// Line numbers and the reason.
    pub(crate) rows: Vec<[String; 2]>,
}

/// A table of unknown hosts, which are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnknownHosts {
    pub(crate) title: String,
    pub(crate) help: String,
    pub(crate) heads: [String; 2],
    pub(crate) rows: Vec<UnknownHost>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnknownHost {
    pub(crate) host: String,
    pub(crate) requests: String,
    /// Address and text of the link that adds the host; `None` for an invalid host name.
    pub(crate) add: Option<(String, String)>,
}

pub(super) fn view(outcome: Outcome) -> AnyView {
    let Outcome { tone, title, notes, facts, bad, unknown } = outcome;
    let notes: Vec<_> = notes.into_iter().map(|note| view! { <p>{note}</p> }).collect();
    let facts: Vec<_> =
        facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect();
    view! {
        <section class=tone.class() aria-labelledby="outcome">
            <h3 id="outcome">{title}</h3>
            {notes}
            {(!facts.is_empty()).then(|| view! { <dl class="counts">{facts}</dl> })}
            {unknown.map(unknown_table)}
            {bad.map(bad_table)}
        </section>
    }
    .into_any()
}

fn bad_table(BadLines { title, heads: [line, reason], rows }: BadLines) -> AnyView {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|[line, reason]| view! { <tr><th scope="row">{line}</th><td>{reason}</td></tr> })
        .collect();
    view! {
        <details class="disclosure" open=true>
            <summary>{title}</summary>
            <table class="import-issues">
                <thead><tr><th scope="col">{line}</th><th scope="col">{reason}</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
    .into_any()
}

fn unknown_table(UnknownHosts { title, help, heads: [host, requests], rows }: UnknownHosts) -> AnyView {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|unknown| {
            let add = unknown.add.map(|(href, text)| {
                let host = unknown.host.clone();
                view! { <a class="add" href=href>{text}<span class="visually-hidden">" "{host}</span></a> }
            });
            view! { <tr><th scope="row">{unknown.host}{add}</th><td>{unknown.requests}</td></tr> }
        })
        .collect();
    view! {
        <details class="disclosure" open=true>
            <summary>{title}</summary>
            <p>{help}</p>
            <table class="import-issues hosts">
                <thead><tr><th scope="col">{host}</th><th scope="col">{requests}</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
    .into_any()
}

/// Describes the result of an import.
pub(super) fn outcome(texts: Texts, base: TrafficBase, name: &str, imported: &ImportResult) -> Outcome {
    let ImportResult { report, skipped_bytes, broken, .. } = imported;
    let (lines, bad) = (to_i64(report.lines), to_i64(report.bad));
    let named = |key: &str| texts.fill(key, &[("name", name)]);
    if imported.is_duplicate() {
        let title = named("imports.duplicate");
        return Outcome {
            tone: OutcomeTone::Plain,
            title,
            notes: vec![texts.get("imports.duplicate_text")],
            facts: Vec::new(),
            bad: None,
            unknown: None,
        };
    }
    let nothing = lines == bad;
    let title = if nothing { named("imports.nothing") } else { named("imports.counted") };
    let known = (*skipped_bytes > 0)
        .then(|| texts.fill("imports.skipped", &[("size", &Quantity::Bytes(base).text(to_i64(*skipped_bytes)))]));
    let broken = broken.as_ref().map(|why| texts.fill("imports.cut_off", &[("why", why)]));
    let guesses = report.notes.iter().map(|&NoteCount { note, lines }| {
        let text = texts.word("log_note", note.as_str());
        texts.fill("imports.noted", &[("text", &text), ("n", &number(to_i64(lines)))])
    });
    // `DomainGiven` is no guess, because the user has entered the domain.
    let is_guessed = report.notes.iter().any(|count| count.note != Note::DomainGiven);
    let tone = match () {
        () if nothing => OutcomeTone::Bad,
        () if broken.is_some() || bad > 0 || report.unknown > 0 || is_guessed => OutcomeTone::Mixed,
        () => OutcomeTone::Good,
    };
    let facts = [
        ("imports.format", texts.word("log_format", report.format.as_str())),
        ("imports.lines", number(lines)),
        ("imports.bad", number(bad)),
        ("imports.sent", Quantity::Bytes(base).text(report.bytes)),
    ];
    Outcome {
        tone,
        title,
        notes: broken.into_iter().chain(known).chain(guesses).collect(),
        facts: facts.into_iter().map(|(key, value)| (texts.get(key), value)).collect(),
        bad: (bad > 0).then(|| bad_lines(texts, report)),
        unknown: (report.unknown > 0).then(|| unknown_hosts(texts, report)),
    }
}

fn bad_lines(texts: Texts, report: &ImportReport) -> BadLines {
    // Grouped by reason, in the order of the first line.
    let mut rows: Vec<(LineError, Vec<u64>)> = Vec::new();
    for &BadLine { line, reason } in &report.bad_lines {
        match rows.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, lines)) => lines.push(line),
            None => rows.push((reason, vec![line])),
        }
    }
    let rows = rows.iter().map(|(reason, lines)| [line_ranges(lines), texts.word("bad_line", reason.as_str())]);
    let (shown, all) = (report.bad_lines.len(), to_i64(report.bad));
    let title = if to_i64(shown as u64) < all {
        texts.fill("imports.first_bad", &[("shown", &shown.to_string()), ("n", &number(all))])
    } else {
        texts.count("imports.bad_lines", all)
    };
    BadLines { title, heads: [texts.get("imports.line"), texts.get("imports.reason")], rows: rows.collect() }
}

/// Joins line numbers to ranges: `1–3, 7` for 1, 2, 3 and 7.
fn line_ranges(lines: &[u64]) -> String {
    let line_ranges = lines.chunk_by(|before, after| before + 1 == *after).map(|run| match run {
        [first, .., last] => format!("{}–{}", number(to_i64(*first)), number(to_i64(*last))),
        run => run.iter().map(|line| number(to_i64(*line))).collect(),
    });
    line_ranges.collect::<Vec<_>>().join(", ")
}

fn unknown_hosts(texts: Texts, report: &ImportReport) -> UnknownHosts {
    let row = |host: &str, requests: u64| {
        let name = DomainName::parse(host).ok();
        let add = name.map(|name| {
            let address = encode(&[("vod", name.ascii().to_owned())]);
            (format!("/settings{address}#add-vod-domain"), texts.get("imports.add_host"))
        });
        let shown = if host.is_empty() { texts.get("imports.no_host") } else { host.to_owned() };
        UnknownHost { host: shown, requests: number(to_i64(requests)), add }
    };
    UnknownHosts {
        title: texts.count("imports.unknown", to_i64(report.unknown)),
        help: texts.get("imports.unknown_help"),
        heads: [texts.get("imports.host"), texts.get("imports.requests")],
        rows: report.unknown_hosts.iter().map(|unknown| row(&unknown.host, unknown.requests)).collect(),
    }
}

fn to_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::line_ranges;

    #[test]
    fn consecutive_lines_are_one_range() {
        for (lines, text) in [(&[][..], ""), (&[7], "7"), (&[1, 2, 3, 7, 1_200, 1_201], "1–3, 7, 1,200–1,201")] {
            assert_eq!(line_ranges(lines), text);
        }
    }
}

//! What became of an upload, in words and as the page shows it.

use callsheet::model::DomainName;
use callsheet::stats::access_log::{Bad, BadLine, Note, Noted, Report};
use callsheet::stats::{Imported, TrafficBase};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::request::encode;
use crate::texts::{Texts, number};
use crate::units::Quantity;

/// What became of a file.
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
    /// There is something to look at.
    Mixed,
    /// Nothing was counted that could have been.
    Bad,
    /// Nothing was new.
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

/// Lines that were not counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BadLines {
    pub(crate) title: String,
    pub(crate) heads: [String; 2],
    /// Numbers of lines, and their reason.
    pub(crate) rows: Vec<[String; 2]>,
}

/// Hosts that are counted together, because the console does not know them.
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
    /// Address and text of the link that adds it; none for what is no host name.
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

pub(super) fn told(texts: Texts, base: TrafficBase, name: &str, imported: &Imported) -> Outcome {
    let Imported { report, passed_over, broken, .. } = imported;
    let (lines, bad) = (whole(report.lines), whole(report.bad));
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
    let known = (*passed_over > 0)
        .then(|| texts.fill("imports.skipped", &[("size", &Quantity::Bytes(base).text(whole(*passed_over)))]));
    let broken = broken.as_ref().map(|why| texts.fill("imports.cut_off", &[("why", why)]));
    let guesses = report.notes.iter().map(|&Noted { note, lines }| {
        let text = texts.word("log_note", note.as_str());
        texts.fill("imports.noted", &[("text", &text), ("n", &number(whole(lines)))])
    });
    // The domain was given by the person who imports.
    let is_guessed = report.notes.iter().any(|noted| noted.note != Note::DomainGiven);
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

fn bad_lines(texts: Texts, report: &Report) -> BadLines {
    // By reason, in the order in which the file has them.
    let mut rows: Vec<(Bad, Vec<u64>)> = Vec::new();
    for &BadLine { line, reason } in &report.bad_lines {
        match rows.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, lines)) => lines.push(line),
            None => rows.push((reason, vec![line])),
        }
    }
    let rows = rows.iter().map(|(reason, lines)| [runs(lines), texts.word("bad_line", reason.as_str())]);
    let (shown, all) = (report.bad_lines.len(), whole(report.bad));
    let title = if whole(shown as u64) < all {
        texts.fill("imports.first_bad", &[("shown", &shown.to_string()), ("n", &number(all))])
    } else {
        texts.count("imports.bad_lines", all)
    };
    BadLines { title, heads: [texts.get("imports.line"), texts.get("imports.reason")], rows: rows.collect() }
}

/// `1–3, 7` of 1, 2, 3 and 7.
fn runs(lines: &[u64]) -> String {
    let runs = lines.chunk_by(|before, after| before + 1 == *after).map(|run| match run {
        [first, .., last] => format!("{}–{}", number(whole(*first)), number(whole(*last))),
        run => run.iter().map(|line| number(whole(*line))).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
}

fn unknown_hosts(texts: Texts, report: &Report) -> UnknownHosts {
    let row = |host: &str, requests: u64| {
        let name = DomainName::parse(host).ok();
        let add = name.map(|name| {
            let address = encode(&[("vod", name.ascii().to_owned())]);
            (format!("/settings{address}#add-vod-domain"), texts.get("imports.add_host"))
        });
        let shown = if host.is_empty() { texts.get("imports.no_host") } else { host.to_owned() };
        UnknownHost { host: shown, requests: number(whole(requests)), add }
    };
    UnknownHosts {
        title: texts.count("imports.unknown", whole(report.unknown)),
        help: texts.get("imports.unknown_help"),
        heads: [texts.get("imports.host"), texts.get("imports.requests")],
        rows: report.unknown_hosts.iter().map(|unknown| row(&unknown.host, unknown.requests)).collect(),
    }
}

fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn lines_in_a_row_are_one_run() {
        for (lines, text) in [(&[][..], ""), (&[7], "7"), (&[1, 2, 3, 7, 1_200, 1_201], "1–3, 7, 1,200–1,201")] {
            assert_eq!(runs(lines), text);
        }
    }
}

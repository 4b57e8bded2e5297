//! What became of an upload, in words; and how the form is answered.

use axum::Json;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use callsheet::model::DomainName;
use callsheet::stats::access_log::{Bad, BadLine, Report};
use callsheet::stats::{Imported, TrafficBase};
use tower_sessions::Session;

use super::state::{BadLines, Outcome, OutcomeTone, PATH, UnknownHost, UnknownHosts};
use crate::error::UiError;
use crate::forms::Flash;
use crate::request::{encode, login_page};
use crate::texts::{Locale, Texts, number};
use crate::units::Quantity;

/// Whoever sends the form.
pub struct Visitor {
    pub texts: Texts,
    base: TrafficBase,
    session: Option<Session>,
    /// A form without script; otherwise the answer is JSON for the island.
    wants_html: bool,
}

impl Visitor {
    #[must_use]
    pub fn of(parts: &Parts, base: TrafficBase) -> Self {
        let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        Self {
            texts: Texts(Locale::of_request(&parts.headers)),
            base,
            session: parts.extensions.get().cloned(),
            wants_html: accept.is_some_and(|accept| accept.contains("text/html")),
        }
    }

    /// The answer to somebody who is not signed in.
    #[must_use]
    pub fn sign_in(&self) -> Response {
        match self.wants_html {
            true => Redirect::to(&login_page(PATH.to_owned())).into_response(),
            false => refusal(&UiError::unauthenticated(self.texts)),
        }
    }

    /// The answer to the form, with what was typed into it. `outcome`: the name of the file, and what became of it.
    pub async fn answer(&self, format: &str, domain: &str, outcome: Result<(String, Imported), UiError>) -> Response {
        let outcome = outcome.map(|(name, imported)| told(self.texts, self.base, &name, &imported));
        if self.wants_html {
            Flash::after(PATH, &[("format", format), ("domain", domain)], &outcome).leave(self.session.as_ref()).await;
            return Redirect::to(&format!("{PATH}#upload")).into_response();
        }
        match outcome {
            Ok(outcome) => Json(outcome).into_response(),
            Err(error) => refusal(&error),
        }
    }
}

fn refusal(error: &UiError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(error)).into_response()
}

fn told(texts: Texts, base: TrafficBase, name: &str, imported: &Imported) -> Outcome {
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
        .then(|| texts.fill("imports.passed_over", &[("size", &Quantity::Bytes(base).text(whole(*passed_over)))]));
    let broken = broken.as_ref().map(|why| texts.fill("imports.cut_off", &[("why", why)]));
    let tone = match () {
        () if nothing => OutcomeTone::Bad,
        () if broken.is_some() || bad > 0 || report.unknown > 0 => OutcomeTone::Mixed,
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
        notes: broken.into_iter().chain(known).collect(),
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

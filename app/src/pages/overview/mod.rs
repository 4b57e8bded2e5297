//! `/`: what is live, how the last day went, which callbacks need a look.

mod traffic;
mod trouble;

use callsheet::model::PageRequest;
use callsheet::streams::SessionFilter;
use leptos::prelude::*;

use crate::components::{Empty, Head};
use crate::error::UiError;
use crate::page::page;
use crate::pages::streams::{Shown, live_table};
use crate::request::encode;
use crate::texts::number;

/// Streams on the overview; the rest is one link away.
const LIVE_SHOWN: i64 = 10;

#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    page(|visit, actor, _| async move {
        let texts = visit.texts;
        let ui = |problem: &callsheet::streams::StreamError| UiError::of(texts, problem);
        let live = SessionFilter { live: Some(true), ..SessionFilter::default() };
        let first = PageRequest { number: 1, size: LIVE_SHOWN };
        let live = visit.console.streams.list(&actor, live, first).await.map_err(|e| ui(&e))?;
        let figures = visit.console.deliveries.figures(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let callbacks = visit.console.callbacks.at_a_glance(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let traffic = traffic::section(&visit, &actor).await;
        let finished = figures.delivered + figures.failed;
        let rate = if finished > 0 {
            texts.fill("overview.rate", &[("share", &share(figures.delivered, finished))])
        } else {
            "–".to_owned()
        };
        let kpi = |href: String, label: String, value: String, note: String| {
            view! { <a class="stat-card" href=href><span>{label}</span><b>{value}</b><span>{note}</span></a> }
        };
        let log = |state: &str| format!("/deliveries{}", encode(&[("state", state.to_owned())]));
        let live_total = live.total;
        let streams = if live.rows.is_empty() {
            view! {
                <Empty title=texts.get("overview.no_live") text=texts.get("overview.no_live_text")>
                    <a class="btn" href="/domains">{texts.get("overview.to_domains")}</a>
                </Empty>
            }
            .into_any()
        } else {
            live_table(&visit, &live.rows, Shown { domain: true, stop: false })
        };
        Ok(view! {
            <Head title=texts.get("nav.overview")>
                <span class="spacer"></span>
                <a class="btn" href="/">{texts.get("list.refresh")}</a>
            </Head>
            <div class="stat-cards">
                {kpi("#live".to_owned(), texts.get("overview.live"), number(live_total), texts.get("overview.now"))}
                {kpi("/deliveries".to_owned(), texts.get("overview.events"), number(figures.events), texts.get("overview.day"))}
                {kpi(log("delivered"), texts.get("overview.delivered"), number(figures.delivered),
                    texts.fill("overview.success", &[("rate", &rate)]))}
                {kpi(log("failed"), texts.get("overview.failed"), number(figures.failed),
                    texts.fill("overview.waiting", &[("n", &number(figures.waiting))]))}
            </div>
            {traffic}
            <section class="card" id="live">
                <header><h2>{texts.get("overview.live_title")}</h2></header>
                {streams}
            </section>
            {trouble::card(&visit, &actor, &callbacks)}
        }
        .into_any())
    })
}

/// A share in percent; never rounded up to 100 while something failed.
fn share(part: i64, whole: i64) -> String {
    let permille = part * 1000 / whole.max(1);
    format!("{}.{}", permille / 10, permille % 10).trim_end_matches(".0").to_owned()
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_failure_is_never_rounded_away() {
        assert_eq!(share(1, 1), "100");
        assert_eq!(share(9_999, 10_000), "99.9");
        assert_eq!(share(1, 3), "33.3");
        assert_eq!(share(0, 5), "0");
    }
}

//! *Domain → Streams* and the page of one session.

mod control;
mod server_fns;

use callsheet::model::{Action, PageRequest, SessionId, Status};
use callsheet::streams::{PartView, SessionDetail, SessionEvent, SessionFilter, SessionView};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::components::{Badge, Crumb, Empty, Head, Note, Tone, listed};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::pages::deliveries::state_badge;
use crate::pages::domains::domain_head;
use crate::query::{Mistakes, page_of_list};
use crate::request::page_of;
use crate::units::Quantity;

pub(crate) use control::{DisconnectPage, ForbidPage};

/// Rows of what is not paged.
const ALL: PageRequest = PageRequest { number: 1, size: 200 };

/// `/domains/{push}/streams`: live now, forbidden, and history.
#[component]
pub(crate) fn StreamsPage() -> impl IntoView {
    let push = use_params_map().get_untracked().get("push").unwrap_or_default();
    let request = page_of_list(use_query_map().get_untracked().get("page"));
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let domain = visit.console.domains.get(&actor, &push).await.map_err(|e| UiError::of(texts, &e))?;
        let filter =
            |live| SessionFilter { domain: Some(domain.push.clone()), live: Some(live), ..SessionFilter::default() };
        let streams = &visit.console.streams;
        let live = streams.list(&actor, filter(true), ALL).await.map_err(|e| UiError::of(texts, &e))?;
        let forbidden = streams.list_forbidden(&actor, Some(domain.push.clone()), ALL).await;
        let forbidden = forbidden.map_err(|e| UiError::of(texts, &e))?;
        let may_stop = actor.check_domain(Action::ManageStreams, &domain.push).is_ok();
        let live_view = if live.rows.is_empty() {
            let command = format!(
                "ffmpeg -re -i video.mp4 -c copy -f flv -rtmp_tcurl rtmp://{0}/live {1}/live/room_1",
                domain.push,
                visit.rtmp_here()
            );
            view! {
                <Empty title=texts.get("streams.no_live") text=texts.get("streams.no_live_text")>
                    <code>{command}</code>
                </Empty>
            }
            .into_any()
        } else {
            live_table(&visit, &live.rows, Shown { domain: false, stop: may_stop })
        };
        let path = format!("{}/streams", page_of(&domain.push));
        let (history, wrong) = match request {
            Ok(request) => {
                let past = streams.list(&actor, filter(false), request).await.map_err(|e| UiError::of(texts, &e))?;
                let table = || history_table(&visit, &past.rows);
                let none = || {
                    let text = texts.get("streams.no_history_text");
                    view! { <Empty title=texts.get("streams.no_history") text/> }.into_any()
                };
                (listed(&past, path, Vec::new(), table, none), Mistakes::default())
            }
            Err(wrong) => (wrong.instead(texts, &path, &[]), wrong),
        };
        Ok(view! {
            {domain_head(&visit, &actor, &domain, "/streams")}
            <section class="card"><header><h2>{texts.get("streams.live")}</h2></header>{live_view}</section>
            {control::forbidden_table(&visit, &forbidden.rows, may_stop)}
            {wrong.note(texts)}
            <section class="card"><header><h2>{texts.get("streams.history")}</h2></header>{history}</section>
        }
        .into_any())
    })
}

/// What [`live_table`] shows beside the sessions.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// Whose session it is, among those of several domains.
    pub(crate) domain: bool,
    /// What stops it.
    pub(crate) stop: bool,
}

/// The table of sessions that are not over.
pub(crate) fn live_table(visit: &Visit, rows: &[SessionView], shown: Shown) -> AnyView {
    let texts = visit.texts;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let recording = if row.recording { (Tone::Ok, "streams.recording_on") } else { (Tone::Off, "streams.recording_off") };
            view! {
                <tr>
                    <th scope="row">
                        <a href=format!("/sessions/{}", row.id)>{row.app.clone()}"/"{row.stream.clone()}</a>
                        {shown.domain.then(|| view! { <span class="secondary">{row.domain.clone()}</span> })}
                    </th>
                    <td data-label=texts.get("streams.since")>{visit.times.at(row.started_at)}
                        <span class="secondary">{visit.times.length(visit.times.now - row.started_at)}</span></td>
                    <td data-label=texts.get("streams.source")>{texts.detail(&row.source)}
                        <span class="secondary">{row.client.clone()}</span></td>
                    <td data-label=texts.get("streams.media")>{media(visit, row)}</td>
                    <td data-label=texts.get("streams.recording")><Badge tone=recording.0 text=texts.get(recording.1)/></td>
                    {shown.stop.then(|| view! { <td class="actions">{control::stop_links(visit, row)}</td> })}
                </tr>
            }
        })
        .collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("streams.stream")}</th>
                <th scope="col">{texts.get("streams.since")}</th>
                <th scope="col">{texts.get("streams.source")}</th>
                <th scope="col">{texts.get("streams.media")}</th>
                <th scope="col">{texts.get("streams.recording")}</th>
                {shown.stop.then(|| view! { <th scope="col"><span class="visually-hidden">{texts.get("list.operations")}</span></th> })}
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn history_table(visit: &Visit, rows: &[SessionView]) -> AnyView {
    let texts = visit.texts;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let length = row.ended_at.map(|end| visit.times.between(row.started_at, end));
            let end = match &row.failure {
                Some(reason) => view! { <Badge tone=Tone::Bad text=texts.get("streams.interrupted")/><span class="secondary">{texts.detail(reason)}</span> }.into_any(),
                None => view! { <Badge tone=Tone::Plain text=texts.get("streams.ended")/> }.into_any(),
            };
            view! {
                <tr>
                    <th scope="row"><a href=format!("/sessions/{}", row.id)>{row.app.clone()}"/"{row.stream.clone()}</a></th>
                    <td data-label=texts.get("streams.started")>{visit.times.at(row.started_at)}</td>
                    <td data-label=texts.get("streams.length") class="numeric">{length}</td>
                    <td data-label=texts.get("streams.source")>{texts.detail(&row.source)}<span class="secondary">{row.client.clone()}</span></td>
                    <td data-label=texts.get("streams.parts") class="numeric">{row.parts}</td>
                    <td data-label=texts.get("streams.end")>{end}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("streams.stream")}</th>
                <th scope="col">{texts.get("streams.started")}</th>
                <th scope="col" class="numeric">{texts.get("streams.length")}</th>
                <th scope="col">{texts.get("streams.source")}</th>
                <th scope="col" class="numeric">{texts.get("streams.parts")}</th>
                <th scope="col">{texts.get("streams.end")}</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Codecs, resolution and bitrate, where the source tells.
fn media(visit: &Visit, row: &SessionView) -> AnyView {
    let codecs: Vec<&str> = [&row.video_codec, &row.audio_codec].into_iter().flatten().map(String::as_str).collect();
    let size = row.width.zip(row.height).map(|(width, height)| format!("{width}×{height}"));
    let rate = row.bitrate.map(|bits| format!("{}.{} Mbit/s", bits / 1_000_000, bits % 1_000_000 / 100_000));
    let second: Vec<String> = size.into_iter().chain(rate).collect();
    if codecs.is_empty() && second.is_empty() {
        return view! { <span class="muted">{visit.texts.get("streams.unknown")}</span> }.into_any();
    }
    view! { {codecs.join(" · ")} <span class="secondary">{second.join(" · ")}</span> }.into_any()
}

/// `/sessions/{id}`: a timeline of the publish, its parts and each callback made for them.
#[component]
pub(crate) fn SessionPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let id: SessionId = id.parse().map_err(|_| UiError::not_found(texts))?;
        let detail = visit.console.streams.get(&actor, id).await.map_err(|e| UiError::of(texts, &e))?;
        let session = &detail.session;
        let crumbs = vec![
            Crumb { href: "/domains".to_owned(), text: texts.get("nav.domains") },
            Crumb { href: page_of(&session.domain), text: session.domain.clone() },
            Crumb { href: format!("{}/streams", page_of(&session.domain)), text: texts.get("domain.streams") },
        ];
        let tone = match session.phase.as_str() {
            "live" => Tone::Ok,
            "closed" => Tone::Plain,
            _ => Tone::Warn,
        };
        let phase = texts.word("session_phase", &session.phase);
        let failure = session.failure.clone().map(|reason| {
            view! { <Note tone=Tone::Bad>{texts.fill("session.failed", &[("reason", &texts.detail(&reason))])}</Note> }
        });
        Ok(view! {
            <Head title=format!("{}/{}", session.app, session.stream) crumbs>
                <Badge tone text=phase/>
            </Head>
            {failure}
            {facts(&visit, &detail)}
            {timeline(&visit, &detail.events)}
            {parts(&visit, &detail.parts)}
        }
        .into_any())
    })
}

fn facts(visit: &Visit, detail: &SessionDetail) -> AnyView {
    let texts = visit.texts;
    let session = &detail.session;
    let end = session.ended_at.unwrap_or(visit.times.now);
    let ended = session.ended_at.map(|at| view! { <dt>{texts.get("session.ended")}</dt><dd>{visit.times.at(at)}</dd> });
    let params: Vec<String> = detail.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let params = (!params.is_empty())
        .then(|| view! { <dt>{texts.get("session.params")}</dt><dd><code>{params.join("&")}</code></dd> });
    view! {
        <section class="card"><div class="body"><dl class="description-list">
            <dt>{texts.get("session.id")}</dt><dd><code>{session.id.to_string()}</code></dd>
            <dt>{texts.get("domains.domain")}</dt><dd><a href=page_of(&session.domain)>{session.domain.clone()}</a></dd>
            <dt>{texts.get("streams.source")}</dt><dd>{texts.detail(&session.source)} <span class="muted">{session.client.clone()}</span></dd>
            <dt>{texts.get("streams.media")}</dt><dd>{media(visit, session)}</dd>
            <dt>{texts.get("streams.started")}</dt><dd>{visit.times.at(session.started_at)}</dd>
            {ended}
            <dt>{texts.get("streams.length")}</dt><dd>{visit.times.between(session.started_at, end)}</dd>
            {params}
        </dl></div></section>
    }
    .into_any()
}

fn timeline(visit: &Visit, events: &[SessionEvent]) -> AnyView {
    let texts = visit.texts;
    let items: Vec<_> = events
        .iter()
        .map(|event| {
            let failed = event.status == Status::Fail;
            let delivery = event.delivery.map(|id| {
                let state = event.delivery_state.as_deref().unwrap_or_default();
                view! { <span class="event-callbacks"><a href=format!("/deliveries/{id}")>{texts.get("session.callback")}</a> {state_badge(texts, state)}</span> }
            });
            let error = event.error.as_deref().map(|text| view! { <span class="error-text">{texts.detail(text)}</span> });
            view! {
                <li class=if failed { "error" } else { "" }>
                    <span class="time">{visit.times.clock(event.happened_at)}</span>
                    <div>
                        <strong>{texts.word("event", event.name.as_str())} " " <code class="muted">{event.name.as_str()}</code></strong>
                        {error}
                        {delivery}
                    </div>
                </li>
            }
        })
        .collect();
    let body = if items.is_empty() {
        view! { <p class="muted">{texts.get("session.no_events")}</p> }.into_any()
    } else {
        view! { <ol class="timeline">{items}</ol> }.into_any()
    };
    view! {
        <section class="card"><header><h2>{texts.get("session.timeline")}</h2></header><div class="body">{body}</div></section>
    }
    .into_any()
}

fn parts(visit: &Visit, parts: &[PartView]) -> AnyView {
    if parts.is_empty() {
        return ().into_any();
    }
    let texts = visit.texts;
    let rows: Vec<_> = parts
        .iter()
        .map(|part| {
            let place = match (&part.failure, &part.location) {
                (Some(reason), _) => view! { <Badge tone=Tone::Bad text=texts.get("session.part_failed")/><span class="secondary">{texts.detail(reason)}</span> }.into_any(),
                (None, Some(location)) => view! { <code>{location.clone()}</code> }.into_any(),
                (None, None) => ().into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{part.number}</th>
                    <td data-label=texts.get("streams.started")>{visit.times.clock(part.started_at)}</td>
                    <td data-label=texts.get("streams.length") class="numeric">{visit.times.took(part.duration_ms)}</td>
                    <td data-label=texts.get("session.size") class="numeric">{part.bytes.map(|bytes| Quantity::Bytes(visit.times.shown.base).text(bytes))}</td>
                    <td data-label=texts.get("session.file")>{place}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card">
            <header><h2>{texts.get("session.parts")}</h2></header>
            <table class="table">
                <thead><tr>
                    <th scope="col">"#"</th>
                    <th scope="col">{texts.get("streams.started")}</th>
                    <th scope="col" class="numeric">{texts.get("streams.length")}</th>
                    <th scope="col" class="numeric">{texts.get("session.size")}</th>
                    <th scope="col">{texts.get("session.file")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

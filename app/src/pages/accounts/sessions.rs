//! Where somebody is signed in.

use callsheet::accounts::SessionView;
use leptos::prelude::*;

use super::device::device;
use crate::components::{Badge, Empty, Tone};
use crate::context::Visit;

/// A table of sessions, each with a button that posts its id (and the user's, where given) to `end`.
pub(super) fn sessions(visit: &Visit, sessions: &[SessionView], end: &'static str, user: Option<String>) -> AnyView {
    let texts = visit.texts;
    if sessions.is_empty() {
        return view! { <Empty title=texts.get("sessions.none") text=texts.get("sessions.none_text")/> }.into_any();
    }
    let own = visit.own_session();
    let rows: Vec<_> = sessions.iter().map(|session| row(visit, session, &own, end, user.as_deref())).collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("sessions.device")}</th>
                <th scope="col">{texts.get("sessions.address")}</th>
                <th scope="col">{texts.get("sessions.signed_in")}</th>
                <th scope="col">{texts.get("sessions.last_use")}</th>
                <th scope="col"><span class="visually-hidden">{texts.get("list.operations")}</span></th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(
    visit: &Visit,
    session: &SessionView,
    own: &str,
    end: &'static str,
    user: Option<&str>,
) -> impl IntoView + use<> {
    let texts = visit.texts;
    let name = match device(&session.agent) {
        (Some(browser), Some(system)) => texts.fill("sessions.browser_on", &[("browser", browser), ("system", system)]),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => texts.get("sessions.unknown_device"),
    };
    let this = session.id == own;
    let mark = this.then(|| view! { " "<Badge tone=Tone::Ok text=texts.get("sessions.this_one")/> });
    let button = (!this).then(|| {
        let user = user.map(|id| view! { <input type="hidden" name="id" value=id.to_owned()/> });
        view! {
            <form method="post" action=end>
                {user}
                <input type="hidden" name="session" value=session.id.clone()/>
                <button class="btn small">{texts.get("sessions.end")}<span class="visually-hidden">" "{name.clone()}</span></button>
            </form>
        }
    });
    view! {
        <tr>
            <th scope="row"><span title=session.agent.clone()>{name.clone()}</span>{mark}</th>
            <td data-label=texts.get("sessions.address")>{session.address.clone()}</td>
            <td data-label=texts.get("sessions.signed_in")>{visit.times.at(session.created_at)}</td>
            <td data-label=texts.get("sessions.last_use")>{visit.times.ago(session.last_seen_at)}</td>
            <td>{button}</td>
        </tr>
    }
}

//! The table of permissions, as the core has it.

use callsheet::model::{Action, Role};
use leptos::prelude::*;

use crate::components::{Badge, Tone};
use crate::texts::Texts;

/// Who may do what.
pub(super) fn permissions(texts: Texts) -> AnyView {
    let roles: Vec<_> =
        Role::ALL.iter().map(|role| view! { <th scope="col">{texts.word("role", role.as_str())}</th> }).collect();
    let rows: Vec<_> = Action::ALL.iter().map(|action| row(texts, *action)).collect();
    view! {
        <section class="card" id="permissions">
            <header><h2>{texts.get("users.permissions")}</h2><p>{texts.get("users.permissions_help")}</p></header>
            <table class="table">
                <thead><tr><th scope="col">{texts.get("users.action")}</th>{roles}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn row(texts: Texts, action: Action) -> impl IntoView {
    let cells: Vec<_> = Role::ALL
        .iter()
        .map(|role| {
            let mark = if action.allowed(*role) {
                view! { <Badge tone=Tone::Ok text=texts.get("users.allowed")/> }.into_any()
            } else {
                view! { <span class="muted">{texts.get("users.not_allowed")}</span> }.into_any()
            };
            view! { <td data-label=texts.word("role", role.as_str())>{mark}</td> }
        })
        .collect();
    view! { <tr><th scope="row">{texts.word("action", action.as_str())}</th>{cells}</tr> }
}

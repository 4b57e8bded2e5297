//! `/audit`: who changed what.

use axum::Json;
use axum::extract::State;
use callsheet::audit::{ActorKind, AuditFilter, AuditRow};
use callsheet::model::AuditId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::extract::{ApiActor, Query};
use super::moment::Moment;
use super::page::List;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditJson {
    id: AuditId,
    at: Moment,
    actor: ActorJson,
    /// The client's address; empty where the console acted by itself.
    address: String,
    /// Such as `domain.create`.
    action: String,
    /// What it was done to, such as a push domain.
    target: String,
    /// `before`, `after`, and what else is worth knowing.
    detail: Value,
}

/// A user and a key may share a name.
#[derive(Debug, Serialize)]
struct ActorJson {
    kind: ActorKind,
    name: String,
}

impl From<AuditRow> for AuditJson {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: Moment(row.at),
            actor: ActorJson { kind: row.actor_kind, name: row.actor },
            address: row.address,
            action: row.action,
            target: row.target,
            detail: row.detail,
        }
    }
}

/// Which entries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Name of the user or key.
    actor: Option<String>,
    action: Option<String>,
    target: Option<String>,
    /// Done from then on.
    since: Option<Moment>,
    /// Done before.
    until: Option<Moment>,
    /// Part of actor, address, target or detail.
    q: Option<String>,
}

impl From<Filter> for AuditFilter {
    fn from(filter: Filter) -> Self {
        Self {
            text: filter.q,
            actor: filter.actor,
            action: filter.action,
            target: filter.target,
            since: filter.since.map(|at| at.0),
            until: filter.until.map(|at| at.0),
        }
    }
}

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(filter, page): Query<Filter>,
) -> Result<Json<List<AuditJson>>, ApiProblem> {
    Ok(Json(app.console.audit.list(&actor, &filter.into(), page).await?.into()))
}

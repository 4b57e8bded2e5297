//! `/audit`: who changed what.

use axum::Json;
use axum::extract::State;
use callsheet::audit::{ActorKind, AuditFilter, AuditRow};
use callsheet::model::AuditId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{ApiActor, Query};
use super::page::{List, PageQuery};
use super::rfc3339::{Rfc3339, check_span};
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// An audit log entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub(super) struct AuditJson {
    #[schema(value_type = schemas::AuditId)]
    id: AuditId,
    at: Rfc3339,
    actor: ActorJson,
    /// IP address of the client; empty for actions of the console itself.
    address: String,
    /// Action code, such as `domain.create`.
    action: String,
    /// Target of the action, such as a push domain.
    target: String,
    /// `before`, `after` and further details.
    #[schema(value_type = Object)]
    detail: Value,
}

/// A user and a key may share a name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditActor)]
struct ActorJson {
    #[schema(value_type = schemas::ActorKind)]
    kind: ActorKind,
    name: String,
}

impl From<AuditRow> for AuditJson {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: Rfc3339(row.at),
            actor: ActorJson { kind: row.actor_kind, name: row.actor },
            address: row.address,
            action: row.action,
            target: row.target,
            detail: row.detail,
        }
    }
}

/// Filter of entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Name of the user or key.
    actor: Option<String>,
    /// Action code, such as `domain.create`.
    action: Option<String>,
    /// Target of the action, such as a push domain.
    target: Option<String>,
    /// At or after.
    #[param(inline)]
    since: Option<Rfc3339>,
    /// Before.
    #[param(inline)]
    until: Option<Rfc3339>,
    /// Text in actor, address, target or detail.
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

/// List audit log entries
///
/// Newest first.
#[utoipa::path(
    get, path = "/audit", operation_id = "listAudit", tag = "Audit",
    params(Filter, PageQuery),
    responses((status = 200, description = "A page of the list", body = List<AuditJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(filter, page): Query<Filter>,
) -> Result<Json<List<AuditJson>>, ApiProblem> {
    check_span(filter.since, filter.until)?;
    Ok(Json(app.console.audit.list(&actor, &filter.into(), page).await?.into()))
}

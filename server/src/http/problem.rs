//! Errors of the REST API, as RFC 9457 describes them (`application/problem+json`):
//!
//! ```json
//! {"type":"/problems/domain_taken","title":"Conflict","status":409,"detail":"…","field":"pushDomain"}
//! ```
//!
//! `type` is stable and ends with the code of the error; `detail` is a text for users; `field` names the invalid field of the body or the
//! query.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use callsheet::model::{Problem, ProblemKind};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// All limits of the console end within this time.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("60");
const FAULT: &str = "internal error; see the server log";
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// Error response. `?` converts any use-case error into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem, description = "Problem details as in RFC 9457.")]
pub struct ApiProblem {
    /// Stable; ends with the error code.
    #[serde(rename = "type", serialize_with = "type_of")]
    #[schema(schema_with = types)]
    code: &'static str,
    /// Name of the HTTP status.
    title: &'static str,
    /// HTTP status.
    #[serde(serialize_with = "status_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// Human-readable cause and remedy.
    detail: String,
    /// Field of the body or query that caused the error, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
}

/// All error codes of the REST API. A test compares them with the sources.
pub const CODES: &[&str] = &[
    "access_log_changed",
    "access_log_no_domain",
    "access_log_parquet",
    "access_log_unknown_format",
    "access_log_unreadable",
    "access_log_utf16",
    "address_bad_host",
    "address_bad_port",
    "address_bad_scheme",
    "address_control_character",
    "address_denied_port",
    "address_empty",
    "address_no_host",
    "address_no_scheme",
    "address_too_long",
    "address_unreadable",
    "address_user_info",
    "blocked_benchmarking",
    "blocked_broadcast",
    "blocked_cgnat",
    "blocked_documentation",
    "blocked_link_local",
    "blocked_loopback",
    "blocked_metadata",
    "blocked_multicast",
    "blocked_private",
    "blocked_reserved",
    "blocked_unique_local",
    "blocked_unspecified",
    "browser_session_unknown",
    "callback_bad_dialect",
    "callback_bad_overlap",
    "callback_bad_timeout",
    "callback_no_address",
    "callback_no_former_secret",
    "changed_meanwhile",
    "cross_origin",
    "delivery_callback_off",
    "delivery_finished",
    "delivery_unknown",
    "domain_no_play",
    "domain_same_name",
    "domain_still_enabled",
    "domain_taken",
    "domain_unknown",
    "duplicate",
    "forbidden",
    "header_bad_value",
    "header_of_the_request",
    "header_ours",
    "header_too_long",
    "header_too_many",
    "header_twice",
    "header_unreadable",
    "idempotency_key_in_use",
    "idempotency_key_invalid",
    "idempotency_key_reused",
    "import_moved",
    "internal",
    "invalid_value",
    "key_bad_expiry",
    "key_bad_name",
    "key_expired",
    "key_has_expired",
    "key_no_domains",
    "key_taken",
    "key_unknown",
    "malformed",
    "method_not_allowed",
    "name_bad_character",
    "name_bad_label",
    "name_empty",
    "name_ip_address",
    "name_not_a_host",
    "name_one_label",
    "name_too_long",
    "name_wildcard",
    "not_found",
    "not_json",
    "probe_too_many",
    "recording_bad_bucket",
    "recording_bad_part_length",
    "recovery_bad_state",
    "recovery_ended",
    "recovery_unknown",
    "search_too_long",
    "session_unknown",
    "signed_out",
    "source_bad_adapter",
    "source_bad_name",
    "source_built_in",
    "source_taken",
    "source_unknown",
    "stats_bad_slot",
    "stats_too_many_points",
    "stats_unknown_domain",
    "storage_unavailable",
    "stream_bad_length",
    "stream_cannot_drop",
    "stream_not_live",
    "too_large",
    "too_many_requests",
    "unavailable",
    "user_bad_name",
    "user_by_provider",
    "user_deactivated",
    "user_last_admin",
    "user_taken",
    "user_unknown",
    "vod_domain_bad_path",
    "vod_domain_taken",
    "vod_domain_unknown",
];

/// Returns the schema of `type`.
fn types() -> Object {
    let types = CODES.iter().map(|code| format!("/problems/{code}"));
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(types)).build()
}

impl ApiProblem {
    /// Creates a problem. `code`: stable, `snake_case`; `detail`: text for users.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, title: status.canonical_reason().unwrap_or_default(), status, detail: detail.into(), field: None }
    }

    /// Sets the invalid field.
    #[must_use]
    pub fn of_field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Returns an internal error, whose cause goes to the log only.
    #[must_use]
    pub fn fault() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", FAULT)
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the error for missing or wrong credentials.
    #[must_use]
    pub fn signed_out() -> Self {
        let detail = "send `Authorization: Bearer <token>` with the token of a valid API key";
        Self::new(StatusCode::UNAUTHORIZED, "signed_out", detail)
    }
}

impl<E: Problem + 'static> From<E> for ApiProblem {
    fn from(error: E) -> Self {
        let details = error.details();
        let status = match details.kind {
            ProblemKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ProblemKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ProblemKind::Forbidden => StatusCode::FORBIDDEN,
            ProblemKind::NotFound => StatusCode::NOT_FOUND,
            ProblemKind::Conflict => StatusCode::CONFLICT,
            ProblemKind::Outdated => StatusCode::PRECONDITION_FAILED,
            ProblemKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            ProblemKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ProblemKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(code = details.code, error = &error as &dyn std::error::Error, "API request failed");
        }
        let text = if status == StatusCode::INTERNAL_SERVER_ERROR { FAULT.to_owned() } else { error.to_string() };
        Self { field: details.field.map(str::to_owned), ..Self::new(status, details.code, text) }
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        match self.status {
            StatusCode::UNAUTHORIZED => headers.insert(header::WWW_AUTHENTICATE, BEARER),
            StatusCode::TOO_MANY_REQUESTS => headers.insert(header::RETRY_AFTER, RETRY_AFTER),
            _ => None,
        };
        response
    }
}

fn type_of<S: Serializer>(code: &&'static str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("/problems/{code}"))
}

fn status_number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use callsheet::model::{Forbidden, StoreError};

    #[test]
    fn causes_of_internal_errors_are_not_shown() {
        let problem = ApiProblem::from(StoreError::corrupt("sessions.state"));
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.detail.contains("sessions"), "{}", problem.detail);
        let problem = ApiProblem::from(StoreError::Unavailable("disk full at /srv".into()));
        assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!problem.detail.contains("/srv"), "{}", problem.detail);
    }

    #[test]
    fn problems_have_type_status_and_detail() {
        let json = serde_json::to_value(ApiProblem::from(Forbidden).of_field("x")).expect("JSON");
        let expected = serde_json::json!({
            "type": "/problems/forbidden",
            "title": "Forbidden",
            "status": 403,
            "detail": "your role does not have this permission; ask an admin",
            "field": "x",
        });
        assert_eq!(json, expected);
        let response = ApiProblem::signed_out().into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let response = ApiProblem::new(StatusCode::TOO_MANY_REQUESTS, "probe_too_many", "").into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "60");
    }
}

//! Format of all responses below `/v1`: `{"requestId":"…","result":{…}}`, or
//! `{"requestId":"…","error":{"code":404,"status":"NOT_FOUND","message":"…"}}` with the same HTTP status. The SDKs mistake an error without a
//! request id for success.

use std::fmt;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use callsheet::model::{Problem, ProblemKind};
use serde_json::{Value, json};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-jdcloud-request-id");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Identifies a request in its response and in the log.
pub(super) struct RequestId(String);

impl RequestId {
    pub(super) fn random() -> Self {
        Self(hex::encode(rand::random::<[u8; 16]>()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Error of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JdError {
    code: StatusCode,
    status: &'static str,
    /// Text for users.
    message: String,
}

impl JdError {
    fn new(code: StatusCode, status: &'static str, message: impl ToString) -> Self {
        Self { code, status, message: message.to_string() }
    }

    /// A parameter is missing or wrong.
    pub(super) fn invalid(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message)
    }

    /// A time or time range is out of range.
    pub(super) fn out_of_range(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "OUT_OF_RANGE", message)
    }

    /// The signature is missing or invalid.
    pub(super) fn unauthenticated(message: impl ToString) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    }

    /// The rate limit is exceeded.
    pub(super) fn too_many(message: impl ToString) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT", message)
    }

    /// An internal error, whose cause goes to the log only.
    pub(super) fn fault() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error; see the server log")
    }

    /// Returns whether the signature was missing or invalid.
    pub(super) fn is_unauthenticated(&self) -> bool {
        self.code == StatusCode::UNAUTHORIZED
    }

    /// The object does not exist.
    pub(super) fn not_found(message: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }
}

impl<E: Problem + 'static> From<E> for JdError {
    fn from(error: E) -> Self {
        let (code, status) = match (error.kind(), error.code()) {
            (ProblemKind::Invalid, _) => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
            (ProblemKind::Unauthenticated, _) => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            (ProblemKind::Forbidden, _) => (StatusCode::FORBIDDEN, "HTTP_FORBIDDEN"),
            (ProblemKind::NotFound, _) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            // These conflict with the state of an object, not with a name.
            (ProblemKind::Outdated, _)
            | (ProblemKind::Conflict, "domain_still_enabled" | "template_in_use" | "stream_cannot_drop") => {
                (StatusCode::BAD_REQUEST, "FAILED_PRECONDITION")
            }
            (ProblemKind::Conflict, _) => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
            (ProblemKind::TooMany, _) => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT"),
            (ProblemKind::Unavailable | ProblemKind::Internal, code) => {
                tracing::error!(code, error = &error as &dyn std::error::Error, "JD API request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL")
            }
        };
        match error.kind() {
            ProblemKind::Internal => Self::fault(),
            _ => Self::new(code, status, &error),
        }
    }
}

/// Builds the response.
pub(super) fn respond(id: &RequestId, outcome: Result<Value, JdError>) -> Response {
    let (code, body) = match outcome {
        Ok(result) => (StatusCode::OK, json!({ "requestId": id.0, "result": result })),
        Err(JdError { code, status, message }) => {
            let error = json!({ "code": code.as_u16(), "status": status, "message": message });
            (code, json!({ "requestId": id.0, "error": error }))
        }
    };
    let mut response = (code, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
mod tests {
    use callsheet::domains::DomainError;
    use callsheet::model::{Forbidden, StoreError};

    use super::*;

    #[test]
    fn problems_have_the_statuses_that_scripts_know() {
        let of = |error: JdError| (error.code.as_u16(), error.status);
        assert_eq!(of(Forbidden.into()), (403, "HTTP_FORBIDDEN"));
        assert_eq!(of(DomainError::StillEnabled.into()), (400, "FAILED_PRECONDITION"));
        assert_eq!(of(DomainError::Taken { name: String::new(), push: true }.into()), (409, "ALREADY_EXISTS"));
        assert_eq!(of(DomainError::Unknown(String::new()).into()), (404, "NOT_FOUND"));
        assert_eq!(of(DomainError::NoPlay.into()), (400, "INVALID_ARGUMENT"));
        for fault in [StoreError::Unavailable("disk full at /srv".into()), StoreError::corrupt("sessions.state")] {
            let error = JdError::from(fault);
            assert!(!error.message.contains("/srv") && !error.message.contains("sessions"), "{}", error.message);
            assert_eq!(of(error), (500, "INTERNAL"));
        }
    }

    #[tokio::test]
    async fn an_answer_names_its_request_twice() {
        let id = RequestId::random();
        let response = respond(&id, Err(JdError::not_found("nothing here")));
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[REQUEST_ID], id.0.as_str());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        let error = json!({ "code": 404, "status": "NOT_FOUND", "message": "nothing here" });
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body, json!({ "requestId": id.0, "error": error }));
    }
}

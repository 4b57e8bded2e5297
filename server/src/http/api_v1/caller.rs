//! Authentication and rate limit, before anything else of a request is read, so that strangers learn nothing.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use callsheet::keys::KeyError;
use callsheet::model::Actor;

use crate::http::AppState;
use crate::http::middleware::client_address;
use crate::http::problem::ApiProblem;
use crate::http::rate_limit::RateLimited;

/// Adds the actor to the request: the key of the bearer token, else the user of the browser's session.
pub(super) async fn authenticate(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let address = client_address(request.extensions());
    let actor = match (bearer_token(request.headers()), request.extensions().get::<Actor>()) {
        (None, Some(actor)) => actor.clone(),
        (token, _) => match key_of(&app, token, &address).await {
            Ok(actor) => actor,
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
                let counted = app.limits.count_stranger(&address);
                return counted.map_or_else(refuse, |headers| with_headers(headers, problem.into_response()));
            }
            Err(problem) => return problem.into_response(),
        },
    };
    match app.limits.count(&actor.who) {
        Ok(headers) => {
            request.extensions_mut().insert(actor);
            with_headers(headers, next.run(request).await)
        }
        Err(refused) => refuse(refused),
    }
}

async fn key_of(app: &AppState, token: Option<&str>, address: &str) -> Result<Actor, ApiProblem> {
    let token = token.ok_or_else(ApiProblem::signed_out)?;
    app.console.keys.token_actor(token, address).await.map_err(|error| match error {
        KeyError::UnknownToken => ApiProblem::signed_out(),
        error => error.into(),
    })
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn refuse(refused: RateLimited) -> Response {
    let (problem, headers) = refused.into_problem();
    with_headers(headers, problem.into_response())
}

fn with_headers(headers: HeaderMap, mut response: Response) -> Response {
    response.headers_mut().extend(headers);
    response
}

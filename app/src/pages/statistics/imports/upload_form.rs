//! The request of the upload form and its responses.

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use callsheet::stats::{ImportResult, TrafficBase};
use tower_sessions::Session;

use super::outcome::outcome;
use super::state::PATH;
use crate::error::UiError;
use crate::forms::Flash;
use crate::request::login_page;
use crate::texts::{Locale, Texts};

/// A request of the upload form.
pub struct UploadForm {
    pub texts: Texts,
    base: TrafficBase,
    session: Option<Session>,
}

impl UploadForm {
    #[must_use]
    pub fn of(parts: &Parts, base: TrafficBase) -> Self {
        Self { texts: Texts(Locale::of_request(&parts.headers)), base, session: parts.extensions.get().cloned() }
    }

    /// Redirects a user who is not signed in to the login page.
    #[must_use]
    pub fn login_redirect(&self) -> Response {
        Redirect::to(&login_page(PATH.to_owned())).into_response()
    }

    /// Redirects to the page, which shows the entered values and `result`: the file name and the result of its import.
    pub async fn respond(
        &self,
        format: &str,
        domain: &str,
        result: Result<(String, ImportResult), UiError>,
    ) -> Response {
        let outcome = result.map(|(name, import)| outcome(self.texts, self.base, &name, &import));
        if let Some(session) = &self.session {
            Flash::after(PATH, &[("format", format), ("domain", domain)], &outcome).leave_in(session).await;
        }
        Redirect::to(&format!("{PATH}#upload")).into_response()
    }
}

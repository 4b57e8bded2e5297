//! Whoever sends the form, and how it is answered: by the page again.

use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use callsheet::stats::{Imported, TrafficBase};
use tower_sessions::Session;

use super::outcome::told;
use super::state::PATH;
use crate::error::UiError;
use crate::forms::Flash;
use crate::request::login_page;
use crate::texts::{Locale, Texts};

/// Whoever sends the form.
pub struct Visitor {
    pub texts: Texts,
    base: TrafficBase,
    session: Option<Session>,
}

impl Visitor {
    #[must_use]
    pub fn of(parts: &Parts, base: TrafficBase) -> Self {
        Self { texts: Texts(Locale::of_request(&parts.headers)), base, session: parts.extensions.get().cloned() }
    }

    /// The answer to somebody who is not signed in.
    #[must_use]
    pub fn sign_in(&self) -> Response {
        Redirect::to(&login_page(PATH.to_owned())).into_response()
    }

    /// The answer to the form, with what was typed into it. `outcome`: the name of the file, and what became of it.
    pub async fn answer(&self, format: &str, domain: &str, outcome: Result<(String, Imported), UiError>) -> Response {
        let outcome = outcome.map(|(name, imported)| told(self.texts, self.base, &name, &imported));
        if let Some(session) = &self.session {
            Flash::after(PATH, &[("format", format), ("domain", domain)], &outcome).leave_in(session).await;
        }
        Redirect::to(&format!("{PATH}#upload")).into_response()
    }
}

//! How a form is answered. With script, the server function's value goes back to the island. Without, the browser is
//! sent back to a page, and what the page must show travels in the person's session (a sealed cookie while nobody is
//! signed in) until that page is built: the message, the error, and what was typed. Nothing of it is in an address.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use callsheet::model::{Expected, Problem, Version};
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::context::Visit;
use crate::error::UiError;
use crate::request::form_page;

const KEY: &str = "flash";
/// The code of [`changed_meanwhile`], as the core has it.
const CHANGED: &str = "changed_meanwhile";
/// Maximum length of a typed value in the cookie, in bytes. No user name is longer.
const LONGEST_TYPED: usize = 200;

/// What a form leaves for the next page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Flash {
    /// The server function's path.
    form: String,
    /// What was typed, by field; never a password.
    typed: BTreeMap<String, String>,
    pub(crate) error: Option<UiError>,
    /// Good news, in the person's language.
    message: Option<String>,
    /// The element of the page that the browser was sent to, where the message belongs; none: the top of the page.
    place: Option<String>,
    /// The server function's value, for pages that show it.
    value: Option<serde_json::Value>,
}

impl Flash {
    /// Takes what the last form left. It shows once.
    pub(crate) async fn take(visit: &Visit) -> Self {
        let Some(session) = visit.own_browser_session().await else {
            return visit.form_cookie.take(KEY).unwrap_or_default();
        };
        match session.remove::<Self>(KEY).await {
            Ok(flash) => flash.unwrap_or_default(),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot read a browser session");
                Self::default()
            }
        }
    }

    /// What a form leaves whose outcome another page shows: what was typed and the error, or the value.
    pub(crate) fn after<T: Serialize>(form: &str, typed: &[(&str, &str)], outcome: &Result<T, UiError>) -> Self {
        let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let flash = Self { form: form.to_owned(), ..Self::default() };
        match outcome {
            Ok(value) => Self { value: serde_json::to_value(value).ok(), ..flash },
            Err(error) => Self { typed, error: Some(error.clone()), ..flash },
        }
    }

    /// Keeps it until the next page is built: in the person's session, or in a cookie while nobody is signed in.
    async fn leave(mut self, visit: &Visit) {
        if let Some(session) = visit.own_browser_session().await {
            return self.leave_in(session).await;
        }
        for typed in self.typed.values_mut() {
            typed.truncate(typed.floor_char_boundary(LONGEST_TYPED));
        }
        if let Err(error) = visit.form_cookie.put(KEY, &self) {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot write a form's cookie");
        }
    }

    /// Keeps it in the signed-in user's session.
    pub(crate) async fn leave_in(&self, session: &Session) {
        if let Err(error) = session.insert(KEY, self).await {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot write a browser session");
        }
    }

    /// The part that concerns the form of one server function.
    pub(crate) fn of(&self, form: &str) -> Self {
        if self.form == form { self.clone() } else { Self::default() }
    }

    /// What was typed into a field.
    pub(crate) fn typed(&self, field: &str) -> Option<String> {
        self.typed.get(field).cloned()
    }

    /// Good news for an element of the page; for the top of the page without one.
    pub(crate) fn message(&self, place: Option<&str>) -> Option<String> {
        if self.place.as_deref() == place { self.message.clone() } else { None }
    }

    /// What the server function answered.
    pub(crate) fn value<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.value.clone()?).ok()
    }

    /// The version that a form carries: that of what it was opened with, also when it comes back with an error, unless the person was just
    /// told that it is not the present one.
    pub(crate) fn version(&self, present: &Version) -> String {
        let told = self.error.as_ref().is_some_and(|error| error.code == CHANGED);
        self.typed("version").filter(|_| !told).unwrap_or_else(|| present.as_str().to_owned())
    }

    /// The error of one field.
    pub(crate) fn wrong(&self, field: &str) -> Option<String> {
        self.error.as_ref().filter(|e| e.field.as_deref() == Some(field)).map(|e| e.message.clone())
    }
}

/// The version that a form may change. One without a version, such as a script's, changes any.
pub(crate) fn expected(version: &str) -> Expected {
    if version.is_empty() { Expected::Any } else { Expected::OneOf(vec![Version::given(version)]) }
}

/// Somebody else changed the same settings while the form was open. `message` says what they are now.
pub(crate) fn changed_meanwhile(message: String, field: Option<&str>) -> UiError {
    UiError { code: CHANGED.to_owned(), status: 412, message, field: field.map(str::to_owned) }
}

/// A form's success: what to say, and which page to show.
pub(crate) struct Done {
    pub(crate) message: String,
    pub(crate) page: String,
}

/// One post to a server function, from its start to its answer.
pub(crate) struct Post {
    visit: Visit,
    flash: Flash,
    response: Option<leptos_axum::ResponseOptions>,
    referer: String,
}

impl Post {
    /// `form`: the server function's path; `typed`: fields that must not be lost.
    pub(crate) fn new(visit: &Visit, form: &str, typed: &[(&str, &str)]) -> Self {
        let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self {
            visit: visit.clone(),
            flash: Flash { form: form.to_owned(), typed, ..Flash::default() },
            response: use_context(),
            referer: form_page(),
        }
    }

    /// Answers with the outcome of a use case; `done` makes the message and names the next page.
    pub(crate) async fn answer<T, P>(self, outcome: Result<T, P>, done: impl FnOnce(&T) -> Done) -> Result<T, UiError>
    where
        T: Serialize,
        P: Problem + 'static,
    {
        match outcome {
            Ok(value) => {
                let done = done(&value);
                self.succeed(value, done).await
            }
            Err(problem) => {
                let error = UiError::of(self.visit.texts, &problem);
                self.fail(error).await
            }
        }
    }

    /// Answers with a value that the page shows, and stays on the page of the form.
    pub(crate) async fn show<T: Serialize>(self, value: T, fragment: &str) -> Result<T, UiError> {
        let page = format!("{}#{fragment}", self.referer);
        self.finish(Ok(value), None, page, true).await
    }

    /// Answers with good news on another page.
    pub(crate) async fn succeed<T: Serialize>(self, value: T, done: Done) -> Result<T, UiError> {
        self.finish(Ok(value), Some(done.message), done.page, false).await
    }

    /// Answers with good news on the page of the form.
    pub(crate) async fn stay(self, message: String) -> Result<(), UiError> {
        let page = self.referer.clone();
        self.finish(Ok(()), Some(message), page, false).await
    }

    /// Answers with a value that another page shows once.
    pub(crate) async fn reveal<T: Serialize>(self, value: T, page: String) -> Result<T, UiError> {
        self.finish(Ok(value), None, page, true).await
    }

    /// Answers with another page and nothing to say.
    pub(crate) async fn go(self, page: String) -> Result<(), UiError> {
        if self.visit.wants_html {
            leptos_axum::redirect(&page);
        }
        Ok(())
    }

    /// Answers with an error on the page of the form.
    pub(crate) async fn fail<T: Serialize>(self, error: UiError) -> Result<T, UiError> {
        let page = self.referer.clone();
        self.fail_on(error, page).await
    }

    /// Answers with an error on another page.
    pub(crate) async fn fail_on<T: Serialize>(self, error: UiError, page: String) -> Result<T, UiError> {
        self.finish(Err(error), None, page, false).await
    }

    async fn finish<T: Serialize>(
        mut self,
        outcome: Result<T, UiError>,
        message: Option<String>,
        page: String,
        keep_value: bool,
    ) -> Result<T, UiError> {
        if !self.visit.wants_html {
            if let (Err(error), Some(response)) = (&outcome, &self.response) {
                response.set_status(StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
            }
            return outcome;
        }
        self.flash.message = message;
        self.flash.place = page.split_once('#').map(|(_, place)| place.to_owned());
        match &outcome {
            Ok(value) if keep_value => self.flash.value = serde_json::to_value(value).ok(),
            Ok(_) => self.flash.typed.clear(),
            Err(error) => self.flash.error = Some(error.clone()),
        }
        self.flash.leave(&self.visit).await;
        leptos_axum::redirect(&page);
        outcome
    }
}

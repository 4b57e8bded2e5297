//! The one error that pages, forms and islands see.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What went wrong, safe to show: a stable code, a sentence in the person's language, and the field it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct UiError {
    /// As [`callsheet::model::Problem::code`]; `connection` when the console cannot be reached.
    pub code: String,
    /// The HTTP status that says the same.
    pub status: u16,
    /// Empty only for `connection`, whose sentence the island knows.
    pub message: String,
    /// The form's field, by its name.
    pub field: Option<String>,
}

impl FromServerFnError for UiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::plain("bad_request", 400),
            // On the server what came is no form at all; in the browser what came back is no answer.
            ServerFnErrorErr::Deserialization(_) if cfg!(feature = "ssr") => Self::plain("bad_request", 400),
            ServerFnErrorErr::Request(_) => Self::plain("connection", 503),
            _ => Self::plain("internal", 500),
        }
    }
}

impl UiError {
    #[cfg(not(feature = "ssr"))]
    fn plain(code: &str, status: u16) -> Self {
        Self { code: code.to_owned(), status, message: String::new(), field: None }
    }

    #[cfg(feature = "ssr")]
    fn plain(code: &str, status: u16) -> Self {
        // The framework would say 500. A browser's own form goes back to its page.
        if !crate::request::wants_html() {
            crate::request::set_status(status);
        }
        let message = crate::request::texts().get(&format!("error.{code}"));
        Self { code: code.to_owned(), status, message, field: None }
    }
}

#[cfg(feature = "ssr")]
mod from_problem {
    use std::error::Error;

    use callsheet::model::{Problem, ProblemKind};

    use super::UiError;
    use crate::texts::{Texts, fill};

    impl UiError {
        /// The problem in the person's language. A fault of the console is logged here, once, and shown without its inside.
        #[must_use]
        pub fn of(texts: Texts, problem: &(impl Problem + 'static)) -> Self {
            let details = problem.details();
            let kind = details.kind;
            if matches!(kind, ProblemKind::Internal | ProblemKind::Unavailable) {
                tracing::error!(
                    error = problem as &(dyn Error + 'static),
                    code = details.code,
                    "a page could not be answered"
                );
            }
            let (code, status) = match kind {
                ProblemKind::Invalid => (details.code, 422),
                ProblemKind::Unauthenticated => (details.code, 401),
                ProblemKind::Forbidden => (details.code, 403),
                ProblemKind::NotFound => (details.code, 404),
                ProblemKind::Conflict => (details.code, 409),
                ProblemKind::Outdated => (details.code, 412),
                ProblemKind::TooMany => (details.code, 429),
                ProblemKind::Unavailable => (details.code, 503),
                ProblemKind::Internal => ("internal", 500),
            };
            let args: Vec<(&str, &str)> = details.args.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let message = match texts.find(&format!("error.{code}")) {
                Some(text) => fill(&text, &args),
                None => problem.to_string(),
            };
            Self { code: code.to_owned(), status, message, field: details.field.map(str::to_owned) }
        }

        /// Nobody is signed in.
        pub(crate) fn unauthenticated(texts: Texts) -> Self {
            let message = texts.get("error.unauthenticated");
            Self { code: "unauthenticated".to_owned(), status: 401, message, field: None }
        }

        /// There is no such page.
        pub(crate) fn not_found(texts: Texts) -> Self {
            let message = texts.get("error.not_found");
            Self { code: "not_found".to_owned(), status: 404, message, field: None }
        }

        /// A fault beside the use cases; logged here.
        pub(crate) fn fault(texts: Texts, error: &(dyn Error + 'static)) -> Self {
            tracing::error!(error, "a page could not be answered");
            Self::internal(texts)
        }

        /// A fault that is no problem of a use case.
        #[must_use]
        pub fn internal(texts: Texts) -> Self {
            let message = texts.get("error.internal");
            Self { code: "internal".to_owned(), status: 500, message, field: None }
        }
    }

    #[cfg(test)]
    mod tests {
        use callsheet::model::{ProblemDetails, problem};

        use super::*;
        use crate::texts::Locale;

        #[derive(Debug, thiserror::Error)]
        #[error("password of the database is hunter2")]
        struct Fault(ProblemKind, &'static str);

        impl Problem for Fault {
            fn details(&self) -> ProblemDetails {
                problem(self.0, self.1).arg("name", "push.example.com")
            }
        }

        #[test]
        fn faults_are_not_shown() {
            let error = UiError::of(Texts(Locale::English), &Fault(ProblemKind::Internal, "database"));
            assert_eq!((error.code.as_str(), error.status), ("internal", 500));
            assert!(!error.message.contains("hunter2"));
        }

        #[test]
        fn texts_come_from_the_catalog_with_their_values() {
            let fault = Fault(ProblemKind::Conflict, "domain_taken");
            for locale in Locale::ALL {
                let error = UiError::of(Texts(locale), &fault);
                assert!(error.message.contains("push.example.com"), "{}", error.message);
                assert_eq!(error.status, 409);
            }
        }
    }
}

//! Common interface for use-case errors.

/// Kind of an error, from which an entry point chooses its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The input is wrong; the user can correct it.
    Invalid,
    /// Nobody is signed in, or the credentials are wrong.
    Unauthenticated,
    /// The actor is signed in, but lacks permission.
    Forbidden,
    /// The resource does not exist.
    NotFound,
    /// The request conflicts with existing data.
    Conflict,
    /// The resource has changed since the client read it.
    Outdated,
    /// A rate limit is exceeded.
    TooMany,
    /// A temporary failure; the same request may succeed later.
    Unavailable,
    /// A bug or a broken installation. The text goes to the log only.
    Internal,
}

/// Description of an error: each variant of an error type lists its own in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemDetails {
    /// Stable, `snake_case`; key of the text in the catalogs and last part of `type` in REST.
    pub code: &'static str,
    pub kind: ProblemKind,
    /// The invalid input field, by its name in forms and JSON.
    pub field: Option<&'static str>,
    /// Values for the text in the catalogs.
    pub args: Vec<(&'static str, String)>,
}

impl ProblemDetails {
    /// Names the invalid input field.
    #[must_use]
    pub fn field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// Adds a value for the text in the catalogs.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }
}

/// Describes an error.
#[must_use]
pub const fn problem(kind: ProblemKind, code: &'static str) -> ProblemDetails {
    ProblemDetails { code, kind, field: None, args: Vec::new() }
}

/// An error with a stable code. `Display` is the English text for users; internal errors are never shown.
pub trait Problem: std::error::Error {
    /// Returns code, kind, field and values of the error.
    fn details(&self) -> ProblemDetails;

    fn code(&self) -> &'static str {
        self.details().code
    }
    fn kind(&self) -> ProblemKind {
        self.details().kind
    }
    fn field(&self) -> Option<&'static str> {
        self.details().field
    }
}

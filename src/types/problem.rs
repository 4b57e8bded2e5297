//! What every error of a use case can tell to whom it concerns.

/// The sort of an error, from which an entry point chooses its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The input is wrong; the person can mend it.
    Invalid,
    /// Nobody is signed in, or the credentials do not hold.
    Unauthenticated,
    /// Signed in, but not allowed.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// It clashes with what is already there.
    Conflict,
    /// It is not any more what the change was made for.
    Outdated,
    /// Too often.
    TooMany,
    /// The console cannot do it now; the same request may succeed later.
    Unavailable,
    /// A fault of the console; the text is for the log alone.
    Internal,
}

/// An error with a stable code. `Display` is the English text for people; internal errors are never shown.
pub trait Problem: std::error::Error {
    /// Stable, `snake_case`; the key of its text in the catalogs and the end of its `type` in REST.
    fn code(&self) -> &'static str;
    /// What sort of error it is.
    fn kind(&self) -> ProblemKind;
    /// The field of the input that is wrong, by its name in forms and JSON.
    fn field(&self) -> Option<&'static str> {
        None
    }
    /// Values for the text in the catalogs.
    fn args(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

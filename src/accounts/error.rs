//! What can go wrong with an account.

use super::Fault;
use super::passwords::HashFault;
use crate::model::{Forbidden, Problem, ProblemKind, StoreError};
use crate::sealing::SealError;

/// Why something with an account cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("enter a user name of 1 to 50 characters, without leading or trailing spaces")]
    BadUserName,
    #[error("the password must have 10 to 200 characters")]
    BadPassword,
    #[error("this password is too common; use a few unrelated words")]
    CommonPassword,
    #[error("this password is easy to guess; use a few unrelated words")]
    GuessablePassword,
    #[error("this password is based on the user name; use a few words unrelated to it")]
    PasswordOfName,
    #[error("the passwords do not match")]
    PasswordsDiffer,
    #[error("the current password is wrong")]
    WrongPassword,
    #[error("user {0} already exists; choose another name")]
    Taken(String),
    #[error("wrong user name or password")]
    WrongLogin,
    #[error("too many sign-in attempts; wait a minute, then try again")]
    TooManyLogins,
    #[error("this set-up link was used or has expired; restart the console to get a new one")]
    BadSetupLink,
    #[error("this link was used, replaced or has expired; ask an admin for a new one")]
    BadLink,
    #[error("this user does not exist")]
    Unknown,
    #[error("this is the last active admin; make someone else an admin first")]
    LastAdmin,
    #[error("the user is deactivated; activate the user first")]
    Deactivated,
    #[error("single sign-on manages this user's password, second factor and role; change them at the provider")]
    ByProvider,
    #[error("this session does not exist; it may have ended")]
    NoSession,
    #[error("two-factor sign-in is already on; turn it off first")]
    FactorOn,
    #[error("two-factor set-up was not started; start over")]
    NoFactor,
    #[error("wrong or already used code; wait for the next one, and check the clock of your device")]
    WrongCode,
    #[error("the second step has timed out; sign in again")]
    SecondStepOver,
    #[error("single sign-on is not configured on this console")]
    NoProvider,
    #[error("single sign-on refused this sign-in; see the server log for reference {reference}")]
    SignOn {
        #[source]
        fault: Box<Fault>,
        reference: String,
    },
    #[error(transparent)]
    Hash(#[from] HashFault),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for AccountError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadUserName => "user_bad_name",
            Self::BadPassword => "user_bad_password",
            Self::CommonPassword => "password_common",
            Self::GuessablePassword => "password_guessable",
            Self::PasswordOfName => "password_of_name",
            Self::PasswordsDiffer => "user_passwords_differ",
            Self::WrongPassword => "password_wrong",
            Self::Taken(_) => "user_taken",
            Self::WrongLogin => "login_wrong",
            Self::TooManyLogins => "login_too_many",
            Self::BadSetupLink => "setup_bad_link",
            Self::BadLink => "user_bad_link",
            Self::Unknown => "user_unknown",
            Self::LastAdmin => "user_last_admin",
            Self::Deactivated => "user_deactivated",
            Self::ByProvider => "user_by_provider",
            Self::NoSession => "browser_session_unknown",
            Self::FactorOn => "two_factor_on",
            Self::NoFactor => "two_factor_not_started",
            Self::WrongCode => "two_factor_wrong_code",
            Self::SecondStepOver => "two_factor_over",
            Self::NoProvider => "sso_none",
            Self::SignOn { fault, .. } => fault.code(),
            Self::Hash(HashFault::Busy) => "login_busy",
            Self::Hash(HashFault::Failed(_)) | Self::Seal(_) => "internal",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadUserName
            | Self::BadPassword
            | Self::CommonPassword
            | Self::GuessablePassword
            | Self::PasswordOfName
            | Self::PasswordsDiffer
            | Self::WrongPassword
            | Self::BadSetupLink
            | Self::BadLink
            | Self::WrongCode => ProblemKind::Invalid,
            Self::Taken(_)
            | Self::LastAdmin
            | Self::Deactivated
            | Self::ByProvider
            | Self::FactorOn
            | Self::NoFactor => ProblemKind::Conflict,
            Self::WrongLogin | Self::SecondStepOver => ProblemKind::Unauthenticated,
            Self::Unknown | Self::NoSession | Self::NoProvider => ProblemKind::NotFound,
            Self::TooManyLogins => ProblemKind::TooMany,
            Self::SignOn { fault, .. } => fault.kind(),
            Self::Hash(HashFault::Busy) => ProblemKind::Unavailable,
            Self::Hash(HashFault::Failed(_)) | Self::Seal(_) => ProblemKind::Internal,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadUserName | Self::Taken(_) => Some("name"),
            Self::BadPassword | Self::CommonPassword | Self::GuessablePassword | Self::PasswordOfName => {
                Some("password")
            }
            Self::PasswordsDiffer => Some("passwordAgain"),
            Self::WrongPassword => Some("present"),
            Self::WrongCode => Some("code"),
            _ => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Taken(name) => vec![("name", name.clone())],
            Self::SignOn { fault, .. } => fault.args(),
            _ => Vec::new(),
        }
    }
}

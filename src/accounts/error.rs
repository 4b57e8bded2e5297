//! Errors of account use cases.

use super::SignOnError;
use super::passwords::HashError;
use crate::model::ProblemKind::{Conflict, Internal, Invalid, NotFound, TooMany, Unauthenticated, Unavailable};
use crate::model::{Forbidden, Problem, ProblemDetails, StoreError, problem};
use crate::sealing::SealError;

/// Error of an account use case.
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
        fault: Box<SignOnError>,
        reference: String,
    },
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for AccountError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::BadUserName => problem(Invalid, "user_bad_name").field("name"),
            Self::BadPassword => problem(Invalid, "user_bad_password").field("password"),
            Self::CommonPassword => problem(Invalid, "password_common").field("password"),
            Self::GuessablePassword => problem(Invalid, "password_guessable").field("password"),
            Self::PasswordOfName => problem(Invalid, "password_of_name").field("password"),
            Self::PasswordsDiffer => problem(Invalid, "user_passwords_differ").field("passwordAgain"),
            Self::WrongPassword => problem(Invalid, "password_wrong").field("present"),
            Self::Taken(name) => problem(Conflict, "user_taken").field("name").arg("name", name),
            Self::WrongLogin => problem(Unauthenticated, "login_wrong"),
            Self::TooManyLogins => problem(TooMany, "login_too_many"),
            Self::BadSetupLink => problem(Invalid, "setup_bad_link"),
            Self::BadLink => problem(Invalid, "user_bad_link"),
            Self::Unknown => problem(NotFound, "user_unknown"),
            Self::LastAdmin => problem(Conflict, "user_last_admin"),
            Self::Deactivated => problem(Conflict, "user_deactivated"),
            Self::ByProvider => problem(Conflict, "user_by_provider"),
            Self::NoSession => problem(NotFound, "browser_session_unknown"),
            Self::FactorOn => problem(Conflict, "two_factor_on"),
            Self::NoFactor => problem(Conflict, "two_factor_not_started"),
            Self::WrongCode => problem(Invalid, "two_factor_wrong_code").field("code"),
            Self::SecondStepOver => problem(Unauthenticated, "two_factor_over"),
            Self::NoProvider => problem(NotFound, "sso_none"),
            Self::SignOn { fault, .. } => fault.details(),
            Self::Hash(HashError::Busy) => problem(Unavailable, "login_busy"),
            Self::Hash(HashError::Failed(_)) | Self::Seal(_) => problem(Internal, "internal"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

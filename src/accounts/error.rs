//! Errors of account use cases.

use super::SignOnError;
use super::passwords::HashError;
use crate::model::ProblemKind::{Conflict, Internal, Invalid, NotFound, TooMany, Unauthenticated, Unavailable};
use crate::model::{Forbidden, Problem, ProblemDetails, StoreError, problem};
use crate::sealing::SealError;

/// Error of an account use case.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("type a user name of 1 to 50 characters without spaces at its ends")]
    BadUserName,
    #[error("the password needs 10 to 200 characters")]
    BadPassword,
    #[error(
        "this password is among the first that attackers try; take a few words that have nothing to do with each other"
    )]
    CommonPassword,
    #[error(
        "this password follows a pattern that is guessed fast; take a few words that have nothing to do with each other"
    )]
    GuessablePassword,
    #[error("this password is made of the user name; take a few words that have nothing to do with it")]
    PasswordOfName,
    #[error("the two passwords differ; type the same one twice")]
    PasswordsDiffer,
    #[error("the present password is wrong")]
    WrongPassword,
    #[error("there is a user {0} already; choose another name")]
    Taken(String),
    #[error("name or password is wrong")]
    WrongLogin,
    #[error("too many attempts to sign in; wait a minute, then try again")]
    TooManyLogins,
    #[error("this set-up link has been used or has expired; restart the console to get a new one")]
    BadSetupLink,
    #[error("this link has been used, replaced or has expired; ask an admin for a new one")]
    BadLink,
    #[error("there is no user with this number")]
    Unknown,
    #[error("this is the last admin who can sign in; make somebody else an admin first")]
    LastAdmin,
    #[error("the user is deactivated; activate the user first")]
    Deactivated,
    #[error("single sign-on decides on this user's password, second factor and role; change them at the provider")]
    ByProvider,
    #[error("this user has no session of that kind; it may have ended meanwhile")]
    NoSession,
    #[error("two-factor sign-in is on already; turn it off first")]
    FactorOn,
    #[error("two-factor sign-in is not being set up; start anew")]
    NoFactor,
    #[error("this code does not fit or was used before; wait for the next one, and check the clock of your device")]
    WrongCode,
    #[error("the time for the second step is over; sign in again")]
    SecondStepOver,
    #[error("this console has no single sign-on")]
    NoProvider,
    #[error("the single sign-on refused this sign-in; the console's log has the cause under {reference}")]
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

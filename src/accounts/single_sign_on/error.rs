//! Causes for which a sign-in through the provider is refused.

use super::FetchError;
use crate::model::ProblemKind::{Conflict, Forbidden, Invalid, Unavailable};
use crate::model::{Problem, ProblemDetails, problem};

/// Cause of a refusal. Admins see its text in the log and on the test page: it names addresses, claims and settings, never tokens or
/// secrets. The user who signs in sees the text of the error code.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    #[error("the provider cannot be reached at {url}: {}", causes(source))]
    Unreachable { url: String, source: FetchError },
    #[error("the provider's {what} at {url} is not usable: {why}")]
    Unreadable { what: &'static str, url: String, why: String },
    #[error(
        "oidc_issuer is `{configured}`, but the provider's issuer is `{found}`; both must be identical, including slashes"
    )]
    OtherIssuer { configured: String, found: String },
    #[error(
        "the provider supports only {0} for client authentication; register the console with client_secret_basic or client_secret_post"
    )]
    NoMethod(String),
    #[error("the provider rejected the console's client credentials: {0}; check oidc_client_id and oidc_client_secret")]
    BadClient(String),
    #[error(
        "the provider rejected the authorization code, which was already used, has expired or belongs to another client or redirect URI: {0}"
    )]
    BadCode(String),
    #[error("the provider's token endpoint returned an error: {0}")]
    TokenRefused(String),
    #[error("the provider denied the sign-in: {error}{}", described(description))]
    Denied { error: String, description: String },
    #[error(
        "the state parameter is unknown to this browser, was already used or came more than ten minutes after the start"
    )]
    NotOurs,
    #[error("the ID token is not valid: {0}")]
    BadToken(String),
    #[error("the ID token's nonce does not belong to this sign-in")]
    Nonce,
    #[error("the ID token expired at {expired}, and the console's clock is at {now}; check the clocks of both servers")]
    Expired { expired: String, now: String },
    #[error("the ID token is not intended for this console: {0}")]
    Audience(String),
    #[error("the provider's userinfo at {url} is not usable: {why}")]
    Userinfo { url: String, why: String },
    #[error("no role: looked for admin, operator or reviewer in {looked_for}; {found}")]
    NoRole { looked_for: String, found: String },
    #[error("none of preferred_username, email and sub is usable as a user name")]
    NoName,
    #[error("the name {0} is used by another user of this console; rename one of them")]
    NameTaken(String),
    #[error("the user {0} is deactivated in this console")]
    Deactivated(String),
}

/// Formats an error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn described(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}

impl Problem for SignOnError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Unreachable { .. } => problem(Unavailable, "sso_down"),
            Self::Unreadable { .. } | Self::OtherIssuer { .. } | Self::NoMethod(_) => {
                problem(Unavailable, "sso_bad_provider")
            }
            Self::BadClient(_) => problem(Unavailable, "sso_bad_client"),
            Self::BadCode(_) => problem(Invalid, "sso_bad_code"),
            Self::TokenRefused(_) => problem(Unavailable, "sso_token_refused"),
            // The user sees the protocol's error code, such as `access_denied`, and nothing else from the address.
            Self::Denied { error, .. } => problem(Forbidden, "sso_refused").arg("why", error),
            Self::NotOurs => problem(Invalid, "sso_bad_answer"),
            Self::BadToken(_) => problem(Invalid, "sso_bad_token"),
            Self::Nonce => problem(Invalid, "sso_bad_nonce"),
            Self::Expired { .. } => problem(Invalid, "sso_expired"),
            Self::Audience(_) => problem(Forbidden, "sso_bad_audience"),
            Self::Userinfo { .. } => problem(Unavailable, "sso_bad_userinfo"),
            Self::NoRole { .. } => problem(Forbidden, "sso_no_role"),
            Self::NoName => problem(Forbidden, "sso_no_name"),
            Self::NameTaken(name) => problem(Conflict, "sso_name_taken").arg("name", name),
            Self::Deactivated(_) => problem(Forbidden, "sso_deactivated"),
        }
    }
}

//! The causes for which a sign-in by the provider is refused.

use super::FetchError;
use crate::model::{Problem, ProblemKind};

/// The cause of a refusal. Its text is for admins, in the log and on the page of the test: it names addresses, claims and settings, and
/// never a token or a secret. The person who signs in sees the text of the code.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
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

/// An error with its causes, which name what the outer ones leave out.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn described(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}

impl Problem for Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "sso_down",
            Self::Unreadable { .. } | Self::OtherIssuer { .. } | Self::NoMethod(_) => "sso_bad_provider",
            Self::BadClient(_) => "sso_bad_client",
            Self::BadCode(_) => "sso_bad_code",
            Self::TokenRefused(_) => "sso_token_refused",
            Self::Denied { .. } => "sso_refused",
            Self::NotOurs => "sso_bad_answer",
            Self::BadToken(_) => "sso_bad_token",
            Self::Nonce => "sso_bad_nonce",
            Self::Expired { .. } => "sso_expired",
            Self::Audience(_) => "sso_bad_audience",
            Self::Userinfo { .. } => "sso_bad_userinfo",
            Self::NoRole { .. } => "sso_no_role",
            Self::NoName => "sso_no_name",
            Self::NameTaken(_) => "sso_name_taken",
            Self::Deactivated(_) => "sso_deactivated",
        }
    }

    fn kind(&self) -> ProblemKind {
        match self {
            Self::Unreachable { .. }
            | Self::Unreadable { .. }
            | Self::OtherIssuer { .. }
            | Self::NoMethod(_)
            | Self::BadClient(_)
            | Self::TokenRefused(_)
            | Self::Userinfo { .. } => ProblemKind::Unavailable,
            Self::BadCode(_) | Self::NotOurs | Self::BadToken(_) | Self::Nonce | Self::Expired { .. } => {
                ProblemKind::Invalid
            }
            Self::Denied { .. } | Self::Audience(_) | Self::NoRole { .. } | Self::NoName | Self::Deactivated(_) => {
                ProblemKind::Forbidden
            }
            Self::NameTaken(_) => ProblemKind::Conflict,
        }
    }

    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NameTaken(name) => vec![("name", name.clone())],
            // People see a word of the protocol, such as `access_denied`, and nothing else of an address.
            Self::Denied { error, .. } => vec![("why", error.clone())],
            _ => Vec::new(),
        }
    }
}

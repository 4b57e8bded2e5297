//! A test of single sign-on by an admin.
//!
//! It takes the same route as a sign-in, with the same client and redirect address, so nothing else has to be registered with the provider.
//! The pending request and the result are stored in the browser session of the admin, who stays signed in.

use callsheet::accounts::{AccountError, AuthorizationRequest, Callback, ProviderTest};
use callsheet::model::{Actor, Millis, UserId, Who};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::context::Visit;
use crate::error::UiError;
use crate::page::send_to;

pub(super) const PAGE: &str = "/settings/single-sign-on";
pub(super) const LEAVE: &str = "/settings/single-sign-on/leave";
/// Lifetime of a result.
const RESULT_MS: Millis = 10 * 60_000;
/// Maximum number of stored claims, and of characters per value.
const MAX_CLAIMS: usize = 100;
const MAX_VALUE: usize = 1_000;

/// A test that waits for the response of the provider. Stored in the browser session.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    user: UserId,
    request: AuthorizationRequest,
    /// Address of the provider to which the browser is redirected.
    pub(super) address: String,
}

impl Pending {
    const KEY: &str = "single_sign_on_test";
}

/// The result of the last test. Stored in the browser session.
#[derive(Serialize, Deserialize)]
pub(super) struct Tested {
    user: UserId,
    until: Millis,
    /// Name and value of each claim.
    pub(super) id_token: Vec<(String, String)>,
    pub(super) userinfo: Vec<(String, String)>,
    pub(super) outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Outcome {
    LetIn {
        name: String,
        is_known: bool,
        role: String,
        claim: String,
    },
    /// The text for the person who signs in, and the cause.
    Refused {
        message: String,
        cause: String,
    },
}

impl Tested {
    const KEY: &str = "single_sign_on_tested";
}

fn user_of(actor: &Actor) -> Option<UserId> {
    if let Who::User { id, .. } = actor.who { Some(id) } else { None }
}

/// Starts a test. Returns whether the browser must continue at [`LEAVE`]; otherwise the test has failed already.
pub(super) async fn start(visit: &Visit, actor: &Actor) -> Result<bool, UiError> {
    let (address, request) = match visit.console.accounts.start_single_sign_on_test(actor).await {
        Ok(started) => started,
        // The page shows the cause, as for a failed response.
        Err(AccountError::SignOn { fault, .. }) => {
            let test = ProviderTest { id_token: Vec::new(), userinfo: Vec::new(), outcome: Err(*fault) };
            return keep(visit, actor, test).await.map(|()| false);
        }
        Err(problem) => return Err(UiError::of(visit.texts, &problem)),
    };
    let (Some(session), Some(user)) = (&visit.session, user_of(actor)) else {
        return Err(UiError::internal(visit.texts));
    };
    let pending = session.insert(Pending::KEY, Pending { user, request, address });
    pending.await.map_err(|error| UiError::fault(visit.texts, &error)).map(|()| true)
}

pub(super) async fn pending(visit: &Visit, actor: &Actor) -> Option<Pending> {
    let pending = visit.session.as_ref()?.get::<Pending>(Pending::KEY).await.ok()??;
    (Some(pending.user) == user_of(actor)).then_some(pending)
}

/// Finishes the test to which the response of the provider belongs. Returns `None` if no test of this session expects it.
pub(crate) async fn finish_test(visit: &Visit, actor: &Actor, callback: &Callback) -> Option<Result<AnyView, UiError>> {
    let Pending { request, .. } = pending(visit, actor).await?;
    if !request.matches(&callback.state, visit.console.clock.now()) {
        return None;
    }
    // Only the first response counts.
    if let Err(error) = visit.session.as_ref()?.remove::<Pending>(Pending::KEY).await {
        return Some(Err(UiError::fault(visit.texts, &error)));
    }
    let kept = match visit.console.accounts.finish_single_sign_on_test(actor, request, callback).await {
        Ok(test) => keep(visit, actor, test).await,
        Err(problem) => Err(UiError::of(visit.texts, &problem)),
    };
    Some(kept.map(|()| send_to(PAGE)))
}

async fn keep(visit: &Visit, actor: &Actor, test: ProviderTest) -> Result<(), UiError> {
    let texts = visit.texts;
    let (Some(session), Some(user)) = (&visit.session, user_of(actor)) else { return Err(UiError::internal(texts)) };
    let outcome = match test.outcome {
        Ok(signed_in) => Outcome::LetIn {
            name: signed_in.name,
            is_known: signed_in.is_known,
            role: signed_in.role.role.as_str().to_owned(),
            claim: signed_in.role.claim,
        },
        Err(fault) => Outcome::Refused { cause: fault.to_string(), message: UiError::of(texts, &fault).message },
    };
    let cut = |claims: Vec<(String, String)>| {
        let short = |(name, value): (String, String)| match value.char_indices().nth(MAX_VALUE) {
            Some((end, _)) => (name, format!("{}…", &value[..end])),
            None => (name, value),
        };
        claims.into_iter().take(MAX_CLAIMS).map(short).collect()
    };
    let tested = Tested {
        user,
        until: visit.console.clock.now() + RESULT_MS,
        id_token: cut(test.id_token),
        userinfo: cut(test.userinfo),
        outcome,
    };
    session.insert(Tested::KEY, tested).await.map_err(|error| UiError::fault(texts, &error))
}

/// Returns the result of the last test until it expires.
pub(super) async fn tested(visit: &Visit, actor: &Actor) -> Option<Tested> {
    let session = visit.session.as_ref()?;
    let tested = session.get::<Tested>(Tested::KEY).await.ok()??;
    if visit.console.clock.now() < tested.until && Some(tested.user) == user_of(actor) {
        return Some(tested);
    }
    if let Err(error) = session.remove_value(Tested::KEY).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot remove a test's result");
    }
    None
}

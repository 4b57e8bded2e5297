//! Authentication by signature, and rate limits.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use callsheet::Console;
use callsheet::keys::{KeyError, NONCE_LIFE_MS};
use callsheet::model::{Actor, Millis};
use secrecy::ExposeSecret;

use super::envelope::JdError;
use super::signature::Signature;
use crate::http::AppState;
use crate::http::middleware::client_address;
use crate::http::rate_limit::RateLimited;

/// Maximum deviation of the signature's time.
const LEEWAY_MS: Millis = 15 * 60_000;
/// Maximum length of a nonce, which is part of an index.
const MAX_NONCE: usize = 128;
// A nonce is stored as long as its request could be repeated.
const _: () = assert!(NONCE_LIFE_MS >= 2 * LEEWAY_MS);

/// Returns rate limit headers and the actor.
pub(super) async fn authenticate(app: &AppState, request: &Parts, body: &[u8]) -> (HeaderMap, Result<Actor, JdError>) {
    let limits = &app.limits;
    let refuse = |refused: RateLimited| {
        let error = JdError::too_many(refused.detail());
        (refused.into_fields(), Err(error))
    };
    let address = client_address(&request.extensions);
    match signer(&app.console, request, body, &address).await {
        Ok(actor) => limits.count(&actor.who).map_or_else(refuse, |headers| (headers, Ok(actor))),
        Err(error) if error.is_unauthenticated() => {
            limits.count_stranger(&address).map_or_else(refuse, |headers| (headers, Err(error)))
        }
        Err(error) => (HeaderMap::new(), Err(error)),
    }
}

/// Returns the actor of the key that signed the request. Unknown keys and wrong signatures get the same error.
async fn signer(console: &Console, request: &Parts, body: &[u8], address: &str) -> Result<Actor, JdError> {
    let refused = || JdError::unauthenticated("unknown access key, or invalid signature");
    let signature = Signature::of(request).map_err(JdError::unauthenticated)?;
    let (actor, secret) = match console.keys.signer(signature.access_key, address).await {
        Ok(signer) => signer,
        Err(KeyError::UnknownToken | KeyError::Expired) => return Err(refused()),
        Err(error) => return Err(error.into()),
    };
    if !signature.verify(request, body, secret.expose_secret()).map_err(JdError::unauthenticated)? {
        return Err(refused());
    }
    if (console.clock.now() - signature.at).abs() > LEEWAY_MS {
        return Err(JdError::unauthenticated("`x-jdcloud-date` is more than 15 minutes off; check your clock"));
    }
    match signature.nonce {
        None => {}
        Some(nonce) if nonce.len() > MAX_NONCE => {
            return Err(JdError::unauthenticated(format!("`x-jdcloud-nonce` is longer than {MAX_NONCE} bytes")));
        }
        Some(nonce) if console.keys.take_nonce(signature.access_key, nonce).await? => {}
        Some(_) => return Err(JdError::unauthenticated("repeated request: this `x-jdcloud-nonce` was already used")),
    }
    console.keys.note_use(&actor);
    Ok(actor)
}

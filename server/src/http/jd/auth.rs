//! Who signed a request, and whether that was too often.

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
use crate::http::rate_limit::Refused;

/// How far the time of a signature may be off.
const LEEWAY_MS: Millis = 15 * 60_000;
/// Databases index it.
const LONGEST_NONCE: usize = 128;
// A nonce is known for as long as its request could come again.
const _: () = assert!(NONCE_LIFE_MS >= 2 * LEEWAY_MS);

/// What an answer says of limits, and who calls.
pub(super) async fn admit(app: &AppState, request: &Parts, body: &[u8]) -> (HeaderMap, Result<Actor, JdError>) {
    let limits = &app.limits;
    let refuse = |refused: Refused| {
        let error = JdError::too_many(refused.detail());
        (refused.into_fields(), Err(error))
    };
    let address = client_address(&request.extensions);
    match signer(&app.console, request, body, &address).await {
        Ok(actor) => limits.count(&actor.who).map_or_else(refuse, |told| (told, Ok(actor))),
        Err(error) if error.is_unauthenticated() => {
            limits.count_stranger(&address).map_or_else(refuse, |told| (told, Err(error)))
        }
        Err(error) => (HeaderMap::new(), Err(error)),
    }
}

/// The actor of the key that signed the request. Unknown keys and wrong signatures get the same answer.
async fn signer(console: &Console, request: &Parts, body: &[u8], address: &str) -> Result<Actor, JdError> {
    let refused = || JdError::unauthenticated("unknown access key, or invalid signature");
    let signature = Signature::of(request).map_err(JdError::unauthenticated)?;
    let (actor, secret) = match console.keys.signer(signature.access_key, address).await {
        Ok(signer) => signer,
        Err(KeyError::UnknownToken | KeyError::Expired) => return Err(refused()),
        Err(error) => return Err(error.into()),
    };
    if !signature.holds(request, body, secret.expose_secret()).map_err(JdError::unauthenticated)? {
        return Err(refused());
    }
    if (console.clock.now() - signature.at).abs() > LEEWAY_MS {
        return Err(JdError::unauthenticated("`x-jdcloud-date` is more than 15 minutes off; check your clock"));
    }
    match signature.nonce {
        None => {}
        Some(nonce) if nonce.len() > LONGEST_NONCE => {
            return Err(JdError::unauthenticated(format!("`x-jdcloud-nonce` is longer than {LONGEST_NONCE} bytes")));
        }
        Some(nonce) if console.keys.take_nonce(signature.access_key, nonce).await? => {}
        Some(_) => return Err(JdError::unauthenticated("repeated request: this `x-jdcloud-nonce` was already used")),
    }
    console.keys.note_use(&actor);
    Ok(actor)
}

//! Verification of signed tokens with the keys of `openidconnect`. Claims stay untyped, so that an unused claim cannot make a token invalid.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, JwsSigningAlgorithm};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::metadata::Metadata;

/// Reason not to trust a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Untrusted {
    /// No key matches: the provider may have rotated its keys.
    NoKey(String),
    Other(String),
}

/// Verifies the signature of a token and returns its claims.
pub(super) fn verified(
    token: &str,
    metadata: &Metadata,
    client_secret: Option<&SecretString>,
) -> Result<Map<String, Value>, Untrusted> {
    let other = |why: &str| Untrusted::Other(why.to_owned());
    let parts: Vec<&str> = token.trim().split('.').collect();
    let [header, claims, signature] = match parts.as_slice() {
        [header, claims, signature] => [header, claims, signature].map(|part| decode(part)),
        [_, _, _, _, _] => {
            return Err(other("it is encrypted; turn off the encryption of ID tokens and userinfo at the provider"));
        }
        _ => return Err(other("it is not a signed JSON Web Token")),
    };
    let object = |part: Option<Vec<u8>>| part.and_then(|json| serde_json::from_slice::<Map<String, Value>>(&json).ok());
    let header = object(header).ok_or_else(|| other("its header is not valid"))?;
    let signature = signature.ok_or_else(|| other("its signature is not valid"))?;
    if header.get("crit").is_some_and(|names| !names.is_null()) {
        return Err(other("its header has unknown critical members"));
    }
    let name = header.get("alg").cloned().unwrap_or_default();
    let algorithm: CoreJwsSigningAlgorithm =
        serde_json::from_value(name.clone()).map_err(|_| Untrusted::Other(format!("unknown algorithm {name}")))?;
    let signed = token.trim().rsplit_once('.').map_or("", |(signed, _)| signed).as_bytes();
    if algorithm == CoreJwsSigningAlgorithm::None {
        return Err(other("it is not signed"));
    }
    if algorithm.uses_shared_secret() {
        let listed = metadata.signing_algorithms.iter().any(|listed| *listed == name);
        let secret = client_secret.filter(|_| listed);
        let secret = secret.ok_or_else(|| Untrusted::Other(format!("its algorithm {name} is not advertised")))?;
        let key = CoreJsonWebKey::new_symmetric(secret.expose_secret().as_bytes().to_vec());
        key.verify_signature(&algorithm, signed, &signature).map_err(|error| Untrusted::Other(error.to_string()))?;
    } else {
        verify(metadata, &header, &algorithm, signed, &signature)?;
    }
    object(claims).ok_or_else(|| other("its claims are not a JSON object"))
}

/// Tries each matching key: several match if the token or the keys have no key id.
fn verify(
    metadata: &Metadata,
    header: &Map<String, Value>,
    algorithm: &CoreJwsSigningAlgorithm,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), Untrusted> {
    let wanted = header.get("kid").and_then(Value::as_str);
    let fits = |key: &&CoreJsonWebKey| match (wanted, key.key_id()) {
        (Some(wanted), Some(id)) => id.as_str() == wanted,
        _ => true,
    };
    let mut why = None;
    for key in metadata.keys.keys().iter().filter(fits) {
        match key.verify_signature(algorithm, signed, signature) {
            Ok(()) => return Ok(()),
            Err(error) => why = Some(error.to_string()),
        }
    }
    let key = wanted.map_or_else(String::new, |id| format!(" `{id}`"));
    Err(Untrusted::NoKey(match why {
        Some(why) => format!("its signature does not match the provider's key{key}: {why}"),
        None => format!("the provider publishes no key{key} for its signature"),
    }))
}

fn decode(part: &str) -> Option<Vec<u8>> {
    // Some encoders add padding.
    BASE64.decode(part.trim_end_matches('=')).ok()
}

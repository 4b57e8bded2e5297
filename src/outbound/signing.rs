//! Signatures by Standard Webhooks 1.0.0: `v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`.
//!
//! Signing is implemented here; the `standardwebhooks` crate verifies, so that the two implementations check each other.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderMap;
use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use standardwebhooks::{Webhook, WebhookError};

const PREFIX: &str = "whsec_";

/// Error while parsing a signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    #[error("The secret does not start with whsec_; copy the whole secret.")]
    NoPrefix,
    #[error("The part after whsec_ is not base64; copy the secret again.")]
    NotBase64,
    #[error("The secret must have 24 to 64 bytes; generate a new one.")]
    BadLength,
}

/// Key of callback signatures: `whsec_` and the base64 of 24 to 64 bytes. `Debug` does not show it.
#[derive(Clone)]
pub struct SigningSecret {
    text: SecretString,
    /// HMAC initialized with the key.
    mac: Hmac<Sha256>,
}

impl SigningSecret {
    /// Generates a secret of 32 random bytes.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self::of(&key)
    }

    /// Parses `whsec_…`; surrounding spaces are ignored.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(BadSecret::NoPrefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| BadSecret::NotBase64)?;
        if !(24..=64).contains(&key.len()) {
            return Err(BadSecret::BadLength);
        }
        Ok(Self::of(&key))
    }

    /// Returns the secret in the form that the receiver needs.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Returns the first 8 hexadecimal digits of the SHA-256 of the secret, which identify it in the audit log.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&Sha256::digest(self.expose())[..4])
    }

    /// Verifies the headers `webhook-id`, `webhook-timestamp` (at most 5 minutes off) and `webhook-signature` of a received request.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
        Webhook::new(self.expose())?.verify(body, headers)
    }

    fn of(key: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Self { text: format!("{PREFIX}{}", STANDARD.encode(key)).into(), mac }
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(whsec_…)")
    }
}

/// Returns the value of `webhook-signature`: one signature per secret, so that receivers can rotate secrets.
#[must_use]
pub fn sign(secrets: &[SigningSecret], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    let stamp = timestamp_s.to_string();
    // "v1,", 44 characters and a space.
    let mut header = String::with_capacity(secrets.len() * 48);
    for secret in secrets {
        let mut mac = secret.mac.clone();
        for part in [id.as_bytes(), b".", stamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        STANDARD.encode_string(mac.finalize().into_bytes(), &mut header);
    }
    header
}

//! Use cases of API keys.

use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;

use super::{ApiKey, ApiKeyRecord, KeyError, KeyStore};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, BadName, Clock, DomainName, Millis, Role, StoreError, Who};
use crate::sealing::{Sealer, random_token, token_hash};

/// How long a nonce may not come again. Not shorter than requests may be old and ahead of the clock together.
pub const NONCE_LIFE_MS: Millis = 30 * 60_000;

/// A key that was just made; the only time its secrets are shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    /// Public name of the pair, for signed requests.
    pub access_key: String,
    pub secret_key: String,
    /// For `Authorization: Bearer …`.
    pub token: String,
}

/// The use cases.
#[derive(Clone)]
pub struct Keys {
    pub(crate) store: Arc<dyn KeyStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
}

impl Keys {
    /// The actor of a bearer token. `address`: the client's.
    pub async fn token_actor(&self, token: &str, address: &str) -> Result<Actor, KeyError> {
        let key = self.store.find_key_by_token(&token_hash(token)).await?.ok_or(KeyError::Unknown)?;
        Ok(actor_of(key, address))
    }

    /// The actor and the secret of an access key, for a signed request. `address`: the client's.
    pub async fn signer(&self, access_key: &str, address: &str) -> Result<(Actor, SecretString), KeyError> {
        let (key, sealed) = self.store.find_key_by_access_key(access_key).await?.ok_or(KeyError::Unknown)?;
        let secret = self.sealer.open_text(&sealed).map_err(|error| StoreError::Fault(error.into()))?;
        Ok((actor_of(key, address), secret.into()))
    }

    /// Whether a signed nonce comes for the first time within [`NONCE_LIFE_MS`].
    pub async fn take_nonce(&self, access_key: &str, nonce: &str) -> Result<bool, KeyError> {
        let now = self.clock.now();
        Ok(self.store.take_nonce(access_key, nonce, now, now - NONCE_LIFE_MS).await?)
    }

    /// Creates a key; `domains` empty: all.
    pub async fn create(&self, actor: &Actor, name: &str, role: Role, domains: &[String]) -> Result<NewKey, KeyError> {
        actor.check(Action::ManageAccounts)?;
        let name = name.trim();
        if !(1..=50).contains(&name.chars().count()) {
            return Err(KeyError::BadName);
        }
        let names: Result<Vec<String>, BadName> =
            domains.iter().map(|d| DomainName::parse(d).map(|d| d.ascii().to_owned())).collect();
        let names = names.map_err(KeyError::BadDomain)?;
        let key = NewKey {
            access_key: format!("AK{}", hex::encode_upper(rand::random::<[u8; 15]>())),
            secret_key: hex::encode_upper(rand::random::<[u8; 24]>()),
            token: format!("cs_{}", random_token()),
        };
        let record = ApiKeyRecord {
            name: name.to_owned(),
            role,
            domains: (!names.is_empty()).then_some(names),
            access_key: key.access_key.clone(),
            secret_sealed: self.sealer.seal(&key.secret_key),
            token_hash: token_hash(&key.token),
        };
        let now = self.clock.now();
        let detail = json!({ "role": role, "domains": record.domains, "accessKey": key.access_key });
        let audit = AuditEntry::new(actor, now, "key.create", name, detail);
        self.store.create_key(&record, now, &audit).await?;
        Ok(key)
    }
}

fn actor_of(key: ApiKey, address: &str) -> Actor {
    Actor { who: Who::Key { name: key.name }, role: key.role, domains: key.domains, address: address.to_owned() }
}

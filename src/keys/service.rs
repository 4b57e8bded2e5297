//! Use cases of API keys.

use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::last_used::LastUsedCache;
use super::{ApiKey, ApiKeyRecord, KeyError, KeySecrets, KeyView};
use crate::audit::{AuditEntry, moment};
use crate::model::{Action, Actor, BadName, Clock, DomainName, KeyId, Millis, Role, StoreError, Who};
use crate::sealing::{Sealer, random_token, token_hash};
use crate::storage::Db;

/// Maximum lifetime of a key (ten years).
const MAX_LIFE_MS: Millis = 3_653 * 86_400_000;

/// Time within which a nonce must not repeat. It covers the whole range of timestamps that signed requests may have.
pub const NONCE_LIFE_MS: Millis = 30 * 60_000;

/// Properties of a new key.
#[derive(Debug, Clone, Copy)]
pub struct KeyDraft<'a> {
    pub name: &'a str,
    pub role: Role,
    /// Push domains, in ASCII or Unicode; `None` is all.
    pub domains: Option<&'a [String]>,
    /// `None`: it does not expire.
    pub expires_at: Option<Millis>,
}

impl<'a> KeyDraft<'a> {
    /// Describes a key for all domains that does not expire.
    #[must_use]
    pub const fn new(name: &'a str, role: Role) -> Self {
        Self { name, role, domains: None, expires_at: None }
    }
}

/// The secrets of a new or rotated key. They are shown only once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewKey {
    pub id: KeyId,
    /// Public name of the pair, for signed requests.
    pub access_key: String,
    pub secret_key: String,
    /// For `Authorization: Bearer …`.
    pub token: String,
}

/// Use cases of API keys.
#[derive(Clone)]
pub struct Keys {
    db: Db,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
    last_used: Arc<LastUsedCache>,
}

impl Keys {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, sealer: Sealer) -> Self {
        Self { db, clock, sealer, last_used: Arc::default() }
    }

    /// Returns the actor of a bearer token. `address`: client address.
    pub async fn token_actor(&self, token: &str, address: &str) -> Result<Actor, KeyError> {
        let key = self.db.find_key_by_token(&token_hash(token)).await?.ok_or(KeyError::UnknownToken)?;
        let actor = self.actor_of(key, address)?;
        self.note_use(&actor);
        Ok(actor)
    }

    /// Returns actor and secret of an access key. The caller verifies the signature, then calls [`Self::note_use`]. `address`: client
    /// address.
    pub async fn signer(&self, access_key: &str, address: &str) -> Result<(Actor, SecretString), KeyError> {
        let found = self.db.find_key_by_access_key(access_key).await?;
        let (key, sealed) = found.ok_or(KeyError::UnknownToken)?;
        let secret = self.sealer.open_text(&sealed).map_err(|error| StoreError::Fault(error.into()))?;
        Ok((self.actor_of(key, address)?, secret.into()))
    }

    /// Records that a key was used now.
    pub fn note_use(&self, actor: &Actor) {
        if let Who::Key { id, .. } = actor.who {
            self.last_used.record(id, self.clock.now());
        }
    }

    /// Returns whether a nonce is new within [`NONCE_LIFE_MS`], and stores it.
    pub async fn take_nonce(&self, access_key: &str, nonce: &str) -> Result<bool, KeyError> {
        let now = self.clock.now();
        Ok(self.db.take_nonce(access_key, nonce, now, now - NONCE_LIFE_MS).await?)
    }

    /// Returns all keys, sorted by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<KeyView>, KeyError> {
        actor.check(Action::ManageAccounts)?;
        let keys = self.db.list_keys().await?;
        Ok(keys.into_iter().map(|key| self.view(key)).collect())
    }

    /// Returns a key.
    pub async fn get(&self, actor: &Actor, id: KeyId) -> Result<KeyView, KeyError> {
        Ok(self.view(self.find(actor, id).await?))
    }

    /// Returns the key with this name.
    pub async fn named(&self, actor: &Actor, name: &str) -> Result<KeyView, KeyError> {
        self.list(actor).await?.into_iter().find(|key| key.name == name).ok_or(KeyError::Unknown)
    }

    /// Creates a key.
    pub async fn create(&self, actor: &Actor, draft: KeyDraft<'_>) -> Result<NewKey, KeyError> {
        actor.check(Action::ManageAccounts)?;
        let now = self.clock.now();
        let name = draft.name.trim();
        if !(1..=50).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(KeyError::BadName);
        }
        let domains = draft.domains.map(push_domains).transpose()?;
        if draft.expires_at.is_some_and(|at| !(now + 1..=now + MAX_LIFE_MS).contains(&at)) {
            return Err(KeyError::BadExpiry);
        }
        let access_key = format!("AK{}", hex::encode_upper(rand::random::<[u8; 15]>()));
        let (secret_key, token, secrets) = self.new_secrets();
        let record = ApiKeyRecord {
            name: name.to_owned(),
            role: draft.role,
            domains,
            access_key: access_key.clone(),
            expires_at: draft.expires_at,
            secrets,
        };
        let mut after = terms(record.role, record.domains.as_deref(), &access_key, record.expires_at);
        after["token"] = fingerprint(&record.secrets.token_hash).into();
        let audit = AuditEntry::new(actor, now, "key.create", name, json!({ "after": after }));
        match self.db.create_key(&record, now, &audit).await {
            Ok(id) => Ok(NewKey { id, access_key, secret_key, token }),
            Err(StoreError::Duplicate) => Err(KeyError::Taken(record.name)),
            Err(other) => Err(other.into()),
        }
    }

    /// Replaces token and secret key. The previous ones stop working at once.
    pub async fn rotate(&self, actor: &Actor, id: KeyId) -> Result<NewKey, KeyError> {
        let key = self.find(actor, id).await?;
        let now = self.clock.now();
        if key.has_expired(now) {
            return Err(KeyError::HasExpired);
        }
        let (secret_key, token, secrets) = self.new_secrets();
        let detail = json!({
            "before": { "token": fingerprint(&key.token_hash) },
            "after": { "token": fingerprint(&secrets.token_hash) },
        });
        let audit = AuditEntry::new(actor, now, "key.rotate", &key.name, detail);
        if !self.db.change_secrets(id, &secrets, &audit).await? {
            return Err(KeyError::Unknown);
        }
        Ok(NewKey { id, access_key: key.access_key, secret_key, token })
    }

    /// Deletes a key. Its name can be used again.
    pub async fn revoke(&self, actor: &Actor, id: KeyId) -> Result<KeyView, KeyError> {
        let key = self.find(actor, id).await?;
        let detail = json!({ "before": terms(key.role, key.domains.as_deref(), &key.access_key, key.expires_at) });
        let audit = AuditEntry::new(actor, self.clock.now(), "key.revoke", &key.name, detail);
        if self.db.delete_key(id, &audit).await? { Ok(self.view(key)) } else { Err(KeyError::Unknown) }
    }

    /// Stores the last use of keys. A job of the server calls it.
    pub async fn write_uses(&self) -> Result<(), StoreError> {
        let uses = self.last_used.take();
        if uses.is_empty() {
            return Ok(());
        }
        let written = self.db.write_uses(&uses).await;
        if written.is_err() {
            for (id, at) in uses {
                self.last_used.record(id, at);
            }
        }
        written
    }

    async fn find(&self, actor: &Actor, id: KeyId) -> Result<ApiKey, KeyError> {
        actor.check(Action::ManageAccounts)?;
        self.db.find_key(id).await?.ok_or(KeyError::Unknown)
    }

    /// Returns the actor of an active key.
    fn actor_of(&self, key: ApiKey, address: &str) -> Result<Actor, KeyError> {
        if key.has_expired(self.clock.now()) {
            return Err(KeyError::Expired);
        }
        Ok(Actor {
            who: Who::Key { id: key.id, name: key.name },
            role: key.role,
            domains: key.domains,
            address: address.to_owned(),
        })
    }

    /// Generates secret key and token, with their stored forms.
    fn new_secrets(&self) -> (String, String, KeySecrets) {
        let secret_key = hex::encode_upper(rand::random::<[u8; 24]>());
        let token = format!("cs_{}", random_token());
        let secrets = KeySecrets { secret_sealed: self.sealer.seal(&secret_key), token_hash: token_hash(&token) };
        (secret_key, token, secrets)
    }

    fn view(&self, key: ApiKey) -> KeyView {
        KeyView {
            expired: key.has_expired(self.clock.now()),
            last_used_at: key.last_used_at.max(self.last_used.get(key.id)),
            id: key.id,
            name: key.name,
            role: key.role,
            domains: key.domains,
            access_key: key.access_key,
            created_at: key.created_at,
            expires_at: key.expires_at,
        }
    }
}

/// Parses push domains into ASCII, sorted and without duplicates.
fn push_domains(names: &[String]) -> Result<Vec<String>, KeyError> {
    let names: Result<Vec<String>, BadName> =
        names.iter().map(|name| DomainName::parse(name).map(|name| name.ascii().to_owned())).collect();
    let mut names = names.map_err(KeyError::BadDomain)?;
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { Err(KeyError::NoDomains) } else { Ok(names) }
}

/// Returns the first 8 digits of the stored hash, which identify a token in the audit log.
fn fingerprint(token_hash: &str) -> &str {
    token_hash.get(..8).unwrap_or_default()
}

fn terms(role: Role, domains: Option<&[String]>, access_key: &str, expires_at: Option<Millis>) -> Value {
    json!({ "role": role, "domains": domains, "accessKey": access_key, "expiresAt": expires_at.map(moment) })
}

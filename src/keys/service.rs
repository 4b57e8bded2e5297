//! Use cases of API keys.

use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::uses::Uses;
use super::{ApiKey, ApiKeyRecord, KeyError, KeySecrets, KeyView};
use crate::audit::{AuditEntry, moment};
use crate::model::{Action, Actor, BadName, Clock, DomainName, KeyId, Millis, Role, StoreError, Who};
use crate::sealing::{Sealer, random_token, token_hash};
use crate::storage::Db;

/// A key may not live longer than this.
const LONGEST_MS: Millis = 3_653 * 86_400_000;

/// How long a nonce may not come again. Not shorter than requests may be old and ahead of the clock together.
pub const NONCE_LIFE_MS: Millis = 30 * 60_000;

/// What a key is to be.
#[derive(Debug, Clone, Copy)]
pub struct KeyDraft<'a> {
    pub name: &'a str,
    pub role: Role,
    /// Push domains, in either form; `None` is all.
    pub domains: Option<&'a [String]>,
    /// `None`: it does not expire.
    pub expires_at: Option<Millis>,
}

impl<'a> KeyDraft<'a> {
    /// Of all domains, for as long as nobody revokes it.
    #[must_use]
    pub const fn new(name: &'a str, role: Role) -> Self {
        Self { name, role, domains: None, expires_at: None }
    }
}

/// The secrets of a key that was just made or rotated; the only time they are shown.
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

/// The use cases.
#[derive(Clone)]
pub struct Keys {
    db: Db,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
    uses: Arc<Uses>,
}

impl Keys {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, sealer: Sealer) -> Self {
        Self { db, clock, sealer, uses: Arc::default() }
    }

    /// The actor of a bearer token. `address`: the client's.
    pub async fn token_actor(&self, token: &str, address: &str) -> Result<Actor, KeyError> {
        let key = self.db.find_key_by_token(&token_hash(token)).await?.ok_or(KeyError::UnknownToken)?;
        let actor = self.actor_of(key, address)?;
        self.note_use(&actor);
        Ok(actor)
    }

    /// The actor and the secret of an access key, which counts as used once the secret has proved the request: see [`Self::note_use`].
    /// `address`: the client's.
    pub async fn signer(&self, access_key: &str, address: &str) -> Result<(Actor, SecretString), KeyError> {
        let found = self.db.find_key_by_access_key(access_key).await?;
        let (key, sealed) = found.ok_or(KeyError::UnknownToken)?;
        let secret = self.sealer.open_text(&sealed).map_err(|error| StoreError::Fault(error.into()))?;
        Ok((self.actor_of(key, address)?, secret.into()))
    }

    /// A key was used now.
    pub fn note_use(&self, actor: &Actor) {
        if let Who::Key { id, .. } = actor.who {
            self.uses.note(id, self.clock.now());
        }
    }

    /// Whether a signed nonce comes for the first time within [`NONCE_LIFE_MS`].
    pub async fn take_nonce(&self, access_key: &str, nonce: &str) -> Result<bool, KeyError> {
        let now = self.clock.now();
        Ok(self.db.take_nonce(access_key, nonce, now, now - NONCE_LIFE_MS).await?)
    }

    /// All keys, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<KeyView>, KeyError> {
        actor.check(Action::ManageAccounts)?;
        let keys = self.db.list_keys().await?;
        Ok(keys.into_iter().map(|key| self.view(key)).collect())
    }

    /// One key.
    pub async fn get(&self, actor: &Actor, id: KeyId) -> Result<KeyView, KeyError> {
        Ok(self.view(self.find(actor, id).await?))
    }

    /// The key of this name.
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
        if draft.expires_at.is_some_and(|at| !(now + 1..=now + LONGEST_MS).contains(&at)) {
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

    /// Gives a key a new token and secret key; those it had stop at once.
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

    /// Ends a key for good. Its name is free again.
    pub async fn revoke(&self, actor: &Actor, id: KeyId) -> Result<KeyView, KeyError> {
        let key = self.find(actor, id).await?;
        let detail = json!({ "before": terms(key.role, key.domains.as_deref(), &key.access_key, key.expires_at) });
        let audit = AuditEntry::new(actor, self.clock.now(), "key.revoke", &key.name, detail);
        if self.db.delete_key(id, &audit).await? { Ok(self.view(key)) } else { Err(KeyError::Unknown) }
    }

    /// Writes down when keys were used since the last time. For the loop of the server.
    pub async fn write_uses(&self) -> Result<(), StoreError> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let written = self.db.write_uses(&uses).await;
        if written.is_err() {
            for (id, at) in uses {
                self.uses.note(id, at);
            }
        }
        written
    }

    async fn find(&self, actor: &Actor, id: KeyId) -> Result<ApiKey, KeyError> {
        actor.check(Action::ManageAccounts)?;
        self.db.find_key(id).await?.ok_or(KeyError::Unknown)
    }

    /// Who acts by a key.
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

    /// Secret key, token, and what is stored of them.
    fn new_secrets(&self) -> (String, String, KeySecrets) {
        let secret_key = hex::encode_upper(rand::random::<[u8; 24]>());
        let token = format!("cs_{}", random_token());
        let secrets = KeySecrets { secret_sealed: self.sealer.seal(&secret_key), token_hash: token_hash(&token) };
        (secret_key, token, secrets)
    }

    fn view(&self, key: ApiKey) -> KeyView {
        KeyView {
            expired: key.has_expired(self.clock.now()),
            last_used_at: key.last_used_at.max(self.uses.of(key.id)),
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

/// ASCII, each once.
fn push_domains(names: &[String]) -> Result<Vec<String>, KeyError> {
    let names: Result<Vec<String>, BadName> =
        names.iter().map(|name| DomainName::parse(name).map(|name| name.ascii().to_owned())).collect();
    let mut names = names.map_err(KeyError::BadDomain)?;
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { Err(KeyError::NoDomains) } else { Ok(names) }
}

/// Tells tokens apart in the audit log: the first 8 digits of the hash that is kept.
fn fingerprint(token_hash: &str) -> &str {
    token_hash.get(..8).unwrap_or_default()
}

fn terms(role: Role, domains: Option<&[String]>, access_key: &str, expires_at: Option<Millis>) -> Value {
    json!({ "role": role, "domains": domains, "accessKey": access_key, "expiresAt": expires_at.map(moment) })
}

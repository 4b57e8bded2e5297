//! Second factor: time-based codes (RFC 6238: SHA-1, six digits, 30 s) and recovery codes.

use serde::{Deserialize, Serialize};
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::{AccountError, Accounts, FactorView, User, UserView};
use crate::audit::AuditEntry;
use crate::model::{Actor, UserId};
use crate::sealing::token_hash;

const RECOVERY_CODES: usize = 10;
/// Letters and digits that cannot be confused.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new second factor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewFactor {
    /// They are shown only once.
    pub recovery_codes: Vec<String>,
}

impl Accounts {
    /// Returns the state of the actor's own second factor.
    pub async fn factor(&self, actor: &Actor) -> Result<FactorView, AccountError> {
        let user = self.own(actor).await?;
        let Some(factor) = self.db.factor(user.id).await? else { return Ok(FactorView::Off) };
        match (factor.sealed, factor.pending) {
            (Some(_), _) => Ok(FactorView::On { recovery_codes: factor.recovery_codes }),
            (None, Some(pending)) => {
                let totp = self.totp(&pending, &user.name)?;
                let url = totp.to_url().map_err(|_| AccountError::NoFactor)?;
                Ok(FactorView::Pending { url, secret: totp.secret().to_base32() })
            }
            (None, None) => Ok(FactorView::Off),
        }
    }

    /// Creates a pending secret. A first code activates it.
    pub async fn start_factor(&self, actor: &Actor) -> Result<(), AccountError> {
        let user = self.own(actor).await?;
        if user.issuer.is_some() {
            return Err(AccountError::ByProvider);
        }
        let secret = Secret::new_stack(rand::random());
        let started = self.db.put_pending_factor(user.id, &self.sealer.seal(&secret.to_base32())).await?;
        if started { Ok(()) } else { Err(AccountError::FactorOn) }
    }

    /// Activates the pending secret with a first code.
    pub async fn confirm_factor(&self, actor: &Actor, code: &str) -> Result<NewFactor, AccountError> {
        let user = self.own(actor).await?;
        let factor = self.db.factor(user.id).await?.ok_or(AccountError::NoFactor)?;
        if factor.sealed.is_some() {
            return Err(AccountError::FactorOn);
        }
        let pending = factor.pending.ok_or(AccountError::NoFactor)?;
        self.limits.code(user.id, &actor.address)?;
        let step = self.step(&pending, &user.name, code)?.ok_or(AccountError::WrongCode)?;
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
        let hashes: Vec<String> = codes.iter().map(|code| code_hash(user.id, code)).collect();
        let audit = AuditEntry::new(actor, self.clock.now(), "user.two_factor_on", &user.name, json!({}));
        if !self.db.turn_on_factor(user.id, &pending, step, &hashes, &audit).await? {
            return Err(AccountError::NoFactor);
        }
        Ok(NewFactor { recovery_codes: codes })
    }

    /// Turns off the actor's own second factor.
    pub async fn turn_off_factor(&self, actor: &Actor, password: &str) -> Result<(), AccountError> {
        let user = self.own(actor).await?;
        self.check_present(actor, &user, password).await?;
        self.remove_factor(actor, &user).await
    }

    /// Turns off the second factor of a user who has lost the device.
    pub async fn reset_factor(&self, actor: &Actor, id: UserId) -> Result<(), AccountError> {
        let user = self.managed(actor, id).await?;
        self.remove_factor(actor, &user).await
    }

    async fn remove_factor(&self, actor: &Actor, user: &UserView) -> Result<(), AccountError> {
        let audit = AuditEntry::new(actor, self.clock.now(), "user.two_factor_off", &user.name, json!({}));
        Ok(self.db.turn_off_factor(user.id, &audit).await?)
    }

    /// Consumes a code of the device or a recovery code.
    pub(super) async fn use_code(&self, actor: &Actor, user: &User, code: &str) -> Result<(), AccountError> {
        let sealed = self.db.factor(user.id).await?.and_then(|factor| factor.sealed);
        let sealed = sealed.ok_or(AccountError::SecondStepOver)?;
        let used = match self.step(&sealed, &user.name, code)? {
            Some(step) => self.db.use_step(user.id, step).await?,
            None => {
                let audit = AuditEntry::new(actor, self.clock.now(), "user.recovery_code", &user.name, json!({}));
                self.db.use_recovery_code(user.id, &code_hash(user.id, code), &audit).await?
            }
        };
        if used { Ok(()) } else { Err(AccountError::WrongCode) }
    }

    /// Returns the time step of a valid code: the present one or its neighbours, because clocks differ.
    fn step(&self, sealed: &[u8], name: &str, code: &str) -> Result<Option<i64>, AccountError> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(self.clock.now() / 1000).unwrap_or_default();
        let step = self.totp(sealed, name)?.check(&digits, seconds);
        Ok(step.and_then(|step| i64::try_from(step).ok()))
    }

    fn totp(&self, sealed: &[u8], name: &str) -> Result<Totp, AccountError> {
        let secret = self.sealer.open_text(sealed)?;
        let secret = Secret::try_from_base32(secret).map_err(|_| AccountError::NoFactor)?;
        // In `otpauth` addresses a colon ends the issuer.
        let totp =
            Builder::new().with_secret(secret).with_account_name(name.replace(':', " ")).with_issuer(Some("Callsheet"));
        totp.build().map_err(|_| AccountError::NoFactor)
    }
}

/// `xxxx-xxxx-xxxx`: 60 bits.
fn recovery_code() -> String {
    let digits: [u8; 12] = rand::random();
    let digits: String = digits.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    format!("{}-{}-{}", &digits[..4], &digits[4..8], &digits[8..])
}

/// Hashes a recovery code, ignoring case and separators. The user id is a salt.
fn code_hash(user: UserId, code: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    token_hash(&format!("{user}:{}", code.to_ascii_lowercase()))
}

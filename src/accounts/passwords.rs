//! Passwords: argon2id in a blocking thread, because one check takes tens of milliseconds of a core.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

/// Hashing failed; a fault of the machine, not of the person.
#[derive(Debug, thiserror::Error)]
#[error("cannot hash a password: {0}")]
pub struct HashFault(String);

/// A PHC string of `password`.
pub(super) async fn hash(password: String) -> Result<String, HashFault> {
    let work = move || {
        let salt = SaltString::generate(&mut OsRng);
        Argon2::default().hash_password(password.as_bytes(), &salt).map(|h| h.to_string())
    };
    let hashed = tokio::task::spawn_blocking(work).await.map_err(|e| HashFault(e.to_string()))?;
    hashed.map_err(|e| HashFault(e.to_string()))
}

/// Whether `password` fits. Without a hash it works as long as with one and says no, so that the time it takes does not tell
/// whether a name exists.
pub(super) async fn verify(password: String, hash: Option<String>) -> Result<bool, HashFault> {
    let work = move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let fits = PasswordHash::new(&hash)
            .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
        known && fits
    };
    tokio::task::spawn_blocking(work).await.map_err(|e| HashFault(e.to_string()))
}

/// A hash with the default parameters that no password is meant to fit.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$dGhpcyBoYXNoIGZpdHMgbm8gcGFzc3dvcmQgYXQgYWw";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hashed = hash("correct horse".to_owned()).await.expect("hash");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse".to_owned(), Some(hashed.clone())).await.expect("verify"));
        assert!(!verify("battery staple".to_owned(), Some(hashed)).await.expect("verify"));
        assert!(!verify("x".to_owned(), None).await.expect("verify"));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}

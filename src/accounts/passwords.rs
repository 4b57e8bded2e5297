//! Password rules and hashing (argon2id).
//!
//! A check takes tens of milliseconds of a core and 19 MB, so checks run in blocking threads, one per core. Up to [`MAX_WAITING`] more
//! wait; further ones are refused.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use zxcvbn::feedback::Warning;
use zxcvbn::{Score, zxcvbn};

use super::AccountError;

const LENGTH: std::ops::RangeInclusive<usize> = 10..=200;
/// About a million guesses, which is enough because sign-in attempts are limited and the hash is slow.
const MIN_SCORE: Score = Score::Two;

/// Maximum number of checks that wait for a core.
const MAX_WAITING: usize = 64;

static CORES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, std::num::NonZero::get)));
static WAITING: Semaphore = Semaphore::const_new(MAX_WAITING);

/// Error while hashing a password.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("{MAX_WAITING} passwords are already waiting to be checked")]
    Busy,
    #[error("cannot hash a password: {0}")]
    Failed(String),
}

/// Runs `work` in a blocking thread as soon as a core is free.
async fn on_a_core<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
    let failed = |error: &dyn std::error::Error| HashError::Failed(error.to_string());
    let waiting = WAITING.try_acquire().map_err(|_| HashError::Busy)?;
    let core = CORES.acquire().await.map_err(|error| failed(&error))?;
    drop(waiting);
    let work = move || {
        // Released when the work ends, even if the caller was cancelled.
        let _core = core;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
}

/// Checks a new password of the user `name`, which the user entered twice.
pub(super) fn check(name: &str, password: &str, again: &str) -> Result<(), AccountError> {
    if !LENGTH.contains(&password.chars().count()) {
        return Err(AccountError::BadPassword);
    }
    if password != again {
        return Err(AccountError::PasswordsDiffer);
    }
    let words: Vec<&str> = [name, "callsheet"].into_iter().chain(name.split_whitespace()).collect();
    let rated = zxcvbn(password, &words);
    if rated.score() >= MIN_SCORE {
        return Ok(());
    }
    let typed = password.to_lowercase();
    if words.iter().any(|word| word.chars().count() >= 3 && typed.contains(&word.to_lowercase())) {
        return Err(AccountError::PasswordOfName);
    }
    Err(match rated.feedback().and_then(|feedback| feedback.warning()) {
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => AccountError::CommonPassword,
        _ => AccountError::GuessablePassword,
    })
}

/// Hashes `password` into a PHC string.
pub(super) async fn hash(password: &str) -> Result<String, HashError> {
    let password = password.to_owned();
    let work = move || {
        let salt = SaltString::generate(&mut OsRng);
        Argon2::default().hash_password(password.as_bytes(), &salt).map(|h| h.to_string())
    };
    on_a_core(work).await?.map_err(|error| HashError::Failed(error.to_string()))
}

/// Returns whether `password` is correct. Without a hash it takes the same time and returns `false`, so that the time does not reveal
/// whether a user exists.
pub(super) async fn verify(password: &str, hash: Option<String>) -> Result<bool, HashError> {
    let password = password.to_owned();
    let work = move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let fits = PasswordHash::new(&hash)
            .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
        known && fits
    };
    on_a_core(work).await
}

/// A hash with the default parameters that matches no password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$dGhpcyBoYXNoIGZpdHMgbm8gcGFzc3dvcmQgYXQgYWw";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problem;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hashed = hash("correct horse").await.expect("hash");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse", Some(hashed.clone())).await.expect("verify"));
        assert!(!verify("battery staple", Some(hashed)).await.expect("verify"));
        assert!(!verify("x", None).await.expect("verify"));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[tokio::test]
    async fn a_flood_of_passwords_is_refused_beyond_the_waiting_limit() {
        let checks: Vec<_> = (0..MAX_WAITING * 3).map(|_| tokio::spawn(verify("x", None))).collect();
        let (mut checked, mut refused) = (0, 0);
        for check in checks {
            match check.await.expect("no panic") {
                Ok(fits) => {
                    assert!(!fits);
                    checked += 1;
                }
                Err(HashError::Busy) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(checked >= MAX_WAITING && refused > 0, "{checked} checked, {refused} refused");
        assert!(!verify("x", None).await.expect("room again"));
    }

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        let code = |name: &str, password: &str| check(name, password, password).err().map(|error| error.code());
        for (name, password, expected) in [
            ("ada", "correct horse", None),
            ("ada", "龙井茶在下雨天最好喝", None),
            ("ada", &"long enough ".repeat(16), None),
            ("ada", "short", Some("user_bad_password")),
            ("ada", &"x".repeat(201), Some("user_bad_password")),
            ("ada", "password123", Some("password_common")),
            ("ada", "1234567890", Some("password_common")),
            ("ada", "P@ssw0rd123", Some("password_common")),
            ("ada", "aaaaaaaaaaaa", Some("password_guessable")),
            ("ada", "abcdefghijkl", Some("password_guessable")),
            ("bartholomew", "Bartholomew1", Some("password_of_name")),
            ("grace hopper", "GraceHopper", Some("password_of_name")),
        ] {
            assert_eq!(code(name, password), expected, "{password}");
        }
        assert_eq!(check("ada", "correct horse", "correct house").expect_err("differ").code(), "user_passwords_differ");
    }
}

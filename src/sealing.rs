//! Secrets at rest: sealed under a key that lies in a file beside the database, never in it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("cannot read or make the key file {path}: {source}")]
    KeyFile { path: String, source: std::io::Error },
    #[error("the key file {0} must hold exactly 32 bytes; restore it from your backup")]
    BadKeyFile(String),
    #[error("a stored secret does not open with this key file; restore the file that belongs to this database")]
    WrongKey,
}

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Sealer(Arc<XChaCha20Poly1305>);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Reads the key at `path`, or makes one (mode 0600) if there is none.
    pub fn open(path: &Path) -> Result<Self, SealError> {
        let fail = |source| SealError::KeyFile { path: path.display().to_string(), source };
        if !path.exists() {
            make_key(path).map_err(fail)?;
        }
        let bytes = std::fs::read(path).map_err(fail)?;
        if bytes.len() != 32 {
            return Err(SealError::BadKeyFile(path.display().to_string()));
        }
        Ok(Self(Arc::new(XChaCha20Poly1305::new(Key::from_slice(&bytes)))))
    }

    /// Seals a text: nonce, then ciphertext.
    #[must_use]
    pub fn seal(&self, text: &str) -> Vec<u8> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let mut sealed = nonce.to_vec();
        // Encrypting a short text in memory has no way to fail.
        sealed.extend(self.0.encrypt(&nonce, text.as_bytes()).unwrap_or_default());
        sealed
    }

    /// Opens what [`Sealer::seal`] sealed.
    pub fn open_text(&self, sealed: &[u8]) -> Result<String, SealError> {
        let (nonce, body) = sealed.split_at_checked(24).ok_or(SealError::WrongKey)?;
        let text = self.0.decrypt(XNonce::from_slice(nonce), body).map_err(|_| SealError::WrongKey)?;
        String::from_utf8(text).map_err(|_| SealError::WrongKey)
    }
}

/// Makes a key file, whole or not at all. One that another process made meanwhile stays.
fn make_key(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".secret").tempfile_in(folder)?;
    file.write_all(&XChaCha20Poly1305::generate_key(&mut OsRng))?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        // Its name is to survive a power cut, too: soon the database needs it.
        _ => File::open(folder)?.sync_all(),
    }
}

/// A fresh random text of 43 characters (32 bytes, URL-safe), for tokens.
#[must_use]
pub fn random_token() -> String {
    use base64::Engine;
    let bytes: [u8; 32] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The form in which a token is stored: it finds the row and does not give the token away.
#[must_use]
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_and_opens_with_the_same_file_only() {
        let dir = std::env::temp_dir().join(random_token());
        std::fs::create_dir(&dir).expect("dir");
        let sealer = Sealer::open(&dir.join("key")).expect("new key");
        let sealed = sealer.seal("whsec_x");
        assert!(!sealed.windows(7).any(|w| w == b"whsec_x"));
        let again = Sealer::open(&dir.join("key")).expect("same key");
        assert_eq!(again.open_text(&sealed).expect("opens"), "whsec_x");
        let other = Sealer::open(&dir.join("other")).expect("other key");
        assert!(matches!(other.open_text(&sealed), Err(SealError::WrongKey)));
        std::fs::write(dir.join("short"), "x").expect("write");
        assert!(matches!(Sealer::open(&dir.join("short")), Err(SealError::BadKeyFile(_))));
        std::fs::remove_dir_all(dir).expect("clean up");
    }
}

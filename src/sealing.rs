//! Encryption of stored secrets ("sealing") with a key from a file outside the database.
//!
//! The file holds keys of 32 bytes. The first key seals; the others only open values, during a [`KeyRotation`]. A sealed value consists of
//! [`VERSION`], key id, nonce and ciphertext. In an older format it begins with the nonce.

mod rotation;

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

pub use self::rotation::{KeyRotation, LockedKeyFile};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const VERSION: u8 = 1;
/// Size of version and key id. A multiple of three, so that they are the first eight characters in base64.
pub(crate) const HEADER_BYTES: usize = 6;

/// Error while sealing or opening a secret.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("cannot read or write the key file {path}: {source}")]
    KeyFile { path: String, source: std::io::Error },
    #[error("the key file {0} must be exactly 32 bytes long; restore it from your backup")]
    BadKeyFile(String),
    #[error("the key file {0} is in use; stop the console and other commands first")]
    InUse(String),
    #[error("`callsheet secrets rotate` is replacing the key file {0}; try again when it has finished")]
    Rotating(String),
    #[error("a stored secret cannot be decrypted with this key file; restore the key file of this database")]
    WrongKey,
}

/// A key with its id, which is derived from it.
struct SealingKey {
    header: [u8; HEADER_BYTES],
    cipher: XChaCha20Poly1305,
}

impl SealingKey {
    fn new(bytes: &[u8]) -> Self {
        let mut header = [VERSION; HEADER_BYTES];
        let id = Sha256::new_with_prefix("callsheet key id").chain_update(bytes).finalize();
        header[1..].copy_from_slice(&id[..HEADER_BYTES - 1]);
        Self { header, cipher: XChaCha20Poly1305::new(Key::from_slice(bytes)) }
    }

    /// Decrypts nonce and ciphertext.
    fn open(&self, sealed: &[u8]) -> Option<String> {
        let (nonce, body) = sealed.split_at_checked(NONCE_BYTES)?;
        String::from_utf8(self.cipher.decrypt(XNonce::from_slice(nonce), body).ok()?).ok()
    }
}

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    /// The key that seals.
    first: SealingKey,
    /// Keys that only open values.
    others: Vec<SealingKey>,
    /// Locked, so that a rotation cannot remove a key that is in use.
    _file: File,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Reads the key file at `path`. Creates it (mode 0600) if it does not exist.
    pub fn open(path: &Path) -> Result<Self, SealError> {
        let failed = |source| SealError::KeyFile { path: path.display().to_string(), source };
        if !path.exists() {
            make_key(path).map_err(failed)?;
        }
        Self::of_file(path, hold_key_file(path)?)
    }

    /// Reads the keys of a locked file.
    fn of_file(path: &Path, file: File) -> Result<Self, SealError> {
        let mut bytes = Vec::with_capacity(2 * KEY_BYTES);
        (&file)
            .read_to_end(&mut bytes)
            .map_err(|source| SealError::KeyFile { path: path.display().to_string(), source })?;
        let (keys, rest) = bytes.as_chunks::<KEY_BYTES>();
        let mut keys = keys.iter().map(|key| SealingKey::new(key));
        match keys.next() {
            Some(first) if rest.is_empty() => Ok(Self(Arc::new(Keys { first, others: keys.collect(), _file: file }))),
            _ => Err(SealError::BadKeyFile(path.display().to_string())),
        }
    }

    /// Seals a text.
    #[must_use]
    pub fn seal(&self, text: &str) -> Vec<u8> {
        let SealingKey { header, cipher } = &self.0.first;
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let mut sealed = [&header[..], &nonce].concat();
        // Encrypting a short text in memory cannot fail.
        sealed.extend(cipher.encrypt(&nonce, text.as_bytes()).unwrap_or_default());
        sealed
    }

    /// Opens what [`Sealer::seal`] sealed.
    pub fn open_text(&self, sealed: &[u8]) -> Result<String, SealError> {
        let mut keys = std::iter::once(&self.0.first).chain(&self.0.others);
        let of_key = |key: &SealingKey| key.open(sealed.strip_prefix(&key.header)?);
        let text = keys.clone().find_map(of_key);
        // A nonce may begin like a header, so the older format is tried last.
        text.or_else(|| keys.find_map(|key| key.open(sealed))).ok_or(SealError::WrongKey)
    }

    /// Returns the first bytes of all values that this sealer seals.
    pub(crate) fn header(&self) -> [u8; HEADER_BYTES] {
        self.0.first.header
    }
}

/// Opens the key file. No rotation can begin while the file is open.
///
/// # Errors
/// The file does not exist, or a rotation is replacing it.
pub fn hold_key_file(path: &Path) -> Result<File, SealError> {
    let failed = |source| SealError::KeyFile { path: path.display().to_string(), source };
    let file = File::open(path).map_err(failed)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SealError::Rotating(path.display().to_string())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Creates a key file atomically. Keeps one that another process has created meanwhile.
fn make_key(path: &Path) -> io::Result<()> {
    match new_file(path, &new_key())?.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => sync_folder(path),
    }
}

fn new_key() -> Vec<u8> {
    XChaCha20Poly1305::generate_key(&mut OsRng).to_vec()
}

/// Writes a temporary file that can replace the one at `path`.
fn new_file(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(".secret").tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes a new file name durable: the database will soon depend on its keys.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Generates a random token of 43 characters (32 bytes, URL-safe).
#[must_use]
pub fn random_token() -> String {
    use base64::Engine;
    let bytes: [u8; 32] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the hash by which a token is stored and looked up.
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

    #[test]
    fn values_without_a_key_id_open() {
        let dir = tempfile::tempdir().expect("dir");
        let sealer = Sealer::open(&dir.path().join("key")).expect("new key");
        let sealed = sealer.seal("whsec_x");
        assert_eq!(sealer.open_text(&sealed[HEADER_BYTES..]).expect("opens"), "whsec_x");
        // A nonce that begins like a header.
        let SealingKey { header, cipher } = &sealer.0.first;
        let nonce = [&header[..], &[7; NONCE_BYTES - HEADER_BYTES]].concat();
        let body = cipher.encrypt(XNonce::from_slice(&nonce), &b"older"[..]).expect("sealed");
        assert_eq!(sealer.open_text(&[nonce, body].concat()).expect("opens"), "older");
    }
}

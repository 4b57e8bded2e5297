//! Key rotation in three repeatable steps: put the new key before the old one in the file; seal all values again; remove the old key. All
//! values can be opened between the steps.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{KEY_BYTES, SealError, Sealer, new_file, new_key, sync_folder};

/// A locked key file that no process uses.
#[derive(Debug)]
pub struct LockedKeyFile {
    path: PathBuf,
    file: File,
}

impl LockedKeyFile {
    /// Locks the file, so that consoles and backups cannot open it.
    ///
    /// # Errors
    /// `InUse`: another process has it open.
    pub fn lock(path: &Path) -> Result<Self, SealError> {
        let failed = |source| SealError::KeyFile { path: path.display().to_string(), source };
        let file = File::open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), file }),
            Err(TryLockError::WouldBlock) => Err(SealError::InUse(path.display().to_string())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Adds a new key, unless an interrupted rotation has already added one.
    pub fn begin_rotation(self) -> Result<KeyRotation, SealError> {
        let Self { path, file } = self;
        let failed = |source| SealError::KeyFile { path: path.display().to_string(), source };
        let keys = std::fs::read(&path).map_err(failed)?;
        let is_resumed = match keys.len() {
            KEY_BYTES => false,
            length if length == 2 * KEY_BYTES => true,
            _ => return Err(SealError::BadKeyFile(path.display().to_string())),
        };
        if !is_resumed {
            replace(&path, &[new_key(), keys].concat()).map_err(failed)?;
        }
        let sealer = Sealer::of_file(&path, File::open(&path).map_err(failed)?)?;
        Ok(KeyRotation { path, sealer, is_resumed, _before: file })
    }
}

/// A started rotation: the file holds the new key and the old one.
#[derive(Debug)]
pub struct KeyRotation {
    path: PathBuf,
    sealer: Sealer,
    is_resumed: bool,
    /// The replaced file, still locked. Consoles that open the new file know both keys.
    _before: File,
}

impl KeyRotation {
    /// Returns a sealer that seals with the new key and opens values of both keys.
    #[must_use]
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Returns whether this continues an interrupted rotation.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Removes the old key. All values must have been sealed again.
    ///
    /// # Errors
    /// The file cannot be written; it keeps both keys.
    pub fn finish(self) -> Result<(), SealError> {
        let failed = |source| SealError::KeyFile { path: self.path.display().to_string(), source };
        let keys = std::fs::read(&self.path).map_err(failed)?;
        let new =
            keys.first_chunk::<KEY_BYTES>().ok_or_else(|| SealError::BadKeyFile(self.path.display().to_string()))?;
        replace(&self.path, new).map_err(failed)
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    new_file(path, bytes)?.persist(path)?;
    sync_folder(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(path: &Path) -> KeyRotation {
        LockedKeyFile::lock(path).expect("not in use").begin_rotation().expect("begun")
    }

    #[test]
    fn values_open_before_amid_and_after_a_rotation() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("secret.key");
        let before = Sealer::open(&path).expect("a new key");
        let old = before.seal("old");
        assert!(matches!(LockedKeyFile::lock(&path), Err(SealError::InUse(_))), "a console runs");
        drop(before);

        let interrupted = begin(&path);
        assert!(!interrupted.is_resumed());
        let new = interrupted.sealer().seal("new");
        assert_ne!(old[..6], new[..6]);
        drop(interrupted);
        let amid = Sealer::open(&path).expect("both keys");
        assert_eq!([&old, &new].map(|sealed| amid.open_text(sealed).expect("opens")), ["old", "new"]);
        drop(amid);

        let rotation = begin(&path);
        assert!(rotation.is_resumed());
        assert!(new.starts_with(&rotation.sealer().header()), "with the same new key");
        rotation.finish().expect("finished");
        let after = Sealer::open(&path).expect("one key");
        assert_eq!(after.open_text(&new).expect("opens"), "new");
        assert!(matches!(after.open_text(&old), Err(SealError::WrongKey)));
        assert_eq!(std::fs::read(&path).expect("read").len(), KEY_BYTES);
    }
}

//! Locks of ingest runs. Each run locks a file in the data folder, so that other runs can tell when it has ended and recover its reports
//! and parts. Several runs can share a data folder, for example during an upgrade without downtime.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const EXTENSION: &str = "lock";

/// The lock of a run. Its file remains until the run has been recovered.
#[derive(Debug)]
pub(super) struct RunLock {
    path: PathBuf,
    _file: File,
}

impl RunLock {
    /// Takes the lock, or returns `None` if it is held.
    pub(super) fn take(folder: &Path, boot: &str) -> io::Result<Option<Self>> {
        let path = folder.join(boot).with_extension(EXTENSION);
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes the lock file after the run has been recovered.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "failed to remove the lock file of a run");
        }
    }
}

/// Locks all runs that have ended.
pub(super) fn lock_ended_runs(folder: &Path) -> io::Result<BTreeMap<String, RunLock>> {
    let mut boots = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        boots.extend(boot_of(&entry?.path()).map(str::to_owned));
    }
    let mut ended = BTreeMap::new();
    for boot in boots {
        if let Some(lock) = RunLock::take(folder, &boot)? {
            ended.insert(boot, lock);
        }
    }
    Ok(ended)
}

/// Returns the run that a file belongs to: its name up to the first hyphen.
pub(super) fn boot_of(path: &Path) -> Option<&str> {
    let extension = path.extension().and_then(|extension| extension.to_str())?;
    let stem = path.file_stem().and_then(|stem| stem.to_str())?;
    let boot = stem.split('-').next().filter(|boot| !boot.is_empty() && !boot.contains('.'))?;
    [EXTENSION, "json", "flv", "session", "tmp"].contains(&extension).then_some(boot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_runs_are_locked_once() {
        let folder = tempfile::tempdir().expect("folder");
        let ended = || lock_ended_runs(folder.path()).expect("folder");
        let boots = |ended: &BTreeMap<String, RunLock>| ended.keys().cloned().collect::<Vec<_>>();
        let first = RunLock::take(folder.path(), "a1").expect("file").expect("free");
        assert!(boots(&ended()).is_empty(), "the run has not ended");
        drop(first);
        std::fs::write(folder.path().join("b2-7-1.json"), "{}").expect("a run without a lock file");
        let locked = ended();
        assert_eq!(boots(&locked), ["a1", "b2"]);
        assert!(boots(&ended()).is_empty(), "they are being recovered");
        locked.values().for_each(RunLock::remove);
        drop(locked);
        assert_eq!(boots(&ended()), ["b2"], "one of its files remains");
    }
}

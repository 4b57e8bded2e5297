//! Runs of the ingest on one data folder. Each locks a file of its own, so that others know when it is over and take up what it left
//! behind. Several can run at the same time, as in an upgrade without a pause.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const EXTENSION: &str = "lock";

/// The lock of a run. Its file stays until somebody has taken up what the run left behind.
#[derive(Debug)]
pub(super) struct RunLock {
    path: PathBuf,
    _file: File,
}

impl RunLock {
    /// `None`: another process has it, or this one.
    pub(super) fn take(folder: &Path, boot: &str) -> io::Result<Option<Self>> {
        let path = folder.join(boot).with_extension(EXTENSION);
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The run left nothing behind, or it has been taken up.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "cannot remove the lock file of a run");
        }
    }
}

/// Locks the runs that are over.
pub(super) fn lock_ended(folder: &Path) -> io::Result<BTreeMap<String, RunLock>> {
    let mut boots = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        boots.extend(run_of(&entry?.path()).map(str::to_owned));
    }
    let mut ended = BTreeMap::new();
    for boot in boots {
        if let Some(lock) = RunLock::take(folder, &boot)? {
            ended.insert(boot, lock);
        }
    }
    Ok(ended)
}

/// The run that a file belongs to. Files are named after their run, up to the first hyphen.
pub(super) fn run_of(path: &Path) -> Option<&str> {
    let extension = path.extension().and_then(|extension| extension.to_str())?;
    let stem = path.file_stem().and_then(|stem| stem.to_str())?;
    let boot = stem.split('-').next().filter(|boot| !boot.is_empty() && !boot.contains('.'))?;
    [EXTENSION, "json", "flv", "session", "tmp"].contains(&extension).then_some(boot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_are_over_are_found_once() {
        let folder = tempfile::tempdir().expect("folder");
        let ended = || lock_ended(folder.path()).expect("folder");
        let boots = |ended: &BTreeMap<String, RunLock>| ended.keys().cloned().collect::<Vec<_>>();
        let first = RunLock::take(folder.path(), "a1").expect("file").expect("free");
        assert!(boots(&ended()).is_empty(), "it runs");
        drop(first);
        std::fs::write(folder.path().join("b2-7-1.json"), "{}").expect("a run whose lock file is gone");
        let over = ended();
        assert_eq!(boots(&over), ["a1", "b2"]);
        assert!(boots(&ended()).is_empty(), "somebody takes them up");
        over.values().for_each(RunLock::remove);
        drop(over);
        assert_eq!(boots(&ended()), ["b2"], "something of it is still there");
    }
}

//! Buckets store recordings. A configured bucket is in an S3 store; any other is a folder below the data folder, created on first use.

mod http_client;
mod s3_bucket;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use tokio::sync::Notify;

pub use s3_bucket::{BadBucket, S3Bucket, S3Store};

/// An open bucket.
#[derive(Debug, Clone)]
pub enum Bucket {
    Folder(Arc<LocalFileSystem>),
    S3(Arc<S3Store>),
}

impl Bucket {
    #[must_use]
    pub fn store(self) -> Arc<dyn ObjectStore> {
        match self {
            Self::Folder(folder) => folder,
            Self::S3(s3) => s3,
        }
    }
}

/// All buckets of this console; cheap to clone.
#[derive(Debug, Clone)]
pub struct Buckets {
    root: PathBuf,
    s3: Arc<BTreeMap<String, S3Bucket>>,
    changed: Arc<Notify>,
}

impl Buckets {
    /// Combines the folders below `<data_dir>/buckets` with the configured S3 buckets, by their names in the console.
    #[must_use]
    pub fn new(data_dir: &Path, s3: BTreeMap<String, S3Bucket>) -> Self {
        Self { root: data_dir.join("buckets"), s3: Arc::new(s3), changed: Arc::default() }
    }

    /// Notified when an object has been stored.
    #[must_use]
    pub fn changed(&self) -> &Notify {
        &self.changed
    }

    /// Returns the names of all existing folders and configured buckets.
    ///
    /// # Errors
    /// The folder of buckets cannot be read.
    pub async fn names(&self) -> io::Result<BTreeSet<String>> {
        let mut names: BTreeSet<String> = self.s3.keys().cloned().collect();
        let mut entries = match tokio::fs::read_dir(&self.root).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(error),
        };
        while let Some(entry) = entries.next_entry().await? {
            if let (true, Ok(name)) = (entry.file_type().await?.is_dir(), entry.file_name().into_string()) {
                names.insert(name);
            }
        }
        Ok(names)
    }

    /// Opens a bucket and creates its folder if necessary. Writes to a folder are synced to disk before they complete.
    ///
    /// # Errors
    /// The name is not a plain folder name, or the folder cannot be created.
    pub async fn open(&self, bucket: &str) -> io::Result<Bucket> {
        if let Some(s3) = self.s3.get(bucket) {
            return Ok(Bucket::S3(s3.store()));
        }
        let mut parts = Path::new(bucket).components();
        let (Some(Component::Normal(name)), None) = (parts.next(), parts.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{bucket}` is not a bucket name")));
        };
        let folder = self.root.join(name);
        tokio::fs::create_dir_all(&folder).await?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(io::Error::other)?;
        Ok(Bucket::Folder(Arc::new(store.with_fsync(true))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bucket_is_one_folder_below_the_data_folder() {
        let data = tempfile::tempdir().expect("folder");
        let buckets = Buckets::new(data.path(), BTreeMap::new());
        buckets.open("room-tapes").await.expect("bucket");
        assert!(data.path().join("buckets/room-tapes").is_dir());
        for name in ["", ".", "..", "../up", "/etc", "a/b"] {
            assert!(buckets.open(name).await.is_err(), "{name}");
        }
    }
}

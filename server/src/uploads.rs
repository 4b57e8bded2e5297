//! Files that come over the network, kept on disk while they are read: they may be larger than memory, and reading may begin anew.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use axum::BoxError;
use axum::body::Bytes;
use callsheet::model::{Problem, ProblemKind};
use futures::{Stream, TryStreamExt};
use tokio::io::AsyncWriteExt;

/// As it comes, packed or not; bytes.
pub const LIMIT: u64 = 8 << 30;

/// Why an upload did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("the upload broke off: {0}")]
    Broken(#[source] BoxError),
    #[error("the upload is larger than {LIMIT} bytes")]
    TooLarge,
    #[error("the upload cannot be kept: {0}")]
    Disk(#[from] io::Error),
}

impl Problem for UploadError {
    fn code(&self) -> &'static str {
        match self {
            Self::Broken(_) => "upload_broken",
            Self::TooLarge => "upload_too_large",
            Self::Disk(_) => "upload_no_room",
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Broken(_) | Self::TooLarge => ProblemKind::Invalid,
            Self::Disk(_) => ProblemKind::Unavailable,
        }
    }
    fn field(&self) -> Option<&'static str> {
        Some("file")
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        vec![("max", (LIMIT >> 30).to_string())]
    }
}

/// A whole upload. The file has no name and goes with this.
#[derive(Debug)]
pub struct Upload(File);

impl Upload {
    /// Keeps what comes, at most [`LIMIT`] bytes, in `folder`.
    pub async fn receive<E: Into<BoxError>>(
        mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
        folder: &Path,
    ) -> Result<Self, UploadError> {
        let mut file = tokio::fs::File::from_std(tempfile::tempfile_in(folder)?);
        let mut received = 0;
        while let Some(bytes) = content.try_next().await.map_err(|error| UploadError::Broken(error.into()))? {
            received += bytes.len() as u64;
            if received > LIMIT {
                return Err(UploadError::TooLarge);
            }
            file.write_all(&bytes).await?;
        }
        file.flush().await?;
        Ok(Self(file.into_std().await))
    }

    /// Opens it at its start. One reader at a time.
    pub fn open(&self) -> io::Result<File> {
        let mut file = self.0.try_clone()?;
        file.rewind()?;
        Ok(file)
    }
}

//! Files that come over the network, kept on disk while they are read: they may be larger than memory, and reading may begin anew.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use tokio::io::AsyncWriteExt;

/// Why an upload did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum UploadError<E: std::error::Error + 'static = axum::Error> {
    #[error("the upload broke off: {0}")]
    Broken(#[source] E),
    #[error("the upload is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the upload cannot be kept: {0}")]
    Disk(#[from] io::Error),
}

/// A whole upload. The file has no name and goes with this.
#[derive(Debug)]
pub struct Upload(File);

impl Upload {
    /// Keeps a body of at most `limit` bytes in `folder`.
    pub async fn receive(body: Body, limit: u64, folder: &Path) -> Result<Self, UploadError> {
        Self::keep(body.into_data_stream(), limit, folder).await
    }

    /// Keeps what comes piece by piece, at most `limit` bytes, in `folder`.
    pub async fn keep<E: std::error::Error + 'static>(
        mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
        limit: u64,
        folder: &Path,
    ) -> Result<Self, UploadError<E>> {
        let mut file = tokio::fs::File::from_std(tempfile::tempfile_in(folder)?);
        let mut received = 0;
        while let Some(bytes) = pieces.try_next().await.map_err(UploadError::Broken)? {
            received += bytes.len() as u64;
            if received > limit {
                return Err(UploadError::TooLarge(limit));
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

//! Uploads, buffered on disk: they may be larger than memory, and may be read more than once.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use axum::BoxError;
use axum::body::Bytes;
use callsheet::model::{Problem, ProblemDetails, ProblemKind, problem};
use futures::{Stream, TryStreamExt};
use tokio::io::AsyncWriteExt;

/// Maximum size as received, in bytes.
pub const LIMIT: u64 = 8 << 30;

/// A failed upload.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("the upload was interrupted: {0}")]
    Broken(#[source] BoxError),
    #[error("the upload is larger than {LIMIT} bytes")]
    TooLarge,
    #[error("the upload cannot be stored: {0}")]
    Disk(#[from] io::Error),
}

impl Problem for UploadError {
    fn details(&self) -> ProblemDetails {
        let details = match self {
            Self::Broken(_) => problem(ProblemKind::Invalid, "upload_broken"),
            Self::TooLarge => problem(ProblemKind::Invalid, "upload_too_large"),
            Self::Disk(_) => problem(ProblemKind::Unavailable, "upload_no_room"),
        };
        details.field("file").arg("max", LIMIT >> 30)
    }
}

/// A complete upload in an unnamed file, which is deleted on drop.
#[derive(Debug)]
pub struct Upload(File);

impl Upload {
    /// Receives at most [`LIMIT`] bytes into a file in `folder`.
    pub async fn receive<E: Into<BoxError>>(
        content: impl Stream<Item = Result<Bytes, E>> + Unpin,
        folder: &Path,
    ) -> Result<Self, UploadError> {
        Self::receive_up_to(LIMIT, content, folder).await
    }

    async fn receive_up_to<E: Into<BoxError>>(
        limit: u64,
        mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
        folder: &Path,
    ) -> Result<Self, UploadError> {
        let mut file = tokio::fs::File::from_std(tempfile::tempfile_in(folder)?);
        let mut received = 0;
        while let Some(bytes) = content.try_next().await.map_err(|error| UploadError::Broken(error.into()))? {
            received += bytes.len() as u64;
            if received > limit {
                return Err(UploadError::TooLarge);
            }
            file.write_all(&bytes).await?;
        }
        file.flush().await?;
        Ok(Self(file.into_std().await))
    }

    /// Opens the file at its start. Only one reader at a time.
    pub fn open(&self) -> io::Result<File> {
        let mut file = self.0.try_clone()?;
        file.rewind()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn an_upload_above_the_limit_is_refused_and_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let pieces =
            || stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"12345")), Ok(Bytes::from_static(b"678"))]);
        let upload = Upload::receive_up_to(8, pieces(), folder.path()).await.expect("not too long");
        let mut content = String::new();
        upload.open().expect("opens").read_to_string(&mut content).expect("reads");
        assert_eq!(content, "12345678");
        let refused = Upload::receive_up_to(7, pieces(), folder.path()).await.expect_err("too long");
        assert!(matches!(refused, UploadError::TooLarge), "{refused}");
        assert_eq!(folder.path().read_dir().expect("lists").count(), 0);
    }
}

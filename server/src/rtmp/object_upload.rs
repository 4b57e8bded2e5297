//! Creates the object of a part under an unused key, and determines whether an earlier upload succeeded.
//!
//! **Nothing is overwritten.** An upload to S3 completes only if there is no object at the key (see `buckets::http_client`). In a folder,
//! the file is written under a temporary name and then hard-linked to its key, which fails if the key exists. File systems without hard
//! links (exFAT, some network mounts) and stores without conditional requests get only a check of the key beforehand.
//!
//! **An existing object may be our own**: the response to the completing request was lost, or the process was killed before it read the
//! response. So the upload is recorded beside the part before any media is sent ([`ObjectUpload`]), and again before it is completed.
//! Its outcome is determined later:
//! - An S3 upload disappears when it is completed, and remains when the condition fails. Sending a piece to it shows whether it still
//!   exists and needs only write permission. An upload that was fully sent and has disappeared became the object, unless somebody
//!   aborted it (stores can do so after some days); an object of the same size at the key rules that out. If the keys may not read, the
//!   part is sent to the same key again; if the key is taken then, the part is there.
//! - In a folder, the file is ours if it has the tag (inode, time and size) of the temporary file.
//!
//! The next attempt, possibly of a later run, aborts an upload that was not completed, because stores keep its pieces otherwise.

use std::io;

use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Error, MultipartUpload as _, ObjectStore, ObjectStoreExt, RenameOptions, RenameTargetMode};
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::part_on_disk::PartOnDisk;
use super::part_upload::UploadError;
use crate::buckets::{Bucket, S3Store};

/// Size of an uploaded piece. Stores require at least 5 MiB.
const PIECE_SIZE: usize = 8 * 1024 * 1024;

/// An upload whose outcome may have to be determined later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ObjectUpload {
    pub key: String,
    /// Id of the S3 upload, or tag of the file in a folder.
    id: String,
    /// All media has been sent, so the object may exist.
    is_sent: bool,
}

/// The outcome of an earlier upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UploadOutcome {
    Stored,
    NotStored,
    /// It may be stored, but the keys may not read objects.
    Unknown,
}

/// The outcome of a new upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreateOutcome {
    Created,
    /// Another object has this key.
    KeyTaken,
}

/// Returns whether an object exists, as far as the keys may know. With write-only keys, the upload itself finds out.
pub(super) async fn exists(bucket: &Bucket, key: &str) -> object_store::Result<bool> {
    match bucket.clone().store().head(&Path::from(key)).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. } | Error::PermissionDenied { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Determines the outcome of the latest upload of a part, and aborts it if it was not completed.
pub(super) async fn resolve(bucket: &Bucket, part: &mut PartOnDisk, bytes: u64) -> object_store::Result<UploadOutcome> {
    let Some(upload) = part.record.upload.clone() else { return Ok(UploadOutcome::NotStored) };
    match bucket {
        Bucket::S3(s3) => resolve_in_s3(s3, part, upload, bytes).await,
        Bucket::Folder(folder) => resolve_in_folder(folder, part, &upload).await,
    }
}

/// Uploads a part to an unused key.
pub(super) async fn create(
    bucket: &Bucket,
    part: &mut PartOnDisk,
    key: &str,
    bytes: u64,
) -> Result<CreateOutcome, UploadError> {
    match bucket {
        Bucket::S3(s3) => create_in_s3(s3, part, key, bytes).await,
        Bucket::Folder(folder) => create_in_folder(folder, part, key).await,
    }
}

async fn create_in_s3(
    s3: &S3Store,
    part: &mut PartOnDisk,
    key: &str,
    bytes: u64,
) -> Result<CreateOutcome, UploadError> {
    let path = Path::from(key);
    let id = s3.create_multipart(&path).await?;
    let mut upload = ObjectUpload { key: key.to_owned(), id: id.clone(), is_sent: false };
    part.record_upload(upload.clone()).await;
    let mut file = File::open(&part.path).await?;
    let mut pieces = Vec::new();
    while let Some(piece) = next_piece(&mut file).await? {
        pieces.push(s3.put_part(&path, &id, pieces.len(), piece.into()).await?);
    }
    upload.is_sent = true;
    part.record_upload(upload.clone()).await;
    let Err(error) = s3.complete_multipart(&path, &id, pieces).await else { return Ok(CreateOutcome::Created) };
    let key_taken = matches!(error, Error::Precondition { .. });
    match resolve_in_s3(s3, part, upload, bytes).await? {
        UploadOutcome::Stored => Ok(CreateOutcome::Created),
        UploadOutcome::Unknown if key_taken => Ok(CreateOutcome::Created),
        UploadOutcome::NotStored if key_taken => Ok(CreateOutcome::KeyTaken),
        UploadOutcome::Unknown | UploadOutcome::NotStored => Err(error.into()),
    }
}

async fn resolve_in_s3(
    s3: &S3Store,
    part: &mut PartOnDisk,
    mut upload: ObjectUpload,
    bytes: u64,
) -> object_store::Result<UploadOutcome> {
    let path = Path::from(upload.key.as_str());
    if upload.is_sent {
        match s3.put_part(&path, &upload.id, 0, "?".into()).await {
            Ok(_) => {}
            Err(Error::NotFound { .. }) => {
                return match s3.head(&path).await {
                    Ok(object) if object.size == bytes => Ok(UploadOutcome::Stored),
                    Ok(_) | Err(Error::NotFound { .. }) => Ok(UploadOutcome::NotStored),
                    Err(Error::PermissionDenied { .. }) => Ok(UploadOutcome::Unknown),
                    Err(error) => Err(error),
                };
            }
            Err(error) => return Err(error),
        }
        // Otherwise the aborted upload would later look like a completed one.
        upload.is_sent = false;
        part.record_upload(upload.clone()).await;
    }
    match s3.abort_multipart(&path, &upload.id).await {
        Ok(()) | Err(Error::NotFound { .. }) => {}
        Err(error) => {
            tracing::warn!(upload.key, %error, "failed to abort an unfinished upload; its pieces stay in the store")
        }
    }
    Ok(UploadOutcome::NotStored)
}

async fn create_in_folder(
    folder: &LocalFileSystem,
    part: &mut PartOnDisk,
    key: &str,
) -> Result<CreateOutcome, UploadError> {
    let temporary = temporary_path(key, part);
    let mut file = File::open(&part.path).await?;
    let mut writing = folder.put_multipart(&temporary).await?;
    while let Some(piece) = next_piece(&mut file).await? {
        writing.put_part(piece.into()).await?;
    }
    let id = writing.complete().await?.e_tag.unwrap_or_default();
    part.record_upload(ObjectUpload { key: key.to_owned(), id, is_sent: true }).await;
    let create_only = RenameOptions::new().with_target_mode(RenameTargetMode::Create);
    match folder.rename_opts(&temporary, &Path::from(key), create_only).await {
        Ok(()) => Ok(CreateOutcome::Created),
        Err(Error::AlreadyExists { .. }) => {
            folder.delete(&temporary).await?;
            Ok(CreateOutcome::KeyTaken)
        }
        Err(error) if lacks_hard_links(&error) => {
            folder.rename(&temporary, &Path::from(key)).await?;
            Ok(CreateOutcome::Created)
        }
        Err(error) => Err(error.into()),
    }
}

async fn resolve_in_folder(
    folder: &LocalFileSystem,
    part: &PartOnDisk,
    upload: &ObjectUpload,
) -> object_store::Result<UploadOutcome> {
    let outcome = match folder.head(&Path::from(upload.key.as_str())).await {
        Ok(file) if file.e_tag.as_ref() == Some(&upload.id) => UploadOutcome::Stored,
        Ok(_) | Err(Error::NotFound { .. }) => UploadOutcome::NotStored,
        Err(error) => return Err(error),
    };
    match folder.delete(&temporary_path(&upload.key, part)).await {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(outcome),
        Err(error) => Err(error),
    }
}

/// Returns whether the file system does not support hard links. Linux reports that as a missing permission.
fn lacks_hard_links(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref::<io::Error>() {
        Some(error) => matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported),
        None => error.source().is_some_and(lacks_hard_links),
    }
}

/// Returns the path of a file until it is complete.
fn temporary_path(key: &str, part: &PartOnDisk) -> Path {
    let part = part.path.file_stem().unwrap_or_default().to_string_lossy();
    Path::from(format!("{key}.{part}"))
}

/// Reads the next piece, or returns `None` at the end of the file.
async fn next_piece(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut piece = Vec::with_capacity(PIECE_SIZE);
    file.take(PIECE_SIZE as u64).read_to_end(&mut piece).await?;
    Ok(Some(piece).filter(|piece| !piece.is_empty()))
}

//! Stores the file of a part under a key that is free, and finds out whether an earlier try has stored it.
//!
//! **Nothing is overwritten.** An upload to S3 is completed on condition that there is no object (see `buckets::http`). In a folder the file
//! is written beside its place and then linked into it, which fails if there is a file. File systems without links (exFAT, some network
//! mounts) and stores without conditions get no more than a look at the key before.
//!
//! **"Already there" can be our own object**: the answer to the request that completed the upload was lost, or the process was killed
//! before it read the answer. So the upload is written down beside the part before any media is sent ([`Upload`]), and once more before it
//! is completed. Afterwards the upload itself says how it ended:
//! - An S3 upload is gone when it was completed, and stays when the condition failed. Whether it is there is asked by sending a piece
//!   to it, which needs no other permission than to write. An upload that was sent whole and is gone became the object, unless somebody
//!   else aborted it (stores can do so after some days); an object of the same length at the key rules that out. Where the keys may
//!   not read, the part is sent to the same key again, and is there if the key is taken.
//! - In a folder the file is ours if it has the tag (inode, time and length) of the file that was written beside it.
//!
//! An upload that was not completed is aborted by the next try, also by one of the next run, because stores keep its pieces otherwise.

use std::io;

use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Error, MultipartUpload as _, ObjectStore, ObjectStoreExt, RenameOptions, RenameTargetMode};
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::part_file::PartOnDisk;
use super::part_upload::FilingError;
use crate::buckets::{Bucket, S3Store};

/// Bytes of a part that are in memory at a time; stores want pieces of at least 5 MiB.
const PIECE: usize = 8 * 1024 * 1024;

/// An upload that may have to be looked at or aborted later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Upload {
    pub key: String,
    /// The upload in S3, or the tag of the file in a folder.
    id: String,
    /// All media is sent, so that it may have become the object.
    is_sent: bool,
}

/// Result of an earlier upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Stored,
    NotStored,
    /// It may be stored, and the keys may not look.
    Unknown,
}

/// Result of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Stored,
    /// Somebody else's object has that key.
    Taken,
}

/// Returns whether the key is known to be taken. Keys that may only write cannot ask: the upload itself finds out.
pub(super) async fn is_taken(bucket: &Bucket, key: &str) -> object_store::Result<bool> {
    match bucket.clone().store().head(&Path::from(key)).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. } | Error::PermissionDenied { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Finds out how the newest upload of a part ended, and aborts it if it was not completed.
pub(super) async fn settle(bucket: &Bucket, part: &mut PartOnDisk, bytes: u64) -> object_store::Result<Settled> {
    let Some(upload) = part.record.upload.clone() else { return Ok(Settled::NotStored) };
    match bucket {
        Bucket::S3(s3) => settle_in_s3(s3, part, upload, bytes).await,
        Bucket::Folder(folder) => settle_in_folder(folder, part, &upload).await,
    }
}

/// Sends the file of a part.
pub(super) async fn send(bucket: &Bucket, part: &mut PartOnDisk, key: &str, bytes: u64) -> Result<Sent, FilingError> {
    match bucket {
        Bucket::S3(s3) => send_to_s3(s3, part, key, bytes).await,
        Bucket::Folder(folder) => send_to_folder(folder, part, key).await,
    }
}

async fn send_to_s3(s3: &S3Store, part: &mut PartOnDisk, key: &str, bytes: u64) -> Result<Sent, FilingError> {
    let path = Path::from(key);
    let id = s3.create_multipart(&path).await?;
    let mut upload = Upload { key: key.to_owned(), id: id.clone(), is_sent: false };
    part.note(upload.clone()).await;
    let mut file = File::open(&part.path).await?;
    let mut pieces = Vec::new();
    while let Some(piece) = next_piece(&mut file).await? {
        pieces.push(s3.put_part(&path, &id, pieces.len(), piece.into()).await?);
    }
    upload.is_sent = true;
    part.note(upload.clone()).await;
    let Err(error) = s3.complete_multipart(&path, &id, pieces).await else { return Ok(Sent::Stored) };
    let is_taken = matches!(error, Error::Precondition { .. });
    match settle_in_s3(s3, part, upload, bytes).await? {
        Settled::Stored => Ok(Sent::Stored),
        Settled::Unknown if is_taken => Ok(Sent::Stored),
        Settled::NotStored if is_taken => Ok(Sent::Taken),
        Settled::Unknown | Settled::NotStored => Err(error.into()),
    }
}

async fn settle_in_s3(
    s3: &S3Store,
    part: &mut PartOnDisk,
    mut upload: Upload,
    bytes: u64,
) -> object_store::Result<Settled> {
    let path = Path::from(upload.key.as_str());
    if upload.is_sent {
        match s3.put_part(&path, &upload.id, 0, "?".into()).await {
            Ok(_) => {}
            Err(Error::NotFound { .. }) => {
                return match s3.head(&path).await {
                    Ok(object) if object.size == bytes => Ok(Settled::Stored),
                    Ok(_) | Err(Error::NotFound { .. }) => Ok(Settled::NotStored),
                    Err(Error::PermissionDenied { .. }) => Ok(Settled::Unknown),
                    Err(error) => Err(error),
                };
            }
            Err(error) => return Err(error),
        }
        // Otherwise its absence would later be taken for its completion.
        upload.is_sent = false;
        part.note(upload.clone()).await;
    }
    match s3.abort_multipart(&path, &upload.id).await {
        Ok(()) | Err(Error::NotFound { .. }) => {}
        Err(error) => {
            tracing::warn!(upload.key, %error, "cannot abort an unfinished upload; its pieces stay in the store")
        }
    }
    Ok(Settled::NotStored)
}

async fn send_to_folder(folder: &LocalFileSystem, part: &mut PartOnDisk, key: &str) -> Result<Sent, FilingError> {
    let beside = beside(key, part);
    let mut file = File::open(&part.path).await?;
    let mut writing = folder.put_multipart(&beside).await?;
    while let Some(piece) = next_piece(&mut file).await? {
        writing.put_part(piece.into()).await?;
    }
    let id = writing.complete().await?.e_tag.unwrap_or_default();
    part.note(Upload { key: key.to_owned(), id, is_sent: true }).await;
    let unless_taken = RenameOptions::new().with_target_mode(RenameTargetMode::Create);
    match folder.rename_opts(&beside, &Path::from(key), unless_taken).await {
        Ok(()) => Ok(Sent::Stored),
        Err(Error::AlreadyExists { .. }) => {
            folder.delete(&beside).await?;
            Ok(Sent::Taken)
        }
        Err(error) if is_refused_link(&error) => {
            folder.rename(&beside, &Path::from(key)).await?;
            Ok(Sent::Stored)
        }
        Err(error) => Err(error.into()),
    }
}

async fn settle_in_folder(
    folder: &LocalFileSystem,
    part: &PartOnDisk,
    upload: &Upload,
) -> object_store::Result<Settled> {
    let settled = match folder.head(&Path::from(upload.key.as_str())).await {
        Ok(file) if file.e_tag.as_ref() == Some(&upload.id) => Settled::Stored,
        Ok(_) | Err(Error::NotFound { .. }) => Settled::NotStored,
        Err(error) => return Err(error),
    };
    match folder.delete(&beside(&upload.key, part)).await {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(settled),
        Err(error) => Err(error),
    }
}

/// Linux refuses links as not permitted where the file system has none.
fn is_refused_link(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref::<io::Error>() {
        Some(error) => matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported),
        None => error.source().is_some_and(is_refused_link),
    }
}

/// Place of a file in its folder until it is complete.
fn beside(key: &str, part: &PartOnDisk) -> Path {
    let part = part.path.file_stem().unwrap_or_default().to_string_lossy();
    Path::from(format!("{key}.{part}"))
}

/// `None` at the end of the file.
async fn next_piece(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut piece = Vec::with_capacity(PIECE);
    file.take(PIECE as u64).read_to_end(&mut piece).await?;
    Ok(Some(piece).filter(|piece| !piece.is_empty()))
}

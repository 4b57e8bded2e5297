//! Error texts for users, for files that cannot be written and parts that cannot be uploaded.

use std::error::Error;
use std::io;

/// Describes the first known cause of an error, or returns the error's own text. The pages translate these texts, so they must match
/// the English catalog.
pub(super) fn error_text(error: &(dyn Error + 'static)) -> String {
    disk_error_text(error).or_else(|| store_error_text(error)).map_or_else(|| error.to_string(), str::to_owned)
}

fn store_error_text(error: &(dyn Error + 'static)) -> Option<&'static str> {
    match store_error(error)? {
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            Some("the bucket refuses the console's keys")
        }
        object_store::Error::NotFound { .. } => Some("the bucket is missing"),
        object_store::Error::Generic { store: "S3", .. } => Some("the bucket does not answer as it should"),
        _ => None,
    }
}

fn store_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e object_store::Error> {
    error.downcast_ref().or_else(|| store_error(error.source()?))
}

fn disk_error_text(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let Some(io) = error.downcast_ref::<io::Error>() else {
        return disk_error_text(error.source()?);
    };
    match io.kind() {
        io::ErrorKind::StorageFull => Some("the disk is full (no space left on device)"),
        io::ErrorKind::QuotaExceeded => Some("the disk quota is used up"),
        io::ErrorKind::ReadOnlyFilesystem => Some("the disk is read-only"),
        io::ErrorKind::PermissionDenied => Some("the folder may not be written to"),
        io::ErrorKind::NotFound => Some("the folder is missing"),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Some("a file is where the folder should be"),
        // `io::Error::source` skips the wrapped error.
        _ => disk_error_text(io.get_ref()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_causes_have_a_text() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = io::Error::other(object_store::Error::Generic { store: "local", source: Box::new(full) });
        assert_eq!(error_text(&wrapped), "the disk is full (no space left on device)");
        let odd = io::Error::other("the dog ate it");
        assert_eq!(error_text(&odd), "the dog ate it");
        let silent = object_store::Error::Generic { store: "S3", source: "error sending request".into() };
        assert_eq!(error_text(&silent), "the bucket does not answer as it should");
        let refused = object_store::Error::PermissionDenied { path: "a".to_owned(), source: "403 Forbidden".into() };
        assert_eq!(error_text(&refused), "the bucket refuses the console's keys");
    }
}

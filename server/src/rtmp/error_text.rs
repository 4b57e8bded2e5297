//! Why a file could not be written or a part not stored, in words for people.

use std::error::Error;
use std::io;

/// The first cause that there are plain words for, else what the error says of itself.
pub(super) fn plain_reason(error: &(dyn Error + 'static)) -> String {
    of_disk(error).or_else(|| of_store(error)).map_or_else(|| error.to_string(), str::to_owned)
}

fn of_store(error: &(dyn Error + 'static)) -> Option<&'static str> {
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

fn of_disk(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let Some(io) = error.downcast_ref::<io::Error>() else {
        return of_disk(error.source()?);
    };
    match io.kind() {
        io::ErrorKind::StorageFull => Some("the disk is full (no space left on device)"),
        io::ErrorKind::QuotaExceeded => Some("the disk quota is used up"),
        io::ErrorKind::ReadOnlyFilesystem => Some("the disk is read-only"),
        io::ErrorKind::PermissionDenied => Some("the folder may not be written to"),
        io::ErrorKind::NotFound => Some("the folder is missing"),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Some("a file is where the folder should be"),
        // `source` of an I/O error passes over the error that it wraps.
        _ => of_disk(io.get_ref()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_words_for_people() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = io::Error::other(object_store::Error::Generic { store: "local", source: Box::new(full) });
        assert_eq!(plain_reason(&wrapped), "the disk is full (no space left on device)");
        let odd = io::Error::other("the dog ate it");
        assert_eq!(plain_reason(&odd), "the dog ate it");
        let silent = object_store::Error::Generic { store: "S3", source: "error sending request".into() };
        assert_eq!(plain_reason(&silent), "the bucket does not answer as it should");
        let refused = object_store::Error::PermissionDenied { path: "a".to_owned(), source: "403 Forbidden".into() };
        assert_eq!(plain_reason(&refused), "the bucket refuses the console's keys");
    }
}

//! Why a file could not be written or a part not stored, in words for people.

use std::error::Error;
use std::io;

/// The first cause that there are plain words for, else what the error says of itself.
pub(super) fn plain_reason(error: &(dyn Error + 'static)) -> String {
    known_cause(error).map_or_else(|| error.to_string(), str::to_owned)
}

/// Whether the same try may succeed in a moment. A full disk or a wrong folder waits for a person.
pub(super) fn may_pass(error: &(dyn Error + 'static)) -> bool {
    known_cause(error).is_none()
}

fn known_cause(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let Some(io) = error.downcast_ref::<io::Error>() else {
        return known_cause(error.source()?);
    };
    match io.kind() {
        io::ErrorKind::StorageFull => Some("the disk is full (no space left on device)"),
        io::ErrorKind::QuotaExceeded => Some("the disk quota is used up"),
        io::ErrorKind::ReadOnlyFilesystem => Some("the disk is read-only"),
        io::ErrorKind::PermissionDenied => Some("the folder may not be written to"),
        io::ErrorKind::NotFound => Some("the folder is missing"),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Some("a file is where the folder should be"),
        // `source` of an I/O error passes over the error that it wraps.
        _ => known_cause(io.get_ref()?),
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
        assert!(!may_pass(&wrapped));
        let odd = io::Error::other("the dog ate it");
        assert_eq!(plain_reason(&odd), "the dog ate it");
        assert!(may_pass(&odd));
    }
}

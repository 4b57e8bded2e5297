//! Pictures beside films: thumbnails, snapshots and covers are no outputs that count.

const ENDINGS: &[&str] =
    &["jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "svg"];

/// Returns whether a path or an address names a picture, by its ending.
pub(super) fn is_picture(path: &str) -> bool {
    let is_address = path.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    let path = if is_address { path.split(['?', '#']).next().unwrap_or_default() } else { path };
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, ending)| is_ending(ending))
}

/// Returns whether a word is the ending of pictures.
pub(super) fn is_ending(word: &str) -> bool {
    ENDINGS.iter().any(|ending| word.trim().eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_recognised_by_their_ending() {
        for path in [
            "s3://demo/thumbs/a.0000009.jpg",
            "a.JPG",
            "a.b.WebP",
            "https://cdn.example.com/a.png?x=1.mp4#b",
            "out\\a.Gif",
            "a.bmp",
            "a.jpeg",
        ] {
            assert!(is_picture(path), "{path}");
        }
        for path in [
            "",
            "s3://demo/out/a_720p.mp4",
            "jpg",
            "a.jpg/b.mp4",
            "a.jpgx",
            "https://cdn.example.com/a.mp4?cover=b.jpg",
            "a.",
        ] {
            assert!(!is_picture(path), "{path}");
        }
    }
}

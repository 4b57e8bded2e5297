//! Detects images, such as thumbnails, snapshots and covers, which are not counted.

const EXTENSIONS: &[&str] =
    &["jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "svg"];

/// Returns whether a path or URL has the extension of an image.
pub(super) fn is_image(path: &str) -> bool {
    let is_address = path.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    let path = if is_address { path.split(['?', '#']).next().unwrap_or_default() } else { path };
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit_once('.').is_some_and(|(_, extension)| is_image_extension(extension))
}

/// Returns whether a file extension is that of an image.
pub(super) fn is_image_extension(text: &str) -> bool {
    EXTENSIONS.iter().any(|extension| text.trim().eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_detected_by_their_extension() {
        for path in [
            "s3://demo/thumbs/a.0000009.jpg",
            "a.JPG",
            "a.b.WebP",
            "https://cdn.example.com/a.png?x=1.mp4#b",
            "out\\a.Gif",
            "a.bmp",
            "a.jpeg",
        ] {
            assert!(is_image(path), "{path}");
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
            assert!(!is_image(path), "{path}");
        }
    }
}

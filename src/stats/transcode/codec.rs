//! The words that transcoders have for coding methods.

use crate::stats::Codec;

/// Letters and digits of the word, in lower case: `H.265`, `h_265` and `H265` are one word. A media type loses its `video/`.
fn folded(word: &str) -> String {
    let word: String = word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    word.strip_prefix("video").map(str::to_owned).unwrap_or(word)
}

fn begins_with(word: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| word.starts_with(beginning))
}

/// Parses the codec name of a transcoder, container or player; unknown names are `Other`. Accepts names of encoders (`libx264`,
/// `hevc_nvenc`), sample entries with parameters (`avc1.64001f`) and media types too.
pub(super) fn parse_codec(word: &str) -> Codec {
    let word = folded(word);
    let is = |beginnings| begins_with(&word, beginnings);
    if is(&["h264", "x264", "libx264", "libopenh264", "openh264", "avc", "mpeg4avc"]) {
        Codec::H264
    } else if is(&["h265", "x265", "libx265", "hevc", "hev1", "hvc1", "dvh1", "dvhe", "mpeghhevc"]) {
        Codec::H265
    } else if is(&["av1", "av01", "libaom", "libsvtav1", "svtav1", "librav1e", "rav1e"]) {
        Codec::Av1
    } else if is(&["vp9", "vp09", "libvpxvp9", "xvndon2vp9"]) {
        Codec::Vp9
    } else if is(&["remux", "transmux", "copy", "streamcopy", "passthrough"]) {
        Codec::Remux
    } else {
        Codec::Other
    }
}

/// Whether the word names a way of coding sound.
pub(super) fn is_sound(word: &str) -> bool {
    const WAYS: &[&str] = &[
        "aac",
        "libfdkaac",
        "mp4a",
        "mp3",
        "libmp3lame",
        "opus",
        "libopus",
        "vorbis",
        "flac",
        "alac",
        "ac3",
        "eac3",
        "pcm",
    ];
    begins_with(&folded(word), WAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_transcoders_are_known() {
        for (codec, words) in [
            (
                Codec::H264,
                "H.264 h264 H264 H_264 avc AVC avc1 avc3 avc1.64001f libx264 x264 h264_nvenc MPEG-4/AVC video/avc",
            ),
            (Codec::H265, "H.265 h265 HEVC hevc hev1 hvc1 hvc1.1.6.L93.B0 libx265 hevc_videotoolbox H_265 video/hevc"),
            (Codec::Av1, "AV1 av1 av01 av01.0.08M.08 libaom-av1 libsvtav1 librav1e av1_nvenc video/AV1"),
            (Codec::Vp9, "VP9 vp9 vp09 vp09.00.10.08 libvpx-vp9 vp9_qsv video/x-vnd.on2.vp9"),
            (Codec::Remux, "remux copy COPY PASSTHROUGH stream_copy transmux"),
            (Codec::Other, "other vp8 mpeg2video MPEG2 mpeg4 prores avs2 aac mjpeg av2 视频"),
        ] {
            for word in words.split(' ') {
                assert_eq!(parse_codec(word), codec, "{word}");
            }
        }
        assert_eq!(parse_codec(""), Codec::Other);
        for &codec in Codec::ALL {
            assert_eq!(parse_codec(codec.as_str()), codec);
        }
    }

    #[test]
    fn sound_is_told_from_pictures() {
        for word in ["aac", "AAC", "mp4a.40.2", "libopus", "pcm_s16le", "E-AC-3"] {
            assert!(is_sound(word), "{word}");
        }
        for word in ["", "h264", "hevc", "copy", "mp4"] {
            assert!(!is_sound(word), "{word}");
        }
    }
}

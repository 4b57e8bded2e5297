//! Codec names of transcoders.

use crate::stats::Codec;

/// Normalizes a codec name to its letters and digits in lower case, so that `H.265`, `h_265` and `H265` are equal. Removes the `video/` of media
/// types.
fn normalize(word: &str) -> String {
    let word: String = word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    word.strip_prefix("video").map(str::to_owned).unwrap_or(word)
}

fn starts_with_any(word: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| word.starts_with(prefix))
}

/// Parses the codec name of a transcoder, container or player; unknown names are `Other`. Accepts names of encoders (`libx264`,
/// `hevc_nvenc`), sample entries with parameters (`avc1.64001f`) and media types too.
pub(super) fn parse_codec(word: &str) -> Codec {
    let word = normalize(word);
    let is = |prefixes| starts_with_any(&word, prefixes);
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

/// Returns whether the name is that of an audio codec.
pub(super) fn is_audio_codec(word: &str) -> bool {
    const PREFIXES: &[&str] = &[
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
    starts_with_any(&normalize(word), PREFIXES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_names_of_transcoders_are_known() {
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
    fn audio_codecs_are_distinguished_from_video_codecs() {
        for word in ["aac", "AAC", "mp4a.40.2", "libopus", "pcm_s16le", "E-AC-3"] {
            assert!(is_audio_codec(word), "{word}");
        }
        for word in ["", "h264", "hevc", "copy", "mp4"] {
            assert!(!is_audio_codec(word), "{word}");
        }
    }
}

//! Transcoding: minutes and files by codec and resolution.

use serde::{Deserialize, Serialize};

use super::{Change, TimeRange};
use crate::string_enum;

string_enum!(
    /// Video codec of an output.
    Codec {
        /// AVC.
        H264 = "H.264",
        /// HEVC.
        H265 = "H.265",
        /// AV1.
        Av1 = "AV1",
        /// VP9.
        Vp9 = "VP9",
        /// Any other codec.
        Other = "other",
        /// Moved to another container without encoding.
        Remux = "remux",
    }
);

string_enum!(
    /// Resolution class: the smallest class whose long and short side are at least those of the video.
    Resolution {
        /// 640 × 360.
        Sd = "SD",
        /// 1280 × 720.
        Hd = "HD",
        /// 1920 × 1080.
        Fhd = "FHD",
        /// 2560 × 1440.
        TwoK = "2K",
        /// 3840 × 2160.
        FourK = "4K",
        /// 7680 × 4320.
        EightK = "8K",
        /// Larger than all classes, or of unknown size.
        Other = "other",
        /// Audio without video.
        Audio = "audio",
    }
);

/// A query for transcoding statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingQuery {
    /// Empty: all domains.
    pub domains: Vec<String>,
    pub range: TimeRange,
    /// `None`: all codecs.
    pub codec: Option<Codec>,
    /// `None`: all classes.
    pub resolution: Option<Resolution>,
}

/// Successful outputs of one codec and resolution class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingCell {
    pub codec: Codec,
    pub resolution: Resolution,
    /// Hundredths of a minute; each output is rounded before summing.
    pub centiminutes: i64,
    pub files: i64,
}

/// The outputs that finished on one day of the console's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingDay {
    /// Start of the day, Unix seconds.
    pub at: i64,
    pub cells: Vec<TranscodingCell>,
}

/// The answer to a [`TranscodingQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingView {
    pub range: TimeRange,
    /// IANA name of the console's time zone.
    pub zone: String,
    /// Sums over the range, without empty cells.
    pub matrix: Vec<TranscodingCell>,
    /// Every day of the range, empty ones included.
    pub days: Vec<TranscodingDay>,
    /// Hundredths of a minute.
    pub centiminutes: Change,
    pub files: Change,
    /// Outputs of failed tasks.
    pub failed: Change,
}

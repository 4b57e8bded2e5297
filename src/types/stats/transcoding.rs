//! Transcoding: minutes and files by coding method and resolution.

use serde::{Deserialize, Serialize};

use super::Slot;
use crate::string_enum;

string_enum!(
    /// How the video of an output was coded.
    Codec {
        /// AVC.
        H264 = "H.264",
        /// HEVC.
        H265 = "H.265",
        /// AV1.
        Av1 = "AV1",
        /// VP9.
        Vp9 = "VP9",
        /// Any other.
        Other = "other",
        /// Put into another container, not coded again.
        Remux = "remux",
    }
);

string_enum!(
    /// The class of a picture: the first whose long and short side hold it.
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
        /// Larger, or of unknown size.
        Other = "other",
        /// No picture.
        Audio = "audio",
    }
);

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingQuery {
    /// None: all.
    pub domains: Vec<String>,
    pub slot: Slot,
    /// Only this one.
    pub codec: Option<Codec>,
    /// Only this one.
    pub resolution: Option<Resolution>,
}

/// Outputs of succeeded tasks of one coding method and class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingCell {
    pub codec: Codec,
    pub resolution: Resolution,
    /// Hundredths of a minute, each output rounded for itself.
    pub centiminutes: i64,
    pub files: i64,
}

/// A day of the console's zone, on which tasks finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingDay {
    /// Its start, Unix seconds.
    pub at: i64,
    pub cells: Vec<TranscodingCell>,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscodingView {
    pub slot: Slot,
    /// The console's zone, IANA name.
    pub zone: String,
    /// Sums over the slot; cells without files are left out.
    pub matrix: Vec<TranscodingCell>,
    /// One for each day of the slot, empty ones too.
    pub days: Vec<TranscodingDay>,
    /// Hundredths of a minute; and of the slot before.
    pub centiminutes: super::Change,
    pub files: super::Change,
    /// Outputs of failed tasks.
    pub failed: super::Change,
}

//! Statistics as pages and the API ask for them and show them.

mod transcoding;
mod usage;
mod vod;

pub use transcoding::{Codec, Resolution, TranscodingCell, TranscodingDay, TranscodingQuery, TranscodingView};
pub use usage::{
    Change, Granularity, Metric, Shown, Slot, SlotLabel, TopDomain, TrafficBase, UsageCards, UsagePoint, UsageQuery,
    UsageView,
};
pub use vod::VodDomain;

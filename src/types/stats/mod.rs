//! Statistics: queries and views shared by pages and the API.

mod time_range;
mod transcoding;
mod usage;
mod vod;

pub use time_range::{BIN_S, TimeRange, bin_start};
pub use transcoding::{Codec, Resolution, TranscodingCell, TranscodingDay, TranscodingQuery, TranscodingView};
pub use usage::{
    BinLabel, Change, FigureFormat, Granularity, Metric, TopDomain, TrafficBase, UsageBin, UsageCards, UsageQuery,
    UsageView,
};
pub use vod::VodDomain;

//! Statistics: `{"dataList":[{"startTime":"…","endTime":"…","data":{…}}]}`.
//!
//! A point covers a whole period in the console's time zone, written in UTC and ending with its last second. With `followTime` there is one
//! point over the requested range, extended to five minutes. Periods that have not started are omitted.

use std::collections::BTreeMap;

use callsheet::model::Millis;
use callsheet::stats::calendar::Calendar;
use callsheet::stats::{
    BIN_S, Codec, Granularity, Metric, Resolution, TimeRange, TranscodingQuery, UsageBin, UsageQuery, bin_start,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::envelope::JdError;
use super::params::write_time;
use super::{Call, Outcome};

/// Periods of traffic, bandwidth and stream counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    /// Seconds, counted from the start of the day.
    Seconds(i64),
    Day,
    Whole,
}

/// The console's finest resolution is five minutes.
const PERIODS: [(&str, Period); 8] = [
    ("oneMin", Period::Seconds(BIN_S)),
    ("fiveMin", Period::Seconds(BIN_S)),
    ("halfHour", Period::Seconds(1_800)),
    ("hour", Period::Seconds(3_600)),
    ("twoHour", Period::Seconds(7_200)),
    ("sixHour", Period::Seconds(21_600)),
    ("day", Period::Day),
    ("followTime", Period::Whole),
];

/// Periods of storage and transcoding, which are recorded by day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LongPeriod {
    Day,
    Month,
    Year,
    Whole,
}

const LONG_PERIODS: [(&str, LongPeriod); 4] = [
    ("day", LongPeriod::Day),
    ("month", LongPeriod::Month),
    ("year", LongPeriod::Year),
    ("followTime", LongPeriod::Whole),
];

/// Names of video classes.
const GRADES: [(&str, (Codec, Resolution)); 10] = [
    ("video_h264_sd_1", (Codec::H264, Resolution::Sd)),
    ("video_h264_hd_1", (Codec::H264, Resolution::Hd)),
    ("video_h264_shd_1", (Codec::H264, Resolution::Fhd)),
    ("video_h264_2k_1", (Codec::H264, Resolution::TwoK)),
    ("video_h264_4k_1", (Codec::H264, Resolution::FourK)),
    ("video_h265_sd_1", (Codec::H265, Resolution::Sd)),
    ("video_h265_hd_1", (Codec::H265, Resolution::Hd)),
    ("video_h265_shd_1", (Codec::H265, Resolution::Fhd)),
    ("video_h265_2k_1", (Codec::H265, Resolution::TwoK)),
    ("video_h265_4k_1", (Codec::H265, Resolution::FourK)),
];

/// `describeLiveStreamTrafficData`: bytes.
pub(super) async fn traffic(call: &Call<'_>) -> Outcome {
    let points = usage(call, Metric::Traffic).await?;
    let sum = |points: &[UsageBin]| json!({ "value": points.iter().map(|point| point.value).sum::<i64>() });
    Ok(data_list(points.iter().map(|(slot, points)| (*slot, sum(points)))))
}

/// `describeLiveStreamBandwidthData`: peak of the five-minute bandwidth in bits per second, and its time (Unix seconds).
pub(super) async fn bandwidth(call: &Call<'_>) -> Outcome {
    let points = usage(call, Metric::Bandwidth).await?;
    let peak = |points: &[UsageBin]| {
        let peak = points.iter().max_by_key(|point| (point.value, -point.at));
        json!({ "value": peak.map(|point| point.value), "maxValueTime": peak.map(|point| point.at) })
    };
    Ok(data_list(points.iter().map(|(slot, points)| (*slot, peak(points)))))
}

/// `describeLiveFileStorageData`: bytes, the maximum over the days of the period.
pub(super) async fn storage(call: &Call<'_>) -> Outcome {
    let (slot, period) = days(call)?;
    let query = UsageQuery {
        metric: Metric::Storage,
        domains: Vec::new(),
        range: slot,
        granularity: Some(Granularity::Day),
        compare: false,
    };
    let view = call.console.stats.usage(&call.actor, query).await?;
    let held = view.bins.into_iter().map(|point| (point.at, point.value));
    let points = by_period(call, slot, period, held, i64::max);
    Ok(data_list(points.into_iter().map(|(slot, size)| (slot, json!({ "size": size })))))
}

/// `describeLiveTranscodingDurationData`: seconds of the outputs that were finished in the period.
pub(super) async fn transcoding(call: &Call<'_>) -> Outcome {
    let (slot, period) = days(call)?;
    let grade = call.params.word("grade", &GRADES)?;
    let query = TranscodingQuery {
        domains: call.params.domain("domainName")?.into_iter().collect(),
        range: slot,
        codec: grade.map(|(codec, _)| codec),
        resolution: grade.map(|(_, resolution)| resolution),
    };
    let view = call.console.stats.transcoding(&call.actor, query).await?;
    let days = view.days.iter().map(|day| (day.at, day.cells.iter().map(|cell| cell.centiminutes).sum()));
    let points = by_period(call, slot, period, days, |a, b| a + b);
    // A hundredth of a minute is 0.6 s.
    let seconds = |centiminutes: i64| json!({ "duration": (centiminutes * 6 + 5) / 10 });
    Ok(data_list(points.into_iter().map(|(slot, centiminutes)| (slot, seconds(centiminutes)))))
}

/// `describeLivePublishStreamNum`: number of streams that were live in the period.
pub(super) async fn stream_count(call: &Call<'_>) -> Outcome {
    refuse_filters(call, &["protocolType", "ispName", "locationName"])?;
    let now = call.console.clock.now();
    let slots = periods(call, now)?;
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Ok(data_list([])) };
    let domain = match call.params.domain("domainName")? {
        Some(name) => Some(call.console.domains.get_by_name(&call.actor, &name).await?.push),
        None => None,
    };
    let (from, to) = (first.from * 1000, (last.to * 1000).min(now));
    let app = call.params.optional("appName");
    let mut counts = vec![0_i64; slots.len()];
    // A stream with several publishes in a period counts once.
    let mut counted_to = BTreeMap::new();
    for publish in call.console.streams.publishes(&call.actor, domain, app, from, to).await? {
        let end = publish.ended_at.unwrap_or(to);
        let begins = slots.partition_point(|slot| slot.to * 1000 <= publish.started_at);
        let ends = slots.partition_point(|slot| slot.from * 1000 < end.max(publish.started_at + 1));
        let counted: &mut usize = counted_to.entry(publish.stream).or_default();
        for count in counts.get_mut(begins.max(*counted)..ends).into_iter().flatten() {
            *count += 1;
        }
        *counted = (*counted).max(ends);
    }
    Ok(data_list(slots.into_iter().zip(counts).map(|(slot, count)| (slot, json!({ "count": count })))))
}

/// Returns the five-minute points of each period.
async fn usage(call: &Call<'_>, metric: Metric) -> Result<Vec<(TimeRange, Vec<UsageBin>)>, JdError> {
    refuse_filters(call, &["appName", "streamName", "ispName", "locationName", "protocolType"])?;
    let slots = periods(call, call.console.clock.now())?;
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Ok(Vec::new()) };
    if first.from < call.console.stats.kept_from() {
        return Err(JdError::out_of_range("five-minute data at startTime has expired"));
    }
    let query = UsageQuery {
        metric,
        domains: call.params.domain("domainName")?.into_iter().collect(),
        range: TimeRange { from: first.from, to: last.to },
        granularity: Some(Granularity::Minutes),
        compare: false,
    };
    let points = call.console.stats.usage(&call.actor, query).await?.bins;
    let before = |at: i64| points.partition_point(|point| point.at < at);
    let of_slot = |slot: TimeRange| points.get(before(slot.from)..before(slot.to)).unwrap_or_default().to_vec();
    Ok(slots.into_iter().map(|slot| (slot, of_slot(slot))).filter(|(_, points)| !points.is_empty()).collect())
}

/// Refuses filters that the console does not support: ignoring them would return wrong figures.
fn refuse_filters(call: &Call<'_>, names: &[&str]) -> Result<(), JdError> {
    match names.iter().find(|name| call.params.optional(name).is_some()) {
        Some(name) => Err(JdError::invalid(format!("{name} is not supported; omit it"))),
        None => Ok(()),
    }
}

/// Returns the started periods that overlap the requested range.
fn periods(call: &Call<'_>, now: Millis) -> Result<Vec<TimeRange>, JdError> {
    let period = call.params.word("period", &PERIODS)?.unwrap_or(Period::Seconds(BIN_S));
    let slot = to_points(call.params.range(now)?);
    let mut slots = split(call.console.stats.calendar(), slot, period);
    slots.retain(|slot| slot.from * 1000 <= now);
    Ok(slots)
}

fn split(calendar: &Calendar, slot: TimeRange, period: Period) -> Vec<TimeRange> {
    let mut slots = Vec::new();
    let mut at = slot.from;
    while at < slot.to {
        let day = calendar.day(at);
        let next = match period {
            Period::Whole => slot,
            Period::Day => day,
            Period::Seconds(length) => {
                let from = at - (at - day.from) % length;
                TimeRange { from, to: (from + length).min(day.to) }
            }
        };
        slots.push(next);
        at = next.to;
    }
    slots
}

/// Returns the days that overlap the requested range, or the range itself for a single point.
fn days(call: &Call<'_>) -> Result<(TimeRange, LongPeriod), JdError> {
    let period = call.params.word("period", &LONG_PERIODS)?.unwrap_or(LongPeriod::Day);
    let slot = to_points(call.params.range(call.console.clock.now())?);
    let calendar = call.console.stats.calendar();
    let whole = TimeRange { from: calendar.day(slot.from).from, to: calendar.day(slot.to - 1).to };
    Ok((if period == LongPeriod::Whole { slot } else { whole }, period))
}

/// Combines days, given by their start (Unix seconds), into periods.
fn by_period(
    call: &Call<'_>,
    slot: TimeRange,
    period: LongPeriod,
    days: impl Iterator<Item = (i64, i64)>,
    join: impl Fn(i64, i64) -> i64,
) -> Vec<(TimeRange, i64)> {
    let (zone, calendar) = (&call.console.zone, call.console.stats.calendar());
    let mut points: Vec<(TimeRange, i64)> = Vec::new();
    for (at, value) in days {
        let to = calendar.day(at).to.min(slot.to);
        match points.last_mut() {
            Some((last, sum)) if same_period(last.from, at, period, zone) => {
                last.to = to;
                *sum = join(*sum, value);
            }
            _ => points.push((TimeRange { from: at, to }, value)),
        }
    }
    points
}

fn same_period(one: i64, other: i64, period: LongPeriod, zone: &TimeZone) -> bool {
    let date = |at: i64| Timestamp::from_second(at).unwrap_or_default().to_zoned(zone.clone()).date();
    let (one, other) = (date(one), date(other));
    match period {
        LongPeriod::Day => one == other,
        LongPeriod::Month => (one.year(), one.month()) == (other.year(), other.month()),
        LongPeriod::Year => one.year() == other.year(),
        LongPeriod::Whole => true,
    }
}

/// Extends a range of Unix ms to five-minute boundaries (Unix seconds).
fn to_points((from, to): (Millis, Millis)) -> TimeRange {
    let to = to.div_euclid(1000) + i64::from(to.rem_euclid(1000) > 0);
    TimeRange { from: bin_start(from.div_euclid(1000)), to: bin_start(to + BIN_S - 1) }
}

fn data_list(points: impl IntoIterator<Item = (TimeRange, Value)>) -> Value {
    let point = |(slot, data): (TimeRange, Value)| json!({ "startTime": write_time(slot.from * 1000), "endTime": write_time(slot.to * 1000 - 1000), "data": data });
    json!({ "dataList": points.into_iter().map(point).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(TimeZone::get(zone).expect("a zone"))
    }

    #[test]
    fn periods_are_whole_and_of_the_zone() {
        let shanghai = calendar("Asia/Shanghai");
        // 2026-11-22T10:10:00Z, which is 18:10 there.
        let from = 1_795_342_200;
        let slot = TimeRange { from, to: from + 7_200 };
        let starts = |period| -> Vec<i64> {
            split(&shanghai, slot, period).iter().map(|slot| (slot.from - from).div_euclid(60)).collect()
        };
        assert_eq!(starts(Period::Seconds(1_800)), [-10, 20, 50, 80, 110]);
        assert_eq!(starts(Period::Seconds(7_200)), [-10, 110]);
        assert_eq!(starts(Period::Seconds(21_600)), [-10]);
        assert_eq!(starts(Period::Whole), [0]);
        assert_eq!(split(&shanghai, slot, Period::Day), [TimeRange { from: 1_795_276_800, to: 1_795_363_200 }]);
        assert_eq!(write_time((1_795_363_200 - 1) * 1000), "2026-11-22T15:59:59Z");
    }

    #[test]
    fn a_day_of_25_hours_ends_with_a_short_period() {
        let new_york = calendar("America/New_York");
        let day = new_york.days("2026-11-01", "2026-11-01").expect("a day");
        let slots = split(&new_york, day, Period::Seconds(21_600));
        let lengths: Vec<i64> = slots.iter().map(|slot| (slot.to - slot.from) / 3600).collect();
        assert_eq!(lengths, [6, 6, 6, 6, 1]);
        assert_eq!(slots.last().map(|slot| slot.to), Some(day.to));
    }

    #[test]
    fn ranges_grow_to_five_minutes() {
        assert_eq!(to_points((300_000, 600_000)), TimeRange { from: 300, to: 600 });
        assert_eq!(to_points((300_001, 600_001)), TimeRange { from: 300, to: 900 });
        assert_eq!(to_points((599_999, 600_000)), TimeRange { from: 300, to: 600 });
    }
}

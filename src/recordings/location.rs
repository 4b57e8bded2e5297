//! `bucket/record/{Date}/{Domain}/{App}/{Stream}/{Start}_{End}.flv`, in the console's time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{AppName, DomainName, Millis, StreamName};

/// Where one part lies, as far as it is known.
#[derive(Debug, Clone)]
pub struct PartLocation<'a> {
    pub bucket: &'a str,
    pub domain: &'a DomainName,
    pub app: &'a AppName,
    pub stream: &'a StreamName,
    /// Unix ms.
    pub start: Millis,
    /// Unix ms; `None` while the part is being written.
    pub end: Option<Millis>,
}

/// `millis` in `zone` by a `strftime` pattern; empty when out of the calendar's range.
#[must_use]
pub fn local_time(millis: Millis, zone: &TimeZone, pattern: &str) -> String {
    Timestamp::from_millisecond(millis)
        .map(|t| t.to_zoned(zone.clone()).strftime(pattern).to_string())
        .unwrap_or_default()
}

impl PartLocation<'_> {
    /// The whole path, bucket first.
    #[must_use]
    pub fn path(&self, zone: &TimeZone) -> String {
        format!("{}/{}", self.bucket, self.key(zone))
    }

    /// The object's key within the bucket.
    #[must_use]
    pub fn key(&self, zone: &TimeZone) -> String {
        let start = local_time(self.start, zone, "%Y%m%d%H%M%S");
        let date = start.get(..8).unwrap_or_default();
        let end = self.end.map(|end| format!("_{}", local_time(end, zone, "%Y%m%d%H%M%S"))).unwrap_or_default();
        format!("record/{date}/{}/{}/{}/{start}{end}.flv", self.domain, self.app, self.stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_in_its_time_zone() {
        let location = PartLocation {
            bucket: "bucketname",
            domain: &DomainName::parse("push.test.com").expect("domain"),
            app: &AppName::parse("app").expect("app"),
            stream: &StreamName::parse("live").expect("stream"),
            start: 1_524_476_982_000,
            end: Some(1_524_477_014_000),
        };
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        assert_eq!(
            location.path(&zone),
            "bucketname/record/20180423/push.test.com/app/live/20180423174942_20180423175014.flv"
        );
        let open = PartLocation { end: None, ..location };
        assert_eq!(open.path(&zone), "bucketname/record/20180423/push.test.com/app/live/20180423174942.flv");
    }
}

//! Moments and lengths of time as people read them.

use callsheet::model::Millis;
use callsheet::stats::FigureFormat;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use leptos::prelude::*;

use crate::texts::{Texts, number};

/// Writes moments in the console's zone, with UTC on hover, and as seen from now.
#[derive(Clone)]
pub(crate) struct Times {
    pub(crate) zone: TimeZone,
    pub(crate) now: Millis,
    pub(crate) texts: Texts,
    /// How figures and their points are shown.
    pub(crate) shown: FigureFormat,
}

impl Times {
    fn format(&self, at: Millis, zone: &TimeZone, pattern: &str) -> String {
        Timestamp::from_millisecond(at)
            .map(|t| t.to_zoned(zone.clone()).strftime(pattern).to_string())
            .unwrap_or_default()
    }

    /// A moment for machines, and in UTC for people.
    pub(crate) fn utc(&self, at: Millis) -> (String, String) {
        let machine = self.format(at, &TimeZone::UTC, "%Y-%m-%dT%H:%M:%S%.3fZ");
        (machine, self.format(at, &TimeZone::UTC, "%Y-%m-%d %H:%M:%S UTC"))
    }

    fn element(&self, at: Millis, text: String) -> AnyView {
        let (machine, utc) = self.utc(at);
        view! { <time datetime=machine title=utc>{text}</time> }.into_any()
    }

    /// `20 Nov 2026, 10:11:07`.
    pub(crate) fn at(&self, at: Millis) -> AnyView {
        self.element(at, self.at_text(at))
    }

    /// `20 Nov 2026, 10:11:07`.
    pub(crate) fn at_text(&self, at: Millis) -> String {
        self.format(at, &self.zone, &self.texts.get("time.pattern"))
    }

    /// A moment in the console's zone, `seconds` since 1970, in the form that a text of the catalog says. A clock time that comes twice
    /// because clocks are set back has its offset from UTC with it.
    pub(crate) fn in_form(&self, seconds: i64, key: &str) -> String {
        let (at, form) = (seconds.saturating_mul(1000), self.texts.get(key));
        let comes_twice = |at: Timestamp| {
            let moment = at.to_zoned(self.zone.clone());
            self.zone.to_ambiguous_timestamp(moment.datetime()).is_ambiguous()
        };
        let offset = form.contains("%H") && Timestamp::from_millisecond(at).is_ok_and(comes_twice);
        self.format(at, &self.zone, &if offset { format!("{form} %:z") } else { form })
    }

    /// `10:11:07`, for lists whose day is clear.
    pub(crate) fn clock(&self, at: Millis) -> AnyView {
        self.element(at, self.format(at, &self.zone, "%H:%M:%S"))
    }

    /// `12 s ago`; the whole moment is on hover.
    pub(crate) fn ago(&self, at: Millis) -> AnyView {
        let length = self.length(self.now - at);
        self.element(at, self.texts.fill("time.ago", &[("length", &length)]))
    }

    /// `in 4 min 12 s`, or that it is due.
    pub(crate) fn until(&self, at: Millis) -> AnyView {
        self.element(at, self.until_text(at))
    }

    /// `in 4 min 12 s`, or that it is due.
    pub(crate) fn until_text(&self, at: Millis) -> String {
        if at <= self.now {
            self.texts.get("time.due")
        } else {
            self.texts.fill("time.in", &[("length", &self.length(at - self.now))])
        }
    }

    /// The length from one moment to another, as their clock times say, which have no fractions of a second.
    pub(crate) fn between(&self, from: Millis, to: Millis) -> String {
        self.length((to.div_euclid(1000) - from.div_euclid(1000)) * 1000)
    }

    /// A length in its two largest units, rounded: `4 min 12 s`, `3 h 5 min`, `2 d 4 h`.
    pub(crate) fn length(&self, millis: Millis) -> String {
        let whole = |unit: i64| (millis.max(0) + unit / 2) / unit;
        let (seconds, minutes, hours) = (whole(1_000), whole(60_000), whole(3_600_000));
        let unit = |key: &str, n: i64| self.texts.fill(key, &[("n", &number(n))]);
        let two = |large: (&str, i64), small: (&str, i64)| {
            if small.1 == 0 {
                unit(large.0, large.1)
            } else {
                self.texts.fill("time.two", &[("a", &unit(large.0, large.1)), ("b", &unit(small.0, small.1))])
            }
        };
        match (seconds, minutes) {
            (0..60, _) => unit("time.s", seconds),
            (60..3_600, _) => two(("time.min", seconds / 60), ("time.s", seconds % 60)),
            (_, ..1_440) => two(("time.h", minutes / 60), ("time.min", minutes % 60)),
            _ => two(("time.d", hours / 24), ("time.h", hours % 24)),
        }
    }

    /// A length that may be very short: `47 µs`, `2.1 ms`, and from 10 ms on as [`Self::took`].
    pub(crate) fn took_micros(&self, micros: i64) -> String {
        match micros {
            ..1_000 => self.texts.fill("time.us", &[("n", &micros.to_string())]),
            1_000..10_000 => self.texts.fill("time.ms", &[("n", &format!("{:.1}", micros as f64 / 1000.0))]),
            _ => self.took((micros + 500) / 1000),
        }
    }

    /// A length that may be short, rounded: `182 ms`, `15.0 s`, `15 min`.
    pub(crate) fn took(&self, millis: Millis) -> String {
        let tenths = (millis + 50) / 100;
        match millis {
            ..1_000 => self.texts.fill("time.ms", &[("n", &millis.to_string())]),
            _ if tenths < 600 => self.texts.fill("time.s", &[("n", &format!("{}.{}", tenths / 10, tenths % 10))]),
            _ => self.length(millis),
        }
    }
}

/// `2026-11-22T14:31` in the console's zone, as the browser's field for times says it.
pub(crate) fn typed_moment(text: &str, zone: &TimeZone) -> Option<Millis> {
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Locale;

    fn times(locale: Locale) -> Times {
        let zone = TimeZone::get("Asia/Shanghai").expect("zone");
        Times { zone, now: 1_524_477_014_000, texts: Texts(locale), shown: FigureFormat::default() }
    }

    #[test]
    fn lengths_have_two_units() {
        let times = times(Locale::English);
        for (millis, text) in [
            (-5, "0 s"),
            (44_499, "44 s"),
            (44_500, "45 s"),
            (59_999, "1 min"),
            (252_000, "4 min 12 s"),
            (3_599_499, "59 min 59 s"),
            (3_599_500, "1 h"),
            (7_200_000, "2 h"),
            (11_100_000, "3 h 5 min"),
            (86_369_999, "23 h 59 min"),
            (86_370_000, "1 d"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(times.length(millis), text);
        }
        for (millis, text) in [
            (182, "182 ms"),
            (999, "999 ms"),
            (15_040, "15.0 s"),
            (15_050, "15.1 s"),
            (59_949, "59.9 s"),
            (59_950, "1 min"),
            (900_000, "15 min"),
        ] {
            assert_eq!(times.took(millis), text);
        }
        // 17:49:42 to 17:50:27
        assert_eq!(times.between(1_524_476_982_900, 1_524_477_027_100), "45 s");
        for (micros, text) in [(47, "47 µs"), (2_143, "2.1 ms"), (182_499, "182 ms"), (15_040_000, "15.0 s")] {
            assert_eq!(times.took_micros(micros), text);
        }
    }

    #[test]
    fn moments_show_the_zone_and_keep_utc() {
        let html = times(Locale::English).at(1_524_476_982_000).to_html().replace("<!>", "");
        assert_eq!(
            html,
            "<time datetime=\"2018-04-23T09:49:42.000Z\" title=\"2018-04-23 09:49:42 UTC\">23 Apr 2018, 17:49:42</time>"
        );
        assert!(times(Locale::Chinese).ago(1_524_476_982_000).to_html().contains("32 秒前"));
    }

    #[test]
    fn an_hour_that_comes_twice_says_which_one_it_is() {
        let zone = TimeZone::get("America/New_York").expect("zone");
        let times = Times { zone, now: 0, texts: Texts(Locale::English), shown: FigureFormat::default() };
        let first = 1_793_505_600;
        assert_eq!(times.in_form(first, "chart.minute"), "2026-11-01 00:00");
        assert_eq!(times.in_form(first + 3_600, "chart.minute"), "2026-11-01 01:00 -04:00");
        assert_eq!(times.in_form(first + 7_200, "chart.minute"), "2026-11-01 01:00 -05:00");
        assert_eq!(times.in_form(first + 10_800, "chart.minute"), "2026-11-01 02:00");
        assert_eq!(times.in_form(first + 3_600, "chart.day"), "2026-11-01");
    }
}

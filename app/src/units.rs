//! Figures as people read them. Cards, axes, tables and exports all take their numbers from here, so that they agree.
//!
//! Everything is base 1000, but traffic and storage where a setting says so; shown with two decimals, rounded half up; files are whole.

use callsheet::stats::{Metric, TrafficBase};

use crate::texts::number;

/// What a figure measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Traffic and storage.
    Bytes(TrafficBase),
    /// Bits a second.
    Bandwidth,
    Files,
    /// In hundredths of a minute.
    Minutes,
}

impl Quantity {
    /// What the points of a chart measure, and in which units.
    pub(crate) const fn of(metric: Metric, base: TrafficBase) -> Self {
        match metric {
            Metric::Traffic | Metric::Storage => Self::Bytes(base),
            Metric::Bandwidth => Self::Bandwidth,
            Metric::Files => Self::Files,
        }
    }

    /// Its units, each [`Self::base`] of the one before.
    const fn units(self) -> &'static [&'static str] {
        match self {
            Self::Bytes(TrafficBase::Thousand) => &["B", "KB", "MB", "GB", "TB", "PB"],
            Self::Bytes(TrafficBase::Binary) => &["B", "KiB", "MiB", "GiB", "TiB", "PiB"],
            Self::Bandwidth => &["bps", "Kbps", "Mbps", "Gbps", "Tbps"],
            Self::Files | Self::Minutes => &[""],
        }
    }

    const fn base(self) -> i64 {
        match self {
            Self::Bytes(TrafficBase::Binary) => 1024,
            _ => 1000,
        }
    }

    /// The unit in which `largest` has one to three digits before its point.
    pub(crate) fn scale(self, largest: i64) -> Scale {
        let mut scale = Scale { quantity: self, step: 0 };
        while scale.hundredths(largest) >= 100_000 && scale.step + 1 < self.units().len() {
            scale.step += 1;
        }
        scale
    }

    /// `12.84 TB`, in the unit that suits it.
    pub(crate) fn text(self, value: i64) -> String {
        self.scale(value).text(value)
    }
}

/// One unit for all figures that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    quantity: Quantity,
    step: usize,
}

impl Scale {
    /// `GB`; empty for what is counted.
    pub(crate) fn unit(self) -> &'static str {
        self.quantity.units()[self.step]
    }

    /// How many bytes, bits a second, files or hundredths of a minute make one.
    pub(crate) fn one(self) -> i64 {
        match self.quantity {
            Quantity::Minutes => 100,
            _ => (0..self.step).fold(1, |one, _| one * self.quantity.base()),
        }
    }

    /// Counted in whole numbers, so that decimals would say nothing.
    pub(crate) const fn is_whole(self) -> bool {
        matches!(self.quantity, Quantity::Files) || (self.step == 0 && !matches!(self.quantity, Quantity::Minutes))
    }

    /// In hundredths of the unit, rounded half up.
    pub(crate) fn hundredths(self, value: i64) -> i64 {
        let one = i128::from(self.one());
        let hundredths = (i128::from(value) * 100 + one / 2).div_euclid(one);
        i64::try_from(hundredths).unwrap_or(i64::MAX)
    }

    /// `1,234.50`; whole where decimals would say nothing.
    pub(crate) fn number(self, value: i64) -> String {
        if self.is_whole() { number(value) } else { hundredths(self.hundredths(value)) }
    }

    /// `12.84 TB`
    pub(crate) fn text(self, value: i64) -> String {
        match self.unit() {
            "" => self.number(value),
            unit => format!("{}\u{a0}{unit}", self.number(value)),
        }
    }
}

/// `1,234.50` of 123450.
pub(crate) fn hundredths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    format!("{sign}{}.{:02}", number(i64::try_from(value / 100).unwrap_or(i64::MAX)), value % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: Quantity = Quantity::Bytes(TrafficBase::Thousand);

    fn text(quantity: Quantity, value: i64) -> String {
        quantity.text(value).replace('\u{a0}', " ")
    }

    #[test]
    fn bytes_and_bits_are_base_1000() {
        for (value, bytes, bits) in [
            (0, "0 B", "0 bps"),
            (999, "999 B", "999 bps"),
            (1_000, "1.00 KB", "1.00 Kbps"),
            (1_024, "1.02 KB", "1.02 Kbps"),
            (122_013_456_789, "122.01 GB", "122.01 Gbps"),
            (12_837_600_000_000, "12.84 TB", "12.84 Tbps"),
            (5_000_000_000_000_000_000, "5,000.00 PB", "5,000,000.00 Tbps"),
        ] {
            assert_eq!(text(BYTES, value), bytes);
            assert_eq!(text(Quantity::Bandwidth, value), bits);
        }
    }

    #[test]
    fn a_figure_that_rounds_up_to_the_next_unit_is_shown_in_it() {
        assert_eq!(text(BYTES, 999_994), "999.99 KB");
        assert_eq!(text(BYTES, 999_995), "1.00 MB");
    }

    #[test]
    fn bytes_may_be_base_1024() {
        let binary = Quantity::Bytes(TrafficBase::Binary);
        for (value, shown) in [
            (999, "999 B"),
            (1_000, "0.98 KiB"),
            (1_024, "1.00 KiB"),
            (1 << 30, "1.00 GiB"),
            (999 << 30, "999.00 GiB"),
            (12_837_600_000_000, "11.68 TiB"),
            (5_000_000_000_000_000_000, "4,440.89 PiB"),
        ] {
            assert_eq!(text(binary, value), shown);
        }
        let scale = binary.scale(3 << 20);
        assert_eq!((scale.unit(), scale.one(), scale.number(1 << 19)), ("MiB", 1 << 20, "0.50".to_owned()));
    }

    #[test]
    fn files_are_whole_and_minutes_have_two_decimals() {
        assert_eq!(text(Quantity::Files, 1_234_567), "1,234,567");
        assert_eq!(text(Quantity::Minutes, 2), "0.02");
        assert_eq!(text(Quantity::Minutes, 123_456_789), "1,234,567.89");
    }

    #[test]
    fn what_is_compared_has_one_unit() {
        let scale = Quantity::Bandwidth.scale(1_724_400_000);
        assert_eq!((scale.unit(), scale.one()), ("Gbps", 1_000_000_000));
        assert_eq!(scale.number(1_724_400_000), "1.72");
        assert_eq!(scale.number(4_999_999), "0.00");
        assert_eq!(scale.number(5_000_000), "0.01");
    }
}

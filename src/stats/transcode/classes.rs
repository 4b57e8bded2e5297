//! Resolution classes.

use std::fmt;
use std::str::FromStr;

use crate::stats::Resolution;

/// A table of resolution classes with the maximum long and short side in pixels, smallest class first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes(Vec<(Resolution, u32, u32)>);

impl Default for Classes {
    /// SD 640×360, HD 1280×720, FHD 1920×1080, 2K 2560×1440, 4K 3840×2160, 8K 7680×4320.
    fn default() -> Self {
        Self(vec![
            (Resolution::Sd, 640, 360),
            (Resolution::Hd, 1280, 720),
            (Resolution::Fhd, 1920, 1080),
            (Resolution::TwoK, 2560, 1440),
            (Resolution::FourK, 3840, 2160),
            (Resolution::EightK, 7680, 4320),
        ])
    }
}

impl Classes {
    /// Returns the class of an output: `Audio` for audio without video, else the first class that fits in either orientation. Returns `Other`
    /// if no class fits or the size is unknown; a side of 0 is unknown.
    #[must_use]
    pub fn of(&self, is_audio: bool, width: Option<u32>, height: Option<u32>) -> Resolution {
        if is_audio {
            return Resolution::Audio;
        }
        let (Some(width @ 1..), Some(height @ 1..)) = (width, height) else { return Resolution::Other };
        let (long, short) = (width.max(height), width.min(height));
        let fits = |class: &&(Resolution, u32, u32)| long <= class.1 && short <= class.2;
        self.0.iter().find(fits).map_or(Resolution::Other, |class| class.0)
    }
}

/// An error in a table of classes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadClasses {
    #[error("is empty; specify classes such as `SD 640x360, HD 1280x720`")]
    Empty,
    #[error("`{0}` is not a class with a size; use a form such as `HD 1280x720`, with one of SD, HD, FHD, 2K, 4K, 8K")]
    Entry(String),
    #[error("{0} is listed twice; keep one")]
    Twice(Resolution),
    #[error("{0} is not larger than the class before it; list the smaller class first")]
    Order(Resolution),
}

impl FromStr for Classes {
    type Err = BadClasses;

    /// Parses `SD 640x360, HD 1280x720, …`, smallest first. The two sides may be in any order. Classes may be omitted.
    fn from_str(text: &str) -> Result<Self, BadClasses> {
        if text.trim().is_empty() {
            return Err(BadClasses::Empty);
        }
        let mut classes: Vec<(Resolution, u32, u32)> = Vec::new();
        for entry in text.split(',').map(str::trim) {
            let (class, long, short) = class(entry).ok_or_else(|| BadClasses::Entry(entry.into()))?;
            if classes.iter().any(|before| before.0 == class) {
                return Err(BadClasses::Twice(class));
            }
            if classes
                .last()
                .is_some_and(|before| long < before.1 || short < before.2 || (long, short) == (before.1, before.2))
            {
                return Err(BadClasses::Order(class));
            }
            classes.push((class, long, short));
        }
        Ok(Self(classes))
    }
}

fn class(entry: &str) -> Option<(Resolution, u32, u32)> {
    let (name, size) = entry.split_once(char::is_whitespace)?;
    let (one, other) = size.trim().split_once(['x', 'X', '×'])?;
    let (one, other): (u32, u32) = (one.parse().ok()?, other.parse().ok()?);
    let class: Resolution = name.parse().ok()?;
    let sized = !matches!(class, Resolution::Other | Resolution::Audio) && one > 0 && other > 0;
    sized.then(|| (class, one.max(other), one.min(other)))
}

impl fmt::Display for Classes {
    /// Writes the form that `from_str` parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (class, long, short)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{class} {long}x{short}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_class(width: u32, height: u32) -> Resolution {
        Classes::default().of(false, Some(width), Some(height))
    }

    /// Returns the class after checking that both orientations have the same.
    fn of(long: u32, short: u32) -> Resolution {
        let class = default_class(long, short);
        assert_eq!(default_class(short, long), class, "{long} × {short} upright");
        class
    }

    #[test]
    fn a_size_belongs_to_the_first_class_that_fits_both_sides() {
        use Resolution::{EightK, Fhd, FourK, Hd, Other, Sd, TwoK};
        let table = [
            (Sd, 640, 360, Hd),
            (Hd, 1280, 720, Fhd),
            (Fhd, 1920, 1080, TwoK),
            (TwoK, 2560, 1440, FourK),
            (FourK, 3840, 2160, EightK),
            (EightK, 7680, 4320, Other),
        ];
        for (class, long, short, next) in table {
            assert_eq!(of(long, short), class);
            assert_eq!(of(long - 1, short - 1), class);
            assert_eq!(of(long - 1, short), class);
            assert_eq!(of(long, short - 1), class);
            assert_eq!(of(long + 1, short), next);
            assert_eq!(of(long, short + 1), next);
            assert_eq!(of(long + 1, short + 1), next);
        }
    }

    #[test]
    fn unusual_sizes_belong_to_the_class_that_fits_both_sides() {
        use Resolution::{EightK, Fhd, FourK, Hd, Other, Sd, TwoK};
        for (width, height, class) in [
            (1, 1, Sd),
            (480, 360, Sd),
            (480, 480, Hd),
            (854, 480, Hd),
            (853, 481, Hd),
            (720, 576, Hd),
            (1088, 1920, TwoK),
            (1080, 1080, Fhd),
            (1920, 818, Fhd),
            (2048, 858, TwoK),
            (596, 1280, Hd),
            (3840, 100, FourK),
            (4096, 2160, EightK),
            (7681, 1, Other),
            (u32::MAX, u32::MAX, Other),
        ] {
            assert_eq!(of(width, height), class, "{width} × {height}");
        }
    }

    #[test]
    fn a_size_without_both_sides_has_no_class() {
        let classes = Classes::default();
        for (width, height) in
            [(None, None), (Some(640), None), (None, Some(360)), (Some(0), Some(360)), (Some(640), Some(0))]
        {
            assert_eq!(classes.of(false, width, height), Resolution::Other, "{width:?} × {height:?}");
        }
        assert_eq!(default_class(0, 0), Resolution::Other);
        assert_eq!(classes.of(true, Some(640), Some(360)), Resolution::Audio);
        assert_eq!(classes.of(true, None, None), Resolution::Audio);
    }

    #[test]
    fn a_table_is_parsed_as_written() {
        let classes: Classes = " SD 480x854,FHD  1920×1080 ".parse().expect("table");
        assert_eq!(classes.to_string(), "SD 854x480, FHD 1920x1080");
        assert_eq!(classes.of(false, Some(854), Some(480)), Resolution::Sd);
        assert_eq!(classes.of(false, Some(1280), Some(720)), Resolution::Fhd);
        assert_eq!(classes.of(false, Some(3840), Some(2160)), Resolution::Other);
        assert_eq!(Classes::default().to_string().parse(), Ok(Classes::default()));
    }

    #[test]
    fn an_invalid_table_is_refused() {
        for (text, error) in [
            ("", BadClasses::Empty),
            (" \n", BadClasses::Empty),
            ("SD 640x360,", BadClasses::Entry(String::new())),
            ("SD", BadClasses::Entry("SD".into())),
            ("SD 640", BadClasses::Entry("SD 640".into())),
            ("SD 640x0", BadClasses::Entry("SD 640x0".into())),
            ("SD 640x-1", BadClasses::Entry("SD 640x-1".into())),
            ("sd 640x360", BadClasses::Entry("sd 640x360".into())),
            ("audio 1x1", BadClasses::Entry("audio 1x1".into())),
            ("SD 640x360, SD 1280x720", BadClasses::Twice(Resolution::Sd)),
            ("HD 1280x720, SD 640x360", BadClasses::Order(Resolution::Sd)),
            ("SD 640x360, HD 640x360", BadClasses::Order(Resolution::Hd)),
            ("SD 640x360, HD 1280x300", BadClasses::Order(Resolution::Hd)),
        ] {
            assert_eq!(text.parse::<Classes>(), Err(error), "{text}");
        }
    }
}

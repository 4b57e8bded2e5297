//! The billing rule for transcoded minutes.

/// Returns the billed hundredths of a minute for an output: its minutes rounded half up to two decimals; for less than one second (including
/// zero), 0.02 minutes. Examples: 0.4 s is 0.02, 61 s is 1.02 (from 1.01666…), and 5,400.3 s is 90.01 (from 90.005).
///
/// A hundredth of a minute is 600 ms, and half of it 300 ms, so integers are sufficient.
#[must_use]
pub const fn centiminutes(duration_ms: i64) -> i64 {
    if duration_ms < 1000 { 2 } else { duration_ms / 600 + (duration_ms % 600) / 300 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn minutes_are_rounded_half_up_and_short_outputs_count_two_hundredths() {
        for (ms, expected) in [
            (0, 2),
            (400, 2),
            (999, 2),
            (1_000, 2),
            (1_499, 2),
            (1_500, 3),
            (29_999, 50),
            (60_000, 100),
            (60_299, 100),
            (60_300, 101),
            (61_000, 102),
            (5_400_299, 9_000),
            (5_400_300, 9_001),
            (i64::MAX, i64::MAX / 600),
        ] {
            assert_eq!(centiminutes(ms), expected, "{ms} ms");
        }
    }

    /// Computes the minutes by long division, digit by digit.
    fn long_division(ms: u64) -> String {
        if ms < 1000 {
            return "0.02".into();
        }
        let mut rest = ms % 60_000;
        let mut digits: Vec<u64> = (ms / 60_000).to_string().bytes().map(|b| u64::from(b - b'0')).collect();
        for _ in 0..3 {
            rest *= 10;
            digits.push(rest / 60_000);
            rest %= 60_000;
        }
        if digits.pop().expect("third decimal") >= 5 {
            let mut at = digits.len();
            loop {
                if at == 0 {
                    digits.insert(0, 1);
                    break;
                }
                at -= 1;
                digits[at] += 1;
                if digits[at] < 10 {
                    break;
                }
                digits[at] = 0;
            }
        }
        let text: String = digits.iter().map(|d| char::from(b'0' + u8::try_from(*d).expect("digit"))).collect();
        let (whole, decimals) = text.split_at(text.len() - 2);
        format!("{whole}.{decimals}")
    }

    proptest! {
        #[test]
        fn the_rule_agrees_with_long_division(ms in prop_oneof![0u64..200_000, 0u64..400_000_000_000]) {
            let counted = centiminutes(i64::try_from(ms).expect("fits"));
            prop_assert_eq!(format!("{}.{:02}", counted / 100, counted % 100), long_division(ms));
        }
    }
}

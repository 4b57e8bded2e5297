//! Numbers in logs: digits with at most a decimal point, without sign or exponent.

/// Parses a number that consists only of digits.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    // 19 digits always fit into a `u64`.
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut value = 0u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    i64::try_from(value).ok()
}

/// Parses seconds with an optional fraction to milliseconds. Digits after the third are ignored.
pub(super) fn millis(text: &[u8]) -> Option<i64> {
    let Some(point) = text.iter().position(|b| *b == b'.') else { return integer(text)?.checked_mul(1000) };
    integer(&text[..point])?.checked_mul(1000)?.checked_add(thousandths(&text[point + 1..])?)
}

/// Parses the digits after a decimal point to thousandths.
pub(super) fn thousandths(fraction: &[u8]) -> Option<i64> {
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |at: usize| i64::from(fraction.get(at).copied().unwrap_or(b'0') - b'0');
    Some(digit(0) * 100 + digit(1) * 10 + digit(2))
}

/// Parses a status code; `-`, for a client that disconnected before the response, is 0.
pub(super) fn status(text: &[u8]) -> Option<u16> {
    match text {
        b"-" => Some(0),
        _ if text.len() <= 3 => u16::try_from(integer(text)?).ok(),
        _ => None,
    }
}

/// Parses the number of bytes sent in a text format; `-` is 0.
pub(super) fn bytes(text: &[u8]) -> Option<i64> {
    if text == b"-" { Some(0) } else { integer(text) }
}

/// Parses a cache status. Stale and revalidated responses are hits too. Returns `None` if there is no status.
pub(super) fn cache_hit(word: &[u8]) -> Option<bool> {
    if word.is_empty() || word == b"-" {
        return None;
    }
    let tail = &word[word.len().saturating_sub(3)..];
    let served = |name: &[u8]| word.eq_ignore_ascii_case(name);
    Some(tail.eq_ignore_ascii_case(b"hit") || served(b"stale") || served(b"updating") || served(b"revalidated"))
}

//! nginx and Apache `combined`; what follows the bytes is not read, so Apache's `common` is taken too.
//!
//! ```text
//! 127.0.0.1 - - [22/Nov/2026:09:01:03 +0000] "GET /v.mp4 HTTP/1.1" 206 1000 "-" "curl/7.88.1"
//! ```

use super::numbers::{bytes, status};
use super::times::Dates;
use super::words::Words;
use super::{Bad, Hit};

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Result<Hit<'a>, Bad> {
    let mut words = Words(line);
    // Address, identity and user: a user's name may hold spaces.
    if words.before(b'[').ok_or(Bad::Layout)?.is_empty() {
        return Err(Bad::Layout);
    }
    let time = words.bracketed().ok_or(Bad::Layout)?;
    words.quoted().ok_or(Bad::Layout)?;
    let code = words.word().ok_or(Bad::Layout)?;
    let sent = words.word().ok_or(Bad::Layout)?;
    Ok(Hit {
        host: None,
        end_ms: dates.common(time).ok_or(Bad::Time)?,
        duration_ms: 0,
        bytes: bytes(sent).ok_or(Bad::Bytes)?,
        status: status(code).ok_or(Bad::Status)?,
        hit: None,
    })
}

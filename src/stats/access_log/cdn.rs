//! Offline logs of CDNs in the formats of their manuals. Fields that later versions append are ignored.

use super::notes::Notes;
use super::numbers::{bytes, cache_hit, integer, millis, status};
use super::parser::host;
use super::times::Dates;
use super::tokens::{Tokens, last_word, url_host};
use super::{LineError, LogEntry};

/// Tencent's logs are in Beijing time without saying so.
const BEIJING_SECONDS: i64 = 8 * 3600;

/// `[time] client proxy milliseconds "referer" "METHOD url" status request-bytes response-bytes hit "user agent" "type"`
///
/// ```text
/// [9/Jun/2015:01:58:09 +0800] 10.10.10.10 - 1542 "-" "GET http://www.aliyun.com/index.html" 200 191 2830 MISS "Mozilla/5.0 (compatible; AhrefsBot/5.0; +http://example.com/robot/)" "text/html"
/// ```
pub(super) fn aliyun<'a>(line: &'a [u8], dates: &mut Dates) -> Result<LogEntry<'a>, LineError> {
    let mut words = Tokens(line);
    let time = words.bracketed().ok_or(LineError::Layout)?;
    // There may be several proxies, so the duration is the last word before the quote.
    let duration = last_word(words.before(b'"').ok_or(LineError::Layout)?);
    words.quoted().ok_or(LineError::Layout)?;
    let request = words.quoted().ok_or(LineError::Layout)?;
    let code = words.word().ok_or(LineError::Layout)?;
    words.word().ok_or(LineError::Layout)?;
    let sent = words.word().ok_or(LineError::Layout)?;
    let hit = words.word().ok_or(LineError::Layout)?;
    // Huawei's lines start the same way but have a third quoted string here.
    if code.first() == Some(&b'"') {
        return Err(LineError::Layout);
    }
    Ok(LogEntry {
        host: host(url_host(request).unwrap_or_default())?,
        end_ms: dates.common(time).ok_or(LineError::Time)?,
        duration_ms: integer(duration).ok_or(LineError::Duration)?,
        bytes: bytes(sent).ok_or(LineError::Bytes)?,
        status: status(code).ok_or(LineError::Status)?,
        cache_hit: cache_hit(hit),
        notes: Notes::default(),
    })
}

/// `[time] client milliseconds "referer" "protocol" "METHOD" "host" "path" status bytes hit "user agent" "range" server`
///
/// ```text
/// [05/Feb/2018:07:54:52 +0800] 10.10.10.10 1 "-" "HTTP/1.1" "GET" "www.test.com" "/test/1234.apk" 206 720 HIT "Mozilla/5.0 (Linux; U; Android 6.0; zh-cn; EVA-AL10 Build/HUAWEIEVA-AL10) AppleWebKit/533.1 (KHTML, like Gecko) Mobile Safari/533.1" "bytes=-256"
/// ```
pub(super) fn huawei<'a>(line: &'a [u8], dates: &mut Dates) -> Result<LogEntry<'a>, LineError> {
    let mut words = Tokens(line);
    let time = words.bracketed().ok_or(LineError::Layout)?;
    let duration = last_word(words.before(b'"').ok_or(LineError::Layout)?);
    for _ in ["referer", "protocol", "method"] {
        words.quoted().ok_or(LineError::Layout)?;
    }
    let asked = words.quoted().ok_or(LineError::Layout)?;
    words.quoted().ok_or(LineError::Layout)?;
    let code = words.word().ok_or(LineError::Layout)?;
    let sent = words.word().ok_or(LineError::Layout)?;
    let hit = words.word().ok_or(LineError::Layout)?;
    Ok(LogEntry {
        host: host(asked)?,
        end_ms: dates.common(time).ok_or(LineError::Time)?,
        duration_ms: integer(duration).ok_or(LineError::Duration)?,
        bytes: bytes(sent).ok_or(LineError::Bytes)?,
        status: status(code).ok_or(LineError::Status)?,
        cache_hit: cache_hit(hit),
        notes: Notes::default(),
    })
}

/// `time client host path bytes province carrier status referer milliseconds "user agent" "range" METHOD protocol hit port`
///
/// ```text
/// 20261122170103 10.10.10.10 www.test.com /v.mp4 1272 22 26 206 NULL 15 "curl/7.88.1" "bytes=0-999" GET HTTP/1.1 hit 51517
/// ```
pub(super) fn tencent<'a>(line: &'a [u8], dates: &mut Dates) -> Result<LogEntry<'a>, LineError> {
    let mut words = Tokens(line);
    let mut word = || words.word().ok_or(LineError::Layout);
    let [time, _client, asked, _path, sent, _province, _carrier, code, _referer, duration] =
        [word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?];
    if time.len() != 14 {
        return Err(LineError::Layout);
    }
    Ok(LogEntry {
        host: host(asked)?,
        end_ms: dates.compact(time, BEIJING_SECONDS).ok_or(LineError::Time)?,
        duration_ms: integer(duration).ok_or(LineError::Duration)?,
        bytes: bytes(sent).ok_or(LineError::Bytes)?,
        status: status(code).ok_or(LineError::Status)?,
        cache_hit: tencent_hit(words),
        notes: Notes::default(),
    })
}

/// Reads the cache status after user agent, range, method and protocol. Old logs end before it.
fn tencent_hit(mut words: Tokens<'_>) -> Option<bool> {
    words.quoted()?;
    words.quoted().or_else(|| words.word())?;
    words.word()?;
    words.word()?;
    cache_hit(words.word()?)
}

/// `time zone client proxy seconds referer METHOD protocol url status request-bytes response-bytes hit user agent type`, without quotes
///
/// ```text
/// 01/Dec/2017:04:13:10 +0800 117.71.34.139 - 0.175 - GET HTTP/1.1 https://www.jdcloud.com/index 200 242 1014 MISS Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.2; .NET CLR 1.1.4322) -
/// ```
pub(super) fn jd<'a>(line: &'a [u8], dates: &mut Dates) -> Result<LogEntry<'a>, LineError> {
    let stamp = |end: usize| line.get(..end).filter(|time| time.contains(&b'/')).ok_or(LineError::Layout);
    let mut words = Tokens(line);
    let date = words.word().ok_or(LineError::Layout)?;
    let zone = words.word().ok_or(LineError::Layout)?;
    let time = stamp(date.len() + 1 + zone.len())?;
    let mut word = || words.word().ok_or(LineError::Layout);
    let [_client, _proxy, duration, _referer, _method, _protocol, url, code, _asked, sent, hit] =
        [word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?, word()?];
    Ok(LogEntry {
        host: host(url_host(url).unwrap_or_default())?,
        end_ms: dates.common(time).ok_or(LineError::Time)?,
        duration_ms: millis(duration).ok_or(LineError::Duration)?,
        bytes: bytes(sent).ok_or(LineError::Bytes)?,
        status: status(code).ok_or(LineError::Status)?,
        cache_hit: cache_hit(hit),
        notes: Notes::default(),
    })
}

//! Writes access logs, and computes the expected sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use callsheet::stats::OTHER;
use callsheet::stats::access_log::Format;

use crate::Outcome;

/// Number of hosts. Nine of ten are domains of the console.
pub(crate) const HOSTS: u64 = 200;
/// 2026-11-20T00:00:00Z.
pub(crate) const START: i64 = 1_795_132_800;
pub(crate) const DAY: i64 = 86_400;

/// Bytes and requests by domain.
pub(crate) type Expected = BTreeMap<String, (i64, i64)>;

pub(crate) fn host(number: u64) -> String {
    format!("h{number}.example.com")
}

pub(crate) fn is_known(host: u64) -> bool {
    !host.is_multiple_of(10)
}

/// Writes a log with varying hosts, sizes and durations, in order of time over a day. If the format has no host, all requests are for `h1`.
/// Returns the expected sums.
pub(crate) fn write(path: &Path, format: Format, lines: u64) -> Outcome<Expected> {
    let mut expected = vec![(0, 0); usize::try_from(HOSTS)?];
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    if format == Format::W3c {
        writeln!(file, "#Fields: date time sc-bytes c-ip cs-method x-host-header cs-uri-stem sc-status time-taken")?;
    }
    let mut line = String::new();
    for number in 0..lines {
        let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let (number_of_host, bytes, ms) = (scattered % HOSTS, scattered % 5_000_000, scattered % 20_000);
        let of_host = &mut expected[usize::try_from(if format.names_hosts() { number_of_host } else { 1 })?];
        *of_host = (of_host.0 + bytes.cast_signed(), of_host.1 + 1);
        let host = host(number_of_host);
        let second = number * DAY.cast_unsigned() / lines;
        let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        line.clear();
        match format {
            Format::NginxJson => write!(
                line,
                "{{\"t\":\"2026-11-20T{clock}+00:00\",\"msec\":{}.123,\"host\":\"{host}\",\"uri\":\"/vod/{scattered}.mp4\",\"args\":\"\",\
                 \"method\":\"GET\",\"status\":206,\"bytes_sent\":{bytes},\"body_bytes_sent\":{bytes},\"request_length\":93,\
                 \"request_time\":{}.{:03},\"range\":\"bytes=0-\",\"remote_addr\":\"127.0.0.1\",\"ref\":\"\",\"ua\":\"Mozilla/5.0 (X11)\"}}",
                START.cast_unsigned() + second,
                ms / 1000,
                ms % 1000
            )?,
            Format::W3c => write!(
                line,
                "2026-11-20\t{clock}\t{bytes}\t127.0.0.1\tGET\t{host}\t/vod/{scattered}.mp4\t206\t{}.{:03}",
                ms / 1000,
                ms % 1000
            )?,
            Format::Aliyun => write!(
                line,
                "[20/Nov/2026:{clock} +0000] 127.0.0.1 - {ms} \"-\" \"GET http://{host}/vod/{scattered}.mp4\" 206 93 {bytes} HIT \
                 \"Mozilla/5.0 (X11)\" \"video/mp4\""
            )?,
            _ => write!(
                line,
                "127.0.0.1 - - [20/Nov/2026:{clock} +0000] \"GET /vod/{scattered}.mp4 HTTP/1.1\" 206 {bytes} \"-\" \"Mozilla/5.0 (X11)\""
            )?,
        }
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    let mut by_domain = Expected::new();
    for (number, (bytes, requests)) in (0..).zip(expected) {
        let sums = by_domain.entry(if is_known(number) { host(number) } else { OTHER.to_owned() }).or_default();
        *sums = (sums.0 + bytes, sums.1 + requests);
    }
    Ok(by_domain)
}

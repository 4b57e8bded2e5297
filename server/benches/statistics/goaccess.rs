//! Runs GoAccess on a log of the same format.

use std::path::Path;
use std::process::Command;

use callsheet::stats::access_log::Format;

use crate::{Outcome, logs};

/// Measures GoAccess on a log with `lines` lines. Returns `None` if it is not installed or does not support the format.
pub(crate) fn lines_per_cpu_second(dir: &Path, format: Format, lines: u64) -> Outcome<Option<f64>> {
    let log_format: &[&str] = match format {
        Format::Combined => &["--log-format=COMBINED"],
        Format::NginxJson => &[
            r#"--log-format={"t":"%dT%t+%^","host":"%v","uri":"%U","method":"%m","status":"%s","bytes_sent":"%b","request_time":"%T","remote_addr":"%h","ref":"%R","ua":"%u"}"#,
            "--date-format=%Y-%m-%d",
            "--time-format=%H:%M:%S",
        ],
        _ => return Ok(None),
    };
    let (log, report) = (dir.join("goaccess.log"), dir.join("goaccess.json"));
    logs::write(&log, format, lines)?;
    // The shell's `times` reports the CPU time of its children.
    let script = r#""$@" >/dev/null 2>&1 || exit; times"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", "goaccess"]).arg(log).arg("--output").arg(&report);
    let output = command.args(["--no-global-config", "--no-progress"]).args(log_format).output()?;
    match output.status.code() {
        Some(0) => {}
        Some(126 | 127) => return Ok(None),
        _ => return Err("GoAccess failed".into()),
    }
    let read: serde_json::Value = serde_json::from_reader(std::fs::File::open(report)?)?;
    let valid = &read["general"]["valid_requests"];
    if valid.as_u64() != Some(lines) {
        return Err(format!("GoAccess read {valid} of {lines} lines").into());
    }
    // The last line is the user and system time of the children: `0m12.340000s 0m0.560000s`.
    let used = String::from_utf8(output.stdout)?;
    let seconds = used.lines().last().unwrap_or_default().split_whitespace().filter_map(|time| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    });
    let seconds: f64 = seconds.sum();
    Ok(Some((lines as f64 / seconds).round()))
}

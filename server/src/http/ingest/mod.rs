//! Reports of external media servers. Each adapter reads its server's requests into calls of the console; nothing is
//! looked up or stored here.

mod flv;
pub mod generic;
mod handlers;
pub mod nginx_rtmp;

pub use flv::{FlvFacts, flv_facts};
pub use handlers::report;

/// The request is not what the adapter's server sends. The text is for the answer and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHook {
    #[error("the body is not a JSON object")]
    NotJson,
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{field}` must be {expected}")]
    Bad { field: &'static str, expected: &'static str },
}

/// How much of a text is taken. Databases index names, and PostgreSQL keeps no NUL.
struct Limit {
    /// In characters.
    most: usize,
    expected: &'static str,
}

/// For what names a session or a recorder.
const NAME: Limit = Limit { most: 200, expected: "at most 200 characters, without NUL" };
/// For what says where a file lies or why something failed.
const TEXT: Limit = Limit { most: 2_048, expected: "at most 2048 characters, without NUL" };

impl Limit {
    fn check(&self, field: &'static str, text: String) -> Result<String, BadHook> {
        if text.contains('\0') || text.chars().count() > self.most {
            return Err(BadHook::Bad { field, expected: self.expected });
        }
        Ok(text)
    }
}

/// The host in a push address such as `rtmp://push.example.com:1935/live`.
fn host_of(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_and_port = authority.rsplit('@').next()?;
    let host = match host_and_port.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host_and_port,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn hosts_of_push_addresses() {
        for (address, host) in [
            ("rtmp://push.example.com/live", Some("push.example.com")),
            ("rtmp://push.example.com:1935/live", Some("push.example.com")),
            ("rtmps://直播.example.cn?vhost=a", Some("直播.example.cn")),
            ("rtmp://me:secret@push.example.com", Some("push.example.com")),
            ("rtmp://[::1]:1935/live", Some("[::1]")),
            ("rtmp:///live", None),
            ("push.example.com/live", None),
            ("", None),
        ] {
            assert_eq!(host_of(address), host, "{address}");
        }
    }
}

//! URLs that publishers push to, such as `rtmp://push.example.com:1935/live`.

/// Returns the host of a URL, without user and port. `http::Uri` is not used, because it rejects names that are not ASCII.
pub(crate) fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn hosts_have_no_user_and_no_port() {
        for (url, expected) in [
            ("rtmp://push.example.com/live", Some("push.example.com")),
            ("rtmp://push.example.com:1935/live", Some("push.example.com")),
            ("rtmp://push.example.com?x", Some("push.example.com")),
            ("rtmps://直播.example.cn?vhost=a", Some("直播.example.cn")),
            ("rtmp://me:secret@push.example.com", Some("push.example.com")),
            ("rtmp://user:pw@push.example.com/live", Some("push.example.com")),
            ("rtmp://[::1]:1935/live", Some("::1")),
            ("rtmp:///live", None),
            ("push.example.com/live", None),
            ("", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}

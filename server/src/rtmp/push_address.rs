//! Parses push addresses: `rtmp://{host}/{app}/{stream}?{query}`.

use crate::push_url;

/// The components of a push address. The sink validates them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PushAddress {
    /// In order of preference: the host of `tcUrl`, then those named in the query.
    pub hosts: Vec<String>,
    pub app: String,
    pub stream: String,
    pub params: Vec<(String, String)>,
}

impl PushAddress {
    /// Parses `tc_url` and `app` of the connect command and `key` (`stream?query`) of the publish command. Some encoders append the
    /// query to the app, so it is accepted there too.
    pub(super) fn parse(tc_url: Option<&str>, app: &str, key: &str) -> Self {
        let (app, app_query) = app.split_once('?').unwrap_or((app, ""));
        let (_, key_query) = key.split_once('?').unwrap_or((key, ""));
        let params: Vec<(String, String)> = [key_query, app_query]
            .into_iter()
            .flat_map(|query| url::form_urlencoded::parse(query.as_bytes()).into_owned())
            .collect();
        let named = ["vhost", "domain"]
            .into_iter()
            .flat_map(|name| params.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.clone()));
        let hosts = tc_url.and_then(push_url::host).map(str::to_owned).into_iter().chain(named).collect();
        Self { hosts, app: app.trim_matches('/').to_owned(), stream: stream_name(key).to_owned(), params }
    }
}

/// Returns the stream name in a key (`stream?query`).
pub(super) fn stream_name(key: &str) -> &str {
    let (stream, _) = key.split_once('?').unwrap_or((key, ""));
    stream.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_text_can_be_parsed(
            tc_url in prop::option::of(r"\PC{0,30}|rtmp://\PC{0,30}|rtmps?://[a-z:@\[\].?/]{0,20}"),
            app in r"\PC{0,20}|[a-z/?=&%]{0,20}",
            key in r"\PC{0,20}|[a-z/?=&%]{0,20}",
        ) {
            let push = PushAddress::parse(tc_url.as_deref(), &app, &key);
            prop_assert!(!push.app.contains('?') && !push.stream.contains('?'), "{push:?}");
            for name in [&push.app, &push.stream] {
                prop_assert!(!name.starts_with('/') && !name.ends_with('/'), "{push:?}");
            }
            if let Some(url_host) = tc_url.as_deref().and_then(push_url::host) {
                prop_assert!(!url_host.is_empty() && !url_host.contains(['/', '?', '#', '@']), "{url_host}");
                prop_assert_eq!(push.hosts.first().map(String::as_str), Some(url_host));
            }
        }

        #[test]
        fn a_push_address_is_split_into_its_components(
            host in r"[a-z]{1,9}(\.[a-z]{1,9}){1,2}",
            port in prop::option::of(1..=65_535_u16),
            app in "[A-Za-z0-9_-]{1,50}",
            stream in "[A-Za-z0-9_-]{1,50}",
            params in prop::collection::vec(("[a-z]{1,9}", r"\PC{0,9}"), 0..4),
        ) {
            prop_assume!(!params.iter().any(|(name, _)| name == "vhost" || name == "domain"));
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
            let push = PushAddress::parse(
                Some(&format!("rtmp://{host}{port}/{app}")),
                &app,
                &format!("{stream}?{query}"),
            );
            prop_assert_eq!(push, PushAddress { hosts: vec![host], app, stream, params });
        }
    }

    #[test]
    fn the_host_of_the_url_comes_first() {
        let push = PushAddress::parse(
            Some("rtmp://push.example.com:1935/live"),
            "live",
            "room_7?token=a%20b&domain=other.example.com&vhost=third.example.com",
        );
        assert_eq!(push.hosts, ["push.example.com", "third.example.com", "other.example.com"]);
        assert_eq!((push.app.as_str(), push.stream.as_str()), ("live", "room_7"));
        assert_eq!(push.params[0], ("token".to_owned(), "a b".to_owned()));
    }

    #[test]
    fn a_query_after_the_app_is_accepted() {
        let push =
            PushAddress::parse(Some("rtmp://10.0.0.1/live?vhost=push.example.com"), "live?vhost=push.example.com", "a");
        assert_eq!(push.hosts, ["10.0.0.1", "push.example.com"]);
        assert_eq!(push.app, "live");
    }
}

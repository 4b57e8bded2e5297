//! Who is at the other end of a request: the peer, or, where the peer is a proxy that is trusted, whoever that names.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use callsheet_app::ClientAddress;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::AppState;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Puts the client's address into the request.
pub(super) async fn locate(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = client_of(peer.ip(), request.headers(), &app.trusted_proxies);
        request.extensions_mut().insert(ClientAddress(client));
    }
    next.run(request).await
}

/// Each proxy adds whom it heard at the end, so the list is read from there: the first that is no trusted proxy is the client. What stands
/// before it, anybody may have written.
fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().rev().map(|line| line.to_str().unwrap_or_default());
    for text in lines.flat_map(|line| line.rsplit(',')) {
        if !is_proxy(&client) {
            break;
        }
        // What reads as no address was not written by a proxy that is to be trusted.
        let Ok(next) = text.trim().parse::<IpAddr>() else { break };
        client = next.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpNet> =
            ["127.0.0.0/8", "10.1.0.0/16", "fd00::/8"].map(|n| n.parse().expect("a network")).into();
        for (peer, forwarded, client) in [
            ("127.0.0.1", &[][..], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("198.51.100.4", &["127.0.0.1"], "198.51.100.4"),
            // The client wrote the first one.
            ("127.0.0.1", &["192.0.2.1, 203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["127.0.0.1, 203.0.113.7, 10.1.2.3"], "203.0.113.7"),
            ("127.0.0.1", &["192.0.2.1", "203.0.113.7,10.1.2.3"], "203.0.113.7"),
            ("fd00::2", &["2001:db8::5"], "2001:db8::5"),
            ("127.0.0.1", &["unknown"], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.7, evil"], "127.0.0.1"),
            ("127.0.0.1", &["10.1.2.3"], "10.1.2.3"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(FORWARDED_FOR, line.parse().expect("a value"));
            }
            let found = client_of(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(found.to_string(), client, "{peer} {forwarded:?}");
        }
    }
}

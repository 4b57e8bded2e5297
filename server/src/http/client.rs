//! Client addresses: the peer or, behind trusted proxies, the rightmost `X-Forwarded-For` entry that is not a trusted proxy.

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

/// Each proxy appends the address it heard, so the list is read from its end. What comes before the client may be forged. `None`: a trusted
/// proxy named a client that is no address, and nobody can say who that is.
fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().rev().map(|line| line.to_str().unwrap_or("unknown"));
    let nodes = lines.flat_map(|line| line.rsplit(',')).map(str::trim).filter(|node| !node.is_empty());
    for node in nodes {
        if !is_proxy(&client) {
            break;
        }
        client = address_of(node)?.to_canonical();
    }
    Some(client)
}

/// The address of a node as RFC 7239, section 6, writes it: with or without brackets, quotes, port and zone.
fn address_of(node: &str) -> Option<IpAddr> {
    let node = node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node);
    let (address, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        // Several colons belong to an IPv6 address without brackets.
        None => match node.split_once(':') {
            Some((address, port)) if !port.contains(':') => (address, Some(port)),
            _ => (node, None),
        },
    };
    let is_port = |port: &str| match port.strip_prefix('_') {
        Some(name) => {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        }
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    };
    if !port.is_none_or(is_port) {
        return None;
    }
    let (address, _zone) = address.split_once('%').unwrap_or((address, ""));
    address.parse().ok()
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
            ("127.0.0.1", &["10.1.2.3"], "10.1.2.3"),
            ("127.0.0.1", &["203.0.113.7, "], "203.0.113.7"),
            // As Azure and IIS write them, and RFC 7239.
            ("127.0.0.1", &["203.0.113.7:50123"], "203.0.113.7"),
            ("127.0.0.1", &["203.0.113.7:_port"], "203.0.113.7"),
            ("127.0.0.1", &["[2001:db8::7]:50123"], "2001:db8::7"),
            ("127.0.0.1", &["\"[2001:db8::7]:50123\""], "2001:db8::7"),
            ("127.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            ("127.0.0.1", &["fe80::1%eth0"], "fe80::1"),
            ("127.0.0.1", &["203.0.113.7:50123, 10.1.2.3:80"], "203.0.113.7"),
            // Nobody that is known, and no machine of ours.
            ("127.0.0.1", &["unknown"], "unknown"),
            ("127.0.0.1", &["_hidden"], "unknown"),
            ("127.0.0.1", &["203.0.113.7, evil"], "unknown"),
            ("127.0.0.1", &["203.0.113.7:port"], "unknown"),
            ("127.0.0.1", &["[203.0.113.7"], "unknown"),
            ("127.0.0.1", &["\u{e9}"], "unknown"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(FORWARDED_FOR, line.parse().expect("a value"));
            }
            let found = client_of(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(ClientAddress(found).to_string(), client, "{peer} {forwarded:?}");
        }
    }
}

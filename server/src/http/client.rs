//! Client addresses: the peer or, behind trusted proxies, the rightmost entry of `X-Forwarded-For` or `Forwarded` that is not a trusted proxy.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use callsheet_app::ClientAddress;
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::AppState;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Adds the client address to the request.
pub(super) async fn locate(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let client = client_of(peer.ip(), request.headers(), &app.trusted_proxies);
        request.extensions_mut().insert(ClientAddress(client));
    }
    next.run(request).await
}

/// Returns the client address. Each proxy appends the address of its peer, so the list is read from its end; entries before the client may be
/// forged. `None`: a trusted proxy named a client without a valid address.
///
/// A proxy that writes one of the two headers forwards the other one unchanged from the client. Which one it writes is unknown, so the
/// address is unknown if both headers are present and disagree.
fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.to_canonical();
    let named_by = |nodes: Vec<Node>| {
        let mut client = peer;
        for node in nodes.into_iter().rev() {
            if !is_proxy(&client) {
                break;
            }
            client = address_of(&node?)?.to_canonical();
        }
        Some(client)
    };
    match [forwarded_for(headers), forwarded(headers)].map(|nodes| (!nodes.is_empty()).then(|| named_by(nodes))) {
        [Some(one), Some(other)] => one.filter(|_| one == other),
        [Some(client), None] | [None, Some(client)] => client,
        [None, None] => Some(peer),
    }
}

/// An entry of a forwarding header. `None`: it is invalid.
type Node = Option<String>;

/// Returns the entries of `X-Forwarded-For`.
fn forwarded_for(headers: &HeaderMap) -> Vec<Node> {
    let lines = headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("unknown"));
    let nodes = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|node| !node.is_empty());
    nodes.map(|node| Some(node.to_owned())).collect()
}

/// Returns the entries of `Forwarded` (RFC 7239, section 4). Empty if it has only hosts and protocols.
fn forwarded(headers: &HeaderMap) -> Vec<Node> {
    let lines = headers.get_all(FORWARDED).iter().map(|line| split(line.to_str().ok()?, ','));
    let mut nodes = Vec::new();
    for elements in lines {
        match elements {
            Some(elements) => nodes.extend(elements.into_iter().map(for_of)),
            None => nodes.push(Some("unknown".to_owned())),
        }
    }
    if nodes.iter().all(Option::is_none) { Vec::new() } else { nodes }
}

/// Returns the value of `for` in an element of `Forwarded`. More than one value counts as unknown.
fn for_of(element: &str) -> Node {
    let pairs = split(element, ';')?.into_iter().filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, value)| value.trim());
    let value = values.next()?;
    if values.next().is_some() {
        return Some("unknown".to_owned());
    }
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Some(quoted.map_or_else(|| value.to_owned(), |text| text.replace('\\', "")))
}

/// Splits a text at separators outside of quoted strings and drops empty parts. `None`: a quoted string is not closed.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (place, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if character == separator && !is_quoted => {
                parts.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    (!is_quoted).then_some(parts)
}

/// Parses an entry (RFC 7239, section 6), with or without brackets, quotes, port and zone.
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

    /// Returns the client of a request with these headers.
    fn client(peer: &str, lines: &[(HeaderName, &str)]) -> String {
        let trusted = ["127.0.0.0/8", "10.1.0.0/16", "fd00::/8"].map(|n| n.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(name, line.parse().expect("a value"));
        }
        ClientAddress(client_of(peer.parse().expect("an address"), &headers, &trusted)).to_string()
    }

    #[test]
    fn only_trusted_proxies_set_the_client() {
        for (peer, forwarded, expected) in [
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
            // Unknown.
            ("127.0.0.1", &["unknown"], "unknown"),
            ("127.0.0.1", &["_hidden"], "unknown"),
            ("127.0.0.1", &["203.0.113.7, evil"], "unknown"),
            ("127.0.0.1", &["203.0.113.7:port"], "unknown"),
            ("127.0.0.1", &["[203.0.113.7"], "unknown"),
            ("127.0.0.1", &["\u{e9}"], "unknown"),
        ] {
            let lines: Vec<_> = forwarded.iter().map(|line| (FORWARDED_FOR, *line)).collect();
            assert_eq!(client(peer, &lines), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn forwarded_is_read_according_to_rfc_7239() {
        for (peer, forwarded, expected) in [
            ("127.0.0.1", &["for=203.0.113.7"][..], "203.0.113.7"),
            ("198.51.100.4", &["for=127.0.0.1"], "198.51.100.4"),
            ("127.0.0.1", &["For=\"203.0.113.7:50123\";proto=https;by=10.1.2.3"], "203.0.113.7"),
            ("127.0.0.1", &["proto=https; FOR=\"[2001:db8::7]:50123\""], "2001:db8::7"),
            ("127.0.0.1", &["for=192.0.2.1, for=203.0.113.7;host=a, for=10.1.2.3"], "203.0.113.7"),
            ("127.0.0.1", &["for=192.0.2.1", "for=203.0.113.7, for=10.1.2.3"], "203.0.113.7"),
            ("127.0.0.1", &["for=203.0.113.7, , "], "203.0.113.7"),
            ("127.0.0.1", &["for=10.1.2.3"], "10.1.2.3"),
            // Separators within a quoted string belong to it.
            (
                "127.0.0.1",
                &["for=192.0.2.1;host=\"a, for=192.0.2.2;\\\", for=192.0.2.3\", for=203.0.113.7"],
                "203.0.113.7",
            ),
            ("127.0.0.1", &["for=\"203.0.113\\.7\""], "203.0.113.7"),
            // No addresses.
            ("127.0.0.1", &["proto=https;host=a"], "127.0.0.1"),
            ("127.0.0.1", &["proto=https", "host=a, by=10.1.2.3"], "127.0.0.1"),
            // Unknown.
            ("127.0.0.1", &["for=unknown"], "unknown"),
            ("127.0.0.1", &["for=\"_hidden\""], "unknown"),
            ("127.0.0.1", &["for="], "unknown"),
            ("127.0.0.1", &["for=203.0.113.7, proto=https"], "unknown"),
            ("127.0.0.1", &["for=203.0.113.7;for=192.0.2.1"], "unknown"),
            ("127.0.0.1", &["for=203.0.113.7;host=\"a"], "unknown"),
            ("127.0.0.1", &["for=203.0.113.7", "\u{e9}"], "unknown"),
        ] {
            let lines: Vec<_> = forwarded.iter().map(|line| (FORWARDED, *line)).collect();
            assert_eq!(client(peer, &lines), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn neither_header_is_smuggled_past_a_proxy_that_writes_the_other() {
        for (peer, one, other, expected) in [
            ("127.0.0.1", "203.0.113.7", "for=203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", "192.0.2.1, 203.0.113.7", "for=192.0.2.9, for=\"203.0.113.7:80\"", "203.0.113.7"),
            ("127.0.0.1", "203.0.113.7", "for=192.0.2.1", "unknown"),
            ("127.0.0.1", "192.0.2.1", "for=203.0.113.7", "unknown"),
            ("127.0.0.1", "203.0.113.7", "for=_hidden", "unknown"),
            ("127.0.0.1", "203.0.113.7", "for=\"", "unknown"),
            ("127.0.0.1", "203.0.113.7", "for=127.0.0.1", "unknown"),
            ("127.0.0.1", "203.0.113.7", "proto=https", "203.0.113.7"),
            ("127.0.0.1", "", "for=203.0.113.7", "203.0.113.7"),
            ("198.51.100.4", "203.0.113.7", "for=192.0.2.1", "198.51.100.4"),
        ] {
            let found = client(peer, &[(FORWARDED_FOR, one), (FORWARDED, other)]);
            assert_eq!(found, expected, "{peer} {one} {other}");
        }
    }
}

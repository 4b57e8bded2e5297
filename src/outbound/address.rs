//! Address of a callback, parsed as browsers parse it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use url::{Host, ParseError, Url};

use crate::model::ProblemKind::Invalid;
use crate::model::{Problem, ProblemDetails, problem};

/// Maximum length of an address in characters, as entered and as sent.
const MAX_LENGTH: usize = 2_048;

/// The "bad ports" of the WHATWG Fetch standard, which browsers refuse too: their services are not web servers but could act on a request.
/// Sorted.
const DENIED_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Error while parsing an address. Each text names the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("The URL is empty; enter one such as https://example.com/callback.")]
    Empty,
    #[error("The URL is longer than {MAX_LENGTH} characters; shorten it.")]
    TooLong,
    #[error("The URL contains a line break or another control character; remove it.")]
    ControlCharacter,
    #[error("The URL has no scheme; start it with https:// or http://.")]
    NoScheme,
    #[error("The URL must start with https:// or http://.")]
    BadScheme,
    #[error("The URL contains a user name or password; remove the part before the @ and verify the signature instead.")]
    UserInfo,
    #[error("The URL has no host; enter one such as https://example.com/callback.")]
    NoHost,
    #[error("The host of the URL is not a valid name or IP address; check its spelling.")]
    BadHost,
    #[error("The port of the URL is not a number from 1 to 65535; correct it or leave it out.")]
    BadPort,
    #[error("Port {0} is reserved for a service other than HTTP; use another port.")]
    DeniedPort(u16),
    #[error("The URL is not valid; copy it again from your server.")]
    Unreadable,
}

impl Problem for AddressError {
    fn details(&self) -> ProblemDetails {
        let details = match self {
            Self::Empty => problem(Invalid, "address_empty"),
            Self::TooLong => problem(Invalid, "address_too_long").arg("max", MAX_LENGTH),
            Self::ControlCharacter => problem(Invalid, "address_control_character"),
            Self::NoScheme => problem(Invalid, "address_no_scheme"),
            Self::BadScheme => problem(Invalid, "address_bad_scheme"),
            Self::UserInfo => problem(Invalid, "address_user_info"),
            Self::NoHost => problem(Invalid, "address_no_host"),
            Self::BadHost => problem(Invalid, "address_bad_host"),
            Self::BadPort => problem(Invalid, "address_bad_port"),
            Self::DeniedPort(port) => problem(Invalid, "address_denied_port").arg("port", port),
            Self::Unreadable => problem(Invalid, "address_unreadable"),
        };
        details.field("address")
    }
}

impl From<ParseError> for AddressError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::EmptyHost => Self::NoHost,
            ParseError::RelativeUrlWithoutBase | ParseError::RelativeUrlWithCannotBeABaseBase => Self::NoScheme,
            ParseError::InvalidPort => Self::BadPort,
            ParseError::IdnaError
            | ParseError::InvalidIpv4Address
            | ParseError::InvalidIpv6Address
            | ParseError::InvalidDomainCharacter => Self::BadHost,
            _ => Self::Unreadable,
        }
    }
}

/// An address for callbacks. Cheap to clone; the parts that requests need are computed once.
#[derive(Clone)]
pub struct CallbackAddress {
    text: Arc<str>,
    host: Arc<str>,
    ip: Option<IpAddr>,
    port: u16,
    https: bool,
    origin: Arc<str>,
    target: Uri,
    authority: HeaderValue,
}

impl CallbackAddress {
    /// Parses an http or https address. Drops surrounding spaces and the fragment, which HTTP does not send; normalizes octal, hexadecimal
    /// and short forms of IPv4.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.chars().count() > MAX_LENGTH {
            return Err(AddressError::TooLong);
        }
        // The standard drops tabs and line breaks silently, which would hide a mistake of the user.
        if text.chars().any(char::is_control) {
            return Err(AddressError::ControlCharacter);
        }
        let mut url = Url::parse(text)?;
        url.set_fragment(None);
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(AddressError::BadScheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::UserInfo);
        }
        if url.as_str().len() > MAX_LENGTH {
            return Err(AddressError::TooLong);
        }
        let ip = match url.host() {
            None | Some(Host::Domain("")) => return Err(AddressError::NoHost),
            Some(Host::Domain(name)) if !is_dns_name(name) => return Err(AddressError::BadHost),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(ip)) => Some(IpAddr::from(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::from(ip)),
        };
        let port = url.port_or_known_default().ok_or(AddressError::BadPort)?;
        if DENIED_PORTS.binary_search(&port).is_ok() {
            return Err(AddressError::DeniedPort(port));
        }
        let host = url.host_str().ok_or(AddressError::NoHost)?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        Ok(Self {
            host: host.into(),
            ip,
            port,
            https,
            origin: format!("{}://{host}:{port}", url.scheme()).into(),
            target: target.parse().map_err(|_| AddressError::Unreadable)?,
            authority: authority.parse().map_err(|_| AddressError::BadHost)?,
            text: url.as_str().into(),
        })
    }

    /// Returns the normalized address, in ASCII, without fragment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host: a name in ASCII, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, which may be the default of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns whether the address needs TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Returns the IP address if the host is a literal one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// Returns scheme, host and port. Addresses of the same origin share connections.
    pub(super) fn origin(&self) -> &Arc<str> {
        &self.origin
    }

    /// Returns path and query for the request line.
    pub(super) fn target(&self) -> &Uri {
        &self.target
    }

    /// Returns the value of the `host` header.
    pub(super) fn authority(&self) -> &HeaderValue {
        &self.authority
    }
}

/// Returns whether a name is valid in DNS: browsers also accept empty and overlong labels.
fn is_dns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

impl fmt::Display for CallbackAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CallbackAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallbackAddress").field(&self.text).finish()
    }
}

impl PartialEq for CallbackAddress {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CallbackAddress {}

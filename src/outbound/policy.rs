//! Policy that decides which IP addresses callbacks may reach.
//!
//! An IPv6 address can embed an IPv4 address (mapped, NAT64, 6to4 …). The embedded address is checked, because the packets end there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::CallbackAddress;
use crate::model::{Problem, ProblemDetails, ProblemKind, problem};

/// A range of addresses that are blocked by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Benchmarking,
    Broadcast,
    Cgnat,
    Documentation,
    LinkLocal,
    Loopback,
    Metadata,
    Multicast,
    Private,
    Reserved,
    UniqueLocal,
    Unspecified,
}

impl Range {
    /// Returns the English name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Benchmarking => "benchmarking",
            Self::Broadcast => "broadcast",
            Self::Cgnat => "CGNAT",
            Self::Documentation => "documentation",
            Self::LinkLocal => "link-local",
            Self::Loopback => "loopback",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Private => "private",
            Self::Reserved => "reserved",
            Self::UniqueLocal => "unique local",
            Self::Unspecified => "unspecified",
        }
    }

    /// Returns the stable error code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Benchmarking => "blocked_benchmarking",
            Self::Broadcast => "blocked_broadcast",
            Self::Cgnat => "blocked_cgnat",
            Self::Documentation => "blocked_documentation",
            Self::LinkLocal => "blocked_link_local",
            Self::Loopback => "blocked_loopback",
            Self::Metadata => "blocked_metadata",
            Self::Multicast => "blocked_multicast",
            Self::Private => "blocked_private",
            Self::Reserved => "blocked_reserved",
            Self::UniqueLocal => "blocked_unique_local",
            Self::Unspecified => "blocked_unspecified",
        }
    }

    /// Returns whether only a network of exactly this address allows it: cloud credentials are served at such addresses, so each must be
    /// listed individually.
    const fn needs_own_entry(self) -> bool {
        matches!(self, Self::LinkLocal | Self::Metadata)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An IP address that callbacks may not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "callbacks may not reach {address} ({range}); use a public address, or ask an admin to add it to allowed_networks"
)]
pub struct Blocked {
    /// The address, as resolved or entered.
    pub address: IpAddr,
    pub range: Range,
}

impl Problem for Blocked {
    fn details(&self) -> ProblemDetails {
        problem(ProblemKind::Invalid, self.range.code()).field("address").arg("address", self.address)
    }
}

/// Allows public addresses and the networks that the administrator added.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

impl AddressPolicy {
    /// Creates a policy that allows public addresses and `allowed`. Link-local and metadata addresses need a `/32` or `/128`.
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Returns the networks that are allowed in addition to public addresses.
    #[must_use]
    pub fn allowed(&self) -> &[IpNet] {
        &self.allowed
    }

    /// Checks an address and the IPv4 addresses that it embeds.
    pub fn check_ip(&self, address: IpAddr) -> Result<(), Blocked> {
        let written = address.to_canonical();
        let addresses = match written {
            IpAddr::V4(_) => EmbeddedAddresses::one(written),
            IpAddr::V6(v6) => EmbeddedAddresses::of(v6),
        };
        for embedded in addresses.iter() {
            if let Some(range) = range_of(embedded)
                && !self.allows(embedded, range)
                && !self.allows(written, range)
            {
                return Err(Blocked { address, range });
            }
        }
        Ok(())
    }

    /// Checks an address whose host is a literal IP. A host name passes, because its addresses are checked at each attempt.
    pub fn check_address(&self, address: &CallbackAddress) -> Result<(), Blocked> {
        address.ip().map_or(Ok(()), |ip| self.check_ip(ip))
    }

    fn allows(&self, address: IpAddr, range: Range) -> bool {
        self.allowed.iter().any(|network| {
            network.contains(&address) && (!range.needs_own_entry() || network.prefix_len() == network.max_prefix_len())
        })
    }
}

/// The addresses that an IPv6 address may lead to; at most four.
struct EmbeddedAddresses {
    list: [IpAddr; 4],
    len: usize,
}

impl EmbeddedAddresses {
    fn one(address: IpAddr) -> Self {
        Self { list: [address; 4], len: 1 }
    }

    fn push(mut self, address: Ipv4Addr) -> Self {
        self.list[self.len] = address.into();
        self.len += 1;
        self
    }

    fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.list.iter().copied().take(self.len)
    }

    fn of(address: Ipv6Addr) -> Self {
        let o = address.octets();
        let v4 = |a: usize| Ipv4Addr::new(o[a], o[a + 1], o[a + 2], o[a + 3]);
        let isatap = matches!(o[8..12], [0x00 | 0x02, 0x00, 0x5e, 0xfe]);
        let compatible = COMPATIBLE.contains(&address) && u128::from(address) > 1;

        if compatible || NAT64.contains(&address) {
            Self::one(v4(12).into())
        } else if NAT64_LOCAL.contains(&address) {
            // A site chooses the position of the IPv4 address within its /48 (RFC 6052), so every position is checked. Positions that read
            // as 0.0.0.0/8 are the padding of another layout.
            let mut places =
                [Ipv4Addr::new(o[6], o[7], o[9], o[10]), Ipv4Addr::new(o[7], o[9], o[10], o[11]), v4(9), v4(12)]
                    .into_iter()
                    .filter(|place| place.octets()[0] != 0);
            let first = places.next().unwrap_or(Ipv4Addr::UNSPECIFIED);
            places.fold(Self::one(first.into()), Self::push)
        } else if SIX_TO_FOUR.contains(&address) {
            let gateway = Self::one(v4(2).into());
            if isatap { gateway.push(v4(12)) } else { gateway }
        } else if TEREDO.contains(&address) {
            let client = Ipv4Addr::new(!o[12], !o[13], !o[14], !o[15]);
            Self::one(v4(4).into()).push(client)
        } else if isatap {
            Self::one(address.into()).push(v4(12))
        } else {
            Self::one(address.into())
        }
    }
}

const fn net4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn net6(segments: [u16; 4], prefix: u8) -> Ipv6Net {
    let [a, b, c, d] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

const COMPATIBLE: Ipv6Net = net6([0, 0, 0, 0], 96);
const NAT64: Ipv6Net = net6([0x64, 0xff9b, 0, 0], 96);
const NAT64_LOCAL: Ipv6Net = net6([0x64, 0xff9b, 1, 0], 48);
const SIX_TO_FOUR: Ipv6Net = net6([0x2002, 0, 0, 0], 16);
const TEREDO: Ipv6Net = net6([0x2001, 0, 0, 0], 32);
const GLOBAL_UNICAST: Ipv6Net = net6([0x2000, 0, 0, 0], 3);

/// Addresses at which clouds serve credentials of a machine.
const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Source: the IANA IPv4 special-purpose address registry. The first match applies.
const BLOCKED_V4: [(Ipv4Net, Range); 17] = [
    (net4(0, 0, 0, 0, 8), Range::Unspecified),
    (net4(10, 0, 0, 0, 8), Range::Private),
    (net4(100, 64, 0, 0, 10), Range::Cgnat),
    (net4(127, 0, 0, 0, 8), Range::Loopback),
    (net4(169, 254, 0, 0, 16), Range::LinkLocal),
    (net4(172, 16, 0, 0, 12), Range::Private),
    (net4(192, 0, 0, 0, 24), Range::Reserved),
    (net4(192, 0, 2, 0, 24), Range::Documentation),
    (net4(192, 88, 99, 0, 24), Range::Reserved),
    (net4(192, 168, 0, 0, 16), Range::Private),
    (net4(198, 18, 0, 0, 15), Range::Benchmarking),
    (net4(198, 51, 100, 0, 24), Range::Documentation),
    (net4(203, 0, 113, 0, 24), Range::Documentation),
    (net4(224, 0, 0, 0, 4), Range::Multicast),
    (net4(233, 252, 0, 0, 24), Range::Documentation),
    (net4(255, 255, 255, 255, 32), Range::Broadcast),
    (net4(240, 0, 0, 0, 4), Range::Reserved),
];

/// Source: the IANA IPv6 special-purpose address registry. The first match applies; unlisted addresses outside global unicast are reserved.
const BLOCKED_V6: [(Ipv6Net, Range); 8] = [
    (net6([0xfc00, 0, 0, 0], 7), Range::UniqueLocal),
    (net6([0xfe80, 0, 0, 0], 10), Range::LinkLocal),
    (net6([0xfec0, 0, 0, 0], 10), Range::Private),
    (net6([0xff00, 0, 0, 0], 8), Range::Multicast),
    (net6([0x2001, 2, 0, 0], 48), Range::Benchmarking),
    (net6([0x2001, 0, 0, 0], 23), Range::Reserved),
    (net6([0x2001, 0xdb8, 0, 0], 32), Range::Documentation),
    (net6([0x3fff, 0, 0, 0], 20), Range::Documentation),
];

fn range_of(address: IpAddr) -> Option<Range> {
    if METADATA.contains(&address) {
        return Some(Range::Metadata);
    }
    match address {
        IpAddr::V4(v4) => BLOCKED_V4.iter().find(|(network, _)| network.contains(&v4)).map(|(_, range)| *range),
        IpAddr::V6(v6) => match v6 {
            Ipv6Addr::UNSPECIFIED => Some(Range::Unspecified),
            Ipv6Addr::LOCALHOST => Some(Range::Loopback),
            _ => BLOCKED_V6
                .iter()
                .find(|(network, _)| network.contains(&v6))
                .map(|(_, range)| *range)
                .or((!GLOBAL_UNICAST.contains(&v6)).then_some(Range::Reserved)),
        },
    }
}

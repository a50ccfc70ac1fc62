//! Which addresses a webhook may go to. An endpoint's URL is chosen by a developer, the network around the server is the operator's: without
//! this guard whoever registers an endpoint could make the server call its neighbours, or the cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network in CIDR notation, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `ADDRESS/PREFIX`. `None` for anything else, and where the address has bits behind the prefix: that is a mistake more often
    /// than a way to name the network around it.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.bytes().all(|byte| byte.is_ascii_digit()).then(|| prefix.parse().ok())??;
        let network = Self { address, prefix };
        (prefix <= width && network.prefix_of(address) == bits(address)).then_some(network)
    }

    /// Whether `address` lies in it. An IPv6 network holds no IPv4 address, nor the other way round.
    pub fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && self.prefix_of(address) == bits(self.address)
    }

    fn prefix_of(self, address: IpAddr) -> u128 {
        bits(address) & u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or_default()
    }
}

/// An address as the highest bits of a number.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// How far webhooks reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everywhere, over plain HTTP too: dev mode.
    Everywhere,
    /// What is globally reachable, and what the operator added.
    Public {
        /// Networks that are not, and may be reached all the same.
        allowed_private_networks: Vec<Network>,
        /// Whether URLs may begin with `http:`.
        allow_plain_http: bool,
    },
}

impl Reach {
    /// Whether a webhook may go to `address`. One that wraps an IPv4 address goes where that one goes, so both must be fit to be seen.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        let Self::Public { allowed_private_networks, .. } = self else { return true };
        let inner = embedded(address).unwrap_or(address);
        let is_added = |network: &Network| network.contains(address) || network.contains(inner);
        is_global(inner) || allowed_private_networks.iter().any(is_added)
    }

    /// Whether a webhook may go over plain HTTP.
    pub(crate) fn allows_plain_http(&self) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Public { allow_plain_http, .. } => *allow_plain_http,
        }
    }
}

/// The IPv4 address that an IPv6 address wraps: mapped, translated (RFC 6052) or tunnelled by 6to4.
fn embedded(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else { return None };
    let bits = address.to_bits();
    let wrapped = |bits: u128| u32::try_from(bits & u128::from(u32::MAX)).ok().map(Ipv4Addr::from_bits);
    let inner = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => wrapped(bits),
        [0x2002, ..] => wrapped(bits >> 80),
        _ => None,
    };
    inner.map(IpAddr::V4)
}

fn is_global(address: IpAddr) -> bool {
    let in_one_of = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
    match address {
        IpAddr::V4(_) => !in_one_of(&NOT_GLOBAL_V4),
        IpAddr::V6(_) => GLOBAL_UNICAST_V6.contains(address) && !in_one_of(&NOT_GLOBAL_V6),
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Network {
    Network { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

const fn v6(first: u16, second: u16, prefix: u8) -> Network {
    Network { address: IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), prefix }
}

/// IANA's special-purpose registry for IPv4, as far as it is not globally reachable, and multicast.
const NOT_GLOBAL_V4: [Network; 15] = [
    v4(0, 0, 0, 0, 8),       // this network
    v4(10, 0, 0, 0, 8),      // private
    v4(100, 64, 0, 0, 10),   // shared by a carrier's customers
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local: the metadata services of clouds
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private
    v4(198, 18, 0, 0, 15),   // benchmarks
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, and broadcast
];

/// What IANA has given out for global unicast. Outside lie loopback, unique local, link-local, site-local, multicast, discard-only and
/// locally translated addresses, and all that has no meaning yet.
const GLOBAL_UNICAST_V6: Network = v6(0x2000, 0, 3);

/// What in there is not globally reachable all the same. 6to4 is judged by the address it wraps.
const NOT_GLOBAL_V6: [Network; 3] = [
    v6(0x2001, 0, 23),     // protocol assignments, Teredo among them
    v6(0x2001, 0xdb8, 32), // documentation
    v6(0x3fff, 0, 20),     // documentation
];

#[cfg(test)]
mod tests {
    use super::*;

    fn public(networks: &[&str]) -> Reach {
        let allowed_private_networks = networks.iter().map(|text| Network::parse(text).unwrap()).collect();
        Reach::Public { allowed_private_networks, allow_plain_http: false }
    }

    /// First and last address of what is refused, and the neighbours outside.
    #[test]
    fn only_globally_reachable_addresses_are_called() {
        for (expected, addresses) in [
            (false, &["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"][..]),
            (true, &["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "8.8.8.8"]),
            (
                false,
                &["127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255"],
            ),
            (true, &["126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"]),
            (false, &["172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255"]),
            (true, &["172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0"]),
            (
                false,
                &["192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255"],
            ),
            (
                true,
                &["192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"],
            ),
            (
                false,
                &["198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0", "239.255.255.255"],
            ),
            (true, &["198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255"]),
            (false, &["240.0.0.0", "255.255.255.254", "255.255.255.255"]),
            (false, &["::", "::1", "::2", "::127.0.0.1", "::8.8.8.8"]),
            (false, &["::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254", "::ffff:0:8.8.8.8"]),
            (true, &["::ffff:8.8.8.8"]),
            (false, &["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::", "64:ff9b:1::8.8.8.8"]),
            (true, &["64:ff9b::8.8.8.8"]),
            (false, &["100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::", "1fff:ffff::"]),
            (
                false,
                &["2001::", "2001::1", "2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff::1", "3fff::", "3fff:fff::1"],
            ),
            (
                true,
                &["2000::1", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2606:4700::1111", "3fff:1000::", "3ffe::"],
            ),
            (false, &["2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:a00:1:ffff:ffff:ffff:ffff:ffff"]),
            (true, &["2002:808:808::1"]),
            (false, &["4000::", "5f00::1", "fc00::", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "feff::1"]),
            (false, &["ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
        ] {
            for address in addresses {
                let parsed = address.parse().unwrap();
                assert_eq!(public(&[]).allows(parsed), expected, "{address}");
                assert!(Reach::Everywhere.allows(parsed), "{address} in dev mode");
            }
        }
    }

    #[test]
    fn operators_add_networks() {
        for (networks, address, expected) in [
            (&["10.0.0.0/8"][..], "10.1.2.3", true),
            (&["10.0.0.0/8"], "::ffff:10.1.2.3", true),
            (&["10.0.0.0/8"], "2002:a01:203::", true),
            (&["10.0.0.0/8"], "192.168.0.1", false),
            (&["10.0.0.0/8", "192.168.0.0/16"], "192.168.0.1", true),
            (&["10.1.0.0/16"], "10.2.0.1", false),
            (&["169.254.169.254/32"], "169.254.169.253", false),
            (&["0.0.0.0/0"], "127.0.0.1", true),
            (&["0.0.0.0/0"], "::1", false),
            (&["::/0"], "::1", true),
            (&["::/0"], "127.0.0.1", false),
            (&["fd00::/8"], "fd12::1", true),
            (&["fd00::/8"], "fc12::1", false),
            (&["::1/128"], "::1", true),
        ] {
            assert_eq!(public(networks).allows(address.parse().unwrap()), expected, "{address} with {networks:?}");
        }
    }

    #[test]
    fn networks_are_written_in_full() {
        for (text, legal) in [
            ("10.0.0.0/8", true),
            ("0.0.0.0/0", true),
            ("192.168.1.1/32", true),
            ("fd00::/8", true),
            ("::1/128", true),
            ("::/0", true),
            ("10.0.0.1/8", false),
            ("fd00::1/8", false),
            ("10.0.0.0/33", false),
            ("::/129", false),
            ("10.0.0.0/", false),
            ("10.0.0.0/+8", false),
            ("10.0.0.0/-1", false),
            ("10.0.0.0/256", false),
            ("10.0.0.0", false),
            ("10/8", false),
            ("example.com/8", false),
            ("", false),
        ] {
            assert_eq!(Network::parse(text).is_some(), legal, "{text}");
        }
    }
}

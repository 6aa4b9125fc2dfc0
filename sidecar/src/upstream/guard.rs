//! Addresses that no provider may have: link-local, cloud metadata, and our own ports. Judged on the resolved address,
//! so that no name can lead there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Metadata and host agents of clouds that are not link-local.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba Cloud
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's host agent
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Cloud
];

/// Knows which ports are ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    own_ports: Vec<u16>,
    allowed: Vec<SocketAddr>,
}

impl Guard {
    pub(crate) fn new(own_ports: Vec<u16>) -> Self {
        Self { own_ports, allowed: Vec::new() }
    }

    /// The same guard, save that these metadata addresses may be reached: for who asks there for tokens.
    pub(crate) fn allowing(&self, metadata: &[SocketAddr]) -> Self {
        Self { own_ports: self.own_ports.clone(), allowed: metadata.to_vec() }
    }

    /// Why `address` is refused, or `None` where it may be connected to.
    pub(crate) fn refusal(&self, address: SocketAddr) -> Option<&'static str> {
        let ip = canonical(address.ip());
        if self.allowed.contains(&SocketAddr::new(ip, address.port())) {
            return None;
        }
        if let Some(why) = never(ip) {
            return Some(why);
        }
        (ip.is_loopback() && self.own_ports.contains(&address.port())).then_some("one of the sidecar's own ports")
    }
}

fn never(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) if ip.is_link_local() => Some("a link-local address"),
        IpAddr::V4(ip) if METADATA_V4.contains(&ip) => Some("a cloud's metadata address"),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("a link-local address"),
        // fd00:ec2::/32 holds EC2's metadata (::254) and EKS Pod Identity's agent (::23).
        IpAddr::V6(ip) if ip.segments()[..2] == [0xfd00, 0x0ec2] => Some("a cloud's metadata address"),
        // fd20:ce::254 is Google's metadata server.
        IpAddr::V6(ip) if ip == Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254) => Some("a cloud's metadata address"),
        // 0.0.0.0 and :: reach loopback on Linux and would slip past the check of our own ports.
        ip if ip.is_unspecified() => Some("the unspecified address"),
        ip if ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) => Some("a multicast address"),
        _ => None,
    }
}

/// The IPv4 address inside a mapped (`::ffff:0:0/96`), compatible or NAT64 (`64:ff9b::/96`) one.
fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let [a, b, c, d, e, f, high, low] = v6.segments();
    let embedded = match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => true,
        [0, 0, 0, 0, 0, 0] => high != 0,
        _ => false,
    };
    if !embedded {
        return ip;
    }
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, refused: bool) {
        let guard = Guard::new(vec![15400]);
        assert_eq!(guard.refusal(address.parse().unwrap()).is_some(), refused, "{address}");
    }

    #[test]
    fn metadata_and_link_local_addresses_are_refused_in_every_spelling() {
        for ip in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[fd00:ec2::23]",
            "[fd20:ce::254]",
            "[::ffff:169.254.169.254]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "0.0.0.0",
            "[::]",
            "[::ffff:0.0.0.0]",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            check(&format!("{ip}:80"), true);
        }
    }

    #[test]
    fn our_own_ports_are_refused_on_loopback_only() {
        check("127.0.0.1:15400", true);
        check("127.9.9.9:15400", true);
        check("[::1]:15400", true);
        check("[::ffff:127.0.0.1]:15400", true);
        check("127.0.0.1:8080", false);
        check("10.0.0.1:15400", false);
    }

    #[test]
    fn exactly_the_allowed_metadata_addresses_pass_and_for_providers_none() {
        let guard = Guard::new(vec![15400]);
        let open = guard.allowing(&["169.254.169.254:80".parse().unwrap()]);
        for (address, expected) in [
            ("169.254.169.254:80", true),
            ("[::ffff:169.254.169.254]:80", true),
            ("169.254.169.254:8080", false),
            ("169.254.170.23:80", false),
            ("[fd00:ec2::254]:80", false),
            ("127.0.0.1:15400", false),
            ("10.0.0.1:80", true),
        ] {
            assert_eq!(open.refusal(address.parse().unwrap()).is_none(), expected, "{address}");
        }
        assert!(guard.refusal("169.254.169.254:80".parse().unwrap()).is_some());
    }

    #[test]
    fn ordinary_addresses_pass() {
        for address in ["10.0.0.1:443", "1.2.3.4:443", "[2606:4700::1]:443", "[fd00::1]:443", "100.64.0.1:80"] {
            check(address, false);
        }
    }
}

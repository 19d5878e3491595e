//! Network addresses and networks (specification, constraints.md, "Cidr" and "Public address").

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Code, Error, Result};

/// An address in its canonical form, and in no other; never one that is IPv4-mapped.
pub(super) fn parse(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    let mapped = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    (!mapped && address.to_string() == text).then_some(address)
}

/// A network: an address whose bits after the prefix are zero.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    text: Box<str>,
    first: IpAddr,
    prefix: u8,
}

impl Network {
    pub(super) fn new(text: &str) -> Result<Self> {
        let invalid = || Error::named(Code::ConstraintInvalid, "network", text);
        let (address, length) = text.split_once('/').ok_or_else(invalid)?;
        let first = parse(address).ok_or_else(invalid)?;
        let prefix: u8 = length.parse().map_err(|_| invalid())?;
        let network = Network { text: text.into(), first, prefix };
        if prefix > network.bits() || prefix.to_string() != length || number(first) & network.host_mask() != 0 {
            return Err(invalid());
        }
        Ok(network)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn bits(&self) -> u8 {
        if self.first.is_ipv4() { 32 } else { 128 }
    }

    /// The bits after the prefix.
    fn host_mask(&self) -> u128 {
        let free = u32::from(self.bits() - self.prefix);
        if free == 128 { u128::MAX } else { (1 << free) - 1 }
    }

    /// The numbers of an IPv4 address that the prefix fixes whole.
    pub(super) fn fixed_octets(&self) -> Option<Vec<u8>> {
        match self.first {
            IpAddr::V4(v4) => Some(v4.octets()[..usize::from(self.prefix / 8)].to_vec()),
            IpAddr::V6(_) => None,
        }
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && number(address) & !self.host_mask() == number(self.first)
    }

    pub(super) fn encloses(&self, other: &Network) -> bool {
        self.prefix <= other.prefix && self.has(other.first)
    }

    /// An address in this network and not in the other, if there is one: the first or the last.
    pub(super) fn outside(&self, other: &Network) -> Option<IpAddr> {
        let last = number(self.first) | self.host_mask();
        let last = match self.first {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(last as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(last)),
        };
        [self.first, last].into_iter().find(|address| !other.has(*address))
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Whether a text is a network address that the public internet routes to one host; in any spelling that the standard library reads.
#[must_use]
pub fn is_public_address(address: &str) -> bool {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => is_public_v4(v4),
        Ok(IpAddr::V6(v6)) => is_public_v6(v6),
        Err(_) => false,
    }
}

/// The blocks that IANA's registry for IPv4 lists as not globally reachable, multicast and the reserved rest.
const NOT_PUBLIC_V4: [([u8; 4], u8); 14] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !NOT_PUBLIC_V4.iter().any(|(block, prefix)| (bits ^ u32::from_be_bytes(*block)) >> (32 - prefix) == 0)
}

/// Only 2000::/3 is allocated to hosts; of it, what the registry for IPv6 excepts is not public, nor is what carries an IPv4 address in it.
const NOT_PUBLIC_V6: [([u16; 3], u8); 4] = [([0x2001, 0, 0], 23), ([0x2001, 0x0db8, 0], 32), ([0x2002, 0, 0], 16), ([0x3fff, 0, 0], 20)];

fn is_public_v6(address: Ipv6Addr) -> bool {
    let top = (address.to_bits() >> 80) as u64;
    let is_in = |block: &[u16; 3], prefix: u8| {
        let block = block.iter().fold(0_u64, |bits, group| bits << 16 | u64::from(*group));
        (top ^ block) >> (48 - prefix) == 0
    };
    is_in(&[0x2000, 0, 0], 3) && !NOT_PUBLIC_V6.iter().any(|(block, prefix)| is_in(block, *prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for text in ["10.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "fe80::", "::7f00:1", "64:ff9b::7f00:1"] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "10.0.0.01",
            "10.0.0",
            "10.0.0.256",
            "0x7f.1",
            "2130706433",
            "127.1",
            " 10.0.0.1",
            "10.0.0.1/8",
            "2001:DB8::1",
            "2001:db8:0::1",
            "::0",
            "0:0:0:0:0:0:0:1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "::127.0.0.1",
            "fe80::1%eth0",
            "[::1]",
            "１.0.0.1",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn private_local_mapped_and_documentation_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::808:808",
            "2002:808:808::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "3fff::1",
            "4000::1",
            "",
            "localhost",
            "8.8.8.8:53",
        ] {
            assert!(!is_public_address(text), "{text}");
        }
        for text in ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"] {
            assert!(is_public_address(text), "{text}");
        }
    }

    #[test]
    fn networks_are_whole_and_enclose_by_prefix() {
        for text in [
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::/129",
            "::1/64",
            "::ffff:0:0/96",
            "2001:DB8::/32",
            "/8",
        ] {
            assert_eq!(Network::new(text).unwrap_err().code(), Code::ConstraintInvalid, "{text}");
        }
        let network = |text| Network::new(text).unwrap();
        assert!(network("10.0.0.0/8").encloses(&network("10.1.0.0/16")));
        assert!(!network("10.1.0.0/16").encloses(&network("10.0.0.0/8")));
        assert!(network("::/0").has(parse("::1").unwrap()) && !network("::/0").has(parse("10.0.0.1").unwrap()));
        assert!(network("0.0.0.0/0").encloses(&network("255.255.255.255/32")));
        assert_eq!(network("10.0.0.0/8").outside(&network("10.0.0.0/9")), parse("10.255.255.255"));
    }
}

//! `SocketAddr` to and from the kernel's form.

use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The family of a socket. An IPv6 socket that also takes IPv4 sees it as mapped addresses
/// (RFC 4291 section 2.5.5.2); callers only ever see plain IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(address: SocketAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

/// Room for an address of either family.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) union RawAddress {
    pub v4: libc::sockaddr_in,
    pub v6: libc::sockaddr_in6,
}

pub(super) const RAW_LEN: libc::socklen_t = size_of::<RawAddress>() as libc::socklen_t;

impl RawAddress {
    pub const ZERO: Self = Self {
        v6: libc::sockaddr_in6 {
            sin6_family: 0,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
    };

    /// The kernel's form of `address` for a socket of `family`, and its length. `None`: a socket of
    /// this family cannot reach the address.
    pub fn encode(address: SocketAddr, family: Family) -> Option<(Self, libc::socklen_t)> {
        match (family, address) {
            (Family::V4, SocketAddr::V4(v4)) => Some(Self::encode_v4(v4)),
            (Family::V4, SocketAddr::V6(v6)) => {
                let ip = v6.ip().to_ipv4_mapped()?;
                Some(Self::encode_v4(SocketAddrV4::new(ip, v6.port())))
            }
            (Family::V6, SocketAddr::V6(v6)) => Some(Self::encode_v6(v6)),
            (Family::V6, SocketAddr::V4(v4)) => Some(Self::encode_v6(SocketAddrV6::new(
                v4.ip().to_ipv6_mapped(),
                v4.port(),
                0,
                0,
            ))),
        }
    }

    fn encode_v4(address: SocketAddrV4) -> (Self, libc::socklen_t) {
        let mut raw = Self::ZERO;
        raw.v4 = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: address.port().to_be(),
            sin_addr: libc::in_addr {
                s_addr: u32::from_ne_bytes(address.ip().octets()),
            },
            sin_zero: [0; 8],
        };
        (raw, size_of::<libc::sockaddr_in>() as libc::socklen_t)
    }

    fn encode_v6(address: SocketAddrV6) -> (Self, libc::socklen_t) {
        let raw = Self {
            v6: libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr {
                    s6_addr: address.ip().octets(),
                },
                sin6_scope_id: address.scope_id(),
            },
        };
        (raw, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
    }

    /// `None`: neither IPv4 nor IPv6, or too short.
    pub fn decode(&self, len: libc::socklen_t) -> Option<SocketAddr> {
        // SAFETY: both variants are plain integers and every byte of the union was initialised by
        // `ZERO`, so any variant may be read; the family field is at the same place in both.
        let family = libc::c_int::from(unsafe { self.v4.sin_family });
        if family == libc::AF_INET && len as usize >= size_of::<libc::sockaddr_in>() {
            // SAFETY: as above.
            let raw = unsafe { self.v4 };
            let ip = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::V4(SocketAddrV4::new(
                ip,
                u16::from_be(raw.sin_port),
            )))
        } else if family == libc::AF_INET6 && len as usize >= size_of::<libc::sockaddr_in6>() {
            // SAFETY: as above.
            let raw = unsafe { self.v6 };
            let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
            let port = u16::from_be(raw.sin6_port);
            Some(match ip.to_ipv4_mapped() {
                Some(v4) => SocketAddr::new(IpAddr::V4(v4), port),
                None => SocketAddr::V6(SocketAddrV6::new(
                    ip,
                    port,
                    raw.sin6_flowinfo,
                    raw.sin6_scope_id,
                )),
            })
        } else {
            None
        }
    }
}

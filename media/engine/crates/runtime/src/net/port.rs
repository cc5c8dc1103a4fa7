use std::io;
use std::mem::size_of;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::address::{Family, RawAddress};

/// How to open a [`UdpPort`].
#[derive(Debug, Clone, Copy)]
pub struct PortOptions {
    /// Wanted kernel buffers in bytes; the system's limits may give less.
    pub receive_buffer: usize,
    pub send_buffer: usize,
    /// Let the kernel hand over runs of datagrams of one sender as one message (`UDP_GRO`).
    pub gro: bool,
    /// Let an IPv6 socket take IPv6 only, so that an IPv4 socket can have the same port.
    pub only_v6: bool,
}

impl Default for PortOptions {
    fn default() -> Self {
        Self {
            receive_buffer: 8 << 20,
            send_buffer: 8 << 20,
            gro: true,
            only_v6: true,
        }
    }
}

/// A bound, non-blocking UDP socket.
#[derive(Debug)]
pub struct UdpPort {
    socket: UdpSocket,
    pub(super) family: Family,
}

impl UdpPort {
    /// Bind to `address`.
    ///
    /// # Errors
    /// Those of `socket` and `bind`, such as an address in use. A refused buffer size or GRO is not
    /// an error.
    pub fn bind(address: SocketAddr, options: PortOptions) -> io::Result<Self> {
        let family = Family::of(address);
        let domain = match family {
            Family::V4 => libc::AF_INET,
            Family::V6 => libc::AF_INET6,
        };
        let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers.
        let fd = unsafe { libc::socket(domain, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just opened and is owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        if family == Family::V6 {
            let value = libc::c_int::from(options.only_v6);
            set_option(&fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, value)?;
        }
        // The FORCE variants pass the system's limit but need CAP_NET_ADMIN.
        set_buffer(
            &fd,
            libc::SO_RCVBUFFORCE,
            libc::SO_RCVBUF,
            options.receive_buffer,
        );
        set_buffer(
            &fd,
            libc::SO_SNDBUFFORCE,
            libc::SO_SNDBUF,
            options.send_buffer,
        );
        if options.gro {
            let _ = set_option(&fd, libc::SOL_UDP, libc::UDP_GRO, 1);
        }
        let Some((raw, len)) = RawAddress::encode(address, family) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // SAFETY: `raw` holds an address of `len` bytes and outlives the call.
        let result = unsafe { libc::bind(fd.as_raw_fd(), (&raw const raw).cast(), len) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            socket: UdpSocket::from(fd),
            family,
        })
    }

    /// # Errors
    /// Those of `getsockname`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The kernel's receive and send buffers in bytes, as it accounts them (about twice the payload).
    ///
    /// # Errors
    /// Those of `getsockopt`.
    pub fn buffer_sizes(&self) -> io::Result<(usize, usize)> {
        let receive = get_option(&self.socket, libc::SOL_SOCKET, libc::SO_RCVBUF)?;
        let send = get_option(&self.socket, libc::SOL_SOCKET, libc::SO_SNDBUF)?;
        Ok((receive as usize, send as usize))
    }
}

impl AsRawFd for UdpPort {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl AsFd for UdpPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn set_buffer(fd: &OwnedFd, force: libc::c_int, plain: libc::c_int, bytes: usize) {
    let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    if set_option(fd, libc::SOL_SOCKET, force, value).is_err() {
        let _ = set_option(fd, libc::SOL_SOCKET, plain, value);
    }
}

fn set_option(
    fd: &impl AsRawFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` is an int of `len` bytes and outlives the call.
    let result =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), len) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn get_option(fd: &impl AsRawFd, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` has room for `len` bytes and both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            level,
            name,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    if result == 0 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}

//! A small epoll wrapper: tokens in, ready tokens out.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

pub struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just opened and is owned by nobody else.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self {
            epoll,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 1024],
        })
    }

    /// Report `token` whenever `source` is readable (level-triggered).
    pub fn add(&self, source: &impl AsRawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        let (epoll, fd) = (self.epoll.as_raw_fd(), source.as_raw_fd());
        // SAFETY: `event` is live for the call.
        let result = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// The tokens ready now, or within `timeout` (rounded up to milliseconds).
    pub fn wait(&mut self, timeout: Duration) -> io::Result<impl Iterator<Item = u64>> {
        let millis = timeout.as_micros().div_ceil(1_000).min(60_000) as libc::c_int;
        let (epoll, room) = (self.epoll.as_raw_fd(), self.events.len() as libc::c_int);
        // SAFETY: `events` has room for `room` entries.
        let ready = unsafe { libc::epoll_wait(epoll, self.events.as_mut_ptr(), room, millis) };
        let ready = if ready < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            0
        } else {
            ready as usize
        };
        Ok(self.events[..ready].iter().map(|event| event.u64))
    }
}

//! One datagram per system call, for systems without `recvmmsg` and `sendmmsg`.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::received::Slot;
use super::{Datagrams, IoCounters, Message, SendProgress};

/// How to open a [`UdpPort`]. The standard library sets none of this; the system's defaults hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct PortOptions {
    pub receive_buffer: usize,
    pub send_buffer: usize,
    pub gro: bool,
    pub only_v6: bool,
}

/// A bound, non-blocking UDP socket.
#[derive(Debug)]
pub struct UdpPort {
    socket: UdpSocket,
}

impl UdpPort {
    /// # Errors
    /// Those of `socket` and `bind`.
    pub fn bind(address: SocketAddr, _options: PortOptions) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// # Errors
    /// Those of `getsockname`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for UdpPort {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// Room for the datagrams of one receive.
pub struct ReceiveBatch {
    storage: Box<[u8]>,
    room: usize,
    slots: Vec<Slot>,
    pub counters: IoCounters,
}

impl ReceiveBatch {
    pub const GRO_ROOM: usize = 2_048;

    pub fn new(messages: usize, room: usize) -> Self {
        let messages = messages.clamp(1, 1024);
        Self {
            storage: vec![0; messages * room].into_boxed_slice(),
            room,
            slots: Vec::with_capacity(messages),
            counters: IoCounters::default(),
        }
    }

    /// # Errors
    /// None that end the socket; they are counted.
    pub fn receive(&mut self, port: &UdpPort) -> io::Result<usize> {
        self.slots.clear();
        for (index, room) in self.storage.chunks_exact_mut(self.room).enumerate() {
            self.counters.receive_calls += 1;
            match port.socket.recv_from(room) {
                Ok((0, _)) => {}
                Ok((len, source)) => {
                    self.counters.received_datagrams += 1;
                    self.counters.received_bytes += len as u64;
                    self.slots.push(Slot {
                        source,
                        start: index * self.room,
                        len,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.counters.receive_errors += 1;
                    break;
                }
            }
        }
        Ok(self.slots.len())
    }

    pub fn datagrams(&mut self) -> Datagrams<'_> {
        Datagrams::new(&self.slots, &mut self.storage)
    }
}

/// Sends one datagram per call.
#[derive(Default)]
pub struct SendBatch {
    pub counters: IoCounters,
}

impl SendBatch {
    pub fn new(_messages: usize) -> Self {
        Self::default()
    }

    pub fn segmentation(&self) -> bool {
        false
    }

    pub fn disable_segmentation(&mut self) {}

    /// # Panics
    /// When a message's range is not inside `buffer`.
    pub fn send(&mut self, port: &UdpPort, buffer: &[u8], messages: &[Message]) -> SendProgress {
        for (index, message) in messages.iter().enumerate() {
            let payload = &buffer[message.start..message.start + message.len];
            let segment = if message.is_run() {
                message.segment.into()
            } else {
                message.len.max(1)
            };
            for (part, bytes) in payload.chunks(segment).enumerate() {
                self.counters.send_calls += 1;
                match port.socket.send_to(bytes, message.destination) {
                    Ok(_) => {
                        self.counters.sent_messages += 1;
                        self.counters.sent_datagrams += 1;
                        self.counters.sent_bytes += bytes.len() as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.counters.would_block += 1;
                        if part == 0 {
                            return SendProgress::Blocked { next: index };
                        }
                        self.counters.send_errors += 1;
                    }
                    Err(_) => self.counters.send_errors += 1,
                }
            }
        }
        SendProgress::Complete
    }
}

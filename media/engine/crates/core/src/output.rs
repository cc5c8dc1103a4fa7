//! What one turn of a worker wants sent: datagrams back to back in one buffer.

use std::net::SocketAddr;

use crate::api::Protocol;
use crate::session::config::DatagramSink;

/// One datagram of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputDatagram {
    pub protocol: Protocol,
    pub destination: SocketAddr,
    pub start: usize,
    pub len: usize,
}

/// Datagrams waiting to be sent, grouped by destination in the order they were written: neighbours of
/// one destination and size can leave as one segmented message.
#[derive(Debug, Default)]
pub struct Outputs {
    buffer: Vec<u8>,
    tail: usize,
    datagrams: Vec<OutputDatagram>,
}

impl Outputs {
    #[must_use]
    pub fn new() -> Outputs {
        Outputs::default()
    }

    /// Room for at least `len` bytes at the end of the buffer; [`Outputs::commit`] what was written.
    pub fn room(&mut self, len: usize) -> &mut [u8] {
        let end = self.tail + len;
        if self.buffer.len() < end {
            self.buffer
                .resize(end.next_power_of_two().max(64 * 1024), 0);
        }
        &mut self.buffer[self.tail..end]
    }

    /// The first `len` bytes of the last [`Outputs::room`] are a datagram.
    pub fn commit(&mut self, protocol: Protocol, destination: SocketAddr, len: usize) {
        self.datagrams.push(OutputDatagram {
            protocol,
            destination,
            start: self.tail,
            len,
        });
        self.tail += len;
    }

    #[must_use]
    pub fn datagrams(&self) -> &[OutputDatagram] {
        &self.datagrams
    }

    /// The bytes the datagrams' ranges point into.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.tail]
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Bytes waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tail
    }

    pub fn clear(&mut self) {
        self.tail = 0;
        self.datagrams.clear();
    }
}

impl DatagramSink for Outputs {
    fn send(&mut self, protocol: Protocol, destination: SocketAddr, datagram: &[u8]) {
        self.room(datagram.len()).copy_from_slice(datagram);
        self.commit(protocol, destination, datagram.len());
    }
}

/// Takes what a worker wrote before its turn is over, so that the buffer stays in cache and the first
/// receivers do not wait for the last.
pub trait Flush {
    fn flush(&mut self, outputs: &mut Outputs);
}

/// Keeps everything until the turn is over (tests, and callers that batch themselves).
#[derive(Debug, Default, Clone, Copy)]
pub struct KeepAll;

impl Flush for KeepAll {
    fn flush(&mut self, _outputs: &mut Outputs) {}
}

//! Retransmission (RFC 4588): own SSRC and sequence numbers, original sequence number first in the payload.

use std::time::{Duration, Instant};

/// A NACK for the same packet within this time of the last retransmission is a duplicate: the first is on its way.
pub const MIN_REPEAT: Duration = Duration::from_millis(20);

/// Retransmission state of one slot.
#[derive(Debug)]
pub struct RtxState {
    next: u64,
}

impl RtxState {
    #[must_use]
    pub fn new(first_sequence: u16) -> Self {
        Self {
            next: u64::from(first_sequence & 0x7fff),
        }
    }

    /// Whether a packet asked for now should be sent: damped by `max(MIN_REPEAT, rtt)` per packet. Remembers it
    /// as sent when so.
    pub fn admit(&mut self, sequence: u16, now: Instant, rtt: Option<Duration>) -> bool {
        let _ = (sequence, now, rtt);
        todo!()
    }

    /// Next extended sequence number of the RTX stream.
    pub fn next_sequence(&mut self) -> u64 {
        let sequence = self.next;
        self.next += 1;
        sequence
    }
}

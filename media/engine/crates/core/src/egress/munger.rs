//! Keeps a slot's outgoing stream continuous whatever feeds it: sequence numbers without holes over source and
//! layer switches and mutes, timestamps that follow real time, VP8 picture numbers that only grow.

use std::time::Instant;

use crate::codec::vp8;

use super::cache::SourcePacket;

/// One source stream inside a room: a track, or one simulcast layer of it. Chosen by the caller, never reused
/// while a slot may still be asked to retransmit from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// What of a source packet is rewritten for this slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    /// Own sequence number, extended; the low 16 bits go into the header, the rest is the SRTP rollover count.
    pub sequence: u64,
    pub timestamp: u32,
    /// First packet of an audio stream after a gap: marker set (RFC 3551 section 4.1).
    pub force_marker: bool,
    pub vp8: Option<vp8::Rewrite>,
}

/// Sequence, timestamp and picture number rewriting of one slot.
#[derive(Debug)]
pub struct Munger {
    next: u64,
}

impl Munger {
    /// The first own sequence number is `first_sequence` without its top bit: a late joiner that misses the first
    /// packets must not guess a rollover that never was.
    #[must_use]
    pub fn new(first_sequence: u16, first_timestamp: u32, clock_rate: u32) -> Self {
        let _ = (first_timestamp, clock_rate);
        Self {
            next: u64::from(first_sequence & 0x7fff),
        }
    }

    /// Begin with `packet` of `stream`: it gets the next sequence number and a timestamp that continues the last
    /// one by the time that passed (capture times where both are known, else arrival).
    pub fn switch(&mut self, stream: StreamId, packet: &SourcePacket) {
        let _ = (stream, packet, self.next);
        todo!()
    }

    /// Numbers for a packet of the current stream. `None`: it is from before the switch, or was skipped.
    pub fn rewrite(&mut self, packet: &SourcePacket) -> Option<Rewrite> {
        let _ = packet;
        todo!()
    }

    /// Leave a packet of the current stream out without a hole in the sequence numbers.
    pub fn skip(&mut self, packet: &SourcePacket) {
        let _ = packet;
        todo!()
    }

    /// Nothing is forwarded until the next [`Self::switch`] (mute, source gone). Retransmission still works.
    pub fn stop(&mut self) {
        todo!()
    }

    /// The source packet sent under a 16-bit own sequence number, and how it was rewritten.
    #[must_use]
    pub fn resolve(&self, sequence: u16) -> Option<(StreamId, u64)> {
        let _ = sequence;
        todo!()
    }

    /// The rewrite of an already sent packet, for retransmission.
    #[must_use]
    pub fn rewrite_again(&self, stream: StreamId, packet: &SourcePacket) -> Option<Rewrite> {
        let _ = (stream, packet);
        todo!()
    }

    /// Own timestamp that stands for a source timestamp of the current stream (for sender reports).
    #[must_use]
    pub fn map_timestamp(&self, source_timestamp: u32) -> Option<u32> {
        let _ = (source_timestamp, Instant::now);
        todo!()
    }
}

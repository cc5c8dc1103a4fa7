//! Keeps a slot's outgoing stream continuous whatever feeds it: sequence numbers without holes over source and
//! layer switches and mutes, timestamps that follow real time, VP8 picture numbers that only grow.
//!
//! The map from own numbers back to source packets is a short list of segments (stretches with constant offsets),
//! not an entry per packet: forwarding a packet is an addition.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::{Codec, vp8};
use crate::packet::ntp::NtpTime;
use crate::srtp::replay::ReplayWindow;

use super::cache::SourcePacket;

/// Segments remembered for retransmission. Every switch, mute or left-out picture begins one.
const MAX_SEGMENTS: usize = 64;
/// A jump in source ids beyond this is closed up: half the sequence space would confuse receivers' rollover counts.
const MAX_HOLE: u64 = 8_192;
/// Capture times that disagree with arrival times by more than this are not believed (2^-32 s).
const MAX_CAPTURE_SKEW: i64 = 2 << 32;

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
    /// First audio packet after a gap: marker set (RFC 3551 section 4.1).
    pub force_marker: bool,
    pub vp8: Option<vp8::Rewrite>,
}

/// A stretch of one source stream with constant offsets.
#[derive(Debug, Clone, Copy)]
struct Segment {
    stream: StreamId,
    first_id: u64,
    first_own: u64,
    /// Exclusive; `u64::MAX` while it is the current one.
    end_own: u64,
    timestamp_offset: u32,
    picture_offset: u16,
    tl0_offset: u8,
    talk_start: bool,
}

impl Segment {
    /// Own sequence number of a source id, when it belongs here.
    fn own(&self, id: u64) -> Option<u64> {
        let own = self.first_own + id.checked_sub(self.first_id)?;
        (own < self.end_own).then_some(own)
    }

    fn rewrite(&self, packet: &SourcePacket, own: u64) -> Rewrite {
        Rewrite {
            sequence: own,
            timestamp: packet.timestamp.wrapping_add(self.timestamp_offset),
            force_marker: self.talk_start && packet.id == self.first_id,
            vp8: packet.vp8.map(|descriptor| vp8::Rewrite {
                picture_id: descriptor
                    .picture_id
                    .unwrap_or(0)
                    .wrapping_add(self.picture_offset)
                    & 0x7fff,
                tl0_picture_index: descriptor
                    .tl0_picture_index
                    .unwrap_or(0)
                    .wrapping_add(self.tl0_offset),
            }),
        }
    }
}

/// The newest packet sent, from which a switch continues.
#[derive(Debug, Clone, Copy)]
struct Newest {
    timestamp: u32,
    arrival: std::time::Instant,
    capture: Option<NtpTime>,
}

/// Sequence, timestamp and picture number rewriting of one slot.
#[derive(Debug)]
pub struct Munger {
    clock_rate: u32,
    first_timestamp: u32,
    /// Next own sequence number, extended.
    next: u64,
    /// Own numbers already sent: one number must never be protected twice (RFC 3711 section 9.1).
    sent: ReplayWindow,
    segments: VecDeque<Segment>,
    running: bool,
    newest: Option<Newest>,
    last_picture: Option<u16>,
    last_tl0: Option<u8>,
}

impl Munger {
    /// The first own sequence number is `first_sequence` without its top bit: a late joiner that misses the first
    /// packets must not guess a rollover that never was.
    #[must_use]
    pub fn new(first_sequence: u16, first_timestamp: u32, clock_rate: u32) -> Self {
        Self {
            clock_rate,
            first_timestamp,
            next: u64::from(first_sequence & 0x7fff),
            sent: ReplayWindow::default(),
            segments: VecDeque::new(),
            running: false,
            newest: None,
            last_picture: None,
            last_tl0: None,
        }
    }

    /// Begin with `packet` of `stream`: it gets the next sequence number and a timestamp that continues the last
    /// one by the time that passed (capture times where both are known, else arrival).
    pub fn switch(&mut self, stream: StreamId, packet: &SourcePacket) {
        self.stop();
        let (picture_offset, tl0_offset) = self.picture_offsets(packet);
        self.push(Segment {
            stream,
            first_id: packet.id,
            first_own: self.next,
            end_own: u64::MAX,
            timestamp_offset: self.timestamp_offset(stream, packet),
            picture_offset,
            tl0_offset,
            talk_start: packet.codec == Codec::Opus,
        });
        self.running = true;
    }

    /// Numbers for a packet of the current stream. `None`: it is from before the switch, was left out, or was
    /// sent already.
    pub fn rewrite(&mut self, packet: &SourcePacket) -> Option<Rewrite> {
        if !self.running {
            return None;
        }
        let current = *self.segments.back()?;
        let mut found = current;
        let mut own = current.own(packet.id);
        if let Some(number) = own
            && number >= self.next + MAX_HOLE
        {
            self.switch(current.stream, packet);
            found = *self.segments.back()?;
            own = Some(found.first_own);
        }
        if own.is_none() {
            // Late, of before a left-out packet or a pause of the same stream.
            found = *self.segments.iter().rev().find(|segment| {
                segment.stream == current.stream && segment.own(packet.id).is_some()
            })?;
            own = found.own(packet.id);
        }
        let own = own?;
        if !self.sent.is_fresh(own) {
            return None;
        }
        self.sent.accept(own);
        let rewrite = found.rewrite(packet, own);
        if own >= self.next {
            self.next = own + 1;
            self.newest = Some(Newest {
                timestamp: rewrite.timestamp,
                arrival: packet.arrival,
                capture: packet.capture,
            });
            if let (Some(descriptor), Some(numbers)) = (packet.vp8, rewrite.vp8) {
                self.last_picture = descriptor.picture_id.map(|_| numbers.picture_id);
                self.last_tl0 = descriptor
                    .tl0_picture_index
                    .map(|_| numbers.tl0_picture_index);
            }
        }
        Some(rewrite)
    }

    /// Leave a packet of the current stream out without a hole in the sequence numbers. A late one is ignored: its
    /// number is spoken for.
    pub fn skip(&mut self, packet: &SourcePacket) {
        if !self.running {
            return;
        }
        let Some(current) = self.segments.back_mut() else {
            return;
        };
        let Some(own) = current.own(packet.id).filter(|own| *own >= self.next) else {
            return;
        };
        if own >= self.next + MAX_HOLE {
            return;
        }
        // One picture fewer: receivers take a gap in picture ids for a lost frame.
        let fewer = u16::from(
            packet
                .vp8
                .is_some_and(|descriptor| descriptor.starts_picture()),
        );
        let following = Segment {
            first_id: packet.id + 1,
            first_own: own,
            picture_offset: current.picture_offset.wrapping_sub(fewer),
            talk_start: false,
            ..*current
        };
        if own == current.first_own {
            *current = following;
        } else {
            current.end_own = own;
            self.push(following);
        }
        self.next = own;
    }

    /// Nothing is forwarded until the next [`Self::switch`] (mute, source gone). Retransmission still works.
    pub fn stop(&mut self) {
        self.running = false;
        if let Some(current) = self.segments.back_mut()
            && current.end_own == u64::MAX
        {
            current.end_own = self.next;
        }
    }

    /// The source packet sent under a 16-bit own sequence number.
    #[must_use]
    pub fn resolve(&self, sequence: u16) -> Option<(StreamId, u64)> {
        let (segment, own) = self.find(sequence)?;
        Some((segment.stream, segment.first_id + (own - segment.first_own)))
    }

    /// The rewrite of `packet` as sent under `sequence`, for retransmission. `None` when it is not that packet.
    #[must_use]
    pub fn rewrite_again(&self, sequence: u16, packet: &SourcePacket) -> Option<Rewrite> {
        let (segment, own) = self.find(sequence)?;
        (segment.own(packet.id)? == own).then(|| segment.rewrite(packet, own))
    }

    /// Own timestamp that stands for a source timestamp of the current stream (for sender reports); `None` while
    /// nothing is forwarded.
    #[must_use]
    pub fn map_timestamp(&self, source_timestamp: u32) -> Option<u32> {
        let current = self.segments.back().filter(|_| self.running)?;
        Some(source_timestamp.wrapping_add(current.timestamp_offset))
    }

    fn find(&self, sequence: u16) -> Option<(&Segment, u64)> {
        let last = self.next.checked_sub(1)?;
        let age = (last as u16).wrapping_sub(sequence);
        if age >= 0x8000 {
            return None;
        }
        let own = last.checked_sub(u64::from(age))?;
        let segment = self
            .segments
            .iter()
            .rev()
            .find(|segment| segment.first_own <= own)?;
        (own < segment.end_own).then_some((segment, own))
    }

    fn push(&mut self, segment: Segment) {
        if self.segments.len() == MAX_SEGMENTS {
            self.segments.pop_front();
        }
        self.segments.push_back(segment);
    }

    fn picture_offsets(&self, packet: &SourcePacket) -> (u16, u8) {
        let Some(descriptor) = packet.vp8 else {
            return (0, 0);
        };
        let picture = match (descriptor.picture_id, self.last_picture) {
            (Some(id), Some(last)) => last.wrapping_add(1).wrapping_sub(id),
            _ => 0,
        };
        let tl0 = match (descriptor.tl0_picture_index, self.last_tl0) {
            (Some(index), Some(last)) => last.wrapping_add(1).wrapping_sub(index),
            _ => 0,
        };
        (picture, tl0)
    }

    fn timestamp_offset(&self, stream: StreamId, packet: &SourcePacket) -> u32 {
        let Some(newest) = self.newest else {
            return self.first_timestamp.wrapping_sub(packet.timestamp);
        };
        // After a pause of the same stream its own clock has kept time.
        if let Some(last) = self.segments.back()
            && last.stream == stream
        {
            let continued = packet.timestamp.wrapping_add(last.timestamp_offset);
            if continued.wrapping_sub(newest.timestamp).cast_signed() > 0 {
                return last.timestamp_offset;
            }
        }
        let step = self.ticks(elapsed(&newest, packet)).max(1);
        newest
            .timestamp
            .wrapping_add(step)
            .wrapping_sub(packet.timestamp)
    }

    fn ticks(&self, time: Duration) -> u32 {
        (time.as_micros() * u128::from(self.clock_rate) / 1_000_000) as u32
    }
}

/// Time between the newest packet sent and `packet`; zero when capture times go backwards (a layer switch can land
/// on a picture of the same moment).
fn elapsed(newest: &Newest, packet: &SourcePacket) -> Duration {
    let by_arrival = packet.arrival.saturating_duration_since(newest.arrival);
    if let (Some(from), Some(to)) = (newest.capture, packet.capture) {
        let by_capture = to.since(from);
        let arrival = NtpTime::default()
            .plus(by_arrival)
            .since(NtpTime::default());
        if (by_capture - arrival).abs() < MAX_CAPTURE_SKEW {
            let nanoseconds = (u128::from(by_capture.max(0).cast_unsigned()) * 1_000_000_000) >> 32;
            return Duration::from_nanos(nanoseconds as u64);
        }
    }
    by_arrival
}

#[cfg(test)]
mod tests;

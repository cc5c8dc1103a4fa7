//! Packets of one source stream (a publisher's track, or one simulcast layer of it), kept once for all receivers:
//! what is forwarded this turn and what a NACK may still ask for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::{Codec, vp8};
use crate::packet::ext::SourceExtensions;
use crate::packet::ntp::NtpTime;

/// Packets kept of a video stream at most.
pub const VIDEO_CAPACITY: usize = 1024;
/// Packets kept of an audio stream at most. Audio is not retransmitted, only carried through the turn.
pub const AUDIO_CAPACITY: usize = 64;
/// A retransmission that comes later than this helps no live picture.
pub const MAX_AGE: Duration = Duration::from_millis(1_500);

/// One packet of a publisher, decrypted, header taken apart.
#[derive(Debug, Clone)]
pub struct SourcePacket {
    /// Sequence number of the source stream, extended by its rollover count.
    pub id: u64,
    pub codec: Codec,
    /// Publisher's RTP timestamp.
    pub timestamp: u32,
    pub marker: bool,
    /// The payload begins a key frame ([`Codec::starts_key_frame`]); always set for audio.
    pub key_frame: bool,
    /// VP8 payload descriptor, read once per packet.
    pub vp8: Option<vp8::Descriptor>,
    pub extensions: SourceExtensions,
    pub payload: Arc<[u8]>,
    /// Of audio, the payload with the packet before it, for receivers whose line loses ([`crate::codec::red`]).
    pub redundant: Option<Arc<[u8]>>,
    /// RTP padding to append when it is forwarded, so that it is as long as its neighbours, bytes. Not sent again
    /// with a retransmission.
    pub padding: u8,
    pub arrival: Instant,
    /// When it was captured on our NTP clock, where a sender report told (see `sr::SourceClock`).
    pub capture: Option<NtpTime>,
}

impl SourcePacket {
    /// Take a packet apart: fills `key_frame` and `vp8` from the payload.
    #[must_use]
    pub fn new(
        id: u64,
        codec: Codec,
        timestamp: u32,
        marker: bool,
        payload: Arc<[u8]>,
        arrival: Instant,
    ) -> Self {
        let key_frame = codec.starts_key_frame(&payload);
        let vp8 = if codec == Codec::Vp8 {
            vp8::Descriptor::parse(&payload)
        } else {
            None
        };
        Self {
            id,
            codec,
            timestamp,
            marker,
            key_frame,
            vp8,
            extensions: SourceExtensions::default(),
            payload,
            redundant: None,
            padding: 0,
            arrival,
            capture: None,
        }
    }

    /// The longest payload it may be forwarded with, bytes.
    #[must_use]
    pub fn longest(&self) -> usize {
        let redundant = self.redundant.as_ref().map_or(0, |payload| payload.len());
        redundant.max(self.payload.len())
    }
}

/// Ring of the last packets of one source stream, by id. It grows with what the stream needs, up to its capacity,
/// and lets go of what is older than [`MAX_AGE`].
#[derive(Debug)]
pub struct PacketCache {
    ring: Vec<Option<SourcePacket>>,
    capacity: usize,
    /// Ids that may be kept: `oldest..next`.
    oldest: u64,
    next: u64,
}

const FIRST_CAPACITY: usize = 64;

impl PacketCache {
    /// `capacity` is rounded up to a power of two of at least 64.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.next_power_of_two().max(FIRST_CAPACITY);
        Self {
            ring: Vec::new(),
            capacity,
            oldest: 0,
            next: 0,
        }
    }

    /// Keep a packet. `false` (and nothing kept) when it is a duplicate or older than what the ring spans: it must
    /// not be forwarded either.
    pub fn insert(&mut self, packet: SourcePacket) -> bool {
        if self.ring.is_empty() {
            self.ring.resize_with(FIRST_CAPACITY, || None);
            self.oldest = packet.id;
            self.next = packet.id;
        }
        if packet.id < self.oldest {
            // Before the first packet ever, or reordered by more than what is kept.
            if self.next - packet.id > self.ring.len() as u64 || self.next - self.oldest == 0 {
                return false;
            }
            self.oldest = packet.id;
        }
        self.expire(packet.arrival);
        if packet.id >= self.next {
            self.make_room(packet.id);
            self.next = packet.id + 1;
        }
        let at = self.position(packet.id);
        if self.ring[at]
            .as_ref()
            .is_some_and(|kept| kept.id == packet.id)
        {
            return false;
        }
        self.ring[at] = Some(packet);
        true
    }

    /// The packet with this id, while it is kept.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&SourcePacket> {
        if self.ring.is_empty() {
            return None;
        }
        self.ring[self.position(id)]
            .as_ref()
            .filter(|packet| packet.id == id)
    }

    /// Whether nothing is to be had from this packet: it is kept, or older than what is.
    #[must_use]
    pub fn was_seen(&self, id: u64) -> bool {
        self.ring.is_empty() || id < self.oldest || self.get(id).is_some()
    }

    /// Forget everything (the publisher went or the stream restarted).
    pub fn clear(&mut self) {
        self.ring = Vec::new();
    }

    fn position(&self, id: u64) -> usize {
        // The length is a power of two.
        id as usize & (self.ring.len() - 1)
    }

    /// Let go of old packets, from the oldest on.
    fn expire(&mut self, now: Instant) {
        while self.oldest < self.next {
            let at = self.position(self.oldest);
            match &self.ring[at] {
                Some(packet) if packet.id == self.oldest => {
                    if now.saturating_duration_since(packet.arrival) <= MAX_AGE {
                        return;
                    }
                    self.ring[at] = None;
                }
                _ => {}
            }
            self.oldest += 1;
        }
    }

    /// Make `id`, a new highest, fit: grow while allowed, else drop the oldest.
    fn make_room(&mut self, id: u64) {
        let span = id + 1 - self.oldest;
        let wanted = usize::try_from(span)
            .unwrap_or(usize::MAX)
            .min(self.capacity);
        if wanted > self.ring.len() {
            let mut ring = Vec::new();
            ring.resize_with(wanted.next_power_of_two(), || None);
            for packet in std::mem::replace(&mut self.ring, ring)
                .into_iter()
                .flatten()
            {
                let at = self.position(packet.id);
                self.ring[at] = Some(packet);
            }
        }
        let first = (id + 1).saturating_sub(self.ring.len() as u64);
        let stale = first
            .saturating_sub(self.oldest)
            .min(self.ring.len() as u64);
        for old in self.oldest..self.oldest + stale {
            let at = self.position(old);
            self.ring[at] = None;
        }
        self.oldest = self.oldest.max(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(id: u64, arrival: Instant) -> SourcePacket {
        SourcePacket::new(id, Codec::H264, 0, false, id.to_be_bytes().into(), arrival)
    }

    fn kept(cache: &PacketCache) -> usize {
        cache.ring.iter().flatten().count()
    }

    #[test]
    fn duplicates_and_the_too_old_are_refused() {
        let now = Instant::now();
        let mut cache = PacketCache::new(64);
        assert!(cache.get(5).is_none());
        assert!(cache.insert(packet(100, now)));
        assert!(!cache.insert(packet(100, now)), "duplicate");
        assert!(cache.insert(packet(90, now)), "reordered before the first");
        assert!(cache.insert(packet(102, now)));
        assert!(cache.insert(packet(101, now)), "late");
        assert!(!cache.insert(packet(101, now)));
        assert!(!cache.insert(packet(20, now)), "older than the ring spans");
        for id in [90, 100, 101, 102] {
            assert_eq!(cache.get(id).unwrap().id, id);
        }
        assert!(cache.get(20).is_none() && cache.get(91).is_none());
    }

    #[test]
    fn grows_to_its_capacity_and_no_further() {
        let now = Instant::now();
        let mut cache = PacketCache::new(1_000);
        for id in 7..5_000 {
            assert!(cache.insert(packet(id, now)));
            assert_eq!(cache.get(id).unwrap().id, id);
            assert!(cache.get(id.saturating_sub(500).max(7)).is_some());
        }
        assert_eq!(cache.ring.len(), 1_024);
        assert_eq!(kept(&cache), 1_024);
        assert!(cache.get(4_999 - 1_024).is_none());
    }

    #[test]
    fn old_packets_are_let_go() {
        let start = Instant::now();
        let mut cache = PacketCache::new(1_024);
        for id in 0..1_000 {
            cache.insert(packet(id, start + Duration::from_millis(id * 10)));
        }
        let newest = MAX_AGE.as_millis() as usize / 10 + 1;
        assert_eq!(kept(&cache), newest);
        assert_eq!(cache.ring.len(), newest.next_power_of_two());
    }

    #[test]
    fn a_jump_forgets_what_was_before() {
        let now = Instant::now();
        let mut cache = PacketCache::new(256);
        for id in 0..200 {
            cache.insert(packet(id, now));
        }
        assert!(cache.insert(packet(1 << 40, now)));
        assert_eq!(kept(&cache), 1);
        cache.clear();
        assert!(cache.get(1 << 40).is_none());
        assert!(cache.insert(packet(3, now)));
    }
}

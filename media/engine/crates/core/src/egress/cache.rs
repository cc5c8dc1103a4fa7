//! Packets of one source stream (a publisher's track, or one simulcast layer of it), kept once for all receivers:
//! what is forwarded this turn and what a NACK may still ask for.

use std::sync::Arc;
use std::time::Instant;

use crate::codec::{Codec, vp8};
use crate::packet::ext::SourceExtensions;
use crate::packet::ntp::NtpTime;

/// Packets kept of a video stream: about 3 s at 2.5 Mbit/s.
pub const VIDEO_CAPACITY: usize = 1024;
/// Packets kept of an audio stream: 5 s at 20 ms.
pub const AUDIO_CAPACITY: usize = 256;

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
            arrival,
            capture: None,
        }
    }
}

/// Ring of the last packets of one source stream, by id.
#[derive(Debug)]
pub struct PacketCache {
    ring: Vec<Option<SourcePacket>>,
}

impl PacketCache {
    /// `capacity` is rounded up to a power of two.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let mut ring = Vec::new();
        ring.resize_with(capacity.next_power_of_two(), || None);
        Self { ring }
    }

    /// Keep a packet. `false` (and nothing kept) when it is a duplicate or older than what the ring spans.
    pub fn insert(&mut self, packet: SourcePacket) -> bool {
        let _ = packet;
        todo!()
    }

    /// The packet with this id, while it is kept.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&SourcePacket> {
        let _ = (id, &self.ring);
        todo!()
    }

    /// Forget everything (the publisher went or the stream restarted).
    pub fn clear(&mut self) {
        todo!()
    }
}

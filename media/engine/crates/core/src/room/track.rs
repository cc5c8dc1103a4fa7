//! A published track and its layers.

use std::time::{Duration, Instant};

use super::key_frames::KeyFrameRequester;
use super::layers::LayerView;
use super::speakers::Loudness;
use crate::api::{MediaKind, Source};
use crate::codec::Codec;
use crate::egress::cache::{AUDIO_CAPACITY, PacketCache, SourcePacket, VIDEO_CAPACITY};
use crate::egress::munger::StreamId;
use crate::egress::sr::SourceClock;

/// Window of the bitrate measurement.
const RATE_WINDOW: Duration = Duration::from_millis(500);
/// A layer that sent nothing for this long is off.
const LAYER_OFF_AFTER: Duration = Duration::from_millis(1500);

/// One encoding of a track: the only one, or a simulcast layer.
pub struct Layer {
    pub stream: StreamId,
    pub cache: PacketCache,
    pub clock: SourceClock,
    pub key_frames: KeyFrameRequester,
    window_start: Instant,
    window_bytes: u64,
    last_packet: Option<Instant>,
    /// bit/s, smoothed.
    bitrate: u64,
    pixels: u64,
    /// First id and count of packets since the last loss figure, and the highest id ever.
    loss_base: Option<u64>,
    loss_count: u64,
    highest: u64,
}

impl Layer {
    pub fn new(stream: StreamId, kind: MediaKind, now: Instant) -> Layer {
        let capacity = match kind {
            MediaKind::Audio => AUDIO_CAPACITY,
            MediaKind::Video => VIDEO_CAPACITY,
        };
        Layer {
            stream,
            cache: PacketCache::new(capacity),
            clock: SourceClock::default(),
            key_frames: KeyFrameRequester::default(),
            window_start: now,
            window_bytes: 0,
            last_packet: None,
            bitrate: 0,
            pixels: 0,
            loss_base: None,
            loss_count: 0,
            highest: 0,
        }
    }

    /// Measure a packet.
    pub fn observe(&mut self, packet: &SourcePacket) {
        let now = packet.arrival;
        self.loss_base.get_or_insert(packet.id);
        self.loss_count += 1;
        self.highest = self.highest.max(packet.id);
        self.last_packet = Some(now);
        self.window_bytes += packet.payload.len() as u64;
        let elapsed = now.saturating_duration_since(self.window_start);
        if elapsed >= RATE_WINDOW {
            let rate = (self.window_bytes as f64 * 8.0 / elapsed.as_secs_f64()) as u64;
            self.bitrate = if self.bitrate == 0 {
                rate
            } else {
                (self.bitrate * 3 + rate) / 4
            };
            self.window_start = now;
            self.window_bytes = 0;
        }
        if packet.key_frame && packet.codec == Codec::Vp8 {
            self.pixels = vp8_pixels(&packet.payload).unwrap_or(self.pixels);
        }
    }

    /// Packets lost (after repair) and expected since the last call.
    pub fn take_loss(&mut self) -> (u64, u64) {
        let Some(base) = self.loss_base.take() else {
            return (0, 0);
        };
        let expected = (self.highest + 1).saturating_sub(base);
        let lost = expected.saturating_sub(std::mem::take(&mut self.loss_count));
        (lost, expected)
    }

    /// bit/s; 0 while the layer is off. A layer that just began counts as one bit/s.
    pub fn bitrate(&self, now: Instant) -> u64 {
        match self.last_packet {
            Some(at) if now.saturating_duration_since(at) < LAYER_OFF_AFTER => self.bitrate.max(1),
            _ => 0,
        }
    }
}

/// A track of a peer.
pub struct Track {
    pub publisher: usize,
    pub source: Source,
    pub layers: Vec<Layer>,
    /// Known from the first packet on.
    pub codec: Option<Codec>,
    pub muted: bool,
    pub loudness: Loudness,
}

impl Track {
    pub fn kind(&self) -> MediaKind {
        self.source.kind()
    }

    /// The first packet came and the track was told to the control side.
    pub fn is_live(&self) -> bool {
        self.codec.is_some()
    }

    pub fn stream(&self, layer: usize) -> Option<StreamId> {
        self.layers.get(layer).map(|l| l.stream)
    }

    pub fn layer_views(&self, now: Instant) -> Vec<LayerView> {
        let top = self.layers.len().saturating_sub(1);
        let known_top = self.layers.last().map_or(0, |l| l.pixels);
        self.layers
            .iter()
            .enumerate()
            .map(|(index, layer)| LayerView {
                bitrate: layer.bitrate(now),
                // Where the codec does not tell, layers halve each side as browsers do by default.
                pixels: match (layer.pixels, known_top) {
                    (0, 0) => (1280 * 720) >> (2 * (top - index)),
                    (0, full) => full >> (2 * (top - index)),
                    (pixels, _) => pixels,
                },
            })
            .collect()
    }
}

/// Picture size of a VP8 key frame (RFC 6386 §9.1) behind its payload descriptor (RFC 7741 §4.2).
fn vp8_pixels(payload: &[u8]) -> Option<u64> {
    let mut at = 1;
    let first = *payload.first()?;
    if first & 0x80 != 0 {
        let flags = *payload.get(1)?;
        at = 2;
        if flags & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(flags & 0x40 != 0);
        at += usize::from(flags & 0x30 != 0);
    }
    let frame = payload.get(at..at + 10)?;
    if frame[0] & 1 != 0 || frame[3..6] != [0x9d, 0x01, 0x2a] {
        return None;
    }
    let side = |low: u8, high: u8| u64::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Some(side(frame[6], frame[7]) * side(frame[8], frame[9]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp8_key_frame_tells_its_size() {
        let payload = [
            0x90, 0x80, 0x81, 0x02, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02, 0,
        ];
        assert_eq!(vp8_pixels(&payload), Some(1280 * 720));
        for end in 0..payload.len() - 1 {
            let _ = vp8_pixels(&payload[..end]);
        }
    }
}

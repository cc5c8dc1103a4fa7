//! A published track and its layers.

use std::time::{Duration, Instant};

use super::demand::Demand;
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
/// A silent layer is off much sooner when its sender is heard meanwhile: a browser whose estimate falls drops the
/// highest layer and sends the others on, and whoever watches that layer sees a still picture until it is noticed.
const LAYER_OVERTAKEN_AFTER: Duration = Duration::from_millis(350);
/// Pictures of another layer that must have come meanwhile, so that a slow camera is not taken for a dropped layer.
const OVERTAKEN_FRAMES: u32 = 5;
/// Packets that are missing after so long a silence will not be repaired in time.
const INTERRUPTION: Duration = Duration::from_millis(500);

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
    last_timestamp: Option<u32>,
    /// Pictures of the lowest other layer since the last packet of this one.
    overtaken: u32,
}

/// What a packet tells of its layer.
struct Observed {
    new_frame: bool,
    interrupted: bool,
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
            last_timestamp: None,
            overtaken: 0,
        }
    }

    /// Measure a packet.
    fn observe(&mut self, packet: &SourcePacket) -> Observed {
        let now = packet.arrival;
        let was_on = self.is_on(now);
        // What is sent again belongs to the past: for seconds it would keep a layer alive that its sender has dropped.
        let advances = self.last_packet.is_none() || packet.id > self.highest;
        let observed = Observed {
            new_frame: advances && self.last_timestamp != Some(packet.timestamp),
            interrupted: packet.id > self.highest + 1
                && self
                    .last_packet
                    .is_some_and(|at| now.saturating_duration_since(at) >= INTERRUPTION),
        };
        if advances {
            self.last_timestamp = Some(packet.timestamp);
            self.overtaken = 0;
            self.last_packet = Some(now);
        }
        self.loss_base.get_or_insert(packet.id);
        self.loss_count += 1;
        self.highest = self.highest.max(packet.id);
        if !was_on {
            // The silence is no part of its rate: a layer that comes back counts as what it was.
            self.window_start = now;
            self.window_bytes = 0;
        }
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
        observed
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
        if self.is_on(now) {
            self.bitrate.max(1)
        } else {
            0
        }
    }

    fn is_on(&self, now: Instant) -> bool {
        self.last_packet.is_some_and(|at| {
            let silence = now.saturating_duration_since(at);
            let overtaken = self.overtaken >= OVERTAKEN_FRAMES && silence >= LAYER_OVERTAKEN_AFTER;
            silence < LAYER_OFF_AFTER && !overtaken
        })
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
    /// Names of the layers, lowest first; empty without simulcast.
    pub rids: Vec<String>,
    pub demand: Demand,
    /// Layers that were on at the last tick, one bit each.
    on: u32,
}

impl Track {
    pub fn new(
        publisher: usize,
        source: Source,
        layers: Vec<Layer>,
        rids: Vec<String>,
        muted: bool,
    ) -> Track {
        Track {
            publisher,
            source,
            layers,
            codec: None,
            muted,
            loudness: Loudness::default(),
            rids,
            demand: Demand::default(),
            on: 0,
        }
    }

    /// Measure a packet of a layer. True when the stream was interrupted for so long that only a key frame helps
    /// those who watch it.
    pub fn observe(&mut self, layer: usize, packet: &SourcePacket) -> bool {
        let Some(sender) = self.layers.get_mut(layer) else {
            return false;
        };
        let observed = sender.observe(packet);
        if observed.new_frame {
            let others = self.layers.iter_mut().enumerate();
            for (other, silent) in others.filter(|(other, _)| *other != layer) {
                // The lowest layer is the last that a sender drops, and has the fewest pictures.
                if layer == usize::from(other == 0) {
                    silent.overtaken = silent.overtaken.saturating_add(1);
                }
            }
        }
        observed.interrupted && !packet.key_frame && packet.codec.is_video()
    }

    /// Whether a layer went off since the last call.
    pub fn lost_a_layer(&mut self, now: Instant) -> bool {
        let layers = self.layers.iter().enumerate();
        let on = layers.fold(0, |on, (index, layer)| {
            on | (u32::from(layer.is_on(now)) << index)
        });
        let lost = self.on & !on != 0;
        self.on = on;
        lost
    }

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
        let known = self.layers.iter().enumerate().rfind(|(_, l)| l.pixels > 0);
        let (reference, pixels) = known.map_or((top, 1280 * 720), |(at, l)| (at, l.pixels));
        self.layers
            .iter()
            .enumerate()
            .map(|(index, layer)| LayerView {
                bitrate: layer.bitrate(now),
                // Where nothing tells (another codec, a layer never sent), layers halve each side as browsers do by
                // default.
                pixels: match layer.pixels {
                    0 if index > reference => pixels << (2 * (index - reference)).min(16),
                    0 => pixels >> (2 * (reference - index)).min(63),
                    pixels => pixels,
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
    fn a_dropped_layer_is_off_though_it_is_still_repaired() {
        let start = Instant::now();
        let layer = |stream| Layer::new(StreamId(stream), MediaKind::Video, start);
        let rids = vec!["q".to_owned(), "f".to_owned()];
        let mut track = Track::new(0, Source::Camera, vec![layer(0), layer(1)], rids, false);
        let packet = |id: u64, at| {
            let payload = vec![1; 100].into();
            SourcePacket::new(id, Codec::Vp8, id as u32 * 3000, true, payload, at)
        };
        let mut now = start;
        for id in 0..20 {
            track.observe(0, &packet(id, now));
            track.observe(1, &packet(2 * id, now));
            now += Duration::from_millis(66);
        }
        assert!(track.layers[1].is_on(now));
        for id in 20..27 {
            track.observe(0, &packet(id, now));
            track.observe(1, &packet(2 * (id - 10) + 1, now));
            now += Duration::from_millis(66);
        }
        assert!(track.layers[0].is_on(now));
        assert!(!track.layers[1].is_on(now));
    }

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

//! The media of the benchmark: 50 audio packets/s and 30 video frames/s, with checkable payloads.
//!
//! Video frames vary in size and are cut about evenly with the longer packets last, as libwebrtc
//! does (`RtpPacketizer::SplitAboutEqually`), so runs of equal packets are as long as a browser's.

use std::time::Duration;

/// Bit rate of the video, so that audio and video are about 213 packets/s.
pub const VIDEO_BITS_PER_S: u64 = 1_500_000;
pub const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
pub const VIDEO_INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// Senders do not all burst at the same moment.
pub fn sender_phase(index: usize) -> Duration {
    Duration::from_micros(index as u64 * 7_919 % 33_000)
}

/// Opus at 32 kbit/s.
const AUDIO_BYTES: usize = 80;
/// Largest RTP payload: 1,200 byte packets less header and extensions.
const MAX_VIDEO_PAYLOAD: usize = 1_160;
/// A key frame every so many frames, besides those asked for.
const KEY_FRAME_EVERY: u32 = 300;
/// Bytes before the checked part of a video payload: descriptor and, in the first packet of a
/// frame, the frame's own header. A forwarder may rewrite the descriptor.
const VP8_DESCRIPTOR: usize = 4;
const VP8_KEY_HEADER: usize = 10;
const OPUS_TOC: u8 = 0x78;
const INDEX_BYTES: usize = 8;

/// Small, seeded, good enough to tell a damaged payload from a whole one.
fn mix(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn fill(out: &mut [u8], index: u64) {
    out[..INDEX_BYTES].copy_from_slice(&index.to_be_bytes());
    let mut state = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for chunk in out[INDEX_BYTES..].chunks_mut(8) {
        let word = mix(&mut state).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

fn filled(body: &[u8]) -> Option<u64> {
    let index = u64::from_be_bytes(body.get(..INDEX_BYTES)?.try_into().ok()?);
    let mut state = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let whole = body[INDEX_BYTES..].chunks(8).all(|chunk| {
        let word = mix(&mut state).to_le_bytes();
        chunk == &word[..chunk.len()]
    });
    whole.then_some(index)
}

/// Check an Opus payload of [`Source::audio`] and return its index.
pub fn check_audio(payload: &[u8]) -> Option<u64> {
    (payload.len() == AUDIO_BYTES && payload[0] == OPUS_TOC).then(|| filled(&payload[1..]))?
}

/// Check a VP8 payload of [`Source::video`] and return its index.
pub fn check_video(payload: &[u8]) -> Option<u64> {
    let start = payload.first()? & 0x10 != 0;
    let header = if start { VP8_KEY_HEADER } else { 0 };
    filled(payload.get(VP8_DESCRIPTOR + header..)?)
}

/// One packet to send, before its RTP header.
#[derive(Debug, Clone)]
pub struct Payload {
    pub video: bool,
    pub marker: bool,
    /// In the stream's clock rate (RFC 7587: 48 kHz, RFC 7741: 90 kHz).
    pub timestamp: u32,
    pub bytes: Vec<u8>,
}

/// The media of one sender.
pub struct Source {
    random: u64,
    audio_index: u64,
    video_index: u64,
    frames: u32,
    key_frame_wanted: bool,
}

impl Source {
    pub fn new(seed: u64) -> Self {
        Self {
            random: seed.wrapping_mul(0xD134_2543_DE82_EF95) | 1,
            audio_index: 0,
            video_index: 0,
            frames: 0,
            key_frame_wanted: true,
        }
    }

    /// The next frame is a key frame.
    pub fn want_key_frame(&mut self) {
        self.key_frame_wanted = true;
    }

    pub fn audio(&mut self) -> Payload {
        let mut bytes = vec![OPUS_TOC; AUDIO_BYTES];
        fill(&mut bytes[1..], self.audio_index);
        let timestamp = (self.audio_index as u32).wrapping_mul(960);
        self.audio_index += 1;
        Payload {
            video: false,
            marker: false,
            timestamp,
            bytes,
        }
    }

    /// The packets of the next frame.
    pub fn video(&mut self, out: &mut Vec<Payload>) {
        let key = self.key_frame_wanted || self.frames.is_multiple_of(KEY_FRAME_EVERY);
        self.key_frame_wanted = false;
        let mean = VIDEO_BITS_PER_S / 8 / 30;
        // 70 to 130 % of the mean; a key frame is three times as large.
        let mut size = mean * (70 + mix(&mut self.random) % 61) / 100;
        if key {
            size *= 3;
        }
        let packets = (size as usize).div_ceil(MAX_VIDEO_PAYLOAD).max(1);
        let (each, longer) = (size as usize / packets, size as usize % packets);
        let timestamp = self.frames.wrapping_mul(3_000);
        for i in 0..packets {
            let len = each + usize::from(i >= packets - longer);
            let bytes = self.packet(len.max(64), i == 0, key);
            out.push(Payload {
                video: true,
                marker: i + 1 == packets,
                timestamp,
                bytes,
            });
        }
        self.frames = self.frames.wrapping_add(1);
    }

    fn packet(&mut self, len: usize, start: bool, key: bool) -> Vec<u8> {
        let mut bytes = vec![0; len];
        // RFC 7741 section 4.2: X, S at the start of the frame; I with a 15-bit picture id.
        bytes[0] = 0x80 | if start { 0x10 } else { 0 };
        bytes[1] = 0x80;
        let picture = 0x8000 | (self.frames & 0x7fff) as u16;
        bytes[2..4].copy_from_slice(&picture.to_be_bytes());
        let mut body = VP8_DESCRIPTOR;
        if start {
            // RFC 6386 section 9.1: frame tag (bit 0 clear: key frame), start code, 1280 by 720.
            let tag = if key { 0x10 } else { 0x11 };
            let header = [tag, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02];
            bytes[body..body + VP8_KEY_HEADER].copy_from_slice(&header);
            body += VP8_KEY_HEADER;
        }
        fill(&mut bytes[body..], self.video_index);
        self.video_index += 1;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_recognised_and_damage_is_not() {
        let mut source = Source::new(1);
        let audio = source.audio();
        assert_eq!(check_audio(&audio.bytes), Some(0));
        let mut frame = Vec::new();
        source.video(&mut frame);
        source.video(&mut frame);
        for (index, packet) in frame.iter_mut().enumerate() {
            assert_eq!(check_video(&packet.bytes), Some(index as u64));
            packet.bytes[2] = 0x81;
            assert_eq!(
                check_video(&packet.bytes),
                Some(index as u64),
                "descriptor is not checked"
            );
            *packet.bytes.last_mut().unwrap() ^= 1;
            assert_eq!(check_video(&packet.bytes), None);
        }
    }

    #[test]
    fn a_second_is_the_bitrate_asked_for() {
        let mut source = Source::new(7);
        let mut frames = Vec::new();
        (0..301).for_each(|_| source.video(&mut frames));
        let bits = frames.iter().map(|p| p.bytes.len() * 8).sum::<usize>() / 10;
        assert!((1_400_000..1_600_000).contains(&bits), "{bits}");
        assert!(frames.iter().all(|p| p.bytes.len() <= MAX_VIDEO_PAYLOAD));
    }
}

//! One sender: audio and video as a browser packs them, one datagram each.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine_core::srtp::{DtlsRole, MAX_RTCP_OVERHEAD, MAX_RTP_OVERHEAD, SrtpReceiver, SrtpSender};
use engine_runtime::net::{Message, SendBatch, UdpPort};

use super::protocol::Counts;
use super::rtp;
use crate::media::{AUDIO_INTERVAL, Payload, Source, VIDEO_INTERVAL, sender_phase};
use crate::sdp::{AUDIO_MID, AUDIO_PAYLOAD_TYPE, VIDEO_MID, VIDEO_PAYLOAD_TYPE, extension};
use crate::transport::{Outbox, Transport};

const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Seconds from 1900 to 1970 (RFC 5905 section 6).
const NTP_OFFSET: u64 = 2_208_988_800;

struct Stream {
    ssrc: u32,
    sequence: u32,
    packets: u32,
    octets: u32,
    timestamp: u32,
}

pub struct Sender {
    pub port: UdpPort,
    pub transport: Transport,
    pub told_connected: bool,
    source: Source,
    srtp: Option<(SrtpSender, SrtpReceiver)>,
    audio: Stream,
    video: Stream,
    transport_sequence: u16,
    next_audio: Instant,
    next_video: Instant,
    next_report: Instant,
    phase: Duration,
    /// Between audio packets and between video frames.
    intervals: (Duration, Duration),
    packets: u64,
    bytes: u64,
    key_frames_asked: u64,
    frame: Vec<Payload>,
    buffer: Vec<u8>,
    messages: Vec<Message>,
}

impl Sender {
    pub fn new(id: usize, port: UdpPort, transport: Transport, now: Instant) -> Self {
        let stream = |base: u32| Stream {
            ssrc: base + id as u32,
            sequence: 1_000,
            packets: 0,
            octets: 0,
            timestamp: 0,
        };
        Self {
            port,
            transport,
            told_connected: false,
            source: Source::new(id as u64 + 1),
            srtp: None,
            audio: stream(0x0a00_0000),
            video: stream(0x0b00_0000),
            transport_sequence: 0,
            next_audio: now,
            next_video: now,
            next_report: now,
            phase: sender_phase(id),
            intervals: (AUDIO_INTERVAL, VIDEO_INTERVAL),
            packets: 0,
            bytes: 0,
            key_frames_asked: 0,
            frame: Vec::new(),
            buffer: Vec::new(),
            messages: Vec::new(),
        }
    }

    pub fn ssrcs(&self) -> (u32, u32) {
        (self.audio.ssrc, self.video.ssrc)
    }

    pub fn mark(&mut self) {
        (self.packets, self.bytes, self.key_frames_asked) = (0, 0, 0);
    }

    pub fn add_to(&self, counts: &mut Counts) {
        counts.packets += self.packets;
        counts.bytes += self.bytes;
        counts.key_frames_asked += self.key_frames_asked;
    }

    /// `speed`: how many times faster than life.
    pub fn start(&mut self, now: Instant, speed: f64) {
        self.intervals = (AUDIO_INTERVAL.div_f64(speed), VIDEO_INTERVAL.div_f64(speed));
        self.next_audio = now + self.phase;
        self.next_video = now + self.phase;
        self.next_report = now + self.phase;
    }

    /// When [`send`](Self::send) is next due.
    pub fn due(&self) -> Instant {
        self.next_audio.min(self.next_video)
    }

    /// Send what is due.
    pub fn send(&mut self, now: Instant, batch: &mut SendBatch) {
        self.open_srtp();
        if self.srtp.is_none() {
            return;
        }
        while self.next_audio <= now {
            self.next_audio += self.intervals.0;
            let packet = self.source.audio();
            self.append(&packet);
        }
        while self.next_video <= now {
            self.next_video += self.intervals.1;
            let mut frame = std::mem::take(&mut self.frame);
            frame.clear();
            self.source.video(&mut frame);
            frame.iter().for_each(|packet| self.append(packet));
            self.frame = frame;
        }
        self.packets += self.messages.len() as u64;
        self.bytes += self.buffer.len() as u64;
        if now >= self.next_report {
            self.next_report = now + REPORT_INTERVAL;
            self.append_reports();
        }
        batch.send(&self.port, &self.buffer, &self.messages);
        self.buffer.clear();
        self.messages.clear();
    }

    fn append(&mut self, packet: &Payload) {
        let Some(destination) = self.transport.connected() else {
            return;
        };
        let Some((srtp, _)) = &mut self.srtp else {
            return;
        };
        let stream = if packet.video {
            &mut self.video
        } else {
            &mut self.audio
        };
        let (payload_type, mid) = if packet.video {
            (VIDEO_PAYLOAD_TYPE, VIDEO_MID)
        } else {
            (AUDIO_PAYLOAD_TYPE, AUDIO_MID)
        };
        let number = self.transport_sequence.to_be_bytes();
        self.transport_sequence = self.transport_sequence.wrapping_add(1);
        let send_time = abs_send_time();
        let extensions: [(u8, &[u8]); 4] = [
            (extension::MID, mid.as_bytes()),
            (extension::ABS_SEND_TIME, &send_time),
            (extension::TRANSPORT_CC, &number),
            // Voice, -30 dBov (RFC 6464).
            (extension::AUDIO_LEVEL, &[0x80 | 30]),
        ];
        let used = if packet.video { 3 } else { 4 };
        let fields = rtp::Fields {
            marker: packet.marker,
            payload_type,
            sequence: stream.sequence as u16,
            timestamp: packet.timestamp,
            ssrc: stream.ssrc,
            extensions: &extensions[..used],
            payload: &packet.bytes,
        };
        let start = self.buffer.len();
        let header = rtp::write(&mut self.buffer, &fields);
        let length = self.buffer.len() - start;
        self.buffer.resize(start + length + MAX_RTP_OVERHEAD, 0);
        let rollover = stream.sequence >> 16;
        let protected = srtp
            .protect_rtp(&mut self.buffer[start..], header, length, rollover)
            .expect("SRTP of a packet of ours");
        self.buffer.truncate(start + protected);
        self.messages
            .push(Message::datagram(destination, start, protected));
        stream.sequence += 1;
        stream.packets += 1;
        stream.octets += packet.bytes.len() as u32;
        stream.timestamp = packet.timestamp;
    }

    /// Sender reports (RFC 3550 section 6.4.1) with a CNAME each.
    fn append_reports(&mut self) {
        let Some(destination) = self.transport.connected() else {
            return;
        };
        let Some((srtp, _)) = &mut self.srtp else {
            return;
        };
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = since.as_secs() + NTP_OFFSET;
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        for stream in [&self.audio, &self.video] {
            if stream.packets == 0 {
                continue;
            }
            let start = self.buffer.len();
            let out = &mut self.buffer;
            out.extend([0x80, 200, 0, 6]);
            out.extend(stream.ssrc.to_be_bytes());
            out.extend((seconds as u32).to_be_bytes());
            out.extend((fraction as u32).to_be_bytes());
            out.extend(stream.timestamp.to_be_bytes());
            out.extend(stream.packets.to_be_bytes());
            out.extend(stream.octets.to_be_bytes());
            out.extend([0x81, 202, 0, 3]);
            out.extend(stream.ssrc.to_be_bytes());
            out.extend(*b"\x01\x05bench\0");
            let length = out.len() - start;
            out.resize(start + length + MAX_RTCP_OVERHEAD, 0);
            let protected = srtp.protect_rtcp(&mut out[start..], length).expect("SRTCP");
            out.truncate(start + protected);
            self.messages
                .push(Message::datagram(destination, start, protected));
        }
    }

    /// RTCP from the engine: a picture loss makes a key frame; the rest is not needed here.
    pub fn receive_rtcp(&mut self, data: &mut [u8]) {
        self.open_srtp();
        let Some((_, srtp)) = &mut self.srtp else {
            return;
        };
        let Ok(len) = srtp.unprotect_rtcp(data) else {
            return;
        };
        let mut rest = &data[..len];
        while rest.len() >= 4 {
            let size = 4 + 4 * usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            let Some(packet) = rest.get(..size) else {
                return;
            };
            // Payload-specific feedback (RFC 4585): PLI is format 1, FIR (RFC 5104) is 4.
            if packet[1] == 206 && matches!(packet[0] & 0x1f, 1 | 4) {
                self.key_frames_asked += 1;
                self.source.want_key_frame();
            }
            rest = &rest[size..];
        }
    }

    fn open_srtp(&mut self) {
        if self.srtp.is_none()
            && self.transport.connected().is_some()
            && let Some(keys) = self.transport.keys()
        {
            let profile = rtp::profile(keys.profile);
            let sender = SrtpSender::new(profile, &keys.material, DtlsRole::Client);
            let receiver = SrtpReceiver::new(profile, &keys.material, DtlsRole::Client);
            self.srtp = Some((sender.expect("SRTP keys"), receiver.expect("SRTP keys")));
        }
    }

    pub fn tick(&mut self, now: Instant, out: &mut Outbox) {
        if now >= self.transport.wake() {
            self.transport.tick(now, out);
        }
    }
}

/// 24 bits of NTP time, 6.18 fixed point seconds.
fn abs_send_time() -> [u8; 3] {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = (since.as_secs() & 0x3f) << 18;
    let fraction = (u64::from(since.subsec_nanos()) << 18) / 1_000_000_000;
    let [.., a, b, c] = (seconds | fraction).to_be_bytes();
    [a, b, c]
}

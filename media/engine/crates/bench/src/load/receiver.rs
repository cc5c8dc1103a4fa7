//! One receiver: counts every packet by its header, decrypts and checks a sample.

use std::time::{Duration, Instant};

use engine_core::srtp::{DtlsRole, SrtpReceiver, SrtpSender};
use engine_runtime::net::UdpPort;

use super::feedback::{Arrivals, receiver_report};
use super::protocol::Counts;
use super::rtp::{self, Header};
use super::tracker::Tracker;
use crate::media;
use crate::sdp::ReceiveLines;
use crate::transport::{Outbox, Transport};

/// Chrome's send interval for transport feedback at such rates is 50 to 250 ms.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);
const REPORTS_EVERY: u32 = 10;
const OUR_SSRC: u32 = 0x00be_0001;

pub struct Receiver {
    pub port: UdpPort,
    pub transport: Transport,
    pub told_connected: bool,
    pub told_flowing: bool,
    lines: ReceiveLines,
    streams: Vec<Tracker>,
    arrivals: Arrivals,
    srtp: Option<(SrtpReceiver, SrtpSender)>,
    check_every: u32,
    until_check: u32,
    feedback: bool,
    next_feedback: Instant,
    feedbacks: u32,
    audio: bool,
    video: bool,
    bytes: u64,
    checked: u64,
    wrong: u64,
}

impl Receiver {
    pub fn new(
        port: UdpPort,
        transport: Transport,
        lines: ReceiveLines,
        check_every: u32,
        feedback: bool,
        now: Instant,
    ) -> Self {
        Self {
            port,
            transport,
            told_connected: false,
            told_flowing: false,
            lines,
            streams: Vec::new(),
            arrivals: Arrivals::default(),
            srtp: None,
            check_every,
            until_check: 0,
            feedback,
            next_feedback: now,
            feedbacks: 0,
            audio: false,
            video: false,
            bytes: 0,
            checked: 0,
            wrong: 0,
        }
    }

    pub fn flowing(&self) -> bool {
        self.audio && self.video
    }

    pub fn mark(&mut self) {
        self.streams.iter_mut().for_each(Tracker::mark);
        (self.bytes, self.checked, self.wrong) = (0, 0, 0);
    }

    pub fn add_to(&self, counts: &mut Counts) {
        let packets: u64 = self.streams.iter().map(Tracker::received).sum();
        counts.packets += packets;
        counts.bytes += self.bytes;
        counts.missing += self.streams.iter().map(Tracker::missing).sum::<u64>();
        counts.duplicates += self.streams.iter().map(Tracker::duplicates).sum::<u64>();
        counts.checked += self.checked;
        counts.wrong += self.wrong;
        counts.least = counts.least.min(packets);
        counts.most = counts.most.max(packets);
    }

    /// An SRTP packet (RTCP is not looked at: a receiver of the benchmark needs none of it).
    pub fn receive(&mut self, data: &mut [u8], at_us: u64) {
        let Some(header) = Header::parse(data) else {
            return;
        };
        let video = self.lines.video.contains(&header.payload_type);
        if !video && !self.lines.audio.contains(&header.payload_type) {
            // RTX and padding probes: not part of what is counted.
            return;
        }
        if video {
            self.video = true;
        } else {
            self.audio = true;
        }
        let sequence = header.sequence;
        let new = match self
            .streams
            .iter_mut()
            .find(|stream| stream.ssrc == header.ssrc)
        {
            Some(stream) => stream.receive(sequence),
            None => {
                self.streams.push(Tracker::new(header.ssrc, sequence));
                true
            }
        };
        self.bytes += data.len() as u64;
        if self.feedback
            && let Some(number) = self
                .lines
                .transport_cc
                .and_then(|id| header.extension(data, id))
            && let Ok(number) = number.try_into()
        {
            self.arrivals.note(u16::from_be_bytes(number), at_us);
        }
        if self.check_every > 0 && new {
            if self.until_check == 0 {
                self.until_check = self.check_every;
                self.check(data, video);
            }
            self.until_check -= 1;
        }
    }

    fn check(&mut self, data: &mut [u8], video: bool) {
        self.open_srtp();
        let Some((srtp, _)) = &mut self.srtp else {
            return;
        };
        self.checked += 1;
        let plain = srtp
            .unprotect_rtp(data)
            .ok()
            .and_then(|len| rtp::payload(&data[..len]));
        let right = plain.is_some_and(|payload| {
            let index = if video {
                media::check_video(payload)
            } else {
                media::check_audio(payload)
            };
            index.is_some()
        });
        self.wrong += u64::from(!right);
    }

    fn open_srtp(&mut self) {
        if self.srtp.is_none()
            && let Some(keys) = self.transport.keys()
        {
            let profile = rtp::profile(keys.profile);
            let receiver = SrtpReceiver::new(profile, &keys.material, DtlsRole::Client);
            let sender = SrtpSender::new(profile, &keys.material, DtlsRole::Client);
            self.srtp = Some((receiver.expect("SRTP keys"), sender.expect("SRTP keys")));
        }
    }

    /// ICE keep-alives, DTLS timers and RTCP that are due.
    pub fn tick(&mut self, now: Instant, scratch: &mut Vec<u8>, out: &mut Outbox) {
        if now >= self.transport.wake() {
            self.transport.tick(now, out);
        }
        if !self.feedback || now < self.next_feedback {
            return;
        }
        self.next_feedback = now + FEEDBACK_INTERVAL;
        let Some(destination) = self.transport.connected() else {
            return;
        };
        let Some(media_ssrc) = self.streams.first().map(|stream| stream.ssrc) else {
            return;
        };
        self.open_srtp();
        let Some((_, srtp)) = &mut self.srtp else {
            return;
        };
        scratch.clear();
        if self.feedbacks.is_multiple_of(REPORTS_EVERY) {
            receiver_report(OUR_SSRC, &self.streams, scratch);
        }
        self.feedbacks += 1;
        self.arrivals.write(OUR_SSRC, media_ssrc, scratch);
        if scratch.is_empty() {
            return;
        }
        let length = scratch.len();
        scratch.resize(length + engine_core::srtp::MAX_RTCP_OVERHEAD, 0);
        let protected = srtp.protect_rtcp(scratch, length).expect("SRTCP");
        out.push((destination, scratch[..protected].to_vec()));
    }
}

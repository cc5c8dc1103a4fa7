//! One peer connection of a synthetic peer: a socket of its own, str0m as the client, its tracks or receive slots.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use engine_core::codec::red;
use str0m::bwe::{Bitrate, BweKind};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{
    Direction, KeyframeRequestKind, MediaKind, MediaTime, Mid, Simulcast, SimulcastLayer,
};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::receive::{AudioCounter, Frame, VideoAssembler};
use crate::record::{Reception, TransportReport};
use crate::send::{Due, SILENCE, SendTrack};

/// What a browser begins with (libwebrtc's start bitrate).
const START_BITRATE: u64 = 300_000;
/// Receivers look at their gaps this often when nothing arrives.
const GAP_CHECK: Duration = Duration::from_millis(50);
const STATS_INTERVAL: Duration = Duration::from_secs(1);
/// Packets kept for retransmission, and how long.
const SENT_KEPT: (usize, Duration) = (2_000, Duration::from_secs(3));
/// Retransmissions among all packets, at most.
const SENT_AGAIN: f32 = 0.4;
const AUDIO_CLOCK: f64 = 48_000.0;
const VIDEO_CLOCK: f64 = 90_000.0;

/// What came in, before anybody asked whose it is.
pub struct Arrived {
    pub mid: Mid,
    pub video: bool,
    pub at: Instant,
    pub sequence: u64,
    pub key: bool,
    pub data: Vec<u8>,
}

enum Receiver {
    Video(VideoAssembler, Option<Ssrc>),
    Audio(AudioCounter),
}

pub struct Transport {
    pub peer: String,
    pub socket: UdpSocket,
    pub next: Instant,
    pub tracks: Vec<(Mid, SendTrack)>,
    pub report: TransportReport,
    local: SocketAddr,
    rtc: Rtc,
    pending: Option<SdpPendingOffer>,
    receivers: HashMap<Mid, Receiver>,
    receptions: HashMap<Mid, Reception>,
    mids: HashMap<Ssrc, Mid>,
    frames: Vec<Frame>,
    due: Vec<Due>,
    epoch: Instant,
}

/// A description the client cannot take; the text says why.
#[derive(Debug)]
pub struct Refused(pub String);

impl Transport {
    pub fn new(
        peer: String,
        publish: bool,
        ip: IpAddr,
        config: RtcConfig,
        now: Instant,
        now_us: u64,
    ) -> io::Result<Transport> {
        let socket = UdpSocket::bind((ip, 0))?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let config = config
            .clear_codecs()
            .enable_opus(true, true)
            .enable_vp8(true)
            .set_stats_interval(Some(STATS_INTERVAL));
        let mut rtc = if publish {
            config.enable_bwe(Some(Bitrate::bps(START_BITRATE)))
        } else {
            config.set_rtp_mode(true)
        }
        .build(now);
        rtc.add_local_candidate(Candidate::host(local, "udp").map_err(io::Error::other)?);
        let report = TransportReport {
            peer: peer.clone(),
            publish,
            began_us: now_us,
            alive: true,
            ..TransportReport::default()
        };
        Ok(Transport {
            peer,
            socket,
            next: now,
            tracks: Vec::new(),
            report,
            local,
            rtc,
            pending: None,
            receivers: HashMap::new(),
            receptions: HashMap::new(),
            mids: HashMap::new(),
            frames: Vec::new(),
            due: Vec::new(),
            epoch: now,
        })
    }

    /// The offer of a publish transport, and the m-line of every source.
    pub fn offer(
        &mut self,
        tracks: Vec<SendTrack>,
    ) -> Result<(String, Vec<(String, String)>), Refused> {
        let mut api = self.rtc.sdp_api();
        let mut lines = Vec::new();
        for track in tracks {
            let kind = if track.clip.video {
                MediaKind::Video
            } else {
                MediaKind::Audio
            };
            let rids = track.clip.layers.iter().filter_map(|l| l.rid.as_deref());
            let simulcast = track.clip.simulcast().then(|| Simulcast {
                send: rids.map(SimulcastLayer::new).collect(),
                recv: Vec::new(),
            });
            let mid = api.add_media(kind, Direction::SendOnly, None, None, simulcast);
            lines.push((mid.to_string(), track.source.clone()));
            self.tracks.push((mid, track));
        }
        let (offer, pending) = api
            .apply()
            .ok_or_else(|| Refused("nothing to offer".to_owned()))?;
        self.pending = Some(pending);
        self.probe_for_wanted();
        Ok((offer.to_sdp_string(), lines))
    }

    /// The library looks for as much bandwidth as everything wanted takes, and no more.
    fn probe_for_wanted(&mut self) {
        let wanted: u64 = self.tracks.iter().map(|(_, track)| track.wanted()).sum();
        self.rtc
            .bwe()
            .set_bitrate(Bitrate::bps(0), Bitrate::bps(wanted * 6 / 5));
    }

    /// These layers of a source are wanted by somebody.
    pub fn want(&mut self, source: &str, rids: &[String], now: Instant) {
        let mut changed = false;
        for (_, track) in &mut self.tracks {
            changed |= track.source == source && track.want(rids, now);
        }
        if changed {
            self.probe_for_wanted();
            self.next = now;
        }
    }

    pub fn accept(&mut self, sdp: &str) -> Result<(), Refused> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|e| Refused(e.to_string()))?;
        let pending = self
            .pending
            .take()
            .ok_or_else(|| Refused("no offer waits".to_owned()))?;
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        accepted.map_err(|e| Refused(e.to_string()))
    }

    /// The answer to the server's offer of a subscribe transport.
    pub fn answer(&mut self, sdp: &str) -> Result<String, Refused> {
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|e| Refused(e.to_string()))?;
        let answer = self.rtc.sdp_api().accept_offer(offer);
        Ok(answer.map_err(|e| Refused(e.to_string()))?.to_sdp_string())
    }

    pub fn receive(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        self.report.bytes_received += datagram.len() as u64;
        // What is neither STUN, DTLS nor SRTP is not for us.
        if let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, datagram) {
            self.input(Input::Receive(now, receive));
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if self.report.alive && self.rtc.handle_input(input).is_err() {
            self.report.alive = false;
        }
    }

    pub fn tick(&mut self, now: Instant) {
        self.input(Input::Timeout(now));
    }

    /// Send what is due.
    pub fn send_due(&mut self, now: Instant, now_us: u64, out: &mut Vec<Arrived>) {
        if self.report.connected_us.is_none() || !self.report.alive {
            return;
        }
        for number in 0..self.tracks.len() {
            let mut due = std::mem::take(&mut self.due);
            self.tracks[number].1.take_due(now, &mut due);
            for one in due.drain(..) {
                self.write(number, &one, now, now_us);
                // Each frame is packetised before the next is written.
                self.input(Input::Timeout(now));
                self.drain(now, now_us, out);
            }
            self.due = due;
        }
    }

    fn write(&mut self, number: usize, due: &Due, now: Instant, now_us: u64) {
        let (mid, track) = &mut self.tracks[number];
        let Some(mut writer) = self.rtc.writer(*mid) else {
            return;
        };
        let Some(pt) = writer.payload_params().next().map(|params| params.pt()) else {
            return;
        };
        if let Some(rid) = &due.rid {
            writer = writer.rid(rid.as_str().into());
        }
        if !track.clip.video {
            writer = writer.audio_level(track.audio_level, track.audio_level > SILENCE);
        }
        // All layers of a picture carry its capture time.
        let time = MediaTime::from_micros((now - self.epoch).as_micros() as u64);
        let frame = std::sync::Arc::clone(&due.frame);
        if writer.write(pt, now, time, frame).is_ok() {
            self.report.frames_sent += 1;
            track.sent(due, now_us);
        }
    }

    /// Take out what str0m has: datagrams go to the socket, frames to `out`.
    pub fn drain(&mut self, now: Instant, now_us: u64, out: &mut Vec<Arrived>) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.next = at;
                    break;
                }
                Ok(Output::Transmit(transmit)) => {
                    if transmit.proto != Protocol::Udp {
                        continue;
                    }
                    self.report.bytes_sent += transmit.contents.len() as u64;
                    self.report.packets_sent += 1;
                    // A full socket buffer is loss like any other.
                    let _ = self
                        .socket
                        .send_to(&transmit.contents, transmit.destination);
                }
                Ok(Output::Event(event)) => self.event(event, now, now_us, out),
                Err(_) => {
                    self.report.alive = false;
                    break;
                }
            }
        }
        if let Some(due) = self.next_due() {
            self.next = self.next.min(due);
        }
        if !self.receivers.is_empty() {
            self.next = self.next.min(now + GAP_CHECK);
        }
        if !self.report.alive {
            self.next = now + Duration::from_secs(3600);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.report.connected_us?;
        self.tracks.iter().filter_map(|(_, t)| t.next_due()).min()
    }

    fn event(&mut self, event: Event, now: Instant, now_us: u64, out: &mut Vec<Arrived>) {
        match event {
            Event::Connected => {
                self.report.connected_us.get_or_insert(now_us);
                self.answer_nacks();
                for (_, track) in &mut self.tracks {
                    track.restart(now);
                }
            }
            Event::RtpPacket(packet) => self.packet(packet, now, out),
            Event::KeyframeRequest(request) => {
                self.report.key_frames_asked += 1;
                for (mid, track) in &mut self.tracks {
                    if *mid == request.mid {
                        track.key_frame(request.rid.as_deref());
                    }
                }
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                let estimate = estimate.as_u64();
                self.report.estimate = Some(estimate);
                for (_, track) in &mut self.tracks {
                    track.fit(estimate, now);
                }
            }
            Event::PeerStats(stats) => {
                self.report.egress_loss = stats.egress_loss_fraction;
                if let Some(rtt) = stats.rtt {
                    self.report.rtt_ms = Some(rtt.as_secs_f64() * 1000.0);
                }
            }
            Event::MediaIngressStats(stats) => {
                if let Some(reception) = self.receptions.get_mut(&stats.mid) {
                    reception.nacks = stats.nacks;
                    reception.plis = stats.plis;
                    let clock = if reception.video {
                        VIDEO_CLOCK
                    } else {
                        AUDIO_CLOCK
                    };
                    reception.jitter_ms = f64::from(stats.jitter) / clock * 1000.0;
                }
            }
            _ => {}
        }
    }

    /// The library gives up retransmissions beyond 15 % of what is sent. A browser sends more of them, but none twice
    /// within a round trip, and within its estimate (libwebrtc: `RtpPacketHistory`, `RateLimiter`).
    fn answer_nacks(&mut self) {
        let (packets, age) = SENT_KEPT;
        let mut api = self.rtc.direct_api();
        for (mid, track) in &self.tracks {
            for layer in &track.clip.layers {
                let rid = layer.rid.as_deref().map(Into::into);
                if let Some(stream) = api.stream_tx_by_mid(*mid, rid) {
                    stream.set_rtx_cache(packets, age, Some(SENT_AGAIN));
                }
            }
        }
    }

    fn packet(&mut self, packet: RtpPacket, now: Instant, out: &mut Vec<Arrived>) {
        let ssrc = packet.header.ssrc;
        let mid = match self.mids.get(&ssrc) {
            Some(mid) => *mid,
            None => {
                let mut api = self.rtc.direct_api();
                let Some(stream) = api.stream_rx(&ssrc) else {
                    return;
                };
                let mid = stream.mid();
                self.mids.insert(ssrc, mid);
                mid
            }
        };
        let video = self
            .rtc
            .media(mid)
            .is_some_and(|media| media.kind() == MediaKind::Video);
        let reception = self.receptions.entry(mid).or_insert_with(|| Reception {
            mid: mid.to_string(),
            video,
            ..Reception::default()
        });
        reception.packets += 1;
        reception.bytes += packet.payload.len() as u64;
        let sequence = *packet.seq_no;
        let receiver = self.receivers.entry(mid).or_insert_with(|| {
            if video {
                Receiver::Video(VideoAssembler::default(), Some(ssrc))
            } else {
                Receiver::Audio(AudioCounter::default())
            }
        });
        match receiver {
            Receiver::Audio(counter) => {
                let payload = &packet.payload;
                let read =
                    (*packet.header.payload_type == red::PAYLOAD_TYPE).then(|| red::parse(payload));
                let (previous, primary) = match read {
                    Some(Some(read)) => (read.previous.map(|(_, block)| block), read.primary),
                    Some(None) => return,
                    None => (None, &payload[..]),
                };
                let blocks = [
                    (sequence.wrapping_sub(1), previous),
                    (sequence, Some(primary)),
                ];
                for (sequence, block) in blocks {
                    if let Some(block) = block.filter(|block| !block.is_empty())
                        && counter.push(sequence)
                    {
                        out.push(Arrived {
                            mid,
                            video,
                            at: now,
                            sequence,
                            key: false,
                            data: block.to_vec(),
                        });
                    }
                }
            }
            Receiver::Video(assembler, _) => {
                let content = (
                    packet.header.marker,
                    packet.header.timestamp,
                    packet.payload,
                );
                assembler.push(now, sequence, content, &mut self.frames);
                for frame in self.frames.drain(..) {
                    out.push(Arrived {
                        mid,
                        video,
                        at: now,
                        sequence: frame.sequence,
                        key: frame.key,
                        data: frame.data,
                    });
                }
            }
        }
    }

    /// Ask for key frames where a gap stayed.
    pub fn check_gaps(&mut self, now: Instant) {
        for receiver in self.receivers.values_mut() {
            if let Receiver::Video(assembler, Some(ssrc)) = receiver
                && assembler.wants_key_frame(now)
                && let Some(stream) = self.rtc.direct_api().stream_rx(ssrc)
            {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        }
    }

    pub fn report(&self) -> TransportReport {
        let mut report = self.report.clone();
        for (mid, reception) in &self.receptions {
            let mut reception = reception.clone();
            match self.receivers.get(mid) {
                Some(Receiver::Video(assembler, _)) => {
                    reception.missing = assembler.missing;
                    reception.undecodable = assembler.undecodable;
                }
                Some(Receiver::Audio(counter)) => reception.missing = counter.missing(),
                None => {}
            }
            report.receptions.push(reception);
        }
        report.receptions.sort_by(|a, b| a.mid.cmp(&b.mid));
        report
    }
}

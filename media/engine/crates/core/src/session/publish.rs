//! The publish transport: str0m in RTP mode does ICE, DTLS, SRTP receive, NACK, RTX, transport-wide
//! feedback and simulcast. What comes out is packets bound to a granted source and layer.
//!
//! Over 500 lines because everything that touches the library's `Rtc` stands here and nowhere else.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::SdpOffer;
use str0m::crypto::Sha1HmacProvider;
use str0m::format::{Codec as Str0mCodec, CodecConfig, FormatParams};
use str0m::ice::StunMessage;
use str0m::media::{Frequency, KeyframeRequestKind, Mid, Rid};
use str0m::net::Receive;
use str0m::rtp::{Extension, ExtensionMap, RtpPacket};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

use super::config::{DTLS_MTU, DTLS_VERSION, DatagramSink, TransportConfig};
use super::profile::{ProfileNote, take_note};
use super::sdp::Description;
use super::untaken::Untaken;
use crate::api::{Fault, FaultCode, Protocol, Source};
use crate::codec::{Codec, red};
use crate::egress::cache::SourcePacket;
use crate::packet::demux::{DatagramClass, classify};
use crate::packet::ntp::NtpTime;

/// SSRCs remembered per transport: sources × layers, and as many again for what a browser replaced.
const MAX_STREAMS: usize = 64;
/// Room for a connectivity check written anew, bytes.
const MAX_CHECK: usize = 1024;

/// One sending m-line bound to a granted source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub mid: String,
    pub source: Source,
    /// Simulcast rids, lowest layer first; empty without simulcast.
    pub rids: Vec<String>,
}

/// A packet of a granted source.
pub struct Ingest {
    pub source: Source,
    pub layer: usize,
    pub packet: SourcePacket,
    /// Taken from the redundancy of a later packet: it may have come by itself.
    pub recovered: bool,
}

/// What one poll of the session brought.
#[derive(Default)]
pub struct PublishOutput {
    pub packets: Vec<Ingest>,
    pub reports: Vec<SenderClock>,
    /// Packets of m-lines without a granted source.
    pub outside_grant: u64,
    pub ice: Option<bool>,
    pub dtls_connected: bool,
    pub closed: bool,
}

impl PublishOutput {
    fn clear(&mut self) {
        self.packets.clear();
        self.reports.clear();
        self.outside_grant = 0;
        self.ice = None;
        self.dtls_connected = false;
        self.closed = false;
    }
}

/// A sender report of the publisher (RFC 3550 §6.4.1).
pub struct SenderClock {
    pub source: Source,
    pub layer: usize,
    pub ntp: NtpTime,
    pub rtp_timestamp: u32,
    pub arrival: Instant,
}

struct StreamRoute {
    ssrc: u32,
    target: Option<(Source, usize)>,
}

pub struct PublishSession {
    rtc: Rtc,
    bindings: Vec<Binding>,
    streams: Vec<StreamRoute>,
    codecs: [Option<Codec>; 128],
    /// Payload type of redundant audio.
    redundant: Option<u8>,
    next_timeout: Instant,
    selected: Option<(Protocol, SocketAddr)>,
    profile: ProfileNote,
    pub untaken: Untaken,
    hmac: &'static dyn Sha1HmacProvider,
    /// The browser has checked pairs under these credentials, and nominated none.
    unnominated: bool,
}

impl PublishSession {
    pub fn new(config: &TransportConfig, now: Instant) -> Result<PublishSession, Fault> {
        let mut builder = Rtc::builder()
            .set_crypto_provider(config.crypto.clone())
            .set_dtls_cert(config.certificate.clone())
            .set_dtls_version(DTLS_VERSION)
            .set_mtu(DTLS_MTU..=str0m::DATAGRAM_MTU_WARN)
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_stats_interval(None)
            .clear_codecs()
            .enable_opus(true, true)
            .set_extension_map(publish_extensions());
        for codec in &config.video_codecs {
            enable(builder.codec_config(), *codec);
        }
        let mut rtc = builder.build(now);
        let profile = take_note();
        for candidate in config.candidates()? {
            rtc.add_local_candidate(candidate);
        }
        Ok(PublishSession {
            rtc,
            bindings: Vec::new(),
            streams: Vec::new(),
            codecs: [None; 128],
            redundant: None,
            next_timeout: now,
            selected: None,
            profile,
            untaken: Untaken::default(),
            hmac: config.crypto.sha1_hmac_provider,
            unnominated: true,
        })
    }

    /// Take an offer whose sending m-lines are all in `bindings`, and answer it.
    /// New ICE credentials in it restart ICE (RFC 8445 §9).
    pub fn accept_offer(&mut self, sdp: &str, bindings: Vec<Binding>) -> Result<String, Fault> {
        let bad = |what: &str| Fault::new(FaultCode::BadSdp, what);
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|_| bad("the offer does not parse"))?;
        let credentials = self.local_ufrag();
        let answer = self
            .rtc
            .sdp_api()
            .accept_offer(offer)
            .map_err(|_| bad("the offer is not acceptable"))?;
        self.unnominated |= self.local_ufrag() != credentials;
        self.bindings = bindings;
        self.streams.clear();
        self.codecs = [None; 128];
        self.redundant = None;
        for params in self.rtc.codec_config().params() {
            let codec = match params.spec().codec {
                Str0mCodec::Opus => Codec::Opus,
                Str0mCodec::Vp8 => Codec::Vp8,
                Str0mCodec::H264 => Codec::H264,
                Str0mCodec::Vp9 => Codec::Vp9,
                Str0mCodec::Av1 => Codec::Av1,
                _ => continue,
            };
            if codec == Codec::Opus {
                self.redundant = params.red().map(|pt| *pt);
            }
            for pt in [Some(params.pt()), params.red()].into_iter().flatten() {
                if let Some(entry) = self.codecs.get_mut(usize::from(*pt)) {
                    *entry = Some(codec);
                }
            }
        }
        let resend = self
            .rtc
            .codec_config()
            .params()
            .iter()
            .filter_map(|params| params.resend());
        self.untaken.set_resend_types(resend.map(|pt| *pt));
        Ok(with_redundancy_first(&with_opus_dtx(
            &answer.to_sdp_string(),
        )))
    }

    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Forget a source: its packets are dropped and counted from now on.
    pub fn unbind(&mut self, source: Source) {
        self.bindings.retain(|b| b.source != source);
        self.streams.clear();
    }

    pub fn local_ufrag(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().ufrag
    }

    pub fn selected(&self) -> Option<(Protocol, SocketAddr)> {
        self.selected
    }

    /// IANA name of the negotiated SRTP profile.
    pub fn srtp_profile(&self) -> Option<&'static str> {
        self.profile.profile().map(|p| p.name())
    }

    pub fn add_candidate(&mut self, candidate: Candidate) {
        self.rtc.add_remote_candidate(candidate);
    }

    /// Whether a STUN datagram is for this session and its integrity is right. A nomination in it
    /// moves what we send to where it came from: the browser decides (RFC 8445 §8.1.1).
    pub fn accept_stun(
        &mut self,
        now: Instant,
        protocol: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let Ok(receive) = Receive::new(protocol.to_str0m(), source, destination, datagram) else {
            return false;
        };
        if !self.rtc.accepts(&Input::Receive(now, receive)) {
            return false;
        }
        if StunMessage::parse(datagram).is_ok_and(|message| message.use_candidate()) {
            self.selected = Some((protocol, source));
            self.unnominated = false;
        }
        true
    }

    /// The first check as if it nominated its pair. Before the browser has nominated one, any pair it has
    /// checked will do (RFC 8445 §12.1): it says hello there and may nominate seconds later. The library
    /// waits for the nomination, so it is told so; the browser's own decides later. After a restart, too, we go
    /// there at once: what was selected before is what the browser has lost, and it sends where it checks.
    fn nominated(&mut self, datagram: &[u8], buffer: &mut [u8]) -> Option<usize> {
        let check = StunMessage::parse(datagram).ok()?;
        if !check.is_binding_request() {
            return None;
        }
        let (username, priority, tie) =
            (check.username()?, check.prio()?, check.ice_controlling()?);
        let password = self.rtc.direct_api().local_ice_credentials().pass;
        StunMessage::binding_request(username, check.trans_id(), true, tie, priority, true)
            .to_bytes(Some(password.as_bytes()), buffer, |key, parts| {
                self.hmac.sha1_hmac(key, parts)
            })
            .ok()
    }

    /// Feed one datagram. False when the session cannot go on.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        protocol: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let mut buffer = [0; MAX_CHECK];
        let nominated = if self.unnominated && classify(datagram) == DatagramClass::Stun {
            self.nominated(datagram, &mut buffer)
        } else {
            None
        };
        let datagram = match nominated {
            Some(len) => {
                self.unnominated = false;
                self.selected = Some((protocol, source));
                &buffer[..len]
            }
            None => datagram,
        };
        match Receive::new(protocol.to_str0m(), source, destination, datagram) {
            Ok(receive) => self.rtc.handle_input(Input::Receive(now, receive)).is_ok(),
            Err(_) => true,
        }
    }

    /// False when the session cannot go on.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        self.rtc.handle_input(Input::Timeout(now)).is_ok()
    }

    /// Ask the sender of a layer for a key frame; true when its stream is known.
    pub fn request_key_frame(&mut self, source: Source, layer: usize) -> bool {
        let mut asked = false;
        for route in &self.streams {
            if route.target == Some((source, layer))
                && let Some(stream) = self.rtc.direct_api().stream_rx(&route.ssrc.into())
            {
                stream.request_keyframe(KeyframeRequestKind::Pli);
                asked = true;
            }
        }
        asked
    }

    /// Start the goodbye (RTCP BYE, close_notify); it comes out of the next poll.
    pub fn close(&mut self) {
        let _ = self.rtc.close();
    }

    pub fn poll_timeout(&self) -> Instant {
        self.next_timeout
    }

    /// Drain the library into `output`. False when the session cannot go on.
    pub fn poll(
        &mut self,
        now: Instant,
        sink: &mut dyn DatagramSink,
        output: &mut PublishOutput,
    ) -> bool {
        output.clear();
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.next_timeout = at;
                    return true;
                }
                Ok(Output::Transmit(transmit)) => {
                    let agent = (Protocol::from_str0m(transmit.proto), transmit.destination);
                    // STUN answers go where the request came from, the rest where the browser wants it.
                    let (protocol, destination) = match classify(&transmit.contents) {
                        DatagramClass::Stun => agent,
                        _ => self.selected.unwrap_or(agent),
                    };
                    sink.send(protocol, destination, &transmit.contents);
                }
                Ok(Output::Event(event)) => self.handle_event(now, event, output),
                Err(_) => return false,
            }
        }
    }

    fn handle_event(&mut self, now: Instant, event: Event, output: &mut PublishOutput) {
        match event {
            Event::RtpPacket(packet) => self.handle_packet(now, packet, output),
            Event::SenderFeedback(feedback) => {
                let rid = feedback.rid;
                if let Some((source, layer)) = self.target(feedback.mid, rid) {
                    output.reports.push(SenderClock {
                        source,
                        layer,
                        ntp: NtpTime::from_system_time(feedback.sender_info.ntp_time),
                        rtp_timestamp: feedback.sender_info.rtp_time.numer() as u32,
                        arrival: feedback.received_at,
                    });
                }
            }
            Event::IceConnectionStateChange(state) => match state {
                IceConnectionState::Connected | IceConnectionState::Completed => {
                    output.ice = Some(true);
                }
                IceConnectionState::Disconnected => output.ice = Some(false),
                IceConnectionState::New | IceConnectionState::Checking => {}
            },
            Event::Connected => output.dtls_connected = true,
            Event::Closed => output.closed = true,
            _ => {}
        }
    }

    fn handle_packet(&mut self, now: Instant, rtp: RtpPacket, output: &mut PublishOutput) {
        let ssrc = *rtp.header.ssrc;
        let target = match self.streams.iter().find(|s| s.ssrc == ssrc) {
            Some(route) => route.target,
            None => self.learn_stream(ssrc),
        };
        let Some((source, layer)) = target else {
            output.outside_grant += 1;
            return;
        };
        let codec = self
            .codecs
            .get(usize::from(*rtp.header.payload_type))
            .copied()
            .flatten();
        let Some(codec) = codec.filter(|c| c.is_video() == is_video(source)) else {
            output.outside_grant += 1;
            return;
        };
        let extensions = &rtp.header.ext_vals;
        let audio_level = extensions.audio_level.map(|level| {
            let voice = u8::from(extensions.voice_activity.unwrap_or(false)) << 7;
            voice | (level.unsigned_abs() & 0x7f)
        });
        // The library's numbers are those of the header extension (3GPP TS 26.114 §7.4.5).
        let orientation = extensions.video_orientation.map(|o| o as u8);
        let playout_delay = match (extensions.play_delay_min, extensions.play_delay_max) {
            (Some(min), Some(max)) => Some((centiseconds(min), centiseconds(max))),
            _ => None,
        };
        let (id, timestamp) = (*rtp.seq_no, rtp.header.timestamp);
        let payload = if self.redundant == Some(*rtp.header.payload_type) && !rtp.payload.is_empty()
        {
            let Some(redundant) = red::parse(&rtp.payload) else {
                return;
            };
            if let (Some((offset, block)), Some(before)) = (redundant.previous, id.checked_sub(1)) {
                let timestamp = timestamp.wrapping_sub(offset);
                output.packets.push(Ingest {
                    source,
                    layer,
                    packet: SourcePacket::new(before, codec, timestamp, false, block.into(), now),
                    recovered: true,
                });
            }
            redundant.primary.into()
        } else {
            rtp.payload
        };
        let mut packet = SourcePacket::new(id, codec, timestamp, rtp.header.marker, payload, now);
        packet.extensions.audio_level = audio_level;
        packet.extensions.orientation = orientation;
        packet.extensions.playout_delay = playout_delay;
        output.packets.push(Ingest {
            source,
            layer,
            packet,
            recovered: false,
        });
    }

    fn target(&self, mid: Mid, rid: Option<Rid>) -> Option<(Source, usize)> {
        let binding = self.bindings.iter().find(|b| *mid == *b.mid)?;
        let layer = match rid {
            Some(rid) => binding.rids.iter().position(|r| *rid == **r)?,
            None => 0,
        };
        Some((binding.source, layer))
    }

    fn learn_stream(&mut self, ssrc: u32) -> Option<(Source, usize)> {
        let (mid, rid) = {
            let mut api = self.rtc.direct_api();
            let stream = api.stream_rx(&ssrc.into())?;
            (stream.mid(), stream.rid())
        };
        let target = self.target(mid, rid);
        if self.streams.len() >= MAX_STREAMS {
            self.streams.clear();
        }
        self.streams.push(StreamRoute { ssrc, target });
        target
    }
}

/// Only forms of a codec that the subscribe offer has too: what comes in goes out as it is.
fn enable(codecs: &mut CodecConfig, codec: Codec) {
    let plain = FormatParams::default();
    let (library, rtx, format) = match codec {
        Codec::Opus => return,
        Codec::Vp8 => (Str0mCodec::Vp8, 97, plain),
        Codec::Vp9 => (
            Str0mCodec::Vp9,
            99,
            FormatParams {
                profile_id: Some(0),
                ..plain
            },
        ),
        Codec::Av1 => (Str0mCodec::Av1, 46, plain),
        Codec::H264 => {
            // Constrained baseline, and baseline as which some browsers offer the same encoder.
            codecs.add_h264(102.into(), Some(103.into()), true, 0x42_e01f);
            codecs.add_h264(106.into(), Some(107.into()), true, 0x42_001f);
            return;
        }
    };
    let pt = codec.payload_type().into();
    codecs.add_config(
        pt,
        Some(rtx.into()),
        library,
        Frequency::NINETY_KHZ,
        None,
        format,
    );
}

fn is_video(source: Source) -> bool {
    source.kind() == crate::api::MediaKind::Video
}

/// Playout delay is carried in units of 10 ms.
fn centiseconds(time: str0m::media::MediaTime) -> u16 {
    (time.as_seconds() * 100.0).round().clamp(0.0, 4095.0) as u16
}

fn publish_extensions() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::AudioLevel);
    map.set(2, Extension::AbsoluteSendTime);
    map.set(3, Extension::TransportSequenceNumber);
    map.set(4, Extension::RtpMid);
    map.set(5, Extension::PlayoutDelay);
    map.set(10, Extension::RtpStreamId);
    map.set(11, Extension::RepairedRtpStreamId);
    map.set(13, Extension::VideoOrientation);
    map
}

/// The library takes `usedtx` as part of the match, not as a wish; ask for DTX in the answer's text.
fn with_opus_dtx(answer: &str) -> String {
    let mut out = String::with_capacity(answer.len() + 32);
    for line in answer.split_inclusive('\n') {
        let body = line.trim_end();
        if body.starts_with("a=fmtp:")
            && body.contains("useinbandfec=1")
            && !body.contains("usedtx")
        {
            out.push_str(body);
            out.push_str(";usedtx=1\r\n");
        } else {
            out.push_str(line);
        }
    }
    out
}

/// A browser sends the first codec of the answer: redundant audio (RFC 2198) before the one it repeats. It mends what is
/// lost on the way to us without asking; asked for by NACK it would be repeated under a nonce used before (RFC 7714 §8.4).
fn with_redundancy_first(answer: &str) -> String {
    let mut out = String::with_capacity(answer.len());
    for section in answer.split_inclusive("\r\nm=") {
        let redundant = section.lines().find_map(|line| {
            let (pt, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            name.starts_with("red/48000").then_some(pt)
        });
        let line = section.lines().next().unwrap_or_default();
        let mut words: Vec<&str> = line.split(' ').collect();
        let at = words
            .iter()
            .skip(3)
            .position(|word| Some(*word) == redundant);
        if let Some(at) = at {
            let pt = words.remove(at + 3);
            words.insert(3, pt);
        }
        out.push_str(&words.join(" "));
        out.push_str(&section[line.len()..]);
    }
    out
}

/// Simulcast rids from the lowest layer to the highest. Browsers list them in the order of the page's
/// encodings, lowest first by custom; the customary names of the other order are known.
fn lowest_first(rids: &[String]) -> Vec<String> {
    let descending = match rids.first().map(String::as_str) {
        Some("f" | "high" | "hi") => true,
        Some("h") => rids.iter().any(|rid| rid == "m" || rid == "l"),
        _ => false,
    };
    let mut rids = rids.to_vec();
    if descending {
        rids.reverse();
    }
    rids
}

/// Which m-lines of an offer send, bound to their sources. Refuses what the grant does not cover.
pub fn bind(
    offer: &Description,
    tracks: &[(String, Source)],
    granted: impl Fn(Source) -> bool,
) -> Result<Vec<Binding>, Fault> {
    let outside = |what: &str| Fault::new(FaultCode::OutsideGrant, what);
    let mut bindings: Vec<Binding> = Vec::new();
    for (mid, source) in tracks {
        if !granted(*source) {
            return Err(outside("a source that is not granted"));
        }
        if bindings.iter().any(|b| b.source == *source) {
            return Err(Fault::new(FaultCode::BadArgument, "one source twice"));
        }
        let media =
            offer.media.iter().find(|m| m.mid == *mid).ok_or_else(|| {
                Fault::new(FaultCode::BadArgument, "a mid that is not in the offer")
            })?;
        if media.kind != Some(source.kind()) {
            return Err(Fault::new(
                FaultCode::BadArgument,
                "a source on an m-line of another kind",
            ));
        }
        bindings.push(Binding {
            mid: mid.clone(),
            source: *source,
            rids: lowest_first(&media.send_rids),
        });
    }
    for media in &offer.media {
        let sends = media.kind.is_some() && media.direction.sends() && !media.rejected;
        if sends && !bindings.iter().any(|b| b.mid == media.mid) {
            return Err(outside("a sending m-line without a source"));
        }
    }
    // A bound m-line that does not send any more (inactive, port 0) unpublishes its source.
    bindings.retain(|b| {
        let line = offer.media.iter().find(|m| m.mid == b.mid);
        line.is_some_and(|m| m.direction.sends() && !m.rejected)
    });
    Ok(bindings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_count_from_the_lowest() {
        let order = |rids: &[&str]| {
            let rids: Vec<String> = rids.iter().map(|r| (*r).to_owned()).collect();
            lowest_first(&rids).concat()
        };
        assert_eq!(order(&["q", "h", "f"]), "qhf");
        assert_eq!(order(&["f", "h", "q"]), "qhf");
        assert_eq!(order(&["h", "m", "l"]), "lmh");
        assert_eq!(order(&["l", "m", "h"]), "lmh");
        assert_eq!(order(&["0", "1", "2"]), "012");
        assert_eq!(order(&[]), "");
    }

    #[test]
    fn redundant_audio_is_the_first_choice() {
        let answer = "v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\n\
                      a=rtpmap:63 red/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";
        let first = with_redundancy_first(answer);
        assert_eq!(first, answer.replace("SAVPF 111 63", "SAVPF 63 111"));
        let without = answer.replace(" 63", "").replace("a=rtpmap:63", "a=x");
        assert_eq!(with_redundancy_first(&without), without);
    }

    #[test]
    fn dtx_is_asked_for_once() {
        let answer = "a=fmtp:111 minptime=10;useinbandfec=1\r\na=fmtp:96 x=1\r\n";
        let with = with_opus_dtx(answer);
        assert_eq!(
            with,
            "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\na=fmtp:96 x=1\r\n"
        );
        assert_eq!(with_opus_dtx(&with), with);
    }
}

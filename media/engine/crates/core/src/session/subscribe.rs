//! The subscribe transport: ICE and DTLS in [`Link`], RTP and RTCP by our own egress. Over 500 lines: its slots, what they
//! carry and what a subscriber reports of them change together.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::answer::{Answer, AnswerLine, Sending, read_offer};
use super::config::{DatagramSink, TransportConfig};
use super::link::{Link, LinkEvent};
use super::random::{random_u32, random_u64};
use super::sdp::{Description, Offer, OfferSlot};
use crate::api::{Fault, FaultCode, MediaKind, Protocol};
use crate::bwe::{Bandwidth, BandwidthConfig};
use crate::codec::{Codec, PayloadTypes, red};
use crate::egress::slot::{EgressTransport, Slot, SlotConfig};
use crate::packet::ext::{ExtensionIds, ExtensionLayout};
use crate::packet::rtcp::{self, RtcpPacket, Ssrcs};
use crate::srtp::{SrtpError, SrtpProfile, SrtpReceiver, SrtpSender};

/// NACKed packets answered per RTCP compound; a larger loss is a matter for a key frame.
const MAX_NACKS: usize = 256;

/// One receive slot (m-line) of a subscriber.
pub struct SlotState {
    pub slot: Slot,
    pub kind: MediaKind,
    /// The answer takes the m-line.
    pub enabled: bool,
    /// Codecs the answer takes, by payload type of our table.
    codecs: Vec<Codec>,
    /// Track of the room it carries.
    pub track: Option<usize>,
    /// Not sent for want of bandwidth or because it is not shown.
    pub paused: bool,
    /// The layer it would have if the path carried everything; None for what is not shown.
    pub desired: Option<usize>,
}

impl SlotState {
    /// Whether the receiver can decode the codec.
    pub fn takes_codec(&self, codec: Codec) -> bool {
        self.codecs.contains(&codec)
    }
}

/// What the receiver's RTCP asked for.
#[derive(Default)]
pub struct Feedback {
    /// (slot, own sequence number).
    pub nacks: Vec<(usize, u16)>,
    /// Slots that want a key frame.
    pub key_frames: Vec<usize>,
    /// The bandwidth estimate may have changed.
    pub estimate: bool,
    /// Fraction of packets lost as the last report has it, 0 to 1.
    pub loss: Option<f32>,
}

impl Feedback {
    pub fn clear(&mut self) {
        self.nacks.clear();
        self.key_frames.clear();
        self.estimate = false;
        self.loss = None;
    }
}

/// What one poll of the session brought.
#[derive(Default)]
pub struct SubscribeOutput {
    /// A path was chosen.
    pub selected: bool,
    /// Keys are there: media may flow.
    pub secured: Option<SrtpProfile>,
    pub closed: bool,
    pub failed: Option<&'static str>,
}

pub struct SubscribeSession {
    link: Link,
    pub slots: Vec<SlotState>,
    pub egress: Option<EgressTransport>,
    receiver: Option<SrtpReceiver>,
    destination: Option<(Protocol, SocketAddr)>,
    session_id: u64,
    version: u32,
    /// One clock, one name: all slots are synchronised (RFC 3550 §6.5.1).
    pub cname: String,
    answered: bool,
    /// The m-lines of the receiver's own offer, and the slot each has; empty where we offer.
    lines: Vec<(AnswerLine, Option<usize>)>,
    /// Remote ICE credentials of the last offer we answered.
    remote: Option<(String, String)>,
    /// The receiver left the DTLS handshake to us.
    active: bool,
}

/// What a slot is made from: our own numbers, or those of the receiver's offer.
struct SlotPlan {
    kind: MediaKind,
    mid: String,
    ids: ExtensionIds,
    payload_types: PayloadTypes,
    repairs: bool,
    enabled: bool,
    codecs: Vec<Codec>,
}

impl SubscribeSession {
    pub fn new(
        config: &TransportConfig,
        audio_slots: usize,
        video_slots: usize,
        now: Instant,
    ) -> Result<SubscribeSession, Fault> {
        let kinds = std::iter::repeat_n(MediaKind::Audio, audio_slots)
            .chain(std::iter::repeat_n(MediaKind::Video, video_slots));
        let plans = kinds.enumerate().map(|(index, kind)| SlotPlan {
            kind,
            mid: index.to_string(),
            ids: ExtensionIds::default(),
            payload_types: PayloadTypes::default(),
            repairs: kind == MediaKind::Video,
            enabled: false,
            codecs: Vec::new(),
        });
        SubscribeSession::with_slots(config, plans.collect(), now)
    }

    /// For a receiver that offers: a slot for every m-line it can be sent on, audio before video, at most so many of a
    /// kind. [`Self::accept_offer`] answers.
    pub fn answering(
        config: &TransportConfig,
        sdp: &str,
        audio_slots: usize,
        video_slots: usize,
        now: Instant,
    ) -> Result<SubscribeSession, Fault> {
        let offer =
            Description::parse(sdp).map_err(|fault| Fault::new(FaultCode::BadSdp, fault.0))?;
        let lines = read_offer(&offer, &config.video_codecs, audio_slots, video_slots);
        let mut order: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].taken()).collect();
        if order.is_empty() {
            return Err(Fault::new(FaultCode::BadSdp, "nothing it could receive"));
        }
        order.sort_by_key(|index| lines[*index].kind == Some(MediaKind::Video));
        let plans = order.iter().map(|index| SlotPlan {
            kind: lines[*index].kind.unwrap_or(MediaKind::Video),
            mid: lines[*index].mid.clone(),
            ids: lines[*index].ids,
            payload_types: lines[*index].payload_types(),
            repairs: lines[*index].repairs(),
            enabled: true,
            codecs: lines[*index].codecs(),
        });
        let mut session = SubscribeSession::with_slots(config, plans.collect(), now)?;
        session.lines = lines
            .into_iter()
            .enumerate()
            .map(|(index, line)| (line, order.iter().position(|i| *i == index)))
            .collect();
        Ok(session)
    }

    fn with_slots(
        config: &TransportConfig,
        plans: Vec<SlotPlan>,
        now: Instant,
    ) -> Result<SubscribeSession, Fault> {
        let mut ssrcs: Vec<u32> = Vec::with_capacity(2 * plans.len());
        let mut fresh_ssrc = || loop {
            let ssrc = random_u32();
            if ssrc != 0 && !ssrcs.contains(&ssrc) {
                ssrcs.push(ssrc);
                return ssrc;
            }
        };
        let slots = plans
            .into_iter()
            .map(|plan| {
                let random = random_u64();
                let (layout, clock_rate) = match plan.kind {
                    MediaKind::Audio => (ExtensionLayout::audio(Some(&plan.mid)), 48_000),
                    MediaKind::Video => (ExtensionLayout::video(Some(&plan.mid)), 90_000),
                };
                let rtx_ssrc = plan.repairs.then(&mut fresh_ssrc);
                let slot = Slot::new(SlotConfig {
                    ssrc: fresh_ssrc(),
                    rtx_ssrc,
                    first_sequence: random as u16,
                    rtx_first_sequence: (random >> 16) as u16,
                    first_timestamp: (random >> 32) as u32,
                    clock_rate,
                    layout: layout.with_ids(plan.ids),
                });
                SlotState {
                    slot: slot.with_payload_types(plan.payload_types),
                    kind: plan.kind,
                    enabled: plan.enabled,
                    codecs: plan.codecs,
                    track: None,
                    paused: false,
                    desired: None,
                }
            })
            .collect();
        Ok(SubscribeSession {
            link: Link::new(config, now)?,
            slots,
            egress: None,
            receiver: None,
            destination: None,
            // RFC 8866 §5.2 wants 63 bits.
            session_id: random_u64() >> 1,
            version: 0,
            cname: format!("{:016x}", random_u64()),
            answered: false,
            lines: Vec::new(),
            remote: None,
            active: false,
        })
    }

    pub fn local_ufrag(&self) -> &str {
        &self.link.local_credentials().ufrag
    }

    pub fn restart_ice(&mut self) {
        self.link.restart();
        self.answered = false;
    }

    pub fn destination(&self) -> Option<(Protocol, SocketAddr)> {
        self.destination
    }

    pub fn profile(&self) -> Option<SrtpProfile> {
        self.egress.as_ref().map(|e| e.srtp.profile())
    }

    pub fn offer(&mut self, config: &TransportConfig) -> String {
        self.version += 1;
        let mut pairs = [0, 0];
        let slots: Vec<OfferSlot> = self
            .slots
            .iter()
            .map(|state| {
                let next = &mut pairs[usize::from(state.kind == MediaKind::Video)];
                let pair = *next;
                *next += 1;
                OfferSlot {
                    kind: state.kind,
                    ssrc: state.slot.ssrc(),
                    rtx_ssrc: state.slot.rtx_ssrc(),
                    pair,
                }
            })
            .collect();
        let credentials = self.link.local_credentials();
        Offer {
            session_id: self.session_id,
            version: self.version,
            ice_ufrag: &credentials.ufrag,
            ice_pwd: &credentials.pass,
            fingerprint: &config.fingerprint(),
            candidates: &self.link.local_candidates(),
            cname: &self.cname,
            slots: &slots,
            video_codecs: &config.video_codecs,
        }
        .write()
    }

    /// Take the browser's answer to the last offer.
    pub fn accept_answer(
        &mut self,
        config: &TransportConfig,
        sdp: &str,
        now: Instant,
    ) -> Result<(), Fault> {
        if self.version == 0 || self.answered || self.answers() {
            return Err(Fault::new(
                FaultCode::WrongState,
                "no offer waits for an answer",
            ));
        }
        let answer =
            Description::parse(sdp).map_err(|fault| Fault::new(FaultCode::BadSdp, fault.0))?;
        if answer.media.len() != self.slots.len() {
            return Err(Fault::new(
                FaultCode::BadSdp,
                "the m-lines are not those of the offer",
            ));
        }
        for (index, (media, state)) in answer.media.iter().zip(&self.slots).enumerate() {
            if media.mid != index.to_string() || media.kind != Some(state.kind) {
                return Err(Fault::new(
                    FaultCode::BadSdp,
                    "the m-lines are not those of the offer",
                ));
            }
        }
        self.link.accept(&answer, now)?;
        for (media, state) in answer.media.iter().zip(&mut self.slots) {
            state.enabled = !media.rejected && media.direction.receives();
            let offered = match state.kind {
                MediaKind::Audio => &[Codec::Opus][..],
                MediaKind::Video => &config.video_codecs,
            };
            state.codecs = offered
                .iter()
                .copied()
                .filter(|c| media.payload_types.contains(&c.payload_type()))
                .collect();
            let redundant = media.payload_types.contains(&red::PAYLOAD_TYPE);
            state
                .slot
                .accept_redundant(state.kind == MediaKind::Audio && redundant);
        }
        self.answered = true;
        Ok(())
    }

    /// Whether the receiver offers and we answer.
    pub fn answers(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Answer the receiver's offer: the first, or one with the same m-lines and new ICE credentials, which restarts ICE
    /// (RFC 8445 §9).
    pub fn accept_offer(
        &mut self,
        config: &TransportConfig,
        sdp: &str,
        now: Instant,
    ) -> Result<String, Fault> {
        let bad = |what| Fault::new(FaultCode::BadSdp, what);
        let offer = Description::parse(sdp).map_err(|fault| bad(fault.0))?;
        let same = |(media, (line, _)): (&super::sdp::MediaLine, &(AnswerLine, _))| {
            media.mid == line.mid && media.kind == line.kind
        };
        if offer.media.len() != self.lines.len() || !offer.media.iter().zip(&self.lines).all(same) {
            return Err(bad("the m-lines are not those of the first offer"));
        }
        let credentials = (offer.ice_ufrag.clone(), offer.ice_pwd.clone());
        let restarts = self.remote.as_ref().is_some_and(|r| *r != credentials);
        if restarts {
            self.link.restart();
        }
        self.link.accept(&offer, now)?;
        if self.remote.is_none() {
            self.active = offer.setup == Some(super::sdp::Setup::Passive);
        }
        self.remote = Some(credentials);
        self.version += 1;
        let credentials = self.link.local_credentials();
        let lines: Vec<AnswerLine> = self.lines.iter().map(|(line, _)| line.clone()).collect();
        let sending: Vec<Option<Sending>> = self
            .lines
            .iter()
            .map(|(_, slot)| {
                slot.and_then(|slot| self.slots.get(slot))
                    .map(|state| Sending {
                        ssrc: state.slot.ssrc(),
                        rtx_ssrc: state.slot.rtx_ssrc(),
                    })
            })
            .collect();
        Ok(Answer {
            session_id: self.session_id,
            version: self.version,
            ice_ufrag: &credentials.ufrag,
            ice_pwd: &credentials.pass,
            fingerprint: &config.fingerprint(),
            active: self.active,
            candidates: &self.link.local_candidates(),
            cname: &self.cname,
            lines: &lines,
            sending: &sending,
        }
        .write())
    }

    pub fn add_candidate(&mut self, candidate: str0m::Candidate) {
        self.link.add_candidate(candidate);
    }

    pub fn handle_stun(
        &mut self,
        now: Instant,
        protocol: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        self.link
            .handle_stun(now, protocol, source, destination, datagram)
    }

    pub fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) {
        self.link.handle_dtls(now, datagram);
    }

    /// Decrypt and digest a compound of the receiver.
    pub fn handle_rtcp(
        &mut self,
        config: &TransportConfig,
        now: Instant,
        datagram: &mut [u8],
        feedback: &mut Feedback,
    ) -> Result<(), SrtpError> {
        feedback.clear();
        let receiver = self.receiver.as_mut().ok_or(SrtpError::Authentication)?;
        let len = receiver.unprotect_rtcp(datagram)?;
        let Some(egress) = self.egress.as_mut() else {
            return Ok(());
        };
        let by_ssrc =
            |slots: &[SlotState], ssrc: u32| slots.iter().position(|s| s.slot.ssrc() == ssrc);
        for packet in rtcp::parse(&datagram[..len]) {
            match packet {
                RtcpPacket::ReceiverReport { reports, .. }
                | RtcpPacket::SenderReport { reports, .. } => {
                    for report in reports {
                        egress.bandwidth.on_report(&report, config.clock.at(now));
                        if by_ssrc(&self.slots, report.ssrc).is_some() {
                            let lost = f32::from(report.fraction_lost) / 256.0;
                            feedback.loss = Some(feedback.loss.unwrap_or(0.0).max(lost));
                        }
                    }
                }
                RtcpPacket::Nack {
                    media_ssrc, lost, ..
                } => {
                    if let Some(slot) = by_ssrc(&self.slots, media_ssrc) {
                        let room = MAX_NACKS.saturating_sub(feedback.nacks.len());
                        feedback
                            .nacks
                            .extend(lost.sequence_numbers().take(room).map(|seq| (slot, seq)));
                    }
                }
                RtcpPacket::Pli { media_ssrc, .. } => {
                    feedback.key_frames.extend(by_ssrc(&self.slots, media_ssrc));
                }
                RtcpPacket::Fir { targets, .. } => {
                    for (ssrc, _) in targets {
                        feedback.key_frames.extend(by_ssrc(&self.slots, ssrc));
                    }
                }
                RtcpPacket::TransportFeedback(arrivals) => {
                    feedback.estimate |= egress.bandwidth.on_feedback(&arrivals, now).is_some();
                }
                RtcpPacket::Remb {
                    bitrate,
                    media_ssrcs,
                    ..
                } => {
                    if names_all_videos(&self.slots, media_ssrcs) {
                        egress.bandwidth.on_remb(bitrate, now);
                        feedback.estimate = true;
                    } else {
                        egress.bandwidth.forget_remb();
                    }
                }
                RtcpPacket::SourceDescription
                | RtcpPacket::Bye { .. }
                | RtcpPacket::Other { .. } => {}
            }
        }
        Ok(())
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.link.handle_timeout(now);
    }

    /// Drain the link into `sink` and what happened into `output`.
    pub fn poll(
        &mut self,
        now: Instant,
        scratch: &mut [u8],
        sink: &mut dyn DatagramSink,
        output: &mut SubscribeOutput,
    ) {
        *output = SubscribeOutput::default();
        let (egress, receiver, destination) =
            (&mut self.egress, &mut self.receiver, &mut self.destination);
        self.link.poll(scratch, sink, &mut |event| match event {
            LinkEvent::Selected { protocol, address } => {
                *destination = Some((protocol, address));
                output.selected = true;
            }
            LinkEvent::Keys {
                material,
                profile,
                role,
            } => {
                let sender = SrtpSender::new(profile, &material, role);
                let unprotect = SrtpReceiver::new(profile, &material, role);
                match (sender, unprotect) {
                    (Ok(sender), Ok(unprotect)) => {
                        let bandwidth = Bandwidth::new(BandwidthConfig::default(), now);
                        *egress = Some(EgressTransport::new(sender, bandwidth));
                        *receiver = Some(unprotect);
                        output.secured = Some(profile);
                    }
                    _ => output.failed = Some("srtp_keys"),
                }
            }
            LinkEvent::Closed => output.closed = true,
            LinkEvent::Failed(reason) => output.failed = Some(reason),
        });
    }

    pub fn close(&mut self) {
        self.link.close();
    }

    pub fn poll_timeout(&mut self) -> Option<Instant> {
        self.link.poll_timeout()
    }

    /// Round trip time to the receiver, where known.
    pub fn rtt(&self) -> Option<Duration> {
        self.egress
            .as_ref()
            .and_then(|e| e.bandwidth.estimate().rtt)
    }
}

/// A REMB is about the streams it names (draft-alvestrand-rmcat-remb-03 §2.1). Some receivers, aiortc among them, estimate
/// every stream by itself: taken for the whole path, the first picture's would keep all others from being sent.
fn names_all_videos(slots: &[SlotState], named: Ssrcs<'_>) -> bool {
    slots
        .iter()
        .filter(|slot| slot.kind == MediaKind::Video && slot.track.is_some())
        .all(|slot| named.clone().any(|ssrc| ssrc == slot.slot.ssrc()))
}

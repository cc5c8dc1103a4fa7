//! One receive slot of a subscriber, as the worker's inner loop uses it: source packet in, protected datagram out.

use std::time::{Duration, Instant};

use crate::bwe::Bandwidth;
use crate::codec::{PayloadTypes, red};
use crate::packet::ext::{ExtensionLayout, TransportExtensions};
use crate::packet::ntp::NtpClock;
use crate::packet::rtcp::SenderInfo;
use crate::packet::rtp::{FIXED_HEADER_LEN, RtpHeader};
use crate::srtp::SrtpSender;

use super::cache::{PacketCache, SourcePacket};
use super::munger::{Munger, Rewrite, StreamId};
use super::rtx::RtxState;
use super::sr::{SlotReporter, SourceClock};

/// Room a caller must leave in the output buffer beyond the payload: header, extension block, RTX's original
/// sequence number and tag.
pub const MAX_PACKET_GROWTH: usize = 96;
/// Most padding of a forwarded packet, bytes; [`MAX_PACKET_GROWTH`] leaves room for it.
pub const MAX_PADDING: u8 = 8;

/// What never changes in a slot. The caller draws the random values.
#[derive(Debug, Clone)]
pub struct SlotConfig {
    pub ssrc: u32,
    /// Set for video.
    pub rtx_ssrc: Option<u32>,
    pub first_sequence: u16,
    pub rtx_first_sequence: u16,
    pub first_timestamp: u32,
    /// Hz.
    pub clock_rate: u32,
    pub layout: ExtensionLayout,
}

/// Time of sending, the same for a whole turn of the worker's loop.
#[derive(Debug, Clone, Copy)]
pub struct SendTime {
    pub now: Instant,
    pub abs_send_time: u32,
}

impl SendTime {
    #[must_use]
    pub fn new(clock: &NtpClock, now: Instant) -> Self {
        Self {
            now,
            abs_send_time: clock.abs_send_time(now),
        }
    }
}

/// Sending side of one subscriber's transport: keys and the transport-wide sequence with its estimator.
pub struct EgressTransport {
    pub srtp: SrtpSender,
    pub bandwidth: Bandwidth,
}

impl EgressTransport {
    #[must_use]
    pub fn new(srtp: SrtpSender, bandwidth: Bandwidth) -> Self {
        Self { srtp, bandwidth }
    }
}

/// See the module.
pub struct Slot {
    config: SlotConfig,
    payload_types: PayloadTypes,
    munger: Munger,
    rtx: RtxState,
    reporter: SlotReporter,
    current: Option<StreamId>,
    wanted: Option<StreamId>,
    layers: TemporalFilter,
    /// The receiver takes redundant audio.
    takes_redundant: bool,
    /// It is sent so now.
    redundant: bool,
}

impl Slot {
    #[must_use]
    pub fn new(config: SlotConfig) -> Self {
        let munger = Munger::new(
            config.first_sequence,
            config.first_timestamp,
            config.clock_rate,
        );
        let rtx = RtxState::new(config.rtx_first_sequence);
        Self {
            config,
            payload_types: PayloadTypes::default(),
            munger,
            rtx,
            reporter: SlotReporter::default(),
            current: None,
            wanted: None,
            layers: TemporalFilter::default(),
            takes_redundant: false,
            redundant: false,
        }
    }

    /// Whether the receiver takes redundant audio (RFC 2198).
    pub fn accept_redundant(&mut self, takes: bool) {
        self.takes_redundant = takes;
    }

    /// Send audio with the packet before it from now on, where the receiver takes it; true when so.
    pub fn set_redundant(&mut self, wanted: bool) -> bool {
        self.redundant = wanted && self.takes_redundant;
        self.redundant
    }

    /// Under a receiver's own payload types.
    #[must_use]
    pub fn with_payload_types(mut self, payload_types: PayloadTypes) -> Self {
        self.payload_types = payload_types;
        self
    }

    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.config.ssrc
    }

    #[must_use]
    pub fn rtx_ssrc(&self) -> Option<u32> {
        self.config.rtx_ssrc
    }

    /// Stream being forwarded.
    #[must_use]
    pub fn current(&self) -> Option<StreamId> {
        self.current
    }

    /// Stream waited for: its next key frame makes it current. Ask its publisher for one.
    #[must_use]
    pub fn wanted(&self) -> Option<StreamId> {
        self.wanted
    }

    /// Forward `stream` from its next key frame on; until then the current stream goes on (a layer switch).
    /// Call [`Self::stop`] first when the current stream must not be seen any more (a source switch).
    pub fn switch(&mut self, stream: StreamId) {
        self.wanted = (self.current != Some(stream)).then_some(stream);
    }

    /// Forward nothing until the next [`Self::switch`] (mute, unsubscribed, source gone).
    pub fn stop(&mut self) {
        self.current = None;
        self.wanted = None;
        self.munger.stop();
    }

    /// Highest VP8 temporal layer to forward; `None` is all. Lower takes effect at the next picture, higher at the
    /// next picture that refers only to the base layer.
    pub fn set_max_temporal_layer(&mut self, layer: Option<u8>) {
        self.layers.target = layer.unwrap_or(u8::MAX);
    }

    /// Whether packets of `stream` matter to this slot now.
    #[must_use]
    pub fn takes(&self, stream: StreamId) -> bool {
        self.current == Some(stream) || self.wanted == Some(stream)
    }

    /// Write the packet as this slot sends it to the start of `out`, protected, and return its length. `None`:
    /// not sent (not this slot's stream, waiting for a key frame, late, or `out` shorter than payload plus
    /// [`MAX_PACKET_GROWTH`]).
    pub fn forward(
        &mut self,
        stream: StreamId,
        packet: &SourcePacket,
        transport: &mut EgressTransport,
        time: &SendTime,
        out: &mut [u8],
    ) -> Option<usize> {
        if out.len() < packet.longest() + MAX_PACKET_GROWTH || packet.padding > MAX_PADDING {
            return None;
        }
        if self.wanted == Some(stream) && packet.key_frame && !packet.payload.is_empty() {
            self.munger.switch(stream, packet);
            self.layers.restart();
            self.current = Some(stream);
            self.wanted = None;
        }
        if self.current != Some(stream) {
            return None;
        }
        // An empty payload is padding, a probe of the publisher's own path.
        if packet.payload.is_empty() || !self.layers.passes(packet) {
            self.munger.skip(packet);
            return None;
        }
        let rewrite = self.munger.rewrite(packet)?;
        let redundant = packet.redundant.as_deref().filter(|_| self.redundant);
        let payload = redundant.unwrap_or(&packet.payload);
        let header = RtpHeader {
            marker: packet.marker || rewrite.force_marker,
            payload_type: match redundant {
                Some(_) => red::PAYLOAD_TYPE,
                None => self.payload_types.of(packet.codec),
            },
            sequence_number: rewrite.sequence as u16,
            timestamp: rewrite.timestamp,
            ssrc: self.config.ssrc,
        };
        let content = (packet, payload);
        let total = self.write(&header, None, rewrite, content, transport, time, out)?;
        self.reporter.sent(payload.len());
        Some(total)
    }

    /// Source packet behind a sequence number the receiver misses; pass its cache to [`Self::retransmit`].
    #[must_use]
    pub fn resolve(&self, sequence: u16) -> Option<(StreamId, u64)> {
        self.munger.resolve(sequence)
    }

    /// Answer a NACK for one sequence number from the cache of the stream [`Self::resolve`] named. `None`: no
    /// RTX, no longer kept, a duplicate request, or over the slot's budget.
    pub fn retransmit(
        &mut self,
        sequence: u16,
        cache: &PacketCache,
        rtt: Option<Duration>,
        transport: &mut EgressTransport,
        time: &SendTime,
        out: &mut [u8],
    ) -> Option<usize> {
        let ssrc = self.config.rtx_ssrc?;
        let (_, id) = self.munger.resolve(sequence)?;
        let packet = cache.get(id)?;
        let payload_type = self.payload_types.rtx_of(packet.codec)?;
        let rewrite = self.munger.rewrite_again(sequence, packet)?;
        if out.len() < packet.payload.len() + MAX_PACKET_GROWTH
            || !self.rtx.admit(sequence, time.now, rtt)
        {
            return None;
        }
        let own = self.rtx.next_sequence();
        let header = RtpHeader {
            marker: packet.marker || rewrite.force_marker,
            payload_type,
            sequence_number: own as u16,
            timestamp: rewrite.timestamp,
            ssrc,
        };
        let rewrite = Rewrite {
            sequence: own,
            ..rewrite
        };
        self.write(
            &header,
            Some(sequence),
            rewrite,
            (packet, &packet.payload),
            transport,
            time,
            out,
        )
    }

    /// Sender report of this slot; `source` is the clock of the current stream.
    #[must_use]
    pub fn sender_report(
        &self,
        source: &SourceClock,
        clock: &NtpClock,
        now: Instant,
    ) -> Option<SenderInfo> {
        self.reporter.report(
            self.config.ssrc,
            &self.munger,
            source,
            clock,
            self.config.clock_rate,
            now,
        )
    }

    /// Header, extension block, original sequence number of a retransmission, payload of the packet, tag.
    #[allow(clippy::too_many_arguments)]
    fn write(
        &self,
        header: &RtpHeader,
        original: Option<u16>,
        rewrite: Rewrite,
        (packet, content): (&SourcePacket, &[u8]),
        transport: &mut EgressTransport,
        time: &SendTime,
        out: &mut [u8],
    ) -> Option<usize> {
        let layout = &self.config.layout;
        let header_len = FIXED_HEADER_LEN + layout.block_len();
        let payload_at = header_len + if original.is_some() { 2 } else { 0 };
        let payload_end = payload_at + content.len();
        let padding = if original.is_none() {
            packet.padding
        } else {
            0
        };
        let length = payload_end + usize::from(padding);
        let wire = length + transport.srtp.profile().rtp_overhead();
        let extensions = TransportExtensions {
            abs_send_time: time.abs_send_time,
            transport_cc: transport.bandwidth.sent(wire, time.now),
        };
        header.write(true, out)?;
        if padding > 0 {
            // RFC 3550 section 5.1: the P bit; the last byte counts the padding, itself included.
            out[0] |= 0x20;
            out[payload_end..length].fill(0);
            out[length - 1] = padding;
        }
        layout.write(
            &packet.extensions,
            &extensions,
            &mut out[FIXED_HEADER_LEN..],
        )?;
        if let Some(original) = original {
            out[header_len..payload_at].copy_from_slice(&original.to_be_bytes());
        }
        let payload = &mut out[payload_at..payload_end];
        payload.copy_from_slice(content);
        if let (Some(descriptor), Some(numbers)) = (&packet.vp8, rewrite.vp8) {
            numbers.apply(descriptor, payload);
        }
        let rollover = (rewrite.sequence >> 16) as u32;
        transport
            .srtp
            .protect_rtp(out, header_len, length, rollover)
            .ok()
    }
}

/// Which VP8 temporal layers pass (RFC 7741 section 4.2: TID and Y).
#[derive(Debug)]
struct TemporalFilter {
    target: u8,
    passing: u8,
    /// What was decided at the first packet of the picture, for its other packets.
    picture: Option<(u32, bool)>,
}

impl Default for TemporalFilter {
    fn default() -> Self {
        Self {
            target: u8::MAX,
            passing: u8::MAX,
            picture: None,
        }
    }
}

impl TemporalFilter {
    fn restart(&mut self) {
        self.passing = self.target;
        self.picture = None;
    }

    fn passes(&mut self, packet: &SourcePacket) -> bool {
        let Some(layer) = packet.vp8.and_then(|descriptor| descriptor.temporal_layer) else {
            return true;
        };
        if self.target == u8::MAX && self.passing == u8::MAX {
            return true;
        }
        if let Some((timestamp, passes)) = self.picture
            && timestamp == packet.timestamp
        {
            return passes;
        }
        self.passing = self.passing.min(self.target);
        let sync = packet.vp8.is_some_and(|descriptor| descriptor.layer_sync);
        if layer > self.passing && layer <= self.target && sync {
            self.passing = layer;
        }
        let passes = layer <= self.passing;
        self.picture = Some((packet.timestamp, passes));
        passes
    }
}

//! One receive slot of a subscriber, as the worker's inner loop uses it: source packet in, protected datagram out.

use std::time::{Duration, Instant};

use crate::bwe::Bandwidth;
use crate::packet::ext::ExtensionLayout;
use crate::packet::ntp::NtpClock;
use crate::packet::rtcp::SenderInfo;
use crate::srtp::SrtpSender;

use super::cache::{PacketCache, SourcePacket};
use super::munger::{Munger, StreamId};
use super::rtx::RtxState;
use super::sr::{SlotReporter, SourceClock};

/// Room a caller must leave in the output buffer beyond the payload: header, extension block, RTX's original
/// sequence number and tag.
pub const MAX_PACKET_GROWTH: usize = 96;

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
    munger: Munger,
    rtx: RtxState,
    reporter: SlotReporter,
    current: Option<StreamId>,
    wanted: Option<StreamId>,
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
            munger,
            rtx,
            reporter: SlotReporter::default(),
            current: None,
            wanted: None,
        }
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
        if self.current != Some(stream) {
            self.wanted = Some(stream);
        } else {
            self.wanted = None;
        }
    }

    /// Forward nothing until the next [`Self::switch`] (mute, unsubscribed, source gone).
    pub fn stop(&mut self) {
        self.current = None;
        self.wanted = None;
        self.munger.stop();
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
        let _ = (stream, packet, transport, time, out, &self.rtx);
        todo!()
    }

    /// Source packet behind a sequence number the receiver misses; pass its cache to [`Self::retransmit`].
    #[must_use]
    pub fn resolve(&self, sequence: u16) -> Option<(StreamId, u64)> {
        self.munger.resolve(sequence)
    }

    /// Answer a NACK for one sequence number from the cache of the stream [`Self::resolve`] named. `None`: no
    /// RTX, no longer kept, or a duplicate request.
    pub fn retransmit(
        &mut self,
        sequence: u16,
        cache: &PacketCache,
        rtt: Option<Duration>,
        transport: &mut EgressTransport,
        time: &SendTime,
        out: &mut [u8],
    ) -> Option<usize> {
        let _ = (sequence, cache, rtt, transport, time, out);
        todo!()
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
}

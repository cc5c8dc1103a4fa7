//! RTCP (RFC 3550 section 6, RFC 4585, RFC 5104, transport-wide feedback): compound packets read in place, and the
//! few packets we send.

use super::ntp::NtpTime;

/// One report block of an SR or RR (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// Loss since the last report in 1/256.
    pub fraction_lost: u8,
    /// Cumulative, signed 24 bits.
    pub packets_lost: i32,
    pub highest_sequence: u32,
    /// RTP timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last SR received, 0 when none.
    pub last_sr: u32,
    /// Delay since then, 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// Sender information of an SR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    pub ssrc: u32,
    pub ntp: NtpTime,
    pub rtp_timestamp: u32,
    pub packet_count: u32,
    pub octet_count: u32,
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy)]
pub enum RtcpPacket<'a> {
    SenderReport {
        info: SenderInfo,
        reports: ReportBlocks<'a>,
    },
    ReceiverReport {
        sender_ssrc: u32,
        reports: ReportBlocks<'a>,
    },
    /// Source descriptions are not used; kept so that a caller may count them.
    SourceDescription,
    Bye {
        sources: Ssrcs<'a>,
    },
    Nack {
        sender_ssrc: u32,
        media_ssrc: u32,
        lost: Nacks<'a>,
    },
    Pli {
        sender_ssrc: u32,
        media_ssrc: u32,
    },
    Fir {
        sender_ssrc: u32,
        targets: FirTargets<'a>,
    },
    TransportFeedback(TransportFeedback<'a>),
    /// Receiver estimated maximum bitrate, bit/s.
    Remb {
        sender_ssrc: u32,
        bitrate: u64,
    },
    /// A well-formed packet of a kind we do not use.
    Other {
        packet_type: u8,
        count: u8,
    },
}

/// Report blocks of an SR or RR.
#[derive(Debug, Clone, Copy)]
pub struct ReportBlocks<'a>(&'a [u8]);

/// SSRCs named by a BYE.
#[derive(Debug, Clone, Copy)]
pub struct Ssrcs<'a>(&'a [u8]);

/// Sequence numbers asked for by a generic NACK (RFC 4585 section 6.2.1).
#[derive(Debug, Clone, Copy)]
pub struct Nacks<'a>(&'a [u8]);

/// `(media ssrc, command sequence)` pairs of a FIR (RFC 5104 section 4.3.1).
#[derive(Debug, Clone, Copy)]
pub struct FirTargets<'a>(&'a [u8]);

/// Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
#[derive(Debug, Clone, Copy)]
pub struct TransportFeedback<'a> {
    pub sender_ssrc: u32,
    pub media_ssrc: u32,
    pub base_sequence: u16,
    pub packet_count: u16,
    /// Units of 64 ms, signed 24 bits.
    pub reference_time: i32,
    pub feedback_count: u8,
    chunks: &'a [u8],
}

/// Arrival of one packet told by a transport feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketArrival {
    pub sequence: u16,
    /// Receiver's clock, µs (reference time plus deltas); `None`: not received.
    pub arrival_us: Option<i64>,
}

/// Packets of a compound, in order; ends at the first malformed one.
#[derive(Debug, Clone)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

/// Read a compound (or reduced-size, RFC 5506) RTCP packet.
#[must_use]
pub fn parse(data: &[u8]) -> Compound<'_> {
    Compound { rest: data }
}

impl<'a> Iterator for Compound<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<RtcpPacket<'a>> {
        let _ = &mut self.rest;
        todo!()
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let _ = &mut self.0;
        todo!()
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let _ = &mut self.0;
        todo!()
    }
}

impl<'a> Nacks<'a> {
    /// Every sequence number asked for, PID and bit mask unfolded.
    pub fn sequence_numbers(self) -> impl Iterator<Item = u16> + 'a {
        self.0.chunks_exact(4).flat_map(|item| {
            let first = u16::from_be_bytes([item[0], item[1]]);
            let mask = u16::from_be_bytes([item[2], item[3]]);
            std::iter::once(first).chain(
                (0..16_u16)
                    .filter(move |bit| mask >> bit & 1 == 1)
                    .map(move |bit| first.wrapping_add(bit + 1)),
            )
        })
    }
}

impl Iterator for FirTargets<'_> {
    /// Media SSRC and command sequence number.
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let _ = &mut self.0;
        todo!()
    }
}

impl<'a> TransportFeedback<'a> {
    /// One item per packet the feedback covers; ends early when chunks or deltas are missing.
    pub fn arrivals(self) -> impl Iterator<Item = PacketArrival> + 'a {
        let _ = self.chunks;
        std::iter::empty()
    }
}

/// Builds one compound packet in a caller's buffer. Every method returns `None` when it does not fit.
#[derive(Debug)]
pub struct RtcpWriter<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl<'a> RtcpWriter<'a> {
    #[must_use]
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, length: 0 }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Sender report without report blocks (we receive nothing on a subscribe transport).
    pub fn sender_report(&mut self, info: &SenderInfo) -> Option<()> {
        let _ = (info, &mut self.out);
        todo!()
    }

    /// Empty receiver report: what a compound must start with when there is no sender report.
    pub fn receiver_report(&mut self, ssrc: u32, reports: &[ReportBlock]) -> Option<()> {
        let _ = (ssrc, reports);
        todo!()
    }

    /// Source description with CNAME (1..=255 bytes) for one SSRC.
    pub fn cname(&mut self, ssrc: u32, cname: &str) -> Option<()> {
        let _ = (ssrc, cname);
        todo!()
    }

    pub fn pli(&mut self, sender_ssrc: u32, media_ssrc: u32) -> Option<()> {
        let _ = (sender_ssrc, media_ssrc);
        todo!()
    }

    /// Generic NACK; `lost` in ascending order, packed into PID and bit mask pairs.
    pub fn nack(&mut self, sender_ssrc: u32, media_ssrc: u32, lost: &[u16]) -> Option<()> {
        let _ = (sender_ssrc, media_ssrc, lost);
        todo!()
    }

    pub fn bye(&mut self, ssrc: u32) -> Option<()> {
        let _ = ssrc;
        todo!()
    }
}

//! RTCP (RFC 3550 section 6, RFC 4585, RFC 5104, transport-wide feedback): compound packets read in place, and the
//! few packets we send (`rtcp_writer`).

pub use super::rtcp_writer::RtcpWriter;
pub use super::transport_feedback::{PacketArrival, TransportFeedback};

use super::ntp::NtpTime;

pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
pub(super) const SOURCE_DESCRIPTION: u8 = 202;
pub(super) const BYE: u8 = 203;
/// RFC 4585 section 6.1.
pub(super) const TRANSPORT_LAYER_FEEDBACK: u8 = 205;
pub(super) const PAYLOAD_SPECIFIC_FEEDBACK: u8 = 206;
pub(super) const FORMAT_NACK: u8 = 1;
pub(super) const FORMAT_TRANSPORT_CC: u8 = 15;
pub(super) const FORMAT_PLI: u8 = 1;
pub(super) const FORMAT_FIR: u8 = 4;
pub(super) const FORMAT_APPLICATION: u8 = 15;
/// Bytes of a report block.
pub(super) const REPORT_BLOCK_LEN: usize = 24;

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
        /// The streams it is about.
        media_ssrcs: Ssrcs<'a>,
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

/// SSRCs named by a BYE or a REMB.
#[derive(Debug, Clone, Copy)]
pub struct Ssrcs<'a>(&'a [u8]);

/// Sequence numbers asked for by a generic NACK (RFC 4585 section 6.2.1).
#[derive(Debug, Clone, Copy)]
pub struct Nacks<'a>(&'a [u8]);

/// `(media ssrc, command sequence)` pairs of a FIR (RFC 5104 section 4.3.1).
#[derive(Debug, Clone, Copy)]
pub struct FirTargets<'a>(&'a [u8]);

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
        let rest = std::mem::take(&mut self.rest);
        let head = rest.first_chunk::<4>()?;
        if head[0] >> 6 != 2 {
            return None;
        }
        let length = 4 * (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1);
        let (packet, after) = rest.split_at_checked(length)?;
        let mut body = &packet[4..];
        if head[0] & 0x20 != 0 {
            let padding = usize::from(*body.last()?);
            body = body.get(..body.len().checked_sub(padding)?)?;
        }
        let parsed = parse_one(head[1], head[0] & 0x1f, body)?;
        self.rest = after;
        Some(parsed)
    }
}

fn parse_one(packet_type: u8, count: u8, body: &[u8]) -> Option<RtcpPacket<'_>> {
    let blocks = usize::from(count);
    Some(match (packet_type, count) {
        (SENDER_REPORT, _) => RtcpPacket::SenderReport {
            info: SenderInfo {
                ssrc: word(body, 0)?,
                ntp: NtpTime(u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?)),
                rtp_timestamp: word(body, 12)?,
                packet_count: word(body, 16)?,
                octet_count: word(body, 20)?,
            },
            reports: ReportBlocks(body.get(24..24 + REPORT_BLOCK_LEN * blocks)?),
        },
        (RECEIVER_REPORT, _) => RtcpPacket::ReceiverReport {
            sender_ssrc: word(body, 0)?,
            reports: ReportBlocks(body.get(4..4 + REPORT_BLOCK_LEN * blocks)?),
        },
        (SOURCE_DESCRIPTION, _) => RtcpPacket::SourceDescription,
        (BYE, _) => RtcpPacket::Bye {
            sources: Ssrcs(body.get(..4 * blocks)?),
        },
        (TRANSPORT_LAYER_FEEDBACK, FORMAT_NACK) => RtcpPacket::Nack {
            sender_ssrc: word(body, 0)?,
            media_ssrc: word(body, 4)?,
            lost: Nacks(body.get(8..)?),
        },
        (TRANSPORT_LAYER_FEEDBACK, FORMAT_TRANSPORT_CC) => {
            RtcpPacket::TransportFeedback(TransportFeedback::parse(body)?)
        }
        (PAYLOAD_SPECIFIC_FEEDBACK, FORMAT_PLI) => RtcpPacket::Pli {
            sender_ssrc: word(body, 0)?,
            media_ssrc: word(body, 4)?,
        },
        (PAYLOAD_SPECIFIC_FEEDBACK, FORMAT_FIR) => RtcpPacket::Fir {
            sender_ssrc: word(body, 0)?,
            targets: FirTargets(body.get(8..)?),
        },
        (PAYLOAD_SPECIFIC_FEEDBACK, FORMAT_APPLICATION) if body.get(8..12) == Some(b"REMB") => {
            RtcpPacket::Remb {
                sender_ssrc: word(body, 0)?,
                bitrate: remb_bitrate(word(body, 12)?),
                media_ssrcs: Ssrcs(
                    body.get(16..)
                        .and_then(|rest| rest.get(..4 * usize::from(body[12])))
                        .unwrap_or_default(),
                ),
            }
        }
        _ => RtcpPacket::Other { packet_type, count },
    })
}

/// Number of SSRCs (8 bits), exponent (6), mantissa (18): draft-alvestrand-rmcat-remb-03 section 2.2.
fn remb_bitrate(word: u32) -> u64 {
    let (exponent, mantissa) = (word >> 18 & 0x3f, u64::from(word & 0x3_ffff));
    if mantissa.leading_zeros() < exponent {
        u64::MAX
    } else {
        mantissa << exponent
    }
}

pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|word| u32::from_be_bytes(*word))
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_at_checked(REPORT_BLOCK_LEN)?;
        self.0 = rest;
        let loss = word(block, 4)?;
        Some(ReportBlock {
            ssrc: word(block, 0)?,
            fraction_lost: (loss >> 24) as u8,
            // Sign extension of 24 bits.
            packets_lost: (loss << 8).cast_signed() >> 8,
            highest_sequence: word(block, 8)?,
            jitter: word(block, 12)?,
            last_sr: word(block, 16)?,
            delay_since_last_sr: word(block, 20)?,
        })
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let ssrc = word(self.0, 0)?;
        self.0 = &self.0[4..];
        Some(ssrc)
    }
}

impl Iterator for FirTargets<'_> {
    /// Media SSRC and command sequence number.
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let (entry, rest) = self.0.split_at_checked(8)?;
        self.0 = rest;
        Some((word(entry, 0)?, entry[4]))
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

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: SenderInfo = SenderInfo {
        ssrc: 0x1234_5678,
        ntp: NtpTime(0xdead_beef_0123_4567),
        rtp_timestamp: 90_000,
        packet_count: 3,
        octet_count: 400,
    };

    fn written(write: impl FnOnce(&mut RtcpWriter<'_>) -> Option<()>) -> Vec<u8> {
        let mut buffer = [0; 512];
        let mut writer = RtcpWriter::new(&mut buffer);
        write(&mut writer).unwrap();
        let length = writer.len();
        buffer[..length].to_vec()
    }

    #[test]
    fn a_compound_is_read_in_order() {
        let bytes = written(|writer| {
            writer.sender_report(&INFO)?;
            writer.cname(1, "desk")?;
            writer.pli(1, 2)?;
            writer.bye(7)
        });
        let mut packets = parse(&bytes);
        match packets.next() {
            Some(RtcpPacket::SenderReport { info, mut reports }) => {
                assert_eq!(info, INFO);
                assert_eq!(reports.next(), None);
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            packets.next(),
            Some(RtcpPacket::SourceDescription)
        ));
        assert!(matches!(
            packets.next(),
            Some(RtcpPacket::Pli {
                sender_ssrc: 1,
                media_ssrc: 2
            })
        ));
        match packets.next() {
            Some(RtcpPacket::Bye { sources }) => assert_eq!(sources.collect::<Vec<_>>(), [7]),
            other => panic!("{other:?}"),
        }
        assert!(packets.next().is_none());
    }

    #[test]
    fn report_blocks_round_trip_with_negative_loss() {
        let block = ReportBlock {
            ssrc: 9,
            fraction_lost: 128,
            packets_lost: -5,
            highest_sequence: 0x0001_0002,
            jitter: 33,
            last_sr: 0xaabb_ccdd,
            delay_since_last_sr: 65_536,
        };
        let bytes = written(|writer| writer.receiver_report(4, &[block, block]));
        match parse(&bytes).next() {
            Some(RtcpPacket::ReceiverReport {
                sender_ssrc: 4,
                reports,
            }) => {
                assert_eq!(reports.collect::<Vec<_>>(), [block, block]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nack_packs_and_unpacks_over_the_wrap() {
        let lost = [65_530, 65_531, 65_535, 2, 11, 12, 500];
        let bytes = written(|writer| writer.nack(1, 2, &lost));
        // 65530 with 65531, 65535, 2 and 11 - 16 after it is 10 - needs a second item, 500 a third.
        assert_eq!(bytes.len(), 12 + 3 * 4);
        match parse(&bytes).next() {
            Some(RtcpPacket::Nack {
                media_ssrc: 2,
                lost: found,
                ..
            }) => {
                assert_eq!(found.sequence_numbers().collect::<Vec<_>>(), lost);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fir_and_remb_are_read() {
        let fir = [
            0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 7, 0, 0, 0,
        ];
        match parse(&fir).next() {
            Some(RtcpPacket::Fir {
                sender_ssrc: 1,
                targets,
            }) => {
                assert_eq!(targets.collect::<Vec<_>>(), [(9, 7)]);
            }
            other => panic!("{other:?}"),
        }
        let mut remb = vec![0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0];
        remb.extend_from_slice(b"REMB");
        remb.extend_from_slice(&[1, 0x0b, 0x00, 0x01, 0, 0, 0, 2]);
        match parse(&remb).next() {
            Some(RtcpPacket::Remb {
                bitrate,
                media_ssrcs,
                ..
            }) => {
                assert_eq!(bitrate, (3 << 16 | 1) << 2);
                assert_eq!(media_ssrcs.collect::<Vec<_>>(), [2]);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(
            remb_bitrate(0xffff_ffff),
            u64::MAX,
            "exponent past 64 bits saturates"
        );
    }

    #[test]
    fn padding_is_stripped() {
        let padded = [
            0xa1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 0, 0, 0, 0, 4,
        ];
        match parse(&padded).next() {
            Some(RtcpPacket::Nack { lost, .. }) => {
                assert_eq!(lost.sequence_numbers().collect::<Vec<_>>(), [5]);
            }
            other => panic!("{other:?}"),
        }
        let more_padding_than_packet = [0xa1, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 200];
        assert!(parse(&more_padding_than_packet).next().is_none());
    }

    #[test]
    fn malformed_packets_end_the_compound() {
        let good = written(|writer| writer.pli(1, 2));
        for bad in [
            &[0x41, 206, 0, 0][..],                     // version 1
            &[0x81, 206, 0, 9, 0, 0, 0, 0],             // longer than the datagram
            &[0x81, 206, 0, 1, 0, 0, 0, 0],             // PLI without media SSRC
            &[0x82, 201, 0, 1, 0, 0, 0, 0],             // two report blocks announced, none there
            &[0x80, 200, 0, 1, 0, 0, 0, 0],             // SR without sender information
            &[0x8f, 205, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0], // transport feedback without a body
            &[0x83, 203, 0, 0],                         // BYE of three sources, none there
            &[0x80],
        ] {
            let mut bytes = good.clone();
            bytes.extend_from_slice(bad);
            bytes.extend_from_slice(&good);
            assert_eq!(parse(&bytes).count(), 1, "{bad:?}");
        }
    }

    #[test]
    fn nothing_is_written_where_it_does_not_fit() {
        let mut buffer = [0; 27];
        let mut writer = RtcpWriter::new(&mut buffer);
        assert_eq!(writer.sender_report(&INFO), None);
        assert_eq!(writer.cname(1, ""), None);
        assert_eq!(writer.cname(1, &"x".repeat(256)), None);
        assert!(writer.is_empty());
        assert_eq!(writer.pli(1, 2), Some(()));
        assert_eq!(writer.len(), 12);
    }
}

//! Builds compound RTCP packets in a caller's buffer.

use super::rtcp::{
    BYE, FORMAT_NACK, FORMAT_PLI, FORMAT_TRANSPORT_CC, PAYLOAD_SPECIFIC_FEEDBACK, RECEIVER_REPORT,
    ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION, SenderInfo, TRANSPORT_LAYER_FEEDBACK,
};
use super::transport_feedback;

/// Builds one compound packet. Every method appends one packet, or returns `None` and leaves the compound as it was
/// when the packet does not fit.
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
        self.packet(SENDER_REPORT, 0, |body| {
            body.word(info.ssrc)?;
            body.word((info.ntp.0 >> 32) as u32)?;
            body.word(info.ntp.0 as u32)?;
            body.word(info.rtp_timestamp)?;
            body.word(info.packet_count)?;
            body.word(info.octet_count)
        })
    }

    /// Receiver report of at most 31 blocks; an empty one is what a compound must start with when there is no
    /// sender report.
    pub fn receiver_report(&mut self, ssrc: u32, reports: &[ReportBlock]) -> Option<()> {
        let count = u8::try_from(reports.len())
            .ok()
            .filter(|count| *count < 32)?;
        self.packet(RECEIVER_REPORT, count, |body| {
            body.word(ssrc)?;
            for report in reports {
                body.word(report.ssrc)?;
                let lost = report
                    .packets_lost
                    .clamp(-0x80_0000, 0x7f_ffff)
                    .cast_unsigned();
                body.word(u32::from(report.fraction_lost) << 24 | lost & 0x00ff_ffff)?;
                body.word(report.highest_sequence)?;
                body.word(report.jitter)?;
                body.word(report.last_sr)?;
                body.word(report.delay_since_last_sr)?;
            }
            Some(())
        })
    }

    /// Source description with CNAME (1..=255 bytes) for one SSRC.
    pub fn cname(&mut self, ssrc: u32, cname: &str) -> Option<()> {
        let length = u8::try_from(cname.len())
            .ok()
            .filter(|length| *length > 0)?;
        self.packet(SOURCE_DESCRIPTION, 1, |body| {
            body.word(ssrc)?;
            body.bytes(&[1, length])?;
            body.bytes(cname.as_bytes())?;
            // The list of items ends with a zero byte, then the chunk is padded to 32 bits.
            body.bytes(&[0])?;
            body.pad()
        })
    }

    pub fn pli(&mut self, sender_ssrc: u32, media_ssrc: u32) -> Option<()> {
        self.packet(PAYLOAD_SPECIFIC_FEEDBACK, FORMAT_PLI, |body| {
            body.word(sender_ssrc)?;
            body.word(media_ssrc)
        })
    }

    /// Generic NACK; `lost` in ascending order, packed into PID and bit mask pairs.
    pub fn nack(&mut self, sender_ssrc: u32, media_ssrc: u32, lost: &[u16]) -> Option<()> {
        self.packet(TRANSPORT_LAYER_FEEDBACK, FORMAT_NACK, |body| {
            body.word(sender_ssrc)?;
            body.word(media_ssrc)?;
            let mut rest = lost;
            while let Some((first, mut after)) = rest.split_first() {
                let mut mask = 0_u16;
                while let Some((next, later)) = after.split_first() {
                    let distance = next.wrapping_sub(*first);
                    if !(1..=16).contains(&distance) {
                        break;
                    }
                    mask |= 1 << (distance - 1);
                    after = later;
                }
                body.word(u32::from(*first) << 16 | u32::from(mask))?;
                rest = after;
            }
            Some(())
        })
    }

    /// Transport-wide feedback, for receivers. `arrivals[n]` is when packet `base_sequence + n` came in µs of the
    /// receiver's clock, `None` when it did not. Fails above 65,535 packets and for deltas beyond 16 bits.
    pub fn transport_feedback(
        &mut self,
        sender_ssrc: u32,
        media_ssrc: u32,
        feedback_count: u8,
        base_sequence: u16,
        arrivals: &[Option<i64>],
    ) -> Option<()> {
        self.packet(TRANSPORT_LAYER_FEEDBACK, FORMAT_TRANSPORT_CC, |body| {
            body.word(sender_ssrc)?;
            body.word(media_ssrc)?;
            transport_feedback::encode(feedback_count, base_sequence, arrivals, |bytes| {
                body.bytes(bytes)
            })?;
            body.pad()
        })
    }

    pub fn bye(&mut self, ssrc: u32) -> Option<()> {
        self.packet(BYE, 1, |body| body.word(ssrc))
    }

    fn packet(
        &mut self,
        packet_type: u8,
        count: u8,
        write: impl FnOnce(&mut Body<'_>) -> Option<()>,
    ) -> Option<()> {
        let (head, rest) = self
            .out
            .get_mut(self.length..)?
            .split_first_chunk_mut::<4>()?;
        let mut body = Body {
            out: rest,
            length: 0,
        };
        write(&mut body)?;
        let length = body.length;
        let words = u16::try_from(length / 4).ok()?.to_be_bytes();
        *head = [0x80 | count, packet_type, words[0], words[1]];
        self.length += 4 + length;
        Some(())
    }
}

/// What follows the common header.
struct Body<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl Body<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.out
            .get_mut(self.length..self.length + bytes.len())?
            .copy_from_slice(bytes);
        self.length += bytes.len();
        Some(())
    }

    fn word(&mut self, word: u32) -> Option<()> {
        self.bytes(&word.to_be_bytes())
    }

    fn pad(&mut self) -> Option<()> {
        let padding = self.length.next_multiple_of(4) - self.length;
        self.bytes(&[0; 3][..padding])
    }
}

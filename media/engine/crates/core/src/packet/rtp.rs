//! RTP header (RFC 3550 section 5.1): a zero-copy view to read, and the fixed header to write.

use super::ext::Extensions;

/// Bytes of the fixed header without CSRCs.
pub const FIXED_HEADER_LEN: usize = 12;

/// A parsed RTP packet that borrows its bytes.
#[derive(Debug, Clone, Copy)]
pub struct RtpView<'a> {
    data: &'a [u8],
    extension: Option<(u16, &'a [u8])>,
    payload_start: usize,
    payload_end: usize,
}

impl<'a> RtpView<'a> {
    /// `None` when the version is not 2 or a length inside points past the end.
    #[must_use]
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let (view, padding) = Self::parse_header(data)?;
        let payload_end = data.len().checked_sub(padding)?;
        if payload_end < view.payload_start {
            return None;
        }
        Some(Self {
            payload_end,
            ..view
        })
    }

    /// Like [`Self::parse`] but leaves padding alone: for packets whose payload is still encrypted.
    #[must_use]
    pub fn parse_encrypted(data: &'a [u8]) -> Option<Self> {
        Self::parse_header(data).map(|(view, _)| view)
    }

    fn parse_header(data: &'a [u8]) -> Option<(Self, usize)> {
        let first = *data.first()?;
        if first >> 6 != 2 || data.len() < FIXED_HEADER_LEN {
            return None;
        }
        let mut at = FIXED_HEADER_LEN + 4 * usize::from(first & 0x0f);
        let mut extension = None;
        if first & 0x10 != 0 {
            let head = data.get(at..at + 4)?;
            let profile = u16::from_be_bytes([head[0], head[1]]);
            let length = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            at += 4;
            extension = Some((profile, data.get(at..at + length)?));
            at += length;
        }
        if at > data.len() {
            return None;
        }
        let padding = if first & 0x20 == 0 {
            0
        } else {
            // A count of zero contradicts the padding bit; RFC 3550 counts the count byte itself.
            usize::from(*data.last()?).max(1)
        };
        Some((
            Self {
                data,
                extension,
                payload_start: at,
                payload_end: data.len(),
            },
            padding,
        ))
    }

    #[must_use]
    pub fn marker(&self) -> bool {
        self.data[1] & 0x80 != 0
    }

    #[must_use]
    pub fn payload_type(&self) -> u8 {
        self.data[1] & 0x7f
    }

    #[must_use]
    pub fn sequence_number(&self) -> u16 {
        u16::from_be_bytes([self.data[2], self.data[3]])
    }

    #[must_use]
    pub fn timestamp(&self) -> u32 {
        u32::from_be_bytes([self.data[4], self.data[5], self.data[6], self.data[7]])
    }

    #[must_use]
    pub fn ssrc(&self) -> u32 {
        u32::from_be_bytes([self.data[8], self.data[9], self.data[10], self.data[11]])
    }

    /// Bytes before the payload: fixed header, CSRCs and extension block.
    #[must_use]
    pub fn header_len(&self) -> usize {
        self.payload_start
    }

    /// Payload without padding.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.data[self.payload_start..self.payload_end]
    }

    /// Header extension elements (RFC 8285), one-byte or two-byte form; empty for other profiles.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'a> {
        match self.extension {
            Some((profile, block)) => Extensions::new(profile, block),
            None => Extensions::empty(),
        }
    }

    /// Value of the first extension element with this id.
    #[must_use]
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions()
            .find(|(found, _)| *found == id)
            .map(|(_, value)| value)
    }
}

/// What changes from packet to packet in a fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence_number: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

impl RtpHeader {
    /// Write the fixed header (no CSRC, no padding). `None` when `out` is shorter than [`FIXED_HEADER_LEN`].
    #[must_use]
    pub fn write(&self, has_extension: bool, out: &mut [u8]) -> Option<usize> {
        let out = out.first_chunk_mut::<FIXED_HEADER_LEN>()?;
        out[0] = 0x80 | (u8::from(has_extension) << 4);
        out[1] = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        out[2..4].copy_from_slice(&self.sequence_number.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        Some(FIXED_HEADER_LEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::ext::{
        ExtensionLayout, Extensions, SourceExtensions, TransportExtensions, id,
    };

    const HEADER: RtpHeader = RtpHeader {
        marker: true,
        payload_type: 111,
        sequence_number: 0xfffe,
        timestamp: 0x0102_0304,
        ssrc: 0xa0b0_c0d0,
    };
    const TRANSPORT: TransportExtensions = TransportExtensions {
        abs_send_time: 0x00ab_cdef,
        transport_cc: 0x1234,
    };

    fn packet(layout: &ExtensionLayout, source: &SourceExtensions) -> Vec<u8> {
        let mut out = [0xee; 128];
        let mut length = HEADER.write(true, &mut out).unwrap();
        length += layout
            .write(source, &TRANSPORT, &mut out[length..])
            .unwrap();
        out[length..length + 3].copy_from_slice(b"abc");
        out[..length + 3].to_vec()
    }

    #[test]
    fn what_is_written_is_read() {
        let source = SourceExtensions {
            audio_level: Some(0x9f),
            orientation: Some(1),
            playout_delay: Some((0, 40)),
        };
        let bytes = packet(&ExtensionLayout::video(Some("v3")), &source);
        let view = RtpView::parse(&bytes).unwrap();
        assert!(view.marker());
        assert_eq!(view.payload_type(), 111);
        assert_eq!(view.sequence_number(), 0xfffe);
        assert_eq!(view.timestamp(), 0x0102_0304);
        assert_eq!(view.ssrc(), 0xa0b0_c0d0);
        assert_eq!(view.payload(), b"abc");
        assert_eq!(
            view.extension(id::ABS_SEND_TIME),
            Some(&[0xab, 0xcd, 0xef][..])
        );
        assert_eq!(view.extension(id::TRANSPORT_CC), Some(&[0x12, 0x34][..]));
        assert_eq!(view.extension(id::ORIENTATION), Some(&[1][..]));
        assert_eq!(view.extension(id::PLAYOUT_DELAY), Some(&[0, 0, 40][..]));
        assert_eq!(view.extension(id::MID), Some(&b"v3"[..]));
        assert_eq!(
            view.extension(id::AUDIO_LEVEL),
            None,
            "not part of the video layout"
        );
    }

    #[test]
    fn a_layout_has_one_length_whatever_the_packet_brings() {
        let full = SourceExtensions {
            audio_level: Some(30),
            orientation: Some(0),
            playout_delay: Some((1, 2)),
        };
        for layout in [
            ExtensionLayout::audio(None),
            ExtensionLayout::audio(Some("0")),
            ExtensionLayout::video(None),
            ExtensionLayout::video(Some("0123456789abcdef")),
        ] {
            let with = packet(&layout, &full);
            let without = packet(&layout, &SourceExtensions::default());
            assert_eq!(with.len(), without.len());
            let view = RtpView::parse(&without).unwrap();
            assert_eq!(view.header_len(), FIXED_HEADER_LEN + layout.block_len());
            assert_eq!(view.extension(id::TRANSPORT_CC), Some(&[0x12, 0x34][..]));
            assert_eq!(view.extension(id::PLAYOUT_DELAY), None);
        }
    }

    #[test]
    fn mids_beyond_the_one_byte_form_are_left_out() {
        let none = ExtensionLayout::audio(None);
        assert_eq!(ExtensionLayout::audio(Some("")), none);
        assert_eq!(ExtensionLayout::audio(Some("0123456789abcdefg")), none);
    }

    #[test]
    fn csrcs_and_padding_are_skipped() {
        let mut bytes = vec![0xb2, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x30, 7, 0, 0]);
        bytes.extend_from_slice(&[9, 9, 0, 0, 3]);
        let view = RtpView::parse(&bytes).unwrap();
        assert_eq!(view.header_len(), 28);
        assert_eq!(view.extension(3), Some(&[7][..]));
        assert_eq!(view.payload(), [9, 9]);
        *bytes.last_mut().unwrap() = 6;
        assert!(
            RtpView::parse(&bytes).is_none(),
            "padding longer than the payload"
        );
        assert!(
            RtpView::parse_encrypted(&bytes).is_some(),
            "which only the plain text can tell"
        );
        *bytes.last_mut().unwrap() = 0;
        assert_eq!(
            RtpView::parse(&bytes).unwrap().payload(),
            [9, 9, 0, 0],
            "the count counts itself"
        );
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = packet(&ExtensionLayout::video(None), &SourceExtensions::default());
        for length in 0..bytes.len() - 3 {
            assert!(RtpView::parse(&bytes[..length]).is_none(), "{length} bytes");
        }
        assert!(RtpView::parse(&[0x40; 40]).is_none(), "version 1");
        assert!(HEADER.write(false, &mut [0; 11]).is_none());
        let layout = ExtensionLayout::audio(None);
        let mut short = vec![0; layout.block_len() - 1];
        assert!(
            layout
                .write(&SourceExtensions::default(), &TRANSPORT, &mut short)
                .is_none()
        );
    }

    #[test]
    fn two_byte_extensions_and_odd_blocks() {
        let two_byte = [20, 3, b'a', b'b', b'c', 0, 21, 0];
        let found: Vec<_> = Extensions::new(0x1000, &two_byte).collect();
        assert_eq!(found, [(20, &b"abc"[..]), (21, &[][..])]);
        let stopped = [0x10, 7, 0xf0, 1, 0x20, 8];
        assert_eq!(
            Extensions::new(0xbede, &stopped).collect::<Vec<_>>(),
            [(1, &[7][..])]
        );
        let overlong = [0x10, 7, 0x2f, 1];
        assert_eq!(Extensions::new(0xbede, &overlong).count(), 1);
        assert_eq!(
            Extensions::new(0x1234, &two_byte).count(),
            0,
            "another profile"
        );
    }
}

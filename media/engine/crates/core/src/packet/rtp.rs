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

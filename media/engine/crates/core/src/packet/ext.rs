//! RTP header extensions: reading both forms of RFC 8285, and the fixed block we send.
//!
//! A slot sends the same block length in every packet (missing values become padding bytes), so that packets of
//! one payload length are one segment size and can leave in one GSO run.

/// Ids we offer on every subscribe transport. All fit the one-byte form.
pub mod id {
    pub const AUDIO_LEVEL: u8 = 1;
    pub const ABS_SEND_TIME: u8 = 2;
    pub const TRANSPORT_CC: u8 = 3;
    pub const MID: u8 = 4;
    pub const ORIENTATION: u8 = 5;
    pub const PLAYOUT_DELAY: u8 = 6;
}

/// URIs of the same extensions for `a=extmap`.
pub mod uri {
    pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    pub const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    pub const TRANSPORT_CC: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    pub const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    pub const ORIENTATION: &str = "urn:3gpp:video-orientation";
    pub const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
}

/// Ids of the elements of a block, by which extension they stand for; 0 is not sent. Ours, or those of a receiver
/// that offered (RFC 8285 section 6: the answer keeps the offer's ids).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtensionIds {
    pub audio_level: u8,
    pub abs_send_time: u8,
    pub transport_cc: u8,
    pub mid: u8,
    pub orientation: u8,
    pub playout_delay: u8,
}

impl Default for ExtensionIds {
    fn default() -> Self {
        Self {
            audio_level: id::AUDIO_LEVEL,
            abs_send_time: id::ABS_SEND_TIME,
            transport_cc: id::TRANSPORT_CC,
            mid: id::MID,
            orientation: id::ORIENTATION,
            playout_delay: id::PLAYOUT_DELAY,
        }
    }
}

impl ExtensionIds {
    /// Of an offer. Only ids of the one-byte form are taken; the others are left out of the answer.
    #[must_use]
    pub fn offered(extensions: &[(u8, String)]) -> Self {
        let of = |wanted: &str| {
            extensions
                .iter()
                .find(|(id, uri)| (1..=14).contains(id) && uri == wanted)
                .map_or(0, |(id, _)| *id)
        };
        Self {
            audio_level: of(uri::AUDIO_LEVEL),
            abs_send_time: of(uri::ABS_SEND_TIME),
            transport_cc: of(uri::TRANSPORT_CC),
            mid: of(uri::MID),
            orientation: of(uri::ORIENTATION),
            playout_delay: of(uri::PLAYOUT_DELAY),
        }
    }
}

/// Iterator over `(id, value)`; stops at the first malformed element.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    two_byte: bool,
}

impl<'a> Extensions<'a> {
    /// `profile` is the 16-bit "defined by profile" field; neither 0xBEDE nor 0x100x gives nothing.
    #[must_use]
    pub fn new(profile: u16, block: &'a [u8]) -> Self {
        match profile {
            0xbede => Self {
                rest: block,
                two_byte: false,
            },
            0x1000..=0x100f => Self {
                rest: block,
                two_byte: true,
            },
            _ => Self::empty(),
        }
    }

    #[must_use]
    pub fn empty() -> Self {
        Self {
            rest: &[],
            two_byte: false,
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            self.rest = rest;
            if first == 0 {
                continue;
            }
            let (id, length) = if self.two_byte {
                let (&length, rest) = self.rest.split_first()?;
                self.rest = rest;
                (first, usize::from(length))
            } else if first >> 4 == 15 {
                // RFC 8285 section 4.2: id 15 stops the processing of the block.
                self.rest = &[];
                return None;
            } else {
                (first >> 4, usize::from(first & 0x0f) + 1)
            };
            let Some((value, rest)) = self.rest.split_at_checked(length) else {
                self.rest = &[];
                return None;
            };
            self.rest = rest;
            return Some((id, value));
        }
    }
}

/// Values that travel with a packet from its publisher, kept with the packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceExtensions {
    /// RFC 6464: voice flag in bit 7, level in -dBov in bits 0..=6.
    pub audio_level: Option<u8>,
    /// 3GPP TS 26.114 coordination of video orientation: camera, flip and rotation bits.
    pub orientation: Option<u8>,
    /// Minimum and maximum playout delay in units of 10 ms (12 bits each).
    pub playout_delay: Option<(u16, u16)>,
}

/// Values written per subscriber transport at the moment of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportExtensions {
    /// See `NtpClock::abs_send_time`.
    pub abs_send_time: u32,
    /// Transport-wide sequence number.
    pub transport_cc: u16,
}

/// Which elements a slot's block has. The block's length follows from it and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionLayout {
    ids: ExtensionIds,
    mid: Option<Box<[u8]>>,
    audio_level: bool,
    orientation: bool,
    playout_delay: bool,
    block_len: usize,
}

impl ExtensionLayout {
    /// abs-send-time, transport-cc and audio level. `mid` of 1..=16 bytes, else it is left out.
    #[must_use]
    pub fn audio(mid: Option<&str>) -> Self {
        Self::new(mid, true, false, false)
    }

    /// abs-send-time, transport-cc, orientation and playout delay.
    #[must_use]
    pub fn video(mid: Option<&str>) -> Self {
        Self::new(mid, false, true, true)
    }

    fn new(mid: Option<&str>, audio_level: bool, orientation: bool, playout_delay: bool) -> Self {
        let mid: Option<Box<[u8]>> = mid
            .map(str::as_bytes)
            .filter(|mid| (1..=16).contains(&mid.len()))
            .map(Into::into);
        let elements = 4
            + 3
            + if audio_level { 2 } else { 0 }
            + if orientation { 2 } else { 0 }
            + if playout_delay { 4 } else { 0 }
            + mid.as_ref().map_or(0, |mid| 1 + mid.len());
        Self {
            ids: ExtensionIds::default(),
            mid,
            audio_level,
            orientation,
            playout_delay,
            block_len: 4 + elements.next_multiple_of(4),
        }
    }

    /// The same elements under a receiver's own ids; what it has no id for is padding.
    #[must_use]
    pub fn with_ids(mut self, ids: ExtensionIds) -> Self {
        self.ids = ids;
        self
    }

    /// Bytes of the whole block with its 4-byte head.
    #[must_use]
    pub fn block_len(&self) -> usize {
        self.block_len
    }

    /// Write the block; `None` when `out` is shorter than [`Self::block_len`].
    #[must_use]
    pub fn write(
        &self,
        source: &SourceExtensions,
        transport: &TransportExtensions,
        out: &mut [u8],
    ) -> Option<usize> {
        let out = out.get_mut(..self.block_len)?;
        out[..2].copy_from_slice(&0xbede_u16.to_be_bytes());
        out[2..4].copy_from_slice(&((self.block_len / 4 - 1) as u16).to_be_bytes());
        let send_time = transport.abs_send_time.to_be_bytes();
        let sequence = transport.transport_cc.to_be_bytes();
        let ids = &self.ids;
        let mut at = 4;
        let mut put = |id: u8, length: u8, value: &[u8]| {
            let end = at + 1 + value.len();
            if id == 0 || length == 0 {
                out[at..end].fill(0);
            } else {
                out[at] = (id << 4) | (length - 1);
                out[at + 1..end].copy_from_slice(value);
            }
            at = end;
        };
        put(ids.abs_send_time, 3, &send_time[1..]);
        put(ids.transport_cc, 2, &sequence);
        if self.audio_level {
            let level = source.audio_level;
            put(
                ids.audio_level,
                u8::from(level.is_some()),
                &[level.unwrap_or(0)],
            );
        }
        if self.orientation {
            let value = source.orientation;
            put(
                ids.orientation,
                u8::from(value.is_some()),
                &[value.unwrap_or(0)],
            );
        }
        if self.playout_delay {
            let (min, max) = source.playout_delay.unwrap_or_default();
            let bits = (u32::from(min & 0xfff) << 12) | u32::from(max & 0xfff);
            let length = if source.playout_delay.is_some() { 3 } else { 0 };
            put(ids.playout_delay, length, &bits.to_be_bytes()[1..]);
        }
        if let Some(mid) = &self.mid {
            put(ids.mid, mid.len() as u8, mid);
        }
        out[at..].fill(0);
        Some(self.block_len)
    }
}

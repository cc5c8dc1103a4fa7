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
            mid,
            audio_level,
            orientation,
            playout_delay,
            block_len: 4 + elements.next_multiple_of(4),
        }
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
        out[4..11].copy_from_slice(&[
            (id::ABS_SEND_TIME << 4) | 2,
            send_time[1],
            send_time[2],
            send_time[3],
            (id::TRANSPORT_CC << 4) | 1,
            sequence[0],
            sequence[1],
        ]);
        let mut at = 11;
        let mut put = |element: &[u8]| {
            out[at..at + element.len()].copy_from_slice(element);
            at += element.len();
        };
        if self.audio_level {
            put(&source
                .audio_level
                .map_or([0; 2], |level| [id::AUDIO_LEVEL << 4, level]));
        }
        if self.orientation {
            put(&source
                .orientation
                .map_or([0; 2], |value| [id::ORIENTATION << 4, value]));
        }
        if self.playout_delay {
            put(&source.playout_delay.map_or([0; 4], |(min, max)| {
                let bits = (u32::from(min & 0xfff) << 12) | u32::from(max & 0xfff);
                let bits = bits.to_be_bytes();
                [(id::PLAYOUT_DELAY << 4) | 2, bits[1], bits[2], bits[3]]
            }));
        }
        if let Some(mid) = &self.mid {
            put(&[(id::MID << 4) | (mid.len() - 1) as u8]);
            put(mid);
        }
        out[at..].fill(0);
        Some(self.block_len)
    }
}

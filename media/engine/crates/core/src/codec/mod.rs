//! What forwarding has to know of a payload: key frames, and VP8's picture numbers.

pub mod av1;
pub mod h264;
pub mod red;
pub mod vp8;
pub mod vp9;

/// Codecs forwarded, with our fixed payload types towards subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    Opus,
    Vp8,
    H264,
    Vp9,
    Av1,
}

impl Codec {
    /// Payload type towards subscribers.
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Opus => 111,
            Self::Vp8 => 96,
            Self::H264 => 102,
            Self::Vp9 => 98,
            Self::Av1 => 45,
        }
    }

    /// Payload type of retransmissions (RFC 4588); audio has none.
    #[must_use]
    pub fn rtx_payload_type(self) -> Option<u8> {
        match self {
            Self::Opus => None,
            Self::Vp8 => Some(97),
            Self::H264 => Some(103),
            Self::Vp9 => Some(99),
            Self::Av1 => Some(46),
        }
    }

    /// Every codec, in the order of [`PayloadTypes`].
    pub const ALL: [Codec; 5] = [Self::Opus, Self::Vp8, Self::H264, Self::Vp9, Self::Av1];

    /// RTP clock, Hz.
    #[must_use]
    pub fn clock_rate(self) -> u32 {
        if self.is_video() { 90_000 } else { 48_000 }
    }

    #[must_use]
    pub fn is_video(self) -> bool {
        self != Self::Opus
    }

    /// Whether this RTP payload begins a key frame: a receiver that starts here can decode. Always true for audio.
    #[must_use]
    pub fn starts_key_frame(self, payload: &[u8]) -> bool {
        match self {
            Self::Opus => true,
            Self::Vp8 => vp8::starts_key_frame(payload),
            Self::H264 => h264::starts_key_frame(payload),
            Self::Vp9 => vp9::starts_key_frame(payload),
            Self::Av1 => av1::starts_key_frame(payload),
        }
    }
}

/// Payload types of one m-line by codec, and those of its retransmissions: ours, or those of a receiver that offered
/// (RFC 3264 section 6.1: what is sent to it has the numbers of its offer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadTypes([(u8, Option<u8>); 5]);

impl Default for PayloadTypes {
    fn default() -> Self {
        Self(Codec::ALL.map(|codec| (codec.payload_type(), codec.rtx_payload_type())))
    }
}

impl PayloadTypes {
    #[must_use]
    pub fn of(&self, codec: Codec) -> u8 {
        self.0[codec as usize].0
    }

    #[must_use]
    pub fn rtx_of(&self, codec: Codec) -> Option<u8> {
        self.0[codec as usize].1
    }

    pub fn set(&mut self, codec: Codec, payload_type: u8, rtx: Option<u8>) {
        self.0[codec as usize] = (payload_type, rtx);
    }
}

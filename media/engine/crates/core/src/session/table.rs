//! The fixed table of codecs and header extensions in our descriptions. The subscribe offer is ours,
//! so one table serves every receiver and a packet is rewritten the same way for all.

use crate::codec::Codec;
use crate::packet::ext::{id, uri};

/// Video codecs known, in the default order of preference.
pub const VIDEO_CODECS: [Codec; 4] = [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];

/// The encoding name of the rtpmap attribute.
#[must_use]
pub fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "opus",
        Codec::Vp8 => "VP8",
        Codec::H264 => "H264",
        Codec::Vp9 => "VP9",
        Codec::Av1 => "AV1",
    }
}

/// Encoding names are case-insensitive (RFC 8866 §6.6).
#[must_use]
pub fn codec_by_name(name: &str) -> Option<Codec> {
    [Codec::Opus]
        .into_iter()
        .chain(VIDEO_CODECS)
        .find(|c| codec_name(*c).eq_ignore_ascii_case(name))
}

/// Format parameters of the fmtp attribute.
#[must_use]
pub fn fmtp(codec: Codec) -> Option<&'static str> {
    match codec {
        Codec::Opus => Some("minptime=10;useinbandfec=1;usedtx=1"),
        Codec::H264 => {
            Some("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
        }
        Codec::Vp9 => Some("profile-id=0"),
        Codec::Vp8 | Codec::Av1 => None,
    }
}

/// (id, URI) of the extensions of an audio m-line towards subscribers.
pub const AUDIO_EXTENSIONS: [(u8, &str); 4] = [
    (id::AUDIO_LEVEL, uri::AUDIO_LEVEL),
    (id::ABS_SEND_TIME, uri::ABS_SEND_TIME),
    (id::TRANSPORT_CC, uri::TRANSPORT_CC),
    (id::MID, uri::MID),
];

/// (id, URI) of the extensions of a video m-line towards subscribers.
pub const VIDEO_EXTENSIONS: [(u8, &str); 5] = [
    (id::ABS_SEND_TIME, uri::ABS_SEND_TIME),
    (id::TRANSPORT_CC, uri::TRANSPORT_CC),
    (id::MID, uri::MID),
    (id::ORIENTATION, uri::ORIENTATION),
    (id::PLAYOUT_DELAY, uri::PLAYOUT_DELAY),
];

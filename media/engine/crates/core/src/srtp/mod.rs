//! SRTP and SRTCP (RFC 3711, RFC 7714) with keys exported from DTLS (RFC 5764).
//!
//! Egress: [`SrtpSender`] encrypts in place in the output buffer. Ingress: [`SrtpReceiver`], for the subscribers'
//! RTCP and for receivers of tests and load tests.

/// Protection profile negotiated by `use_srtp` (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    AeadAes128Gcm,
    AeadAes256Gcm,
    Aes128CmSha1_80,
}

/// Which end of the DTLS association *we* are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DtlsRole {
    Client,
    Server,
}

/// Why a packet was not protected or not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtpError {
    /// Keying material of the wrong length for the profile.
    KeyLength,
    /// Not RTP/RTCP, or too short to hold the tag.
    Malformed,
    /// The output buffer has no room for tag or trailer.
    BufferTooSmall,
    /// Authentication failed.
    Authentication,
    /// Seen before, or older than the replay window.
    Replay,
    /// More SSRCs than a receiver keeps state for.
    TooManyStreams,
    /// The 2^31 SRTCP packets of one key are used up; the transport must end.
    KeyExhausted,
}

/// Largest growth of an RTP packet by any profile, bytes.
pub const MAX_RTP_OVERHEAD: usize = 16;
/// Largest growth of an RTCP packet by any profile, bytes.
pub const MAX_RTCP_OVERHEAD: usize = 20;

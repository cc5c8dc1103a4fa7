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

impl SrtpProfile {
    /// Bytes of DTLS exporter output (label `EXTRACTOR-dtls_srtp`): two keys and two salts.
    #[must_use]
    pub fn keying_material_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    #[must_use]
    pub fn key_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::Aes128CmSha1_80 => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    #[must_use]
    pub fn salt_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            Self::Aes128CmSha1_80 => 14,
        }
    }

    /// Bytes an RTP packet grows by.
    #[must_use]
    pub fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
            Self::Aes128CmSha1_80 => 10,
        }
    }

    /// Bytes an RTCP packet grows by: tag and index word.
    #[must_use]
    pub fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + 4
    }

    /// IANA name, for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
            Self::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        }
    }
}

/// Encrypts what we send on one transport. Session keys are derived and scheduled once, here.
pub struct SrtpSender {
    profile: SrtpProfile,
}

impl SrtpSender {
    /// `material` is the DTLS exporter output, `role` our end of the association.
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`].
    pub fn new(profile: SrtpProfile, material: &[u8], role: DtlsRole) -> Result<Self, SrtpError> {
        let _ = (material, role);
        Ok(Self { profile })
    }

    #[must_use]
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Protect the RTP packet in `buffer[..length]` in place and return its new length.
    ///
    /// `header_len` is what stays in clear (fixed header, CSRCs, extension block). `rollover` is the caller's
    /// extended sequence number shifted right by 16. The caller never passes the same SSRC and extended
    /// sequence number twice with different content: with GCM that would break the key.
    ///
    /// # Errors
    /// [`SrtpError::BufferTooSmall`], [`SrtpError::Malformed`].
    pub fn protect_rtp(
        &self,
        buffer: &mut [u8],
        header_len: usize,
        length: usize,
        rollover: u32,
    ) -> Result<usize, SrtpError> {
        let _ = (buffer, header_len, length, rollover);
        todo!()
    }

    /// Protect the RTCP compound in `buffer[..length]` in place and return its new length.
    ///
    /// # Errors
    /// [`SrtpError::BufferTooSmall`], [`SrtpError::Malformed`], [`SrtpError::KeyExhausted`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let _ = (buffer, length);
        todo!()
    }
}

/// Decrypts what the other end sends on one transport, with a replay window per SSRC.
pub struct SrtpReceiver {
    profile: SrtpProfile,
}

impl SrtpReceiver {
    /// Arguments as of [`SrtpSender::new`]: `role` is still *our* role.
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`].
    pub fn new(profile: SrtpProfile, material: &[u8], role: DtlsRole) -> Result<Self, SrtpError> {
        let _ = (material, role);
        Ok(Self { profile })
    }

    #[must_use]
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Decrypt in place; the plain RTP packet is `buffer[..returned]`. On error the buffer is unspecified.
    ///
    /// # Errors
    /// Every [`SrtpError`] but `KeyLength`, `BufferTooSmall` and `KeyExhausted`.
    pub fn unprotect_rtp(&mut self, buffer: &mut [u8]) -> Result<usize, SrtpError> {
        let _ = buffer;
        todo!()
    }

    /// Decrypt in place; the plain RTCP compound is `buffer[..returned]`. On error the buffer is unspecified.
    ///
    /// # Errors
    /// As [`Self::unprotect_rtp`]; packets sent in clear (E flag 0) are [`SrtpError::Authentication`].
    pub fn unprotect_rtcp(&mut self, buffer: &mut [u8]) -> Result<usize, SrtpError> {
        let _ = buffer;
        todo!()
    }
}

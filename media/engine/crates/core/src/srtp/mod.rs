//! SRTP and SRTCP (RFC 3711, RFC 7714) with keys exported from DTLS (RFC 5764).
//!
//! Egress: [`SrtpSender`] encrypts in place in the output buffer. Ingress: [`SrtpReceiver`], for the subscribers'
//! RTCP and for receivers of tests and load tests.

mod cipher;
mod kdf;
mod receiver;
pub(crate) mod replay;
mod sender;
#[cfg(test)]
mod vectors;

pub use receiver::SrtpReceiver;
pub use sender::SrtpSender;

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

/// One direction's master key and salt, cut out of DTLS exporter output.
struct MasterKey<'a> {
    key: &'a [u8],
    salt: &'a [u8],
}

/// RFC 5764 section 4.2: client key, server key, client salt, server salt.
fn master_keys(
    profile: SrtpProfile,
    material: &[u8],
) -> Result<(MasterKey<'_>, MasterKey<'_>), SrtpError> {
    if material.len() != profile.keying_material_len() {
        return Err(SrtpError::KeyLength);
    }
    let (keys, salts) = material.split_at(2 * profile.key_len());
    let (client_key, server_key) = keys.split_at(profile.key_len());
    let (client_salt, server_salt) = salts.split_at(profile.salt_len());
    Ok((
        MasterKey {
            key: client_key,
            salt: client_salt,
        },
        MasterKey {
            key: server_key,
            salt: server_salt,
        },
    ))
}

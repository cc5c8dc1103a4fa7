use super::cipher::{Kind, SessionCipher};
use super::{DtlsRole, SrtpError, SrtpProfile, master_keys};

/// RFC 3711 section 9.2: at most 2^31 SRTCP packets under one key.
const MAX_RTCP_INDEX: u32 = 1 << 31;

/// Encrypts what we send on one transport. Session keys are derived and scheduled once, here.
pub struct SrtpSender {
    profile: SrtpProfile,
    rtp: SessionCipher,
    rtcp: SessionCipher,
    next_rtcp_index: u32,
}

impl SrtpSender {
    /// `material` is the DTLS exporter output, `role` our end of the association.
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`].
    pub fn new(profile: SrtpProfile, material: &[u8], role: DtlsRole) -> Result<Self, SrtpError> {
        let (client, server) = master_keys(profile, material)?;
        let master = match role {
            DtlsRole::Client => client,
            DtlsRole::Server => server,
        };
        Ok(Self {
            profile,
            rtp: SessionCipher::derive(profile, &master, Kind::Rtp)?,
            rtcp: SessionCipher::derive(profile, &master, Kind::Rtcp)?,
            next_rtcp_index: 0,
        })
    }

    #[cfg(test)]
    pub(super) fn from_ciphers(
        profile: SrtpProfile,
        rtp: SessionCipher,
        rtcp: SessionCipher,
    ) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            next_rtcp_index: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn set_rtcp_index(&mut self, index: u32) {
        self.next_rtcp_index = index;
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
        let sequence = match buffer {
            [_, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => return Err(SrtpError::Malformed),
        };
        let index = u64::from(rollover) << 16 | u64::from(sequence);
        self.rtp.seal_rtp(buffer, header_len, length, index)
    }

    /// Protect the RTCP compound in `buffer[..length]` in place and return its new length.
    ///
    /// # Errors
    /// [`SrtpError::BufferTooSmall`], [`SrtpError::Malformed`], [`SrtpError::KeyExhausted`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        if self.next_rtcp_index >= MAX_RTCP_INDEX {
            return Err(SrtpError::KeyExhausted);
        }
        let total = self.rtcp.seal_rtcp(buffer, length, self.next_rtcp_index)?;
        self.next_rtcp_index += 1;
        Ok(total)
    }
}

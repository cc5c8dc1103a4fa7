use crate::packet::rtp::RtpView;

use super::cipher::{Kind, SessionCipher};
use super::replay::ReplayWindow;
use super::{DtlsRole, SrtpError, SrtpProfile, master_keys};

/// SSRCs a receiver keeps replay windows for, RTP and RTCP each. State is made only by authenticated packets.
pub const MAX_STREAMS: usize = 256;

/// Decrypts what the other end sends on one transport, with a replay window per SSRC.
pub struct SrtpReceiver {
    profile: SrtpProfile,
    rtp: SessionCipher,
    rtcp: SessionCipher,
    rtp_streams: Streams,
    rtcp_streams: Streams,
}

impl SrtpReceiver {
    /// Arguments as of `SrtpSender::new`: `role` is still *our* role.
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`].
    pub fn new(profile: SrtpProfile, material: &[u8], role: DtlsRole) -> Result<Self, SrtpError> {
        let (client, server) = master_keys(profile, material)?;
        let master = match role {
            DtlsRole::Client => server,
            DtlsRole::Server => client,
        };
        Ok(Self::from_ciphers(
            profile,
            SessionCipher::derive(profile, &master, Kind::Rtp)?,
            SessionCipher::derive(profile, &master, Kind::Rtcp)?,
        ))
    }

    pub(super) fn from_ciphers(
        profile: SrtpProfile,
        rtp: SessionCipher,
        rtcp: SessionCipher,
    ) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            rtp_streams: Streams::default(),
            rtcp_streams: Streams::default(),
        }
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
        let view = RtpView::parse_encrypted(buffer).ok_or(SrtpError::Malformed)?;
        let (ssrc, sequence, header_len) = (view.ssrc(), view.sequence_number(), view.header_len());
        let window = self.rtp_streams.window(ssrc)?;
        let index = window.guess(sequence).ok_or(SrtpError::Replay)?;
        if !window.is_fresh(index) {
            return Err(SrtpError::Replay);
        }
        let length = self.rtp.open_rtp(buffer, header_len, index)?;
        self.rtp_streams.accept(ssrc, index);
        Ok(length)
    }

    /// Decrypt in place; the plain RTCP compound is `buffer[..returned]`. On error the buffer is unspecified.
    ///
    /// # Errors
    /// As [`Self::unprotect_rtp`]; packets sent in clear (E flag 0) are [`SrtpError::Authentication`].
    pub fn unprotect_rtcp(&mut self, buffer: &mut [u8]) -> Result<usize, SrtpError> {
        let (ssrc, index) = self.rtcp.rtcp_index(buffer)?;
        let index = u64::from(index);
        if !self.rtcp_streams.window(ssrc)?.is_fresh(index) {
            return Err(SrtpError::Replay);
        }
        let length = self.rtcp.open_rtcp(buffer)?;
        self.rtcp_streams.accept(ssrc, index);
        Ok(length)
    }
}

/// Replay windows by SSRC. Few per transport, so a sorted list beats a map.
#[derive(Debug, Default)]
struct Streams(Vec<(u32, ReplayWindow)>);

impl Streams {
    fn window(&self, ssrc: u32) -> Result<ReplayWindow, SrtpError> {
        match self.0.binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc) {
            Ok(at) => Ok(self.0[at].1),
            Err(_) if self.0.len() >= MAX_STREAMS => Err(SrtpError::TooManyStreams),
            Err(_) => Ok(ReplayWindow::default()),
        }
    }

    fn accept(&mut self, ssrc: u32, index: u64) {
        match self.0.binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc) {
            Ok(at) => self.0[at].1.accept(index),
            Err(at) => {
                let mut window = ReplayWindow::default();
                window.accept(index);
                self.0.insert(at, (ssrc, window));
            }
        }
    }
}

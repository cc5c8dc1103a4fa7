//! The packet transforms under session keys: AES-GCM (RFC 7714) and AES-CM with HMAC-SHA1 (RFC 3711 section 4).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::kdf::{Label, counter_mode_key, derive};
use super::{MasterKey, SrtpError, SrtpProfile};

const GCM_TAG: usize = 16;
const HMAC_TAG: usize = 10;
/// E flag and 31-bit index that end an SRTCP packet.
pub(super) const INDEX_LEN: usize = 4;
/// An RTCP header and the sender's SSRC stay in clear.
const RTCP_CLEAR: usize = 8;
const ENCRYPTED_FLAG: u32 = 1 << 31;

/// Whether a cipher is for RTP or for RTCP; each has its own derived keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

/// Session keys of one direction and kind.
pub(super) enum SessionCipher {
    Gcm {
        key: LessSafeKey,
        salt: [u8; 12],
    },
    /// Boxed: 1.7 KB of key schedule and hash state, which GCM transports need not reserve.
    CounterMode {
        key: Box<EncryptingKey>,
        salt: [u8; 14],
        authentication: Box<hmac::Key>,
    },
}

impl SessionCipher {
    pub(super) fn derive(
        profile: SrtpProfile,
        master: &MasterKey<'_>,
        kind: Kind,
    ) -> Result<Self, SrtpError> {
        let (encryption, authentication, salting) = match kind {
            Kind::Rtp => (
                Label::RtpEncryption,
                Label::RtpAuthentication,
                Label::RtpSalt,
            ),
            Kind::Rtcp => (
                Label::RtcpEncryption,
                Label::RtcpAuthentication,
                Label::RtcpSalt,
            ),
        };
        let mut key = [0; 32];
        let key = &mut key[..profile.key_len()];
        let mut salt = [0; 14];
        let salt = &mut salt[..profile.salt_len()];
        let mut tag_key = [0; 20];
        derive(master.key, master.salt, encryption, key)?;
        derive(master.key, master.salt, salting, salt)?;
        derive(master.key, master.salt, authentication, &mut tag_key)?;
        Self::from_session_keys(profile, key, salt, &tag_key)
    }

    pub(super) fn from_session_keys(
        profile: SrtpProfile,
        key: &[u8],
        salt: &[u8],
        authentication: &[u8],
    ) -> Result<Self, SrtpError> {
        let gcm = |algorithm| {
            Ok(Self::Gcm {
                key: LessSafeKey::new(
                    UnboundKey::new(algorithm, key).map_err(|_| SrtpError::KeyLength)?,
                ),
                salt: salt.try_into().map_err(|_| SrtpError::KeyLength)?,
            })
        };
        match profile {
            SrtpProfile::AeadAes128Gcm => gcm(&AES_128_GCM),
            SrtpProfile::AeadAes256Gcm => gcm(&AES_256_GCM),
            SrtpProfile::Aes128CmSha1_80 => Ok(Self::CounterMode {
                key: Box::new(counter_mode_key(key)?),
                salt: salt.try_into().map_err(|_| SrtpError::KeyLength)?,
                authentication: Box::new(hmac::Key::new(
                    hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                    authentication,
                )),
            }),
        }
    }

    fn tag_len(&self) -> usize {
        match self {
            Self::Gcm { .. } => GCM_TAG,
            Self::CounterMode { .. } => HMAC_TAG,
        }
    }

    /// Encrypt `buffer[header_len..length]` and append the tag. `index` is the 48-bit packet index.
    pub(super) fn seal_rtp(
        &self,
        buffer: &mut [u8],
        header_len: usize,
        length: usize,
        index: u64,
    ) -> Result<usize, SrtpError> {
        if header_len < 12 || length < header_len {
            return Err(SrtpError::Malformed);
        }
        let total = length + self.tag_len();
        let packet = buffer.get_mut(..total).ok_or(SrtpError::BufferTooSmall)?;
        let ssrc = [packet[8], packet[9], packet[10], packet[11]];
        let (packet, tag_out) = packet.split_at_mut(length);
        match self {
            Self::Gcm { key, salt } => {
                let (header, payload) = packet.split_at_mut(header_len);
                let tag = key
                    .seal_in_place_separate_tag(
                        gcm_rtp_nonce(salt, ssrc, index),
                        Aad::from(&*header),
                        payload,
                    )
                    .map_err(|_| SrtpError::Malformed)?;
                tag_out.copy_from_slice(tag.as_ref());
            }
            Self::CounterMode {
                key,
                salt,
                authentication,
            } => {
                counter_mode(
                    key,
                    counter_iv(salt, ssrc, index),
                    &mut packet[header_len..],
                )?;
                tag_out.copy_from_slice(&authenticate(
                    authentication,
                    packet,
                    rollover_bytes(index),
                ));
            }
        }
        Ok(total)
    }

    /// Check the tag and decrypt; the plain length.
    pub(super) fn open_rtp(
        &self,
        buffer: &mut [u8],
        header_len: usize,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let length = buffer
            .len()
            .checked_sub(self.tag_len())
            .ok_or(SrtpError::Malformed)?;
        if header_len < 12 || length < header_len {
            return Err(SrtpError::Malformed);
        }
        let ssrc = [buffer[8], buffer[9], buffer[10], buffer[11]];
        let (packet, tag) = buffer.split_at_mut(length);
        match self {
            Self::Gcm { key, salt } => {
                let (header, payload) = packet.split_at_mut(header_len);
                let nonce = gcm_rtp_nonce(salt, ssrc, index);
                key.open_in_place_separate_tag(nonce, Aad::from(&*header), tag, payload)
                    .map_err(|_| SrtpError::Authentication)?;
            }
            Self::CounterMode {
                key,
                salt,
                authentication,
            } => {
                let expected = authenticate(authentication, packet, rollover_bytes(index));
                verify(&expected, tag)?;
                counter_mode(
                    key,
                    counter_iv(salt, ssrc, index),
                    &mut packet[header_len..],
                )?;
            }
        }
        Ok(length)
    }

    /// Encrypt an RTCP compound and append tag and index (the order differs between the transforms).
    pub(super) fn seal_rtcp(
        &self,
        buffer: &mut [u8],
        length: usize,
        index: u32,
    ) -> Result<usize, SrtpError> {
        if length < RTCP_CLEAR {
            return Err(SrtpError::Malformed);
        }
        let total = length + self.tag_len() + INDEX_LEN;
        let packet = buffer.get_mut(..total).ok_or(SrtpError::BufferTooSmall)?;
        let ssrc = [packet[4], packet[5], packet[6], packet[7]];
        let word = (ENCRYPTED_FLAG | index).to_be_bytes();
        let (packet, trailer) = packet.split_at_mut(length);
        match self {
            Self::Gcm { key, salt } => {
                let (clear, secret) = packet.split_at_mut(RTCP_CLEAR);
                let tag = key
                    .seal_in_place_separate_tag(
                        gcm_rtcp_nonce(salt, ssrc, index),
                        Aad::from(gcm_rtcp_aad(clear, word)),
                        secret,
                    )
                    .map_err(|_| SrtpError::Malformed)?;
                trailer[..GCM_TAG].copy_from_slice(tag.as_ref());
                trailer[GCM_TAG..].copy_from_slice(&word);
            }
            Self::CounterMode {
                key,
                salt,
                authentication,
            } => {
                let iv = counter_iv(salt, ssrc, u64::from(index));
                counter_mode(key, iv, &mut packet[RTCP_CLEAR..])?;
                trailer[..INDEX_LEN].copy_from_slice(&word);
                trailer[INDEX_LEN..].copy_from_slice(&authenticate(authentication, packet, word));
            }
        }
        Ok(total)
    }

    /// SSRC and index of a protected RTCP packet, before it is authenticated.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Result<(u32, u32), SrtpError> {
        let (_, word) = self.split_rtcp(packet)?;
        if word & ENCRYPTED_FLAG == 0 {
            // WebRTC never negotiates UNENCRYPTED_SRTCP (RFC 8827 section 6.5).
            return Err(SrtpError::Authentication);
        }
        let ssrc = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
        Ok((ssrc, word & !ENCRYPTED_FLAG))
    }

    /// Check the tag and decrypt; the plain length.
    pub(super) fn open_rtcp(&self, buffer: &mut [u8]) -> Result<usize, SrtpError> {
        let (length, word) = self.split_rtcp(buffer)?;
        let index = word & !ENCRYPTED_FLAG;
        let ssrc = [buffer[4], buffer[5], buffer[6], buffer[7]];
        let (packet, trailer) = buffer.split_at_mut(length);
        match self {
            Self::Gcm { key, salt } => {
                let (clear, secret) = packet.split_at_mut(RTCP_CLEAR);
                let aad = Aad::from(gcm_rtcp_aad(clear, word.to_be_bytes()));
                let nonce = gcm_rtcp_nonce(salt, ssrc, index);
                key.open_in_place_separate_tag(nonce, aad, &trailer[..GCM_TAG], secret)
                    .map_err(|_| SrtpError::Authentication)?;
            }
            Self::CounterMode {
                key,
                salt,
                authentication,
            } => {
                let expected = authenticate(authentication, packet, word.to_be_bytes());
                verify(&expected, &trailer[INDEX_LEN..])?;
                let iv = counter_iv(salt, ssrc, u64::from(index));
                counter_mode(key, iv, &mut packet[RTCP_CLEAR..])?;
            }
        }
        Ok(length)
    }

    fn split_rtcp(&self, packet: &[u8]) -> Result<(usize, u32), SrtpError> {
        let length = packet
            .len()
            .checked_sub(self.tag_len() + INDEX_LEN)
            .filter(|length| *length >= RTCP_CLEAR)
            .ok_or(SrtpError::Malformed)?;
        let at = match self {
            Self::Gcm { .. } => length + GCM_TAG,
            Self::CounterMode { .. } => length,
        };
        let word = packet[at..at + INDEX_LEN]
            .first_chunk()
            .ok_or(SrtpError::Malformed)?;
        Ok((length, u32::from_be_bytes(*word)))
    }
}

/// RFC 7714 section 8.1. `index` is ROC and SEQ, which stand next to each other as its low 48 bits.
fn gcm_rtp_nonce(salt: &[u8; 12], ssrc: [u8; 4], index: u64) -> Nonce {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &ssrc);
    xor(&mut nonce[6..12], &index.to_be_bytes()[2..]);
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 7714 section 9.1.
fn gcm_rtcp_nonce(salt: &[u8; 12], ssrc: [u8; 4], index: u32) -> Nonce {
    let mut nonce = *salt;
    xor(&mut nonce[2..6], &ssrc);
    xor(&mut nonce[8..12], &index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 7714 section 9.2: clear header, then E flag and index.
fn gcm_rtcp_aad(clear: &[u8], word: [u8; INDEX_LEN]) -> [u8; RTCP_CLEAR + INDEX_LEN] {
    let mut aad = [0; RTCP_CLEAR + INDEX_LEN];
    aad[..RTCP_CLEAR].copy_from_slice(clear);
    aad[RTCP_CLEAR..].copy_from_slice(&word);
    aad
}

/// RFC 3711 section 4.1.1: salt · 2^16 ⊕ SSRC · 2^64 ⊕ index · 2^16.
fn counter_iv(salt: &[u8; 14], ssrc: [u8; 4], index: u64) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(salt);
    xor(&mut iv[4..8], &ssrc);
    xor(&mut iv[8..14], &index.to_be_bytes()[2..]);
    iv
}

fn counter_mode(key: &EncryptingKey, iv: [u8; 16], data: &mut [u8]) -> Result<(), SrtpError> {
    key.less_safe_encrypt(data, EncryptionContext::Iv128(FixedLength::from(iv)))
        .map_err(|_| SrtpError::Malformed)?;
    Ok(())
}

/// ROC of a packet index: what RFC 3711 section 4.2 appends to the authenticated portion.
fn rollover_bytes(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

fn authenticate(key: &hmac::Key, packet: &[u8], trailer: [u8; 4]) -> [u8; HMAC_TAG] {
    let mut context = hmac::Context::with_key(key);
    context.update(packet);
    context.update(&trailer);
    let full = context.sign();
    let mut tag = [0; HMAC_TAG];
    tag.copy_from_slice(&full.as_ref()[..HMAC_TAG]);
    tag
}

fn verify(expected: &[u8; HMAC_TAG], tag: &[u8]) -> Result<(), SrtpError> {
    aws_lc_rs::constant_time::verify_slices_are_equal(expected, tag)
        .map_err(|_| SrtpError::Authentication)
}

fn xor(into: &mut [u8], with: &[u8]) {
    for (byte, other) in into.iter_mut().zip(with) {
        *byte ^= other;
    }
}

//! Key derivation (RFC 3711 section 4.3, RFC 6188 for 256-bit keys), key derivation rate 0.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::SrtpError;

/// What a derived key is for (RFC 3711 sections 4.3.1 and 4.3.2).
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fill `out` with the key stream of `label`. A 96-bit salt is padded on the right (RFC 7714 section 11).
pub(super) fn derive(
    key: &[u8],
    salt: &[u8],
    label: Label,
    out: &mut [u8],
) -> Result<(), SrtpError> {
    let mut iv = [0_u8; 16];
    iv[..14]
        .get_mut(..salt.len())
        .ok_or(SrtpError::KeyLength)?
        .copy_from_slice(salt);
    iv[7] ^= label as u8;
    out.fill(0);
    counter_mode_key(key)?
        .less_safe_encrypt(out, EncryptionContext::Iv128(FixedLength::from(iv)))
        .map_err(|_| SrtpError::KeyLength)?;
    Ok(())
}

/// AES in counter mode under a 16 or 32 byte key.
pub(super) fn counter_mode_key(key: &[u8]) -> Result<EncryptingKey, SrtpError> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    let key = UnboundCipherKey::new(algorithm, key).map_err(|_| SrtpError::KeyLength)?;
    EncryptingKey::ctr(key).map_err(|_| SrtpError::KeyLength)
}

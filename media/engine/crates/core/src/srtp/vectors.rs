//! Published vectors (RFC 3711 appendix B, RFC 7714 sections 16 and 17), and the behaviours around them.

use super::cipher::SessionCipher;
use super::kdf::{Label, counter_mode_key, derive};
use super::{DtlsRole, SrtpError, SrtpProfile, SrtpReceiver, SrtpSender};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// "Quid pro quo"
const SALT: &str = "517569642070726f2071756f";
const RTP: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e2070617274657320\
    74726573";
const SRTP_128: &str = "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b\
    36de3adf8833899d7f27beb16a9152cf765ee4390cce";
const SRTP_256: &str = "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f\
    1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13";
const RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeef\
    deadbeef";
const SRTCP_128: &str = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46\
    86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4";
const SRTCP_256: &str = "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658\
    c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4";
/// RFC 7714 section 17.3: authenticated but not encrypted.
const SRTCP_128_CLEAR: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeef\
    deadbeefdeadbeefdeadbeef841dd9683dd78ec92ae58790125f62b3000005d4";
const RTCP_INDEX: u32 = 0x5d4;

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::Aes128CmSha1_80,
];

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn ciphers(profile: SrtpProfile) -> (SessionCipher, SessionCipher) {
    let key = unhex(KEY);
    let make = || {
        SessionCipher::from_session_keys(profile, &key[..profile.key_len()], &unhex(SALT), &[])
            .unwrap()
    };
    (make(), make())
}

fn sender(profile: SrtpProfile) -> SrtpSender {
    let (rtp, rtcp) = ciphers(profile);
    SrtpSender::from_ciphers(profile, rtp, rtcp)
}

fn receiver(profile: SrtpProfile) -> SrtpReceiver {
    let (rtp, rtcp) = ciphers(profile);
    SrtpReceiver::from_ciphers(profile, rtp, rtcp)
}

/// A sender and the receiver of the other end, from one exporter output.
fn pair(profile: SrtpProfile) -> (SrtpSender, SrtpReceiver) {
    let material: Vec<u8> = (0..profile.keying_material_len() as u8).collect();
    (
        SrtpSender::new(profile, &material, DtlsRole::Server).unwrap(),
        SrtpReceiver::new(profile, &material, DtlsRole::Client).unwrap(),
    )
}

fn rtp_packet(sequence: u16) -> Vec<u8> {
    let mut packet = unhex(RTP);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet
}

fn protect(sender: &SrtpSender, sequence: u64) -> Vec<u8> {
    let mut packet = rtp_packet(sequence as u16);
    let length = packet.len();
    packet.resize(length + 16, 0);
    let total = sender
        .protect_rtp(&mut packet, 12, length, (sequence >> 16) as u32)
        .unwrap();
    packet.truncate(total);
    packet
}

#[test]
fn rfc_3711_b3_key_derivation() {
    let key = unhex("E1F97A0D3E018BE0D64FA32C06DE4139");
    let salt = unhex("0EC675AD498AFEEBB6960B3AABE6");
    let mut out = [0; 16];
    derive(&key, &salt, Label::RtpEncryption, &mut out).unwrap();
    assert_eq!(out.to_vec(), unhex("C61E7A93744F39EE10734AFE3FF7A087"));
    let mut out = [0; 14];
    derive(&key, &salt, Label::RtpSalt, &mut out).unwrap();
    assert_eq!(out.to_vec(), unhex("30CBBC08863D8C85D49DB34A9AE1"));
    let mut out = [0; 20];
    derive(&key, &salt, Label::RtpAuthentication, &mut out).unwrap();
    assert_eq!(
        out.to_vec(),
        unhex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
    );
}

#[test]
fn rfc_3711_b2_counter_mode() {
    use aws_lc_rs::cipher::EncryptionContext;
    let key = counter_mode_key(&unhex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
    let iv: [u8; 16] = unhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")
        .try_into()
        .unwrap();
    let mut stream = [0; 48];
    key.less_safe_encrypt(&mut stream, EncryptionContext::Iv128(iv.into()))
        .unwrap();
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB\
        41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(stream.to_vec(), unhex(expected));
}

/// The packet that libsrtp validates itself with (`test/srtp_driver.c`, `srtp_validate`).
#[test]
fn libsrtp_counter_mode_packet() {
    let profile = SrtpProfile::Aes128CmSha1_80;
    let key = unhex("E1F97A0D3E018BE0D64FA32C06DE4139");
    let salt = unhex("0EC675AD498AFEEBB6960B3AABE6");
    let material = [key.clone(), key, salt.clone(), salt].concat();
    let sender = SrtpSender::new(profile, &material, DtlsRole::Client).unwrap();
    let mut packet = unhex("800f1234decafbadcafebabe");
    packet.resize(28, 0xab);
    packet.resize(38, 0);
    assert_eq!(sender.protect_rtp(&mut packet, 12, 28, 0), Ok(38));
    let expected = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
    assert_eq!(packet, unhex(expected));
    let mut receiver = SrtpReceiver::new(profile, &material, DtlsRole::Server).unwrap();
    assert_eq!(receiver.unprotect_rtp(&mut packet), Ok(28));
    assert_eq!(packet[12..28], [0xab; 16]);
}

#[test]
fn rfc_7714_section_16_rtp() {
    for (profile, expected) in [
        (SrtpProfile::AeadAes128Gcm, SRTP_128),
        (SrtpProfile::AeadAes256Gcm, SRTP_256),
    ] {
        let mut packet = protect(&sender(profile), 0xf17b);
        assert_eq!(packet, unhex(expected));
        let length = receiver(profile).unprotect_rtp(&mut packet).unwrap();
        assert_eq!(packet[..length], unhex(RTP));
    }
}

#[test]
fn rfc_7714_section_17_rtcp() {
    for (profile, expected) in [
        (SrtpProfile::AeadAes128Gcm, SRTCP_128),
        (SrtpProfile::AeadAes256Gcm, SRTCP_256),
    ] {
        let mut sender = sender(profile);
        sender.set_rtcp_index(RTCP_INDEX);
        let mut packet = unhex(RTCP);
        let length = packet.len();
        packet.resize(length + profile.rtcp_overhead(), 0);
        assert_eq!(sender.protect_rtcp(&mut packet, length), Ok(packet.len()));
        assert_eq!(packet, unhex(expected));
        let length = receiver(profile).unprotect_rtcp(&mut packet).unwrap();
        assert_eq!(packet[..length], unhex(RTCP));
    }
}

#[test]
fn rtcp_in_clear_is_refused() {
    let mut packet = unhex(SRTCP_128_CLEAR);
    let refused = receiver(SrtpProfile::AeadAes128Gcm).unprotect_rtcp(&mut packet);
    assert_eq!(refused, Err(SrtpError::Authentication));
}

#[test]
fn every_profile_round_trips_over_a_rollover() {
    for profile in PROFILES {
        let (sender, mut receiver) = pair(profile);
        for sequence in (32_000_u64..200_000).step_by(7_777) {
            let mut packet = protect(&sender, sequence);
            assert_eq!(packet.len(), unhex(RTP).len() + profile.rtp_overhead());
            let length = receiver.unprotect_rtp(&mut packet).unwrap();
            assert_eq!(
                packet[..length],
                rtp_packet(sequence as u16),
                "{profile:?} {sequence}"
            );
        }
    }
}

#[test]
fn every_profile_round_trips_rtcp() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let plain = unhex(RTCP);
        let mut first = Vec::new();
        for round in 0..3 {
            let mut packet = plain.clone();
            packet.resize(plain.len() + profile.rtcp_overhead(), 0);
            sender.protect_rtcp(&mut packet, plain.len()).unwrap();
            if round == 0 {
                first = packet.clone();
            }
            let length = receiver.unprotect_rtcp(&mut packet).unwrap();
            assert_eq!(packet[..length], plain);
        }
        assert_eq!(receiver.unprotect_rtcp(&mut first), Err(SrtpError::Replay));
    }
}

#[test]
fn a_changed_byte_anywhere_fails_authentication() {
    for profile in PROFILES {
        let (sender, _) = pair(profile);
        let good = protect(&sender, 100);
        // The first byte and the SSRC are left out: they change parsing and state, not only authentication.
        for at in (1..8).chain(12..good.len()) {
            let (_, mut receiver) = pair(profile);
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(
                receiver.unprotect_rtp(&mut bad),
                Err(SrtpError::Authentication),
                "{profile:?} byte {at}"
            );
        }
    }
}

#[test]
fn replay_is_refused_and_forgeries_leave_no_trace() {
    for profile in PROFILES {
        let (sender, mut receiver) = pair(profile);
        let mut forged = protect(&sender, 9_000);
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(
            receiver.unprotect_rtp(&mut forged),
            Err(SrtpError::Authentication)
        );
        let packet = protect(&sender, 100);
        assert!(receiver.unprotect_rtp(&mut packet.clone()).is_ok());
        assert_eq!(
            receiver.unprotect_rtp(&mut packet.clone()),
            Err(SrtpError::Replay)
        );
        assert!(
            receiver.unprotect_rtp(&mut protect(&sender, 99)).is_ok(),
            "late is not a replay"
        );
    }
}

#[test]
fn state_is_bounded_by_ssrc() {
    let (sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
    let mut send = |ssrc: u32| {
        let mut packet = rtp_packet(1);
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        let length = packet.len();
        packet.resize(length + 16, 0);
        sender.protect_rtp(&mut packet, 12, length, 0).unwrap();
        receiver.unprotect_rtp(&mut packet)
    };
    for ssrc in 0..super::receiver::MAX_STREAMS as u32 {
        assert!(send(ssrc).is_ok());
    }
    assert_eq!(send(u32::MAX), Err(SrtpError::TooManyStreams));
}

#[test]
fn short_and_misfit_input_is_an_error() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        assert_eq!(
            SrtpSender::new(profile, &[0; 7], DtlsRole::Client).err(),
            Some(SrtpError::KeyLength)
        );
        assert_eq!(
            sender.protect_rtp(&mut [], 12, 12, 0),
            Err(SrtpError::Malformed)
        );
        assert_eq!(
            sender.protect_rtp(&mut [0; 12], 12, 12, 0),
            Err(SrtpError::BufferTooSmall)
        );
        assert_eq!(
            sender.protect_rtp(&mut [0; 64], 20, 12, 0),
            Err(SrtpError::Malformed)
        );
        assert_eq!(
            sender.protect_rtcp(&mut [0; 64], 7),
            Err(SrtpError::Malformed)
        );
        assert_eq!(
            sender.protect_rtcp(&mut [0; 8], 8),
            Err(SrtpError::BufferTooSmall)
        );
        for length in 0..40 {
            let mut bytes = vec![0x80; length];
            assert!(receiver.unprotect_rtp(&mut bytes.clone()).is_err());
            assert!(receiver.unprotect_rtcp(&mut bytes).is_err());
        }
    }
}

#[test]
fn rtcp_ends_before_an_index_repeats() {
    let (mut sender, _) = pair(SrtpProfile::AeadAes128Gcm);
    sender.set_rtcp_index((1 << 31) - 1);
    let mut packet = [0x80; 64];
    assert!(sender.protect_rtcp(&mut packet, 16).is_ok());
    assert_eq!(
        sender.protect_rtcp(&mut packet, 16),
        Err(SrtpError::KeyExhausted)
    );
}

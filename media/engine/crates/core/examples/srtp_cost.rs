//! Prints what protecting one 1,200-byte packet costs: payload copy, header, extension block and encryption.
//! Run with `cargo run --release -p engine_core --example srtp_cost`.

use std::hint::black_box;
use std::time::Instant;

use engine_core::packet::ext::{ExtensionLayout, SourceExtensions, TransportExtensions};
use engine_core::packet::rtp::{FIXED_HEADER_LEN, RtpHeader};
use engine_core::srtp::{DtlsRole, MAX_RTP_OVERHEAD, SrtpProfile, SrtpSender};

const PACKETS: u32 = 1_000_000;
const PAYLOAD: usize = 1_200;

fn main() {
    let profiles = [
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AeadAes256Gcm,
        SrtpProfile::Aes128CmSha1_80,
    ];
    for profile in profiles {
        let material = vec![7; profile.keying_material_len()];
        let sender = SrtpSender::new(profile, &material, DtlsRole::Server).expect("key length");
        let layout = ExtensionLayout::video(None);
        let payload = vec![0x5a_u8; PAYLOAD];
        let mut out = vec![0_u8; PAYLOAD + 64 + MAX_RTP_OVERHEAD];
        let started = Instant::now();
        for packet in 0..PACKETS {
            let header = RtpHeader {
                marker: false,
                payload_type: 96,
                sequence_number: packet as u16,
                timestamp: packet,
                ssrc: 1,
            };
            let transport = TransportExtensions {
                abs_send_time: packet,
                transport_cc: packet as u16,
            };
            header.write(true, &mut out).expect("room");
            let block = layout
                .write(
                    &SourceExtensions::default(),
                    &transport,
                    &mut out[FIXED_HEADER_LEN..],
                )
                .expect("room");
            let header_len = FIXED_HEADER_LEN + block;
            let length = header_len + PAYLOAD;
            out[header_len..length].copy_from_slice(black_box(&payload));
            black_box(sender.protect_rtp(&mut out, header_len, length, packet >> 16))
                .expect("protect");
        }
        let ns = started.elapsed().as_nanos() / u128::from(PACKETS);
        println!("{:28} {ns} ns per {PAYLOAD}-byte packet", profile.name());
    }
}

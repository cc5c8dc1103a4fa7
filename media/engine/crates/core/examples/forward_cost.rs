//! Prints what a slot costs per packet with many subscribers, without sockets: rewriting, header, extension block,
//! payload copy, transport-wide number, encryption. Subscribers outside, the turn's packets inside, as the worker
//! does it. Run with `cargo run --release -p engine_core --example forward_cost`.

use std::time::{Duration, Instant};

use engine_core::bwe::{Bandwidth, BandwidthConfig};
use engine_core::codec::Codec;
use engine_core::egress::cache::SourcePacket;
use engine_core::egress::munger::StreamId;
use engine_core::egress::slot::{EgressTransport, MAX_PACKET_GROWTH, SendTime, Slot, SlotConfig};
use engine_core::packet::ext::ExtensionLayout;
use engine_core::srtp::{DtlsRole, SrtpProfile, SrtpSender};

const PAYLOAD: usize = 1_100;
const PACKETS_PER_TURN: u64 = 4;
const PACKETS: u64 = 400_000;

fn main() {
    let profile = SrtpProfile::AeadAes128Gcm;
    let start = Instant::now();
    for subscribers in [1_u64, 50, 200, 1_000] {
        let mut all: Vec<(Slot, EgressTransport)> = (0..subscribers)
            .map(|number| {
                let material = vec![number as u8; profile.keying_material_len()];
                let srtp =
                    SrtpSender::new(profile, &material, DtlsRole::Server).expect("key length");
                let bandwidth = Bandwidth::new(BandwidthConfig::default(), start);
                let mut slot = Slot::new(SlotConfig {
                    ssrc: number as u32,
                    rtx_ssrc: Some(1),
                    first_sequence: 5,
                    rtx_first_sequence: 5,
                    first_timestamp: 5,
                    clock_rate: 90_000,
                    layout: ExtensionLayout::video(None),
                });
                slot.switch(StreamId(1));
                (slot, EgressTransport::new(srtp, bandwidth))
            })
            .collect();
        let mut out = vec![0_u8; 64 * 1_024];
        let mut spent = Duration::ZERO;
        let turns = PACKETS / subscribers / PACKETS_PER_TURN;
        let mut sent = 0_u64;
        for turn in 0..turns {
            let now = start + Duration::from_millis(turn * 20);
            let time = SendTime {
                now,
                abs_send_time: turn as u32,
            };
            let packets: Vec<SourcePacket> = (0..PACKETS_PER_TURN)
                .map(|at| {
                    let id = turn * PACKETS_PER_TURN + at;
                    let mut payload = vec![0x5a; PAYLOAD];
                    // VP8 descriptor with picture id and TL0PICIDX, then a frame tag: a key frame first.
                    payload[..6].copy_from_slice(&[
                        0x90,
                        0xc0,
                        0x80,
                        id as u8,
                        0,
                        u8::from(id > 0),
                    ]);
                    SourcePacket::new(id, Codec::Vp8, id as u32, at == 3, payload.into(), now)
                })
                .collect();
            let began = Instant::now();
            for (slot, transport) in &mut all {
                let mut at = 0;
                for packet in &packets {
                    let room = &mut out[at..at + PAYLOAD + MAX_PACKET_GROWTH];
                    let length = slot.forward(StreamId(1), packet, transport, &time, room);
                    at += length.expect("forwarded");
                    sent += 1;
                }
            }
            spent += began.elapsed();
        }
        println!(
            "{subscribers:5} subscribers: {} ns a packet",
            spent.as_nanos() / u128::from(sent)
        );
    }
}

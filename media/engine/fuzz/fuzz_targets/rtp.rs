//! Plain RTP of a publisher (its payload is under the publisher's control): header, extensions, codecs, and the way
//! through cache, slot and SRTP to a subscriber.

#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine_core::bwe::{Bandwidth, BandwidthConfig};
use engine_core::codec::{Codec, vp8};
use engine_core::egress::cache::{PacketCache, SourcePacket};
use engine_core::egress::munger::StreamId;
use engine_core::egress::slot::{EgressTransport, MAX_PACKET_GROWTH, SendTime, Slot, SlotConfig};
use engine_core::packet::ext::ExtensionLayout;
use engine_core::packet::rtp::RtpView;
use engine_core::srtp::{DtlsRole, SrtpProfile, SrtpReceiver, SrtpSender};
use libfuzzer_sys::fuzz_target;

const CODECS: [Codec; 5] = [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];
const KEYS: [u8; 56] = [9; 56];

fuzz_target!(|data: &[u8]| {
    if let Some(view) = RtpView::parse(data) {
        assert!(view.header_len() + view.payload().len() <= data.len());
        for (_, value) in view.extensions() {
            assert!(value.len() <= 255);
        }
        for codec in CODECS {
            let _ = codec.starts_key_frame(view.payload());
        }
    }
    if let Some(descriptor) = vp8::Descriptor::parse(data) {
        assert!(usize::from(descriptor.len) <= data.len());
        let mut rewritten = data.to_vec();
        vp8::Rewrite {
            picture_id: 0x1234,
            tl0_picture_index: 7,
        }
        .apply(&descriptor, &mut rewritten);
        let again = vp8::Descriptor::parse(&rewritten).unwrap();
        assert_eq!(
            (again.len, again.temporal_layer),
            (descriptor.len, descriptor.temporal_layer)
        );
    }
    subscriber(data);
});

/// Interpret the input as a publisher's doings: each step is a stream, an action, a distance and a payload.
fn subscriber(data: &[u8]) {
    let Some((&setup, mut rest)) = data.split_first() else {
        return;
    };
    let codec = CODECS[usize::from(setup) % CODECS.len()];
    let start = Instant::now();
    let profile = SrtpProfile::AeadAes128Gcm;
    let sender = SrtpSender::new(profile, &KEYS, DtlsRole::Server).unwrap();
    let mut receiver = SrtpReceiver::new(profile, &KEYS, DtlsRole::Client).unwrap();
    let bandwidth = Bandwidth::new(BandwidthConfig::default(), start);
    let mut transport = EgressTransport::new(sender, bandwidth);
    let mut slot = Slot::new(SlotConfig {
        ssrc: 1,
        rtx_ssrc: codec.is_video().then_some(2),
        first_sequence: 0x7ff0,
        rtx_first_sequence: 0,
        first_timestamp: u32::MAX - 5,
        clock_rate: codec.clock_rate(),
        layout: ExtensionLayout::video(Some("1")),
    });
    let mut caches = [PacketCache::new(64), PacketCache::new(64)];
    let mut ids = [100_u64, 1 << 40];
    let mut now = start;
    let mut out = [0; 512];
    slot.switch(StreamId(0));
    while let Some(([action, distance, length], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(*length).min(after.len());
        let (payload, after) = after.split_at(length);
        rest = after;
        let stream = usize::from(action & 1);
        now += Duration::from_millis(u64::from(*distance));
        let time = SendTime {
            now,
            abs_send_time: 0,
        };
        match action >> 1 & 0x07 {
            0 => slot.switch(StreamId(stream as u32)),
            1 => slot.stop(),
            2 => slot.set_max_temporal_layer((*distance < 4).then_some(*distance)),
            3 => {
                ids[stream] = ids[stream].wrapping_add(u64::from(*distance) << 9) & (u64::MAX >> 8)
            }
            4 => {
                let sequence = u16::from_be_bytes([action | 0x7f, *distance]);
                if let Some((StreamId(from), _)) = slot.resolve(sequence) {
                    let cache = &caches[from as usize];
                    slot.retransmit(sequence, cache, None, &mut transport, &time, &mut out);
                }
            }
            _ => {
                // Forwards, or a little backwards: late and doubled packets.
                let step = u64::from(distance & 0x07);
                let id = if distance & 0x80 == 0 {
                    ids[stream] + step
                } else {
                    ids[stream].saturating_sub(step)
                };
                ids[stream] = ids[stream].max(id);
                let timestamp = u32::from(*distance) << 10 | id as u32;
                let payload: Arc<[u8]> = payload.into();
                let mut packet =
                    SourcePacket::new(id, codec, timestamp, action & 0x80 != 0, payload, now);
                packet.padding = distance >> 3 & 0x0f;
                if !caches[stream].insert(packet) {
                    continue;
                }
                let packet = caches[stream].get(id).unwrap();
                let sent = slot.forward(
                    StreamId(stream as u32),
                    packet,
                    &mut transport,
                    &time,
                    &mut out,
                );
                if let Some(length) = sent {
                    assert!(length <= packet.payload.len() + MAX_PACKET_GROWTH);
                    let length = receiver
                        .unprotect_rtp(&mut out[..length])
                        .expect("fresh and authentic");
                    let view = RtpView::parse(&out[..length]).unwrap();
                    assert_eq!(view.payload().len(), packet.payload.len());
                }
            }
        }
    }
}

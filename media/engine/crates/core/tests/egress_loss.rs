//! A subscriber behind a lossy, reordering, duplicating path gets a gapless stream: cache, rewriting, SRTP, NACK and
//! retransmission together, seeded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine_core::bwe::{Bandwidth, BandwidthConfig};
use engine_core::codec::Codec;
use engine_core::egress::cache::{PacketCache, SourcePacket};
use engine_core::egress::munger::StreamId;
use engine_core::egress::slot::{EgressTransport, SendTime, Slot, SlotConfig};
use engine_core::packet::ext::ExtensionLayout;
use engine_core::packet::rtcp::{self, RtcpPacket, RtcpWriter};
use engine_core::packet::rtp::RtpView;
use engine_core::srtp::{DtlsRole, SrtpProfile, SrtpReceiver, SrtpSender};

const MEDIA: u32 = 0x1111;
const RTX: u32 = 0x2222;
const LOW: StreamId = StreamId(0);
const HIGH: StreamId = StreamId(1);
/// One step of the model: a video packet every 4 ms.
const STEP: Duration = Duration::from_millis(4);
const PACKETS: u64 = 6_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// What a lossy path does with packets handed to it: drop, delay, duplicate.
struct Path<T> {
    random: Random,
    loss: u64,
    in_flight: Vec<(u64, T)>,
}

impl<T: Clone> Path<T> {
    fn new(seed: u64, loss: u64) -> Self {
        Self {
            random: Random(seed),
            loss,
            in_flight: Vec::new(),
        }
    }

    fn send(&mut self, now: u64, item: T) {
        let copies = if self.random.percent(self.loss) {
            0
        } else {
            1 + u64::from(self.random.percent(2))
        };
        for _ in 0..copies {
            let delay = if self.random.percent(10) {
                self.random.next() % 8
            } else {
                0
            };
            self.in_flight.push((now + delay, item.clone()));
        }
    }

    fn arrived(&mut self, now: u64) -> Vec<T> {
        let (due, rest) = std::mem::take(&mut self.in_flight)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.in_flight = rest;
        due.into_iter().map(|(_, item)| item).collect::<Vec<T>>()
    }
}

/// The subscriber: decrypts, unwraps RTX, asks for what is missing.
struct Subscriber {
    srtp: SrtpReceiver,
    received: BTreeMap<u64, (Vec<u8>, u32)>,
    last_request: BTreeMap<u64, u64>,
    retransmitted: u32,
}

impl Subscriber {
    fn take(&mut self, mut datagram: Vec<u8>) {
        let Ok(length) = self.srtp.unprotect_rtp(&mut datagram) else {
            return;
        };
        let view = RtpView::parse(&datagram[..length]).unwrap();
        let (sequence, payload) = match view.ssrc() {
            MEDIA => (view.sequence_number(), view.payload()),
            RTX => {
                self.retransmitted += 1;
                let (original, payload) = view.payload().split_first_chunk::<2>().unwrap();
                assert_eq!(view.payload_type(), 103);
                (u16::from_be_bytes(*original), payload)
            }
            other => panic!("ssrc {other:#x}"),
        };
        let highest = self
            .received
            .last_key_value()
            .map_or(u64::from(sequence), |(highest, _)| *highest);
        let distance = sequence.wrapping_sub(highest as u16).cast_signed();
        let extended = highest.checked_add_signed(i64::from(distance)).unwrap();
        let entry = (payload.to_vec(), view.timestamp());
        let known = self
            .received
            .entry(extended)
            .or_insert_with(|| entry.clone());
        assert_eq!(
            *known, entry,
            "a retransmission carries what the original carried"
        );
    }

    /// RTCP NACK for every hole, each asked for again after 20 steps.
    fn nack(&mut self, now: u64) -> Option<Vec<u8>> {
        let (first, last) = (
            *self.received.first_key_value()?.0,
            *self.received.last_key_value()?.0,
        );
        let lost: Vec<u16> = (first.max(last.saturating_sub(250))..last)
            .filter(|sequence| !self.received.contains_key(sequence))
            .filter(|sequence| {
                let asked = self.last_request.get(sequence);
                let due = asked.is_none_or(|asked| now >= asked + 20);
                if due {
                    self.last_request.insert(*sequence, now);
                }
                due
            })
            .map(|sequence| sequence as u16)
            .collect();
        if lost.is_empty() {
            return None;
        }
        let mut buffer = vec![0; 1_200];
        let mut writer = RtcpWriter::new(&mut buffer);
        writer.nack(1, MEDIA, &lost).unwrap();
        let length = writer.len();
        buffer.truncate(length);
        Some(buffer)
    }
}

/// H.264 packet with its origin in the payload; every 60th begins a key frame. Lengths vary.
fn source_packet(stream: StreamId, id: u64, arrival: Instant) -> SourcePacket {
    let key = id.is_multiple_of(60);
    let mut payload = vec![if key { 0x67 } else { 0x41 }];
    payload.extend_from_slice(&stream.0.to_be_bytes());
    payload.extend_from_slice(&id.to_be_bytes());
    payload.resize(20 + (id as usize * 37) % 1_100, id as u8);
    let timestamp = (id as u32 / 3)
        .wrapping_mul(1_080)
        .wrapping_add(stream.0 * 77_777);
    SourcePacket::new(
        id,
        Codec::H264,
        timestamp,
        id % 3 == 2,
        payload.into(),
        arrival,
    )
}

fn origin(payload: &[u8]) -> (u32, u64) {
    let stream = u32::from_be_bytes(payload[1..5].try_into().unwrap());
    (
        stream,
        u64::from_be_bytes(payload[5..13].try_into().unwrap()),
    )
}

struct Outcome {
    subscriber: Subscriber,
    forwarded: u64,
}

fn run(seed: u64, profile: SrtpProfile, first_sequence: u16) -> Outcome {
    let start = Instant::now();
    let material = vec![seed as u8; profile.keying_material_len()];
    let mut transport = EgressTransport::new(
        SrtpSender::new(profile, &material, DtlsRole::Server).unwrap(),
        Bandwidth::new(BandwidthConfig::default(), start),
    );
    let mut subscriber = Subscriber {
        srtp: SrtpReceiver::new(profile, &material, DtlsRole::Client).unwrap(),
        received: BTreeMap::new(),
        last_request: BTreeMap::new(),
        retransmitted: 0,
    };
    let mut slot = Slot::new(SlotConfig {
        ssrc: MEDIA,
        rtx_ssrc: Some(RTX),
        first_sequence,
        rtx_first_sequence: 0x7ff0,
        first_timestamp: 42,
        clock_rate: 90_000,
        layout: ExtensionLayout::video(Some("3")),
    });
    let mut caches = [PacketCache::new(1_024), PacketCache::new(1_024)];
    // Towards us packets are reordered and doubled but not lost: the publisher's side repairs losses.
    let mut upstream = Path::new(seed, 0);
    let mut downstream = Path::new(seed ^ 0xabcd, 8);
    let mut out = vec![0; 2_048];
    let mut forwarded = 0;
    slot.switch(LOW);
    for step in 0..PACKETS {
        let now = start + STEP * step as u32;
        let time = SendTime {
            now,
            abs_send_time: step as u32,
        };
        match step {
            1_500 => slot.switch(HIGH),
            3_000 => slot.stop(),
            // Shorter than the cache's memory: the receiver learns only now that the last packet was lost.
            3_200 => slot.switch(HIGH),
            4_500 => slot.switch(LOW),
            _ => {}
        }
        // Nothing new in the last second, so that everything can be repaired.
        if step < PACKETS - 250 {
            for stream in [LOW, HIGH] {
                upstream.send(step, (stream, step));
            }
        }
        for (stream, id) in upstream.arrived(step) {
            let cache = &mut caches[stream.0 as usize];
            if !cache.insert(source_packet(stream, id, now)) {
                continue;
            }
            let packet = cache.get(id).unwrap();
            if let Some(length) = slot.forward(stream, packet, &mut transport, &time, &mut out) {
                forwarded += 1;
                // The very first packet arrives, or nobody knows there was one.
                if forwarded == 1 {
                    subscriber.take(out[..length].to_vec());
                } else {
                    downstream.send(step, out[..length].to_vec());
                }
            }
        }
        for datagram in downstream.arrived(step) {
            subscriber.take(datagram);
        }
        if step.is_multiple_of(5)
            && let Some(request) = subscriber.nack(step)
        {
            for packet in rtcp::parse(&request) {
                let RtcpPacket::Nack {
                    media_ssrc: MEDIA,
                    lost,
                    ..
                } = packet
                else {
                    panic!("{packet:?}")
                };
                for sequence in lost.sequence_numbers() {
                    let Some((stream, _)) = slot.resolve(sequence) else {
                        continue;
                    };
                    let rtt = Some(Duration::from_millis(40));
                    let cache = &caches[stream.0 as usize];
                    if let Some(length) =
                        slot.retransmit(sequence, cache, rtt, &mut transport, &time, &mut out)
                    {
                        downstream.send(step, out[..length].to_vec());
                    }
                }
            }
        }
    }
    Outcome {
        subscriber,
        forwarded,
    }
}

fn assert_gapless(outcome: &Outcome, first_sequence: u16) {
    let received = &outcome.subscriber.received;
    let first = u64::from(first_sequence);
    let last = *received.last_key_value().expect("something came").0;
    let holes: Vec<u64> = (first..=last)
        .filter(|number| !received.contains_key(number))
        .collect();
    assert_eq!(holes, [], "no hole in {first}..={last}");
    // A receiver counts at least what was forwarded: packets that came before their key frame fill in by NACK.
    assert!(received.len() as u64 >= outcome.forwarded);
    let mut switches = Vec::new();
    let mut last: Option<((u32, u64), u32)> = None;
    for (payload, timestamp) in received.values() {
        let (stream, id) = origin(payload);
        if let Some(((last_stream, last_id), last_timestamp)) = last {
            let forward = timestamp.wrapping_sub(last_timestamp).cast_signed();
            assert!(forward >= 0, "timestamps never go back");
            if (stream, id) != (last_stream, last_id + 1) {
                assert_eq!(payload[0], 0x67, "a new stretch begins with a key frame");
                assert!(forward > 0, "and is a new picture");
                switches.push((last_stream, stream));
            }
        }
        last = Some(((stream, id), *timestamp));
    }
    assert_eq!(
        switches,
        [(0, 1), (1, 1), (1, 0)],
        "up, over the mute, down"
    );
}

#[test]
fn a_gapless_stream_after_nack() {
    for seed in 1..=8 {
        let outcome = run(seed, SrtpProfile::AeadAes128Gcm, 300);
        assert!(outcome.forwarded > 4_000, "{}", outcome.forwarded);
        assert!(
            outcome.subscriber.retransmitted > 200,
            "{}",
            outcome.subscriber.retransmitted
        );
        assert_gapless(&outcome, 300);
    }
}

#[test]
fn also_over_the_rollover_and_with_counter_mode() {
    for profile in [SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes256Gcm] {
        // The own numbers pass 2^15 early; the RTX numbers, which began at 0x7ff0, too.
        let outcome = run(99, profile, 0x7fff);
        assert_gapless(&outcome, 0x7fff);
    }
}

//! One receive slot, packet by packet: what is held back, what is rewritten, how long datagrams are.

use std::time::{Duration, Instant, UNIX_EPOCH};

use engine_core::bwe::{Bandwidth, BandwidthConfig};
use engine_core::codec::Codec;
use engine_core::egress::cache::{PacketCache, SourcePacket};
use engine_core::egress::munger::StreamId;
use engine_core::egress::slot::{EgressTransport, MAX_PACKET_GROWTH, SendTime, Slot, SlotConfig};
use engine_core::egress::sr::{PublisherClock, SourceClock};
use engine_core::packet::ext::{ExtensionLayout, id};
use engine_core::packet::ntp::NtpClock;
use engine_core::packet::rtp::RtpView;
use engine_core::srtp::{DtlsRole, SrtpProfile, SrtpReceiver, SrtpSender};

const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);

/// What a receiver reads of one datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    ssrc: u32,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
    transport_cc: u16,
    datagram_len: usize,
}

struct Bench {
    start: Instant,
    slot: Slot,
    transport: EgressTransport,
    receiver: SrtpReceiver,
}

impl Bench {
    fn new(rtx_ssrc: Option<u32>, layout: ExtensionLayout) -> Self {
        let start = Instant::now();
        let profile = SrtpProfile::AeadAes128Gcm;
        let material = vec![3; profile.keying_material_len()];
        let sender = SrtpSender::new(profile, &material, DtlsRole::Server).unwrap();
        let clock_rate = if rtx_ssrc.is_some() { 90_000 } else { 48_000 };
        Self {
            start,
            slot: Slot::new(SlotConfig {
                ssrc: 10,
                rtx_ssrc,
                first_sequence: 1_000,
                rtx_first_sequence: 7,
                first_timestamp: 0,
                clock_rate,
                layout,
            }),
            transport: EgressTransport::new(
                sender,
                Bandwidth::new(BandwidthConfig::default(), start),
            ),
            receiver: SrtpReceiver::new(profile, &material, DtlsRole::Client).unwrap(),
        }
    }

    fn video() -> Self {
        Self::new(Some(20), ExtensionLayout::video(None))
    }

    fn audio() -> Self {
        Self::new(None, ExtensionLayout::audio(None))
    }

    fn time(&self, ms: u64) -> SendTime {
        SendTime {
            now: self.start + Duration::from_millis(ms),
            abs_send_time: 5,
        }
    }

    fn read(&mut self, datagram: &mut [u8]) -> Seen {
        let datagram_len = datagram.len();
        let length = self.receiver.unprotect_rtp(datagram).unwrap();
        let view = RtpView::parse(&datagram[..length]).unwrap();
        Seen {
            ssrc: view.ssrc(),
            payload_type: view.payload_type(),
            sequence: view.sequence_number(),
            timestamp: view.timestamp(),
            marker: view.marker(),
            payload: view.payload().to_vec(),
            transport_cc: u16::from_be_bytes(
                view.extension(id::TRANSPORT_CC)
                    .unwrap()
                    .try_into()
                    .unwrap(),
            ),
            datagram_len,
        }
    }

    fn forward(&mut self, stream: StreamId, packet: &SourcePacket) -> Option<Seen> {
        let mut out = vec![0; packet.payload.len() + MAX_PACKET_GROWTH];
        let time = SendTime {
            now: packet.arrival,
            abs_send_time: 5,
        };
        let length = self
            .slot
            .forward(stream, packet, &mut self.transport, &time, &mut out)?;
        Some(self.read(&mut out[..length]))
    }

    fn packet(&self, id: u64, codec: Codec, payload: &[u8]) -> SourcePacket {
        let arrival = self.start + Duration::from_millis(id * 20);
        SourcePacket::new(id, codec, id as u32 * 1_800, false, payload.into(), arrival)
    }

    /// One packet per picture with picture id, TL0PICIDX and temporal layer.
    fn vp8(&self, id: u64, layer: u8, sync: bool, key: bool) -> SourcePacket {
        let layers = layer << 6 | u8::from(sync) << 5;
        let tag = u8::from(!key);
        self.packet(
            id,
            Codec::Vp8,
            &[0x90, 0xe0, id as u8, (id / 4) as u8, layers, tag],
        )
    }
}

#[test]
fn video_waits_for_a_key_frame_and_audio_does_not() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    assert!(bench.slot.takes(A) && !bench.slot.takes(B));
    let inter = bench.packet(1, Codec::H264, &[0x41, 1]);
    assert_eq!(bench.forward(A, &inter), None);
    assert_eq!((bench.slot.current(), bench.slot.wanted()), (None, Some(A)));
    let key = bench.packet(2, Codec::H264, &[0x67, 1]);
    let seen = bench.forward(A, &key).unwrap();
    assert_eq!(
        (seen.ssrc, seen.payload_type, seen.sequence),
        (10, 102, 1_000)
    );
    assert_eq!((bench.slot.current(), bench.slot.wanted()), (Some(A), None));

    let mut bench = Bench::audio();
    bench.slot.switch(A);
    let talk = bench.packet(1, Codec::Opus, &[0xf8]);
    let seen = bench.forward(A, &talk).unwrap();
    assert_eq!((seen.payload_type, seen.marker), (111, true));
}

#[test]
fn the_old_layer_goes_on_until_the_new_one_has_a_key_frame() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    let key = bench.packet(1, Codec::H264, &[0x67]);
    bench.forward(A, &key).unwrap();
    bench.slot.switch(B);
    let (inter, other) = (
        bench.packet(2, Codec::H264, &[0x41]),
        bench.packet(900, Codec::Vp8, &[0x10, 1]),
    );
    assert_eq!(bench.forward(B, &other), None);
    assert_eq!(bench.forward(A, &inter).unwrap().sequence, 1_001);
    let other_key = bench.packet(901, Codec::Vp8, &[0x10, 0]);
    let seen = bench.forward(B, &other_key).unwrap();
    assert_eq!(
        (seen.sequence, seen.payload_type),
        (1_002, 96),
        "codecs may differ between sources"
    );
    assert_eq!(
        bench.forward(A, &bench.packet(3, Codec::H264, &[0x41])),
        None
    );
}

#[test]
fn a_changed_mind_keeps_the_current_stream() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    bench
        .forward(A, &bench.packet(1, Codec::H264, &[0x67]))
        .unwrap();
    bench.slot.switch(B);
    bench.slot.switch(A);
    assert_eq!((bench.slot.current(), bench.slot.wanted()), (Some(A), None));
    assert_eq!(
        bench.forward(B, &bench.packet(50, Codec::H264, &[0x67])),
        None
    );
}

#[test]
fn packets_of_one_payload_length_are_one_segment_size() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    let mut lengths = Vec::new();
    for id in 1..=6 {
        let mut packet = bench.packet(id, Codec::H264, &[0x67; 800]);
        if id % 2 == 0 {
            packet.extensions.orientation = Some(1);
            packet.extensions.playout_delay = Some((0, 10));
        }
        let seen = bench.forward(A, &packet).unwrap();
        assert_eq!(
            u64::from(seen.transport_cc),
            id,
            "transport-wide numbers count up"
        );
        lengths.push(seen.datagram_len);
    }
    lengths.dedup();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}

#[test]
fn padding_makes_packets_of_one_length_and_is_not_payload() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    let mut shorter = bench.packet(1, Codec::H264, &[0x67; 799]);
    shorter.padding = 1;
    let longer = bench.packet(2, Codec::H264, &[0x67; 800]);
    let (first, second) = (
        bench.forward(A, &shorter).unwrap(),
        bench.forward(A, &longer).unwrap(),
    );
    assert_eq!(first.datagram_len, second.datagram_len);
    assert_eq!((first.payload.len(), second.payload.len()), (799, 800));
    assert_eq!(first.payload, [0x67; 799]);
}

#[test]
fn a_retransmission_carries_no_padding() {
    let mut bench = Bench::video();
    let mut cache = PacketCache::new(64);
    bench.slot.switch(A);
    let mut packet = bench.packet(1, Codec::H264, &[0x67; 50]);
    packet.padding = 8;
    let first = bench.forward(A, &packet).unwrap();
    cache.insert(packet);
    let mut out = vec![0; 256];
    let time = bench.time(100);
    let length = bench
        .slot
        .retransmit(1_000, &cache, None, &mut bench.transport, &time, &mut out)
        .unwrap();
    let again = bench.read(&mut out[..length]);
    assert_eq!(again.payload.len(), 2 + 50);
    assert_eq!(again.datagram_len, first.datagram_len - 8 + 2);
}

#[test]
fn padding_of_the_publisher_is_left_out() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    bench
        .forward(A, &bench.packet(1, Codec::H264, &[0x67]))
        .unwrap();
    assert_eq!(bench.forward(A, &bench.packet(2, Codec::H264, &[])), None);
    assert_eq!(
        bench
            .forward(A, &bench.packet(3, Codec::H264, &[0x41]))
            .unwrap()
            .sequence,
        1_001
    );
}

#[test]
fn temporal_layers_leave_no_gap_behind() {
    let mut bench = Bench::video();
    bench.slot.set_max_temporal_layer(Some(0));
    bench.slot.switch(A);
    let mut seen = Vec::new();
    for id in 1..=12_u64 {
        if id == 7 {
            bench.slot.set_max_temporal_layer(None);
        }
        // Layers 0 and 1 in turn; from 10 on the upper layer refers only to the base.
        let layer = ((id + 1) % 2) as u8;
        let packet = bench.vp8(id, layer, layer == 1 && id >= 10, id == 1);
        if let Some(datagram) = bench.forward(A, &packet) {
            seen.push((id, datagram.sequence, datagram.payload[2]));
        }
    }
    let ids: Vec<u64> = seen.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, [1, 3, 5, 7, 9, 10, 11, 12]);
    let sequences: Vec<u16> = seen.iter().map(|(_, sequence, _)| *sequence).collect();
    assert_eq!(sequences, (1_000..1_008).collect::<Vec<_>>());
    let pictures: Vec<u8> = seen.iter().map(|(.., picture)| *picture).collect();
    assert_eq!(
        pictures,
        (1..=8).collect::<Vec<_>>(),
        "picture ids without gaps"
    );
}

#[test]
fn a_retransmission_is_the_original_behind_its_number() {
    let mut bench = Bench::video();
    let mut cache = PacketCache::new(64);
    bench.slot.switch(A);
    for id in 1..=3 {
        cache.insert(bench.vp8(id, 0, false, id == 1));
        bench.forward(A, cache.get(id).unwrap()).unwrap();
    }
    let again = |bench: &mut Bench, sequence, ms| {
        let mut out = vec![0; 256];
        let time = bench.time(ms);
        let rtt = Some(Duration::from_millis(50));
        let length =
            bench
                .slot
                .retransmit(sequence, &cache, rtt, &mut bench.transport, &time, &mut out)?;
        Some(bench.read(&mut out[..length]))
    };
    let seen = again(&mut bench, 1_001, 100).unwrap();
    assert_eq!((seen.ssrc, seen.payload_type, seen.sequence), (20, 97, 7));
    assert_eq!(seen.payload[..2], 1_001_u16.to_be_bytes());
    assert_eq!(seen.payload[2..], *cache.get(2).unwrap().payload);
    assert_eq!(
        again(&mut bench, 1_001, 120),
        None,
        "asked again within a round trip"
    );
    assert_eq!(again(&mut bench, 1_001, 150).unwrap().sequence, 8);
    assert_eq!(again(&mut bench, 1_003, 200), None, "not sent yet");
    assert_eq!(again(&mut bench, 999, 200), None, "before the first");
}

#[test]
fn audio_is_not_retransmitted() {
    let mut bench = Bench::audio();
    let mut cache = PacketCache::new(64);
    bench.slot.switch(A);
    cache.insert(bench.packet(1, Codec::Opus, &[0xf8]));
    bench.forward(A, cache.get(1).unwrap()).unwrap();
    let time = bench.time(20);
    let mut out = [0; 256];
    let sent = bench
        .slot
        .retransmit(1_000, &cache, None, &mut bench.transport, &time, &mut out);
    assert_eq!(sent, None);
}

#[test]
fn one_number_is_never_protected_twice() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    let packet = bench.packet(1, Codec::H264, &[0x67]);
    assert!(bench.forward(A, &packet).is_some());
    assert_eq!(
        bench.forward(A, &packet),
        None,
        "a doubled packet of the publisher"
    );
}

#[test]
fn a_short_buffer_sends_nothing_and_spends_no_number() {
    let mut bench = Bench::video();
    bench.slot.switch(A);
    let packet = bench.packet(1, Codec::H264, &[0x67; 100]);
    let time = bench.time(0);
    let mut out = vec![0; 100 + MAX_PACKET_GROWTH - 1];
    assert_eq!(
        bench
            .slot
            .forward(A, &packet, &mut bench.transport, &time, &mut out),
        None
    );
    let seen = bench.forward(A, &packet).unwrap();
    assert_eq!((seen.sequence, seen.transport_cc), (1_000, 1));
}

#[test]
fn reports_put_audio_and_video_of_a_publisher_on_one_clock() {
    let (mut audio, mut video) = (Bench::audio(), Bench::video());
    let clock = NtpClock::new(audio.start, UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let (audio_start, mut publisher) = (audio.start, PublisherClock::default());
    let (mut audio_clock, mut video_clock) = (SourceClock::default(), SourceClock::default());
    // The publisher's wall clock is an hour behind ours.
    let theirs = NtpClock::new(audio_start, UNIX_EPOCH + Duration::from_secs(1_799_996_400));
    let captured = audio_start + Duration::from_millis(500);
    publisher.observe(
        theirs.at(captured),
        clock.at(captured + Duration::from_millis(15)),
    );
    audio_clock.observe(&publisher, theirs.at(captured), 24_000);
    video_clock.observe(&publisher, theirs.at(captured), 45_000);

    audio.slot.switch(A);
    video.slot.switch(B);
    let sound = audio.packet(1, Codec::Opus, &[0xf8]);
    let picture = video.packet(1, Codec::H264, &[0x67]);
    let now = audio_start + Duration::from_secs(2);
    assert_eq!(
        audio.slot.sender_report(&audio_clock, &clock, now),
        None,
        "nothing sent yet"
    );
    let sound_seen = audio.forward(A, &sound).unwrap();
    let picture_seen = video.forward(B, &picture).unwrap();
    let audio_report = audio.slot.sender_report(&audio_clock, &clock, now).unwrap();
    let video_report = video.slot.sender_report(&video_clock, &clock, now).unwrap();
    assert_eq!(
        (audio_report.packet_count, audio_report.octet_count),
        (1, 1)
    );
    assert_eq!(audio_report.ntp, video_report.ntp);
    // By the reports, both packets' moments on the common clock differ as their source timestamps did.
    let seconds_before = |report: u32, seen: u32, rate: u32| {
        f64::from(report.wrapping_sub(seen).cast_signed()) / f64::from(rate)
    };
    let sound_age = seconds_before(audio_report.rtp_timestamp, sound_seen.timestamp, 48_000);
    let picture_age = seconds_before(video_report.rtp_timestamp, picture_seen.timestamp, 90_000);
    let source_skew =
        f64::from(sound.timestamp) / 48_000.0 - f64::from(picture.timestamp) / 90_000.0;
    assert!(
        (picture_age - sound_age - source_skew).abs() < 0.001,
        "{sound_age} {picture_age}"
    );

    audio.slot.stop();
    assert_eq!(
        audio.slot.sender_report(&audio_clock, &clock, now),
        None,
        "muted"
    );
}

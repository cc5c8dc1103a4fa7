use std::time::Instant;

use super::*;

const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);

struct Source {
    start: Instant,
    codec: Codec,
    first_timestamp: u32,
}

impl Source {
    fn video(start: Instant, first_timestamp: u32) -> Self {
        Self {
            start,
            codec: Codec::H264,
            first_timestamp,
        }
    }

    /// One packet a picture, 30 pictures a second.
    fn packet(&self, id: u64) -> SourcePacket {
        let timestamp = self
            .first_timestamp
            .wrapping_add((id as u32).wrapping_mul(3_000));
        let arrival = self.start + Duration::from_micros(id * 33_333);
        SourcePacket::new(id, self.codec, timestamp, true, [0x41, 0].into(), arrival)
    }
}

fn vp8_packet(start: Instant, id: u64, picture: u16, tl0: u8, layer: u8) -> SourcePacket {
    let picture = (picture | 0x8000).to_be_bytes();
    let payload = [0x90, 0xe0, picture[0], picture[1], tl0, layer << 6, 1];
    let arrival = start + Duration::from_micros(id * 33_333);
    SourcePacket::new(
        id,
        Codec::Vp8,
        id as u32 * 3_000,
        true,
        payload.into(),
        arrival,
    )
}

fn munger() -> Munger {
    Munger::new(100, 5_000, 90_000)
}

#[test]
fn starts_below_the_middle_and_at_the_given_timestamp() {
    let source = Source::video(Instant::now(), 77);
    let mut munger = Munger::new(0xffff, 5_000, 90_000);
    assert_eq!(
        munger.rewrite(&source.packet(9)),
        None,
        "nothing before the first switch"
    );
    munger.switch(A, &source.packet(9));
    let first = munger.rewrite(&source.packet(9)).unwrap();
    assert_eq!((first.sequence, first.timestamp), (0x7fff, 5_000));
    let second = munger.rewrite(&source.packet(10)).unwrap();
    assert_eq!((second.sequence, second.timestamp), (0x8000, 8_000));
}

#[test]
fn holes_of_the_source_stay_holes_and_late_packets_fill_them() {
    let source = Source::video(Instant::now(), 0);
    let mut munger = munger();
    munger.switch(A, &source.packet(10));
    let mut own = |id| {
        munger
            .rewrite(&source.packet(id))
            .map(|rewrite| rewrite.sequence)
    };
    assert_eq!(own(10), Some(100));
    assert_eq!(own(13), Some(103));
    assert_eq!(own(11), Some(101));
    assert_eq!(own(9), None, "before the switch");
    assert_eq!(own(11), None, "a number is used once");
    assert_eq!(own(14), Some(104));
}

#[test]
fn a_switch_leaves_no_hole_and_time_goes_on() {
    let start = Instant::now();
    let (low, high) = (
        Source::video(start, 1_000),
        Source::video(start, 4_000_000_000),
    );
    let mut munger = munger();
    munger.switch(A, &low.packet(1));
    let last = (1..=30)
        .map(|id| munger.rewrite(&low.packet(id)).unwrap())
        .last()
        .unwrap();
    // The other layer's packet 33 arrives 100 ms after the last one sent.
    munger.switch(B, &high.packet(33));
    let next = munger.rewrite(&high.packet(33)).unwrap();
    assert_eq!(next.sequence, last.sequence + 1);
    let step = next.timestamp.wrapping_sub(last.timestamp);
    assert!(step.abs_diff(9_000) <= 1, "{step}");
    assert_eq!(munger.resolve(last.sequence as u16), Some((A, 30)));
    assert_eq!(munger.resolve(next.sequence as u16), Some((B, 33)));
    assert_eq!(
        munger
            .rewrite(&low.packet(31))
            .map(|rewrite| rewrite.sequence),
        None
    );
}

#[test]
fn capture_times_place_a_switch_better_than_arrival() {
    let start = Instant::now();
    let (low, high) = (Source::video(start, 0), Source::video(start, 500));
    let captured = |mut packet: SourcePacket, ms: u64| {
        packet.capture = Some(NtpTime(1 << 40).plus(Duration::from_millis(ms)));
        packet
    };
    let mut munger = munger();
    let first = captured(low.packet(1), 33);
    munger.switch(A, &first);
    let last = munger.rewrite(&first).unwrap();
    // Arrives 100 ms later, but was captured 40 ms later.
    let next = captured(high.packet(4), 73);
    munger.switch(B, &next);
    let step = munger
        .rewrite(&next)
        .unwrap()
        .timestamp
        .wrapping_sub(last.timestamp);
    assert!(step.abs_diff(3_600) <= 1, "{step}");
    // A picture of the same moment on another layer still moves on.
    let same = captured(low.packet(5), 73);
    munger.switch(A, &same);
    let again = munger
        .rewrite(&same)
        .unwrap()
        .timestamp
        .wrapping_sub(last.timestamp);
    assert_eq!(again, step + 1);
    // A capture time out of all proportion is not believed.
    let mad = captured(high.packet(8), 3_600_000);
    munger.switch(B, &mad);
    let moved = munger
        .rewrite(&mad)
        .unwrap()
        .timestamp
        .wrapping_sub(last.timestamp);
    assert!(moved - again < 20_000, "{moved}");
}

#[test]
fn a_mute_leaves_no_hole_and_keeps_the_streams_own_clock() {
    let source = Source::video(Instant::now(), 123);
    let mut munger = munger();
    munger.switch(A, &source.packet(1));
    let before = munger.rewrite(&source.packet(1)).unwrap();
    munger.stop();
    assert_eq!(munger.rewrite(&source.packet(2)), None);
    assert_eq!(
        munger.map_timestamp(0),
        None,
        "no sender report while muted"
    );
    munger.switch(A, &source.packet(301));
    let after = munger.rewrite(&source.packet(301)).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
    assert_eq!(after.timestamp, before.timestamp + 300 * 3_000);
    assert_eq!(
        munger.rewrite(&source.packet(150)),
        None,
        "muted packets never leave"
    );
    assert_eq!(
        munger.resolve(before.sequence as u16),
        Some((A, 1)),
        "a retransmission may"
    );
}

#[test]
fn audio_begins_with_a_marker_after_each_gap() {
    let source = Source {
        codec: Codec::Opus,
        ..Source::video(Instant::now(), 0)
    };
    let mut munger = Munger::new(0, 0, 48_000);
    munger.switch(A, &source.packet(1));
    assert!(munger.rewrite(&source.packet(1)).unwrap().force_marker);
    assert!(!munger.rewrite(&source.packet(2)).unwrap().force_marker);
    munger.stop();
    munger.switch(A, &source.packet(9));
    assert!(munger.rewrite(&source.packet(9)).unwrap().force_marker);
}

#[test]
fn left_out_packets_leave_no_hole() {
    let source = Source::video(Instant::now(), 0);
    let mut munger = munger();
    munger.switch(A, &source.packet(1));
    let mut sent = Vec::new();
    for id in 1..200 {
        // 7 is lost on the way to us and arrives late.
        match id {
            7 => continue,
            _ if id % 3 == 0 => munger.skip(&source.packet(id)),
            _ => sent.push((id, munger.rewrite(&source.packet(id)).unwrap().sequence)),
        }
        if id == 8 {
            sent.push((7, munger.rewrite(&source.packet(7)).unwrap().sequence));
        }
    }
    sent.sort_unstable();
    let numbers: Vec<u64> = sent.iter().map(|(_, own)| *own).collect();
    assert_eq!(numbers, (100..100 + sent.len() as u64).collect::<Vec<_>>());
    // The newest segments still resolve, whatever was left out between.
    for (id, own) in &sent[sent.len() - 60..] {
        assert_eq!(munger.resolve(*own as u16), Some((A, *id)));
    }
    assert!(munger.segments.len() <= MAX_SEGMENTS);
}

#[test]
fn picture_numbers_only_grow() {
    let start = Instant::now();
    let mut munger = munger();
    munger.switch(A, &vp8_packet(start, 1, 0x7ffe, 254, 0));
    let numbers = |packet: &SourcePacket, munger: &mut Munger| {
        let numbers = munger.rewrite(packet).unwrap().vp8.unwrap();
        (numbers.picture_id, numbers.tl0_picture_index)
    };
    assert_eq!(
        numbers(&vp8_packet(start, 1, 0x7ffe, 254, 0), &mut munger),
        (0x7ffe, 254)
    );
    assert_eq!(
        numbers(&vp8_packet(start, 2, 0x7fff, 255, 0), &mut munger),
        (0x7fff, 255)
    );
    let other = vp8_packet(start, 3, 500, 9, 0);
    munger.switch(B, &other);
    assert_eq!(numbers(&other, &mut munger), (0, 0), "both wrap");
    munger.skip(&vp8_packet(start, 4, 501, 9, 1));
    assert_eq!(
        numbers(&vp8_packet(start, 5, 502, 10, 0), &mut munger),
        (1, 1)
    );
}

#[test]
fn a_retransmission_repeats_the_rewrite_over_a_switch() {
    let start = Instant::now();
    let mut munger = munger();
    let old = vp8_packet(start, 1, 40, 4, 0);
    munger.switch(A, &old);
    let sent = munger.rewrite(&old).unwrap();
    let new = vp8_packet(start, 2, 9_000, 200, 0);
    munger.switch(B, &new);
    munger.rewrite(&new).unwrap();
    assert_eq!(munger.rewrite_again(sent.sequence as u16, &old), Some(sent));
    assert_eq!(
        munger.rewrite_again(sent.sequence as u16, &new),
        None,
        "another packet"
    );
    assert_eq!(
        munger.resolve(sent.sequence as u16 + 2),
        None,
        "not sent yet"
    );
    assert_eq!(
        munger.resolve(sent.sequence as u16 - 1),
        None,
        "before the first"
    );
}

#[test]
fn a_jump_of_the_source_is_closed_up() {
    let source = Source::video(Instant::now(), 0);
    let mut munger = munger();
    munger.switch(A, &source.packet(1));
    munger.rewrite(&source.packet(1)).unwrap();
    let after = munger.rewrite(&source.packet(100_000)).unwrap();
    assert_eq!(after.sequence, 101);
    assert_eq!(
        munger.rewrite(&source.packet(100_001)).unwrap().sequence,
        102
    );
}

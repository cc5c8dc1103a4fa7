//! Decrypted RTCP of a receiver: the reader, and what its feedback does to the bandwidth estimate.

#![no_main]

use std::time::{Duration, Instant, UNIX_EPOCH};

use engine_core::bwe::{Bandwidth, BandwidthConfig};
use engine_core::packet::ntp::NtpClock;
use engine_core::packet::rtcp::{RtcpPacket, RtcpWriter, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let start = Instant::now();
    let clock = NtpClock::new(start, UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let config = BandwidthConfig::default();
    let mut bandwidth = Bandwidth::new(config, start);
    let mut now = start;
    for packet in parse(data) {
        now += Duration::from_millis(20);
        for _ in 0..5 {
            bandwidth.sent(data.len(), now);
        }
        match packet {
            RtcpPacket::SenderReport { reports, .. }
            | RtcpPacket::ReceiverReport { reports, .. } => {
                for report in reports {
                    assert!((-0x80_0000..0x80_0000).contains(&report.packets_lost));
                    bandwidth.on_report(&report, clock.at(now));
                }
            }
            RtcpPacket::Bye { sources } => assert!(sources.count() < 32),
            RtcpPacket::Nack {
                sender_ssrc,
                media_ssrc,
                lost,
            } => {
                let lost: Vec<u16> = lost.sequence_numbers().collect();
                rewrite(sender_ssrc, media_ssrc, &lost);
            }
            RtcpPacket::Fir { targets, .. } => assert!(targets.count() <= data.len() / 8),
            RtcpPacket::TransportFeedback(feedback) => {
                assert!(feedback.arrivals().count() <= usize::from(feedback.packet_count));
                bandwidth.on_feedback(&feedback, now + Duration::from_millis(10));
            }
            RtcpPacket::Remb { bitrate, .. } => bandwidth.on_remb(bitrate, now),
            RtcpPacket::Pli { .. } | RtcpPacket::SourceDescription | RtcpPacket::Other { .. } => {}
        }
        bandwidth.poll(now);
        let estimate = bandwidth.estimate();
        assert!((config.min..=config.max).contains(&estimate.bitrate));
        assert!((0.0..=1.0).contains(&estimate.loss));
    }
});

/// A NACK we write asks for the same packets as the one we read.
fn rewrite(sender_ssrc: u32, media_ssrc: u32, lost: &[u16]) {
    let mut buffer = vec![0; 12 + 4 * lost.len()];
    let mut writer = RtcpWriter::new(&mut buffer);
    if writer.nack(sender_ssrc, media_ssrc, lost).is_none() {
        return;
    }
    let length = writer.len();
    match parse(&buffer[..length]).next() {
        Some(RtcpPacket::Nack { lost: again, .. }) => {
            let again: Vec<u16> = again.sequence_numbers().collect();
            // Masks give ascending numbers; what was read may repeat numbers, which the mask merges.
            assert!(lost.iter().all(|number| again.contains(number)));
        }
        other => panic!("{other:?}"),
    }
}

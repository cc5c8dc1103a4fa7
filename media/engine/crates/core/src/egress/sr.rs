//! Sender reports. Publishers' reports tie their RTP clocks to their wall clocks; we move that to our own wall
//! clock (one offset per publisher, so audio and video stay in step) and report each slot on it.

use std::time::Instant;

use crate::packet::ntp::{NtpClock, NtpTime};
use crate::packet::rtcp::SenderInfo;

use super::munger::Munger;

/// Larger changes of a publisher's clock are steps (its wall clock was set), not drift (2^-32 s).
const STEP: i64 = 1 << 32;

/// Offset between a publisher's wall clock and ours: one per publish transport, shared by its tracks.
#[derive(Debug, Default)]
pub struct PublisherClock {
    offset: Option<i64>,
}

impl PublisherClock {
    /// Learn from a sender report that arrived at `arrival` (our NTP clock). The least delayed report counts; the
    /// offset follows slower ones only gradually, for drift.
    pub fn observe(&mut self, sender_ntp: NtpTime, arrival: NtpTime) {
        let seen = arrival.since(sender_ntp);
        self.offset = Some(match self.offset {
            Some(offset) if seen >= offset && seen.wrapping_sub(offset) < STEP => {
                offset + (seen - offset) / 64
            }
            _ => seen,
        });
    }

    fn ours(&self, sender_ntp: NtpTime) -> Option<NtpTime> {
        self.offset
            .map(|offset| NtpTime(sender_ntp.0.wrapping_add_signed(offset)))
    }
}

/// RTP to NTP mapping of one source stream, from its last sender report.
#[derive(Debug, Default, Clone)]
pub struct SourceClock {
    anchor: Option<(NtpTime, u32)>,
}

impl SourceClock {
    /// Take a sender report; call [`PublisherClock::observe`] first.
    pub fn observe(&mut self, publisher: &PublisherClock, sender_ntp: NtpTime, rtp_timestamp: u32) {
        self.anchor = publisher.ours(sender_ntp).map(|ntp| (ntp, rtp_timestamp));
    }

    /// Capture time of an RTP timestamp on our NTP clock; `None` before the first report.
    #[must_use]
    pub fn capture(&self, rtp_timestamp: u32, clock_rate: u32) -> Option<NtpTime> {
        let (ntp, anchor) = self.anchor?;
        let ticks = i64::from(rtp_timestamp.wrapping_sub(anchor).cast_signed());
        let distance = (i128::from(ticks) << 32) / i128::from(clock_rate.max(1));
        Some(NtpTime(ntp.0.wrapping_add_signed(distance as i64)))
    }

    /// RTP timestamp the source has at `ntp`; `None` before the first report.
    #[must_use]
    pub fn rtp_at(&self, ntp: NtpTime, clock_rate: u32) -> Option<u32> {
        let (from, anchor) = self.anchor?;
        let ticks = (i128::from(ntp.since(from)) * i128::from(clock_rate)) >> 32;
        Some(anchor.wrapping_add(ticks as u32))
    }
}

/// Counts for the reports of one slot.
#[derive(Debug, Default)]
pub struct SlotReporter {
    packets: u32,
    octets: u32,
}

impl SlotReporter {
    /// A packet of the slot left with this many payload bytes.
    pub fn sent(&mut self, payload_len: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload_len as u32);
    }

    /// Packets sent, wrapping as in the report.
    #[must_use]
    pub fn packets(&self) -> u32 {
        self.packets
    }

    /// Sender report at `now`; `None` while nothing is sent or the mapping is unknown.
    #[must_use]
    pub fn report(
        &self,
        ssrc: u32,
        munger: &Munger,
        source: &SourceClock,
        clock: &NtpClock,
        clock_rate: u32,
        now: Instant,
    ) -> Option<SenderInfo> {
        if self.packets == 0 {
            return None;
        }
        let ntp = clock.at(now);
        let rtp_timestamp = munger.map_timestamp(source.rtp_at(ntp, clock_rate)?)?;
        Some(SenderInfo {
            ssrc,
            ntp,
            rtp_timestamp,
            packet_count: self.packets,
            octet_count: self.octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ntp(seconds: f64) -> NtpTime {
        NtpTime((seconds * 4_294_967_296.0) as u64)
    }

    #[test]
    fn audio_and_video_of_a_publisher_map_to_the_same_moment() {
        let mut publisher = PublisherClock::default();
        let (mut audio, mut video) = (SourceClock::default(), SourceClock::default());
        // The publisher's wall clock is 1000 s behind; its reports take 20 and 45 ms to arrive.
        publisher.observe(ntp(500.0), ntp(1_500.020));
        audio.observe(&publisher, ntp(500.0), 480_000);
        publisher.observe(ntp(501.0), ntp(1_501.045));
        video.observe(&publisher, ntp(501.0), 90_000);
        // Captured together at 502 s of the publisher's clock.
        let heard = audio.capture(480_000 + 2 * 48_000, 48_000).unwrap();
        let seen = video.capture(90_000 + 90_000, 90_000).unwrap();
        let skew_ms = heard.since(seen).abs() as f64 / 4_294_967.296;
        assert!(skew_ms < 1.0, "{skew_ms} ms");
    }

    #[test]
    fn mapping_is_its_own_inverse_over_the_wrap() {
        let mut publisher = PublisherClock::default();
        publisher.observe(ntp(10.0), ntp(10.0));
        let mut source = SourceClock::default();
        source.observe(&publisher, ntp(10.0), u32::MAX - 10);
        let at = source.capture(89_989, 90_000).unwrap();
        assert_eq!(at.since(ntp(11.0)).abs() >> 22, 0, "about one second later");
        let back = source.rtp_at(at, 90_000).unwrap();
        assert!(back.wrapping_sub(89_989).cast_signed().abs() <= 1);
    }

    #[test]
    fn a_step_of_the_publishers_clock_is_followed_at_once() {
        let mut publisher = PublisherClock::default();
        publisher.observe(ntp(10.0), ntp(110.0));
        publisher.observe(ntp(3_611.0), ntp(111.0));
        assert_eq!(publisher.ours(ntp(3_612.0)), Some(ntp(112.0)));
        publisher.observe(ntp(13.0), ntp(113.0));
        assert_eq!(publisher.ours(ntp(13.0)), Some(ntp(113.0)));
    }

    #[test]
    fn drift_is_followed_slowly() {
        let mut publisher = PublisherClock::default();
        publisher.observe(ntp(0.0), ntp(100.0));
        for second in 1..=600 {
            // 50 ppm.
            let arrival = 100.0 + f64::from(second) * 1.000_05;
            publisher.observe(ntp(f64::from(second)), ntp(arrival));
        }
        let error = publisher.ours(ntp(600.0)).unwrap().since(ntp(700.03)).abs();
        assert!(Duration::from_nanos((error as u64 * 1_000) >> 22) < Duration::from_millis(10));
    }
}

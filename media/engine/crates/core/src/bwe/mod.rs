//! Send-side bandwidth estimation of one subscriber transport (draft-ietf-rmcat-gcc-02 on transport-wide feedback).
//!
//! The delay-based part finds queues that build up ([`trend`]) and drives an additive-increase,
//! multiplicative-decrease rate ([`rate`]); the loss-based part bounds it ([`loss`]). We forward layers of fixed
//! rates and send no padding, so the estimate must also find more room when less than it is being sent: after a
//! clean stretch it grows past what was acknowledged, and a switch to a higher layer is the probe; each probe that
//! fails doubles the wait for the next.
//!
//! Memory: at most 17 KB a transport, nearly all of it the send history.

mod groups;
mod history;
mod loss;
mod rate;
mod trend;
mod window;

use std::time::{Duration, Instant};

use crate::packet::ntp::NtpTime;
use crate::packet::rtcp::{ReportBlock, TransportFeedback};

use groups::Groups;
use history::{MAX_HISTORY, SendHistory};
use loss::LossBound;
use rate::{Observation, Rate};
use trend::Trend;
use window::RateWindow;

/// How long a REMB bounds the estimate.
const REMB_VALID: Duration = Duration::from_secs(5);
/// Feedback that stays away this long while packets go out means the path is blocked.
const FEEDBACK_TIMEOUT: Duration = Duration::from_millis(1_000);
/// Round trips from reports are preferred to those from feedback for this long.
const REPORT_RTT_VALID_US: i64 = 10_000_000;

/// What the transport can carry now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// bit/s.
    pub bitrate: u64,
    /// Loss over the last feedback interval, 0..=1.
    pub loss: f32,
    /// Round trip, where known.
    pub rtt: Option<Duration>,
    /// Bitrate acknowledged by the receiver over the last half second, bit/s.
    pub acknowledged: Option<u64>,
}

/// Limits and start of the estimate, bit/s.
#[derive(Debug, Clone, Copy)]
pub struct BandwidthConfig {
    pub start: u64,
    pub min: u64,
    pub max: u64,
}

impl Default for BandwidthConfig {
    fn default() -> Self {
        Self {
            start: 1_000_000,
            min: 50_000,
            max: 20_000_000,
        }
    }
}

/// Send history and estimator.
#[derive(Debug)]
pub struct Bandwidth {
    config: BandwidthConfig,
    /// Zero of all times inside.
    started: Instant,
    history: SendHistory,
    sent: RateWindow,
    acknowledged: RateWindow,
    /// Reference time of the last feedback, as sent and without wraps (units of 64 ms).
    reference: Option<(i32, i64)>,
    groups: Groups,
    trend: Trend,
    rate: Rate,
    loss: LossBound,
    /// With the time it was learnt, µs.
    report_rtt: Option<(Duration, i64)>,
    feedback_rtt: Option<Duration>,
    remb: Option<(u64, Instant)>,
    last_feedback: Option<Instant>,
}

impl Bandwidth {
    #[must_use]
    pub fn new(config: BandwidthConfig, now: Instant) -> Self {
        Self {
            config,
            started: now,
            history: SendHistory::default(),
            sent: RateWindow::default(),
            acknowledged: RateWindow::default(),
            reference: None,
            groups: Groups::default(),
            trend: Trend::default(),
            rate: Rate::new(config),
            loss: LossBound::new(config),
            report_rtt: None,
            feedback_rtt: None,
            remb: None,
            last_feedback: None,
        }
    }

    /// Take the next transport-wide sequence number for a packet of `size` bytes on the wire sent at `now`.
    pub fn sent(&mut self, size: usize, now: Instant) -> u16 {
        let now_us = self.since_start(now);
        self.sent.add(now_us, size);
        self.history.push(now_us, size)
    }

    /// Digest a feedback packet; the new estimate, or `None` when it told nothing new.
    pub fn on_feedback(
        &mut self,
        feedback: &TransportFeedback<'_>,
        now: Instant,
    ) -> Option<Estimate> {
        if usize::from(feedback.packet_count) > MAX_HISTORY {
            return None;
        }
        let now_us = self.since_start(now);
        let unwrapped = self.unwrap_reference(feedback.reference_time);
        let shift_us = (unwrapped - i64::from(feedback.reference_time)) * 64_000;
        let (mut received, mut lost) = (0_u32, 0_u32);
        let mut newest_sent = None;
        for arrival in feedback.arrivals() {
            let Some(arrival_us) = arrival.arrival_us else {
                lost += u32::from(self.history.is_outstanding(arrival.sequence));
                continue;
            };
            let Some(packet) = self.history.acknowledge(arrival.sequence) else {
                continue;
            };
            received += 1;
            newest_sent = Some(packet.sent_us);
            let arrival_us = arrival_us + shift_us;
            self.acknowledged.add(arrival_us, packet.size);
            if let Some(deltas) = self.groups.add(packet.sent_us, arrival_us) {
                self.trend.update(&deltas);
            }
        }
        if received == 0 && lost == 0 {
            return None;
        }
        if let Some(sent_us) = newest_sent {
            self.observe_feedback_rtt(Duration::from_micros(
                (now_us - sent_us).max(0).cast_unsigned(),
            ));
        }
        self.last_feedback = Some(now);
        self.loss.observe(received, lost, now_us);
        let observation = Observation {
            now_us,
            usage: self.trend.usage(),
            acknowledged: self.acknowledged.latest(),
            sent: self.sent.at(now_us),
            recent: self.acknowledged.recent(),
            rtt: self.rtt(now_us),
            lossy: self.loss.is_lossy(),
        };
        self.rate.update(&observation);
        self.loss
            .update(self.rate.bitrate(), observation.acknowledged, now_us);
        Some(self.estimate())
    }

    /// Digest a report block on our sender reports: round trip (RFC 3550 section 6.4.1), and loss for receivers
    /// without transport-wide feedback.
    pub fn on_report(&mut self, report: &ReportBlock, now: NtpTime) {
        // Reports come seldom; the time of the last packet sent is near enough.
        let now_us = self.history.newest_us();
        if report.last_sr != 0 {
            let elapsed = now
                .middle()
                .wrapping_sub(report.last_sr)
                .wrapping_sub(report.delay_since_last_sr);
            // A delay longer than what passed is a receiver's mistake.
            if elapsed < 0x8000_0000 {
                let rtt = Duration::from_micros((u64::from(elapsed) * 1_000_000) >> 16);
                self.report_rtt = Some((rtt, now_us));
            }
        }
        if self.last_feedback.is_none() {
            self.loss
                .observe_fraction(f32::from(report.fraction_lost) / 256.0);
            self.loss.update(self.rate.bitrate(), None, now_us);
        }
    }

    /// Receiver estimated maximum bitrate (goog-remb), bit/s: bounds the estimate for a while.
    pub fn on_remb(&mut self, bitrate: u64, now: Instant) {
        self.remb = Some((bitrate, now));
    }

    /// The bound told last is not of the whole path.
    pub fn forget_remb(&mut self) {
        self.remb = None;
    }

    /// What is sent, over the last half second, bit/s.
    #[must_use]
    pub fn sending(&mut self, now: Instant) -> u64 {
        let now_us = self.since_start(now);
        self.sent.at(now_us)
    }

    /// Let time pass: about every half second. The estimate when it changed.
    pub fn poll(&mut self, now: Instant) -> Option<Estimate> {
        let before = self.estimate().bitrate;
        self.remb = self
            .remb
            .filter(|(_, at)| now.saturating_duration_since(*at) < REMB_VALID);
        let now_us = self.since_start(now);
        if let Some(last) = self.last_feedback
            && now.saturating_duration_since(last) >= FEEDBACK_TIMEOUT
            && self.sent.at(now_us) > 0
        {
            self.rate.back_off(now_us);
            self.last_feedback = Some(now);
        }
        let estimate = self.estimate();
        (estimate.bitrate != before).then_some(estimate)
    }

    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let bound = self.remb.map_or(u64::MAX, |(bitrate, _)| bitrate);
        let bitrate = self.rate.bitrate().min(self.loss.bitrate()).min(bound);
        Estimate {
            bitrate: bitrate.clamp(self.config.min, self.config.max),
            loss: self.loss.fraction(),
            rtt: self.rtt(self.history.newest_us()),
            acknowledged: self.acknowledged.latest(),
        }
    }

    fn rtt(&self, now_us: i64) -> Option<Duration> {
        self.report_rtt
            .filter(|(_, at_us)| now_us - at_us < REPORT_RTT_VALID_US)
            .map(|(rtt, _)| rtt)
            .or(self.feedback_rtt)
    }

    /// Feedback waits at the receiver for its timer, so the least of recent samples counts; it may grow slowly.
    fn observe_feedback_rtt(&mut self, sample: Duration) {
        self.feedback_rtt = Some(match self.feedback_rtt {
            Some(rtt) if sample > rtt => rtt + (sample - rtt) / 32,
            _ => sample,
        });
    }

    fn since_start(&self, now: Instant) -> i64 {
        now.saturating_duration_since(self.started).as_micros() as i64
    }

    /// The 24-bit reference time without its wrap, which comes every 12 days.
    fn unwrap_reference(&mut self, reference: i32) -> i64 {
        let unwrapped = match self.reference {
            None => i64::from(reference),
            Some((last, unwrapped)) => {
                let step = (reference.wrapping_sub(last) << 8) >> 8;
                unwrapped + i64::from(step)
            }
        };
        self.reference = Some((reference, unwrapped));
        unwrapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let history = MAX_HISTORY * SendHistory::ENTRY_BYTES;
        assert!(
            size_of::<Bandwidth>() + history <= 18 * 1_024,
            "{}",
            size_of::<Bandwidth>() + history
        );
    }

    #[test]
    fn the_reference_time_wraps_both_ways() {
        let mut bandwidth = Bandwidth::new(BandwidthConfig::default(), Instant::now());
        assert_eq!(bandwidth.unwrap_reference(0x7f_ffff), 0x7f_ffff);
        assert_eq!(bandwidth.unwrap_reference(-0x80_0000), 0x80_0000);
        assert_eq!(bandwidth.unwrap_reference(0x7f_fffe), 0x7f_fffe);
    }
}

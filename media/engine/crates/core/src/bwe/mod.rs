//! Send-side bandwidth estimation of one subscriber transport (draft-ietf-rmcat-gcc-02 on transport-wide feedback).

use std::time::{Duration, Instant};

use crate::packet::rtcp::{ReportBlock, TransportFeedback};

/// What the transport can carry now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// bit/s.
    pub bitrate: u64,
    /// Loss over the last feedback interval, 0..=1.
    pub loss: f32,
    /// Round trip, where known.
    pub rtt: Option<Duration>,
    /// Bitrate acknowledged by the receiver over the last window, bit/s.
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
pub struct Bandwidth {
    config: BandwidthConfig,
    next: u64,
}

impl Bandwidth {
    #[must_use]
    pub fn new(config: BandwidthConfig, now: Instant) -> Self {
        let _ = now;
        Self { config, next: 1 }
    }

    /// Take the next transport-wide sequence number for a packet of `size` bytes on the wire sent at `now`.
    pub fn sent(&mut self, size: usize, now: Instant) -> u16 {
        let _ = (size, now);
        let sequence = self.next;
        self.next += 1;
        sequence as u16
    }

    /// Digest a feedback packet; the new estimate, or `None` when it told nothing new.
    pub fn on_feedback(
        &mut self,
        feedback: &TransportFeedback<'_>,
        now: Instant,
    ) -> Option<Estimate> {
        let _ = (feedback, now);
        None
    }

    /// Round trip from a report block on one of our sender reports (RFC 3550 section 6.4.1).
    pub fn on_report(&mut self, report: &ReportBlock, now: crate::packet::ntp::NtpTime) {
        let _ = (report, now);
    }

    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate {
            bitrate: self.config.start,
            loss: 0.0,
            rtt: None,
            acknowledged: None,
        }
    }
}

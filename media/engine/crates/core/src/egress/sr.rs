//! Sender reports. Publishers' reports tie their RTP clocks to their wall clocks; we move that to our own wall
//! clock (one offset per publisher, so audio and video stay in step) and report each slot on it.

use std::time::Instant;

use crate::packet::ntp::{NtpClock, NtpTime};
use crate::packet::rtcp::SenderInfo;

use super::munger::Munger;

/// Offset between a publisher's wall clock and ours: one per publish transport, shared by its tracks.
#[derive(Debug, Default)]
pub struct PublisherClock {
    offset: Option<i64>,
}

impl PublisherClock {
    /// Learn from a sender report that arrived at `arrival` (our NTP clock).
    pub fn observe(&mut self, sender_ntp: NtpTime, arrival: NtpTime) {
        let _ = (sender_ntp, arrival, self.offset);
        todo!()
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
        let _ = (publisher, sender_ntp, rtp_timestamp, self.anchor);
        todo!()
    }

    /// Capture time of an RTP timestamp on our NTP clock; `None` before the first report.
    #[must_use]
    pub fn capture(&self, rtp_timestamp: u32, clock_rate: u32) -> Option<NtpTime> {
        let _ = (rtp_timestamp, clock_rate);
        todo!()
    }

    /// RTP timestamp the source has at `ntp`; `None` before the first report.
    #[must_use]
    pub fn rtp_at(&self, ntp: NtpTime, clock_rate: u32) -> Option<u32> {
        let _ = (ntp, clock_rate);
        todo!()
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

    /// Sender report at `now`; `None` while nothing was sent or the mapping is unknown.
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
        let _ = (ssrc, munger, source, clock, clock_rate, now);
        todo!()
    }
}

//! Retransmission (RFC 4588): which requests to answer, and the sequence of the RTX stream.

use std::time::{Duration, Instant};

/// A NACK for the same packet within this time of the last retransmission is a duplicate: the first is on its way.
pub const MIN_REPEAT: Duration = Duration::from_millis(20);
/// The longest such wait whatever the round trip: a lost retransmission must be asked for again soon enough.
pub const MAX_REPEAT: Duration = Duration::from_millis(200);
/// Retransmissions per second of one slot in the long run: more than half of a 4 Mbit/s stream.
pub const PER_SECOND: u32 = 200;
/// Retransmissions of one slot at once.
pub const BURST: u32 = 200;

/// Requests remembered for damping; a power of two.
const REMEMBERED: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Answered {
    sequence: u16,
    /// Since `RtxState::started`.
    at_ms: u32,
}

/// Retransmission state of one slot. Takes no memory until the first request.
#[derive(Debug)]
pub struct RtxState {
    next: u64,
    answered: Vec<Option<Answered>>,
    started: Option<Instant>,
    /// Token bucket in thousandths of a packet.
    tokens: u32,
    refilled_ms: u32,
}

impl RtxState {
    /// The first sequence number is used without its top bit, as in `Munger::new`.
    #[must_use]
    pub fn new(first_sequence: u16) -> Self {
        Self {
            next: u64::from(first_sequence & 0x7fff),
            answered: Vec::new(),
            started: None,
            tokens: BURST * 1_000,
            refilled_ms: 0,
        }
    }

    /// Whether a packet asked for now should be sent: once per round trip, and within the slot's budget, so that
    /// no receiver can make us a flood. Remembers it as sent when so.
    pub fn admit(&mut self, sequence: u16, now: Instant, rtt: Option<Duration>) -> bool {
        let started = *self.started.get_or_insert(now);
        let now_ms = now.saturating_duration_since(started).as_millis() as u32;
        if self.answered.is_empty() {
            self.answered.resize(REMEMBERED, None);
        }
        let wait = rtt
            .unwrap_or(MIN_REPEAT)
            .clamp(MIN_REPEAT, MAX_REPEAT)
            .as_millis() as u32;
        let slot = &mut self.answered[usize::from(sequence) % REMEMBERED];
        if let Some(last) = slot
            && last.sequence == sequence
            && now_ms.wrapping_sub(last.at_ms) < wait
        {
            return false;
        }
        // PER_SECOND packets a second are as many thousandths a millisecond.
        let earned = now_ms
            .wrapping_sub(self.refilled_ms)
            .saturating_mul(PER_SECOND);
        self.tokens = self.tokens.saturating_add(earned).min(BURST * 1_000);
        self.refilled_ms = now_ms;
        if self.tokens < 1_000 {
            return false;
        }
        self.tokens -= 1_000;
        *slot = Some(Answered {
            sequence,
            at_ms: now_ms,
        });
        true
    }

    /// Next extended sequence number of the RTX stream.
    pub fn next_sequence(&mut self) -> u64 {
        let sequence = self.next;
        self.next += 1;
        sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_within_a_round_trip_are_damped() {
        let mut rtx = RtxState::new(0);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let rtt = Some(Duration::from_millis(60));
        assert!(rtx.admit(7, at(0), rtt));
        assert!(!rtx.admit(7, at(59), rtt));
        assert!(rtx.admit(8, at(59), rtt), "another packet");
        assert!(rtx.admit(7, at(60), rtt));
        assert!(
            !rtx.admit(7, at(70), None),
            "MIN_REPEAT without a known round trip"
        );
        assert!(rtx.admit(7, at(80), None));
    }

    #[test]
    fn a_receiver_cannot_ask_for_a_flood() {
        let mut rtx = RtxState::new(0);
        let start = Instant::now();
        let mut sent = 0;
        for ms in 0..1_000_u64 {
            for sequence in 0..100 {
                let asked = (ms as u16).wrapping_mul(100).wrapping_add(sequence);
                sent += u32::from(rtx.admit(asked, start + Duration::from_millis(ms), None));
            }
        }
        assert!((BURST..=BURST + PER_SECOND).contains(&sent), "{sent}");
    }

    #[test]
    fn starts_below_the_middle_of_the_sequence_space() {
        assert_eq!(RtxState::new(0xffff).next_sequence(), 0x7fff);
    }
}

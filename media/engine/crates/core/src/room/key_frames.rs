//! Key frame requests towards a sender, kept to a sane rate: many receivers ask, one request leaves.

use std::time::{Duration, Instant};

/// At most one request per layer in this time.
pub const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// An unanswered request is repeated after this time while somebody still waits: one packet of feedback is lost as
/// easily as any. A key frame that has begun to arrive counts as an answer, so that a slow line is not asked twice.
pub const RETRY_AFTER: Duration = Duration::from_millis(400);
/// Each repetition waits twice as long as the one before, up to this.
pub const MAX_RETRY_AFTER: Duration = Duration::from_millis(1600);

/// Throttle of one layer, with a trailing request so that none is lost.
#[derive(Debug, Default)]
pub struct KeyFrameRequester {
    last_sent: Option<Instant>,
    pending: bool,
    awaiting: bool,
    /// Requests since the last key frame that were repetitions.
    repeated: u32,
}

impl KeyFrameRequester {
    /// Somebody needs a key frame; true when the request leaves now.
    pub fn request(&mut self, now: Instant) -> bool {
        if self.last_sent.is_some_and(|at| now < at + MIN_INTERVAL) {
            self.pending = true;
            return false;
        }
        self.send(now)
    }

    /// A key frame began: everybody who asked before has it.
    pub fn on_key_frame(&mut self) {
        self.pending = false;
        self.awaiting = false;
        self.repeated = 0;
    }

    /// True when a request is due. `wanted`: some receiver still waits for this layer's key frame.
    pub fn on_timeout(&mut self, now: Instant, wanted: bool) -> bool {
        let Some(last_sent) = self.last_sent else {
            return wanted && self.send(now);
        };
        let trailing = self.pending && now >= last_sent + MIN_INTERVAL;
        let wait = (RETRY_AFTER * 2_u32.pow(self.repeated.min(8))).min(MAX_RETRY_AFTER);
        let retry = wanted && now >= last_sent + wait;
        if retry {
            self.repeated += 1;
        }
        (trailing || retry) && self.send(now)
    }

    /// A request waits for the interval to pass or for an answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.pending || self.awaiting
    }

    fn send(&mut self, now: Instant) -> bool {
        self.last_sent = Some(now);
        self.pending = false;
        self.awaiting = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_joiners_cost_two_requests() {
        let start = Instant::now();
        let mut requester = KeyFrameRequester::default();
        let sent = (0..1000).filter(|_| requester.request(start)).count();
        assert_eq!(sent, 1);
        assert!(!requester.on_timeout(start + Duration::from_millis(499), false));
        assert!(requester.on_timeout(start + MIN_INTERVAL, false));
        assert!(!requester.on_timeout(start + 4 * MIN_INTERVAL, false));
    }

    #[test]
    fn a_key_frame_answers_the_trailing_request() {
        let start = Instant::now();
        let mut requester = KeyFrameRequester::default();
        assert!(requester.request(start));
        assert!(!requester.request(start));
        requester.on_key_frame();
        assert!(!requester.is_waiting());
        assert!(!requester.on_timeout(start + MIN_INTERVAL, false));
    }

    #[test]
    fn an_unanswered_request_is_repeated_while_wanted() {
        let start = Instant::now();
        let mut requester = KeyFrameRequester::default();
        assert!(requester.request(start));
        let second = start + RETRY_AFTER;
        assert!(!requester.on_timeout(second - Duration::from_millis(1), true));
        assert!(requester.on_timeout(second, true));
        assert!(
            !requester.on_timeout(second + RETRY_AFTER, true),
            "waits longer"
        );
        assert!(requester.on_timeout(second + 2 * RETRY_AFTER, true));
        requester.on_key_frame();
        assert!(!requester.on_timeout(start + 2 * RETRY_AFTER, false));
    }
}

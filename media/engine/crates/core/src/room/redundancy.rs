//! When a receiver is sent its audio twice (RFC 2198): on a line that loses, and on no other, for it doubles the rate.

use std::time::{Duration, Instant};

/// Lost packets from which on it pays; below half of it, it does not.
const LOSS: f32 = 0.02;
/// A line must have been good for so long: losses come in clusters.
const CALM: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub struct Redundancy {
    on: bool,
    calm_since: Option<Instant>,
}

impl Redundancy {
    /// Whether audio is sent twice from now on. `loss`: fraction of packets lost, 0 to 1.
    pub fn revise(&mut self, loss: f32, now: Instant) -> bool {
        if loss >= LOSS {
            self.on = true;
        }
        if loss >= LOSS / 2.0 {
            self.calm_since = None;
        } else if self.on {
            let since = *self.calm_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= CALM {
                self.on = false;
                self.calm_since = None;
            }
        }
        self.on
    }

    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_at_once_and_off_after_a_calm() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut redundancy = Redundancy::default();
        assert!(!redundancy.revise(0.015, at(0)));
        assert!(redundancy.revise(0.02, at(1)));
        assert!(redundancy.revise(0.0, at(2)));
        assert!(redundancy.revise(0.012, at(8)), "not calm");
        assert!(redundancy.revise(0.0, at(9)));
        assert!(redundancy.revise(0.0, at(18)));
        assert!(!redundancy.revise(0.0, at(19)));
    }
}

/// Counts one RTP stream's packets by sequence number (RFC 3550 appendix A.1, simplified).
#[derive(Debug, Clone)]
pub struct Tracker {
    pub ssrc: u32,
    highest: u64,
    /// Lowest number still expected since the mark.
    base: u64,
    received: u64,
    duplicates: u64,
    /// Bit i: `highest - i` was seen.
    window: u128,
}

impl Tracker {
    pub fn new(ssrc: u32, sequence: u16) -> Self {
        // One cycle up, so that an older packet does not go below zero.
        let highest = 0x1_0000 | u64::from(sequence);
        Self {
            ssrc,
            highest,
            base: highest,
            received: 1,
            duplicates: 0,
            window: 1,
        }
    }

    pub fn mark(&mut self) {
        self.base = self.highest + 1;
        self.received = 0;
        self.duplicates = 0;
    }

    /// `false`: a duplicate, or too old to tell.
    pub fn receive(&mut self, sequence: u16) -> bool {
        let step = i64::from(sequence.wrapping_sub(self.highest as u16) as i16);
        if step > 0 {
            self.highest += step as u64;
            self.window = self.window.checked_shl(step as u32).unwrap_or(0) | 1;
        } else {
            let bit = 1_u128.checked_shl(step.unsigned_abs() as u32).unwrap_or(0);
            if bit == 0 || self.window & bit != 0 {
                self.duplicates += 1;
                return false;
            }
            self.window |= bit;
        }
        self.received += 1;
        true
    }

    pub fn received(&self) -> u64 {
        self.received
    }

    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    pub fn missing(&self) -> u64 {
        (self.highest + 1 - self.base).saturating_sub(self.received)
    }

    /// Extended highest sequence number as a report block has it (RFC 3550 section 6.4.1).
    pub fn extended_highest(&self) -> u32 {
        (self.highest - 0x1_0000) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_duplicates_and_wrap() {
        let mut tracker = Tracker::new(1, 65_533);
        assert!(tracker.receive(65_534));
        assert!(tracker.receive(1), "65535 and 0 are missing, over the wrap");
        assert_eq!(tracker.missing(), 2);
        assert!(tracker.receive(0));
        assert!(!tracker.receive(0));
        assert_eq!(
            (tracker.received(), tracker.duplicates(), tracker.missing()),
            (4, 1, 1)
        );
        tracker.mark();
        assert_eq!((tracker.received(), tracker.missing()), (0, 0));
        tracker.receive(3);
        assert_eq!((tracker.received(), tracker.missing()), (1, 1));
    }
}

//! What a receiver is sent beside the payloads that are reckoned with: headers, retransmissions, a burst that goes on. It
//! takes its share of the path before pictures do. Without that a layer that almost fits is sent on for ever: the path
//! stays full, what is lost is sent again, and the estimate, which finds the path's width, has nothing left to say.

/// Looks at what is sent, one in each revision of the layers: the least of the last so many counts, so that a key frame,
/// which is over in less, is no reason to give a layer up.
const LOOKS: usize = 4;

#[derive(Debug, Default)]
pub struct Beside {
    looks: [u64; LOOKS],
    next: usize,
}

impl Beside {
    /// `sent` and `reckoned`, bit/s.
    pub fn observe(&mut self, sent: u64, reckoned: u64) {
        self.looks[self.next] = sent.saturating_sub(reckoned);
        self.next = (self.next + 1) % LOOKS;
    }

    /// bit/s.
    #[must_use]
    pub fn rate(&self) -> u64 {
        self.looks.iter().copied().min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_counts_and_a_burst_does_not() {
        let mut beside = Beside::default();
        for _ in 0..LOOKS {
            beside.observe(130, 100);
        }
        assert_eq!(beside.rate(), 30);
        beside.observe(900, 100);
        assert_eq!(beside.rate(), 30);
        beside.observe(90, 100);
        assert_eq!(beside.rate(), 0, "less than reckoned");
    }
}

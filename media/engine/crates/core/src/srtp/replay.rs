//! Replay protection (RFC 3711 section 3.3.2) and the guess of a packet's index (section 3.3.1).

/// Sliding window over packet indexes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReplayWindow {
    /// Highest accepted index plus one; 0 before the first packet.
    next: u64,
    /// Bit `n`: index `next - 1 - n` was accepted.
    seen: u128,
}

impl ReplayWindow {
    /// Full index of a packet with these low 16 bits. `None`: it would be before the first rollover.
    pub(crate) fn guess(&self, sequence: u16) -> Option<u64> {
        let Some(highest) = self.next.checked_sub(1) else {
            return Some(u64::from(sequence));
        };
        let distance = sequence.wrapping_sub(highest as u16).cast_signed();
        highest.checked_add_signed(i64::from(distance))
    }

    /// Whether the index is neither seen nor older than the window.
    pub(crate) fn is_fresh(&self, index: u64) -> bool {
        match self.next.checked_sub(index + 1) {
            None => true,
            Some(age) => age < 128 && self.seen >> age & 1 == 0,
        }
    }

    /// Record an authenticated index.
    pub(crate) fn accept(&mut self, index: u64) {
        if index >= self.next {
            let shift = index + 1 - self.next;
            self.seen = if shift < 128 { self.seen << shift } else { 0 } | 1;
            self.next = index + 1;
        } else {
            let age = self.next - 1 - index;
            if age < 128 {
                self.seen |= 1 << age;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ReplayWindow;

    #[test]
    fn refuses_what_was_seen_and_what_is_too_old() {
        let mut window = ReplayWindow::default();
        assert!(window.is_fresh(500));
        window.accept(500);
        assert!(!window.is_fresh(500));
        assert!(window.is_fresh(499));
        window.accept(499);
        assert!(!window.is_fresh(499));
        window.accept(627);
        assert!(!window.is_fresh(500), "seen at the far end of the window");
        assert!(!window.is_fresh(498), "older than the window");
        assert!(window.is_fresh(501));
        window.accept(10_000);
        assert!(window.is_fresh(9_999) && !window.is_fresh(10_000) && !window.is_fresh(627));
    }

    #[test]
    fn follows_the_rollover_both_ways() {
        let mut window = ReplayWindow::default();
        window.accept(window.guess(65_530).unwrap());
        assert_eq!(window.guess(3), Some(65_536 + 3));
        window.accept(65_536 + 3);
        assert_eq!(
            window.guess(65_535),
            Some(65_535),
            "late packet of before the rollover"
        );
        assert_eq!(window.guess(4), Some(65_536 + 4));
    }

    #[test]
    fn nothing_precedes_the_first_rollover() {
        let mut window = ReplayWindow::default();
        window.accept(2);
        assert_eq!(window.guess(65_000), None);
    }
}

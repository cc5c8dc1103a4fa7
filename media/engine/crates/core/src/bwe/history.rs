//! What was sent under each transport-wide sequence number.

/// Most packets remembered: a second at 20 Mbit/s.
pub(super) const MAX_HISTORY: usize = 2_048;
const FIRST_HISTORY: usize = 128;
/// A packet older than this may be overwritten before the ring grows, µs.
const KEEP_US: i64 = 1_000_000;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// Low 32 bits of the time of sending, µs; a wrap is 71 minutes.
    sent_us: u32,
    size: u16,
    outstanding: bool,
}

/// A packet the receiver told of for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub sent_us: i64,
    pub size: usize,
}

/// Ring over the newest sequence numbers; grows with the packet rate.
#[derive(Debug)]
pub(super) struct SendHistory {
    ring: Vec<Entry>,
    /// Next sequence number, extended.
    next: u64,
    newest_us: i64,
}

impl Default for SendHistory {
    fn default() -> Self {
        Self {
            ring: Vec::new(),
            next: 1,
            newest_us: 0,
        }
    }
}

impl SendHistory {
    #[cfg(test)]
    pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();

    /// Remember a packet; its sequence number.
    pub(super) fn push(&mut self, now_us: i64, size: usize) -> u16 {
        let sequence = self.next;
        self.newest_us = now_us;
        if self.ring.is_empty() {
            self.ring.resize(FIRST_HISTORY, Entry::default());
        }
        let oldest = self.ring[self.position(sequence)];
        if oldest.outstanding
            && self.ring.len() < MAX_HISTORY
            && now_us - self.widen(oldest.sent_us) < KEEP_US
        {
            self.grow();
        }
        let at = self.position(sequence);
        let size = u16::try_from(size).unwrap_or(u16::MAX);
        self.ring[at] = Entry {
            sent_us: now_us as u32,
            size,
            outstanding: true,
        };
        self.next += 1;
        sequence as u16
    }

    /// When the last packet was sent, µs.
    pub(super) fn newest_us(&self) -> i64 {
        self.newest_us
    }

    /// Whether a packet was sent under this number recently and not told of as received yet.
    pub(super) fn is_outstanding(&self, sequence: u16) -> bool {
        self.find(sequence)
            .is_some_and(|at| self.ring[at].outstanding)
    }

    /// Take a packet as received; `None` for the second time, or when it is not known.
    pub(super) fn acknowledge(&mut self, sequence: u16) -> Option<Acknowledged> {
        let at = self.find(sequence)?;
        let entry = &mut self.ring[at];
        if !std::mem::take(&mut entry.outstanding) {
            return None;
        }
        let entry = *entry;
        Some(Acknowledged {
            sent_us: self.widen(entry.sent_us),
            size: usize::from(entry.size),
        })
    }

    fn find(&self, sequence: u16) -> Option<usize> {
        let last = self.next - 1;
        let age = u64::from((last as u16).wrapping_sub(sequence));
        (age < self.ring.len() as u64 && age < last).then(|| self.position(last - age))
    }

    fn position(&self, sequence: u64) -> usize {
        // The length is a power of two.
        sequence as usize & (self.ring.len() - 1)
    }

    fn widen(&self, sent_us: u32) -> i64 {
        self.newest_us - i64::from((self.newest_us as u32).wrapping_sub(sent_us))
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.ring);
        self.ring.resize(old.len() * 2, Entry::default());
        let kept = (old.len() as u64).min(self.next - 1);
        for sequence in self.next - kept..self.next {
            let at = self.position(sequence);
            self.ring[at] = old[sequence as usize & (old.len() - 1)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_acknowledged_once() {
        let mut history = SendHistory::default();
        let sequence = history.push(5_000, 1_200);
        assert!(history.is_outstanding(sequence));
        assert_eq!(
            history.acknowledge(sequence),
            Some(Acknowledged {
                sent_us: 5_000,
                size: 1_200
            })
        );
        assert_eq!(history.acknowledge(sequence), None);
        assert!(!history.is_outstanding(sequence));
        assert_eq!(history.acknowledge(sequence + 1), None, "never sent");
        assert_eq!(history.acknowledge(sequence - 1), None, "before the first");
    }

    #[test]
    fn grows_with_the_rate_up_to_its_bound() {
        let mut history = SendHistory::default();
        for at in 0..100 {
            history.push(at * 20_000, 100);
        }
        assert_eq!(history.ring.len(), FIRST_HISTORY, "50 packets a second fit");
        for at in 0..10_000 {
            history.push(2_000_000 + at * 100, 1_200);
        }
        assert_eq!(history.ring.len(), MAX_HISTORY);
        assert!(size_of::<Entry>() * MAX_HISTORY <= 16 * 1_024);
        let last = (history.next - 1) as u16;
        let oldest = last.wrapping_sub(MAX_HISTORY as u16 - 1);
        assert!(history.is_outstanding(oldest));
        assert!(!history.is_outstanding(oldest.wrapping_sub(1)));
    }

    #[test]
    fn growing_keeps_what_was_there() {
        let mut history = SendHistory::default();
        let sequences: Vec<u16> = (0..200)
            .map(|at| history.push(at * 1_000, at as usize))
            .collect();
        for (at, sequence) in sequences.iter().enumerate() {
            let found = history.acknowledge(*sequence).unwrap();
            assert_eq!((found.sent_us, found.size), (at as i64 * 1_000, at));
        }
    }
}

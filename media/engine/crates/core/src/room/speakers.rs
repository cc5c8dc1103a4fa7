//! Who speaks, from the audio level header extension (RFC 6464).

use std::time::{Duration, Instant};

/// How often the list is made.
pub const INTERVAL: Duration = Duration::from_millis(300);
/// Louder than this counts as speech, -dBov.
const SPEECH_LEVEL: f32 = 50.0;
/// A speaker stays one through pauses between words.
const HOLD: Duration = Duration::from_millis(1200);
/// Weight of a packet in the smoothed level: about 100 ms at 20 ms packets.
const SMOOTHING: f32 = 0.2;

/// Loudness of one microphone.
#[derive(Debug, Clone)]
pub struct Loudness {
    /// Smoothed, -dBov: 0 is the loudest, 127 silence.
    level: f32,
    spoke_at: Option<Instant>,
}

impl Default for Loudness {
    fn default() -> Self {
        Loudness {
            level: 127.0,
            spoke_at: None,
        }
    }
}

impl Loudness {
    /// Take a packet's extension value: voice flag and level.
    pub fn observe(&mut self, value: u8, now: Instant) {
        let level = f32::from(value & 0x7f);
        self.level += (level - self.level) * SMOOTHING;
        if self.level <= SPEECH_LEVEL {
            self.spoke_at = Some(now);
        }
    }

    #[must_use]
    pub fn speaks(&self, now: Instant) -> bool {
        self.spoke_at
            .is_some_and(|at| now.saturating_duration_since(at) < HOLD)
    }

    /// Smoothed level, -dBov.
    #[must_use]
    pub fn level(&self) -> f32 {
        self.level
    }

    #[must_use]
    pub fn spoke_at(&self) -> Option<Instant> {
        self.spoke_at
    }
}

/// Whether the list of speakers changed enough to tell: other people, or another loudest one.
#[must_use]
pub fn changed(before: &[usize], after: &[usize]) -> bool {
    before.len() != after.len()
        || before.first() != after.first()
        || after.iter().any(|speaker| !before.contains(speaker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_after_a_few_loud_packets_and_holds() {
        let start = Instant::now();
        let mut loudness = Loudness::default();
        loudness.observe(20, start);
        assert!(!loudness.speaks(start), "one click is no speech");
        for _ in 0..10 {
            loudness.observe(20, start);
        }
        assert!(loudness.speaks(start));
        assert!(loudness.speaks(start + Duration::from_secs(1)));
        assert!(!loudness.speaks(start + HOLD));
    }

    #[test]
    fn order_behind_the_loudest_is_not_news() {
        assert!(!changed(&[1, 2, 3], &[1, 3, 2]));
        assert!(changed(&[1, 2], &[2, 1]));
        assert!(changed(&[1], &[1, 2]));
    }
}

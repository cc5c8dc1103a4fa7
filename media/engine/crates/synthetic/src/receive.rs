//! The receiving side of an m-line: packets into frames that a decoder could take, as a browser does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::vp8::{Descriptor, is_key_frame};

/// How long a gap is waited out by retransmission before a key frame is asked for. A browser waits between 200 ms (for a
/// first key frame) and 3 s; a retransmission that was lost four times in a row at 100 ms round trip has taken this long.
const GAP_PATIENCE: Duration = Duration::from_millis(500);
/// Between two requests for a key frame.
const ASK_AGAIN: Duration = Duration::from_millis(300);
/// Packets kept behind a gap.
const MAX_WAITING: usize = 2_000;

struct Packet {
    payload: Arc<[u8]>,
    marker: bool,
    timestamp: u32,
}

/// A frame whose predecessors were all there.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub sequence: u64,
    pub key: bool,
    pub data: Vec<u8>,
}

/// Orders packets, assembles VP8 frames, gives out only what can be decoded.
#[derive(Default)]
pub struct VideoAssembler {
    waiting: BTreeMap<u64, Packet>,
    /// The next packet to be taken; none before the first key frame.
    next: Option<u64>,
    gap_since: Option<Instant>,
    asked_at: Option<Instant>,
    highest: Option<u64>,
    pub missing: u64,
    pub undecodable: u64,
}

impl VideoAssembler {
    /// A packet, in any order. Frames that can be decoded now go to `out`.
    pub fn push(
        &mut self,
        now: Instant,
        sequence: u64,
        (marker, timestamp, payload): (bool, u32, Arc<[u8]>),
        out: &mut Vec<Frame>,
    ) {
        if self.next.is_some_and(|next| sequence < next) || self.waiting.len() >= MAX_WAITING {
            return;
        }
        self.highest = self.highest.max(Some(sequence));
        self.waiting.insert(
            sequence,
            Packet {
                payload,
                marker,
                timestamp,
            },
        );
        self.advance(now, out);
    }

    /// Whether a key frame must be asked for now.
    pub fn wants_key_frame(&mut self, now: Instant) -> bool {
        let stuck = match self.next {
            None => !self.waiting.is_empty(),
            Some(_) => self
                .gap_since
                .is_some_and(|since| now - since >= GAP_PATIENCE),
        };
        let due = stuck && self.asked_at.is_none_or(|at| now - at >= ASK_AGAIN);
        if due {
            self.asked_at = Some(now);
        }
        due
    }

    fn advance(&mut self, now: Instant, out: &mut Vec<Frame>) {
        loop {
            while let Some(next) = self.next {
                let Some((end, frame)) = self.frame_at(next) else {
                    break;
                };
                self.take(next, end);
                out.extend(frame);
            }
            // A key frame behind the gap makes what is missing before it worthless.
            let Some((start, end, skipped)) = self.key_frame_behind() else {
                break;
            };
            if let Some(next) = self.next {
                self.missing += (start - next) - self.waiting.range(next..start).count() as u64;
                self.undecodable += skipped;
            }
            self.waiting = self.waiting.split_off(&start);
            self.next = Some(start);
            debug_assert!(end >= start);
        }
        let span = self.next.zip(self.waiting.keys().next_back());
        let blocked = span.is_some_and(|(next, last)| last + 1 - next > self.waiting.len() as u64);
        self.gap_since = match (blocked, self.gap_since) {
            (false, _) => None,
            (true, since) => since.or(Some(now)),
        };
    }

    /// The whole frame that begins with this packet, and its last packet. Filler without payload is a frame of nothing.
    fn frame_at(&self, start: u64) -> Option<(u64, Option<Frame>)> {
        let first = self.waiting.get(&start)?;
        let Some(descriptor) = Descriptor::read(&first.payload) else {
            return Some((start, None));
        };
        if !descriptor.starts_frame {
            // The rest of a frame whose start was given up.
            return None;
        }
        let (mut data, mut sequence) = (Vec::new(), start);
        loop {
            let packet = self.waiting.get(&sequence)?;
            if packet.timestamp != first.timestamp {
                return None;
            }
            if let Some(descriptor) = Descriptor::read(&packet.payload) {
                data.extend_from_slice(&packet.payload[descriptor.len..]);
            }
            if packet.marker {
                let key = is_key_frame(&data);
                let frame = Frame {
                    sequence,
                    key,
                    data,
                };
                return Some((sequence, Some(frame)));
            }
            sequence += 1;
        }
    }

    /// The first whole key frame that waits, and how many other frames lie before it.
    fn key_frame_behind(&self) -> Option<(u64, u64, u64)> {
        let mut skipped = 0;
        for (&sequence, packet) in &self.waiting {
            let Some(descriptor) = Descriptor::read(&packet.payload) else {
                continue;
            };
            if !descriptor.starts_frame {
                continue;
            }
            if is_key_frame(&packet.payload[descriptor.len..])
                && let Some((end, Some(_))) = self.frame_at(sequence)
            {
                return Some((sequence, end, skipped));
            }
            skipped += 1;
        }
        None
    }

    fn take(&mut self, start: u64, end: u64) {
        for sequence in start..=end {
            self.waiting.remove(&sequence);
        }
        self.next = Some(end + 1);
        self.gap_since = None;
    }
}

const RECENT: usize = 64;

/// Counts audio packets; each is a frame of its own (RFC 7587 §4.2).
pub struct AudioCounter {
    first: Option<u64>,
    highest: u64,
    arrived: u64,
    /// The last of them, by number: redundancy brings what has come already.
    recent: Vec<Option<u64>>,
}

impl Default for AudioCounter {
    fn default() -> AudioCounter {
        AudioCounter {
            first: None,
            highest: 0,
            arrived: 0,
            recent: vec![None; RECENT],
        }
    }
}

impl AudioCounter {
    /// True when it had not come before.
    pub fn push(&mut self, sequence: u64) -> bool {
        let before_first = self.first.is_none_or(|first| sequence < first);
        let place = &mut self.recent[sequence as usize % RECENT];
        if *place == Some(sequence) || (before_first && self.first.is_some()) {
            return false;
        }
        *place = Some(sequence);
        self.first.get_or_insert(sequence);
        self.highest = self.highest.max(sequence);
        self.arrived += 1;
        true
    }

    pub fn missing(&self) -> u64 {
        self.first.map_or(0, |first| {
            (self.highest + 1)
                .saturating_sub(first)
                .saturating_sub(self.arrived)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Line {
        assembler: VideoAssembler,
        now: Instant,
        out: Vec<Frame>,
    }

    impl Line {
        fn new() -> Line {
            Line {
                assembler: VideoAssembler::default(),
                now: Instant::now(),
                out: Vec::new(),
            }
        }

        /// A frame of two packets, of which some are lost.
        fn frame(&mut self, first: u64, key: bool, lost: &[u64]) {
            let head = [0x10, u8::from(!key), 7];
            for (sequence, payload, marker) in
                [(first, &head[..], false), (first + 1, &[0, 8][..], true)]
            {
                if !lost.contains(&sequence) {
                    self.packet(sequence, payload, marker, first as u32);
                }
            }
        }

        fn packet(&mut self, sequence: u64, payload: &[u8], marker: bool, timestamp: u32) {
            let packet = (marker, timestamp, Arc::from(payload));
            self.assembler
                .push(self.now, sequence, packet, &mut self.out);
        }

        fn given(&self) -> Vec<u64> {
            self.out.iter().map(|frame| frame.sequence).collect()
        }
    }

    #[test]
    fn nothing_before_a_key_frame_and_one_is_asked_for() {
        let mut line = Line::new();
        line.frame(10, false, &[]);
        assert!(line.out.is_empty());
        assert!(line.assembler.wants_key_frame(line.now));
        assert!(!line.assembler.wants_key_frame(line.now), "once");
        line.frame(12, true, &[]);
        line.frame(14, false, &[]);
        assert_eq!(line.given(), [13, 15]);
        assert_eq!(line.out[0].data, [0, 7, 8]);
        assert!(line.out[0].key && !line.out[1].key);
    }

    #[test]
    fn a_retransmission_closes_the_gap_in_order() {
        let mut line = Line::new();
        line.frame(10, true, &[]);
        line.frame(12, false, &[13]);
        line.frame(14, false, &[]);
        assert_eq!(line.given(), [11]);
        assert!(!line.assembler.wants_key_frame(line.now));
        line.packet(13, &[0, 8], true, 12);
        assert_eq!(line.given(), [11, 13, 15]);
        assert_eq!(line.assembler.missing, 0);
    }

    #[test]
    fn a_gap_that_stays_asks_for_a_key_frame_and_goes_on_with_it() {
        let mut line = Line::new();
        line.frame(10, true, &[]);
        line.frame(12, false, &[12]);
        line.frame(14, false, &[]);
        line.now += GAP_PATIENCE;
        assert!(line.assembler.wants_key_frame(line.now));
        line.frame(16, true, &[]);
        assert_eq!(line.given(), [11, 17]);
        assert_eq!((line.assembler.missing, line.assembler.undecodable), (1, 1));
        line.packet(12, &[0x10, 1, 7], false, 12);
        assert_eq!(line.given(), [11, 17], "too late");
    }

    #[test]
    fn a_gap_in_the_middle_of_a_frame_asks_for_a_key_frame_as_well() {
        let mut line = Line::new();
        line.frame(10, true, &[]);
        line.frame(12, false, &[13]);
        line.frame(14, false, &[]);
        line.now += GAP_PATIENCE;
        assert!(line.assembler.wants_key_frame(line.now));
    }

    #[test]
    fn filler_is_passed_over() {
        let mut line = Line::new();
        line.frame(10, true, &[]);
        line.packet(12, &[], false, 99);
        line.frame(13, false, &[]);
        assert_eq!(line.given(), [11, 14]);
    }

    #[test]
    fn audio_that_never_came_is_counted() {
        let mut counter = AudioCounter::default();
        for sequence in [5, 6, 9, 8] {
            assert!(counter.push(sequence));
        }
        assert_eq!(counter.missing(), 1);
        assert!(!counter.push(8), "twice");
        assert!(!counter.push(4), "before all others");
        assert!(counter.push(7));
        assert_eq!(counter.missing(), 0);
    }
}

//! Packets of one tapped track in order, as frames with the time they were captured. What the sender repairs in time
//! is waited for; what stays missing costs the pictures up to the next key frame.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine_core::codec::Codec;
use engine_core::egress::cache::SourcePacket;

use super::Clock;
use super::depacketise::frame;

/// How long a gap is waited out: retransmissions to the engine come within some round trips.
const PATIENCE: Duration = Duration::from_millis(600);
/// Between two requests for a key frame.
const ASK_AGAIN: Duration = Duration::from_millis(800);
/// Packets kept behind a gap.
const MAX_WAITING: usize = 2_000;
/// A frame of pieces above this is not kept: no sender here makes such.
const MAX_FRAME: usize = 8 << 20;
/// The sender's clock may differ so much from ours before the track is set right, µs: with its reports telling the
/// time of capture, and by arrival alone, which swings.
const REPORTED_DRIFT_US: i64 = 20_000;
const ARRIVAL_DRIFT_US: i64 = 250_000;

/// A frame as a file holds it. `time_us`: of capture, since 1970, rising within a track.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub codec: Codec,
    pub key: bool,
    pub time_us: i64,
    pub data: Vec<u8>,
}

pub(super) struct Assembler {
    codec: Codec,
    clock: Clock,
    stream: Option<u32>,
    waiting: BTreeMap<u64, SourcePacket>,
    next: Option<u64>,
    gap_since: Option<Instant>,
    /// Nothing can be decoded before the next key frame.
    broken: bool,
    asked_at: Option<Instant>,
    /// RTP timestamp and its time.
    anchor: Option<(u32, i64)>,
    last_us: i64,
    frames: Vec<Frame>,
}

impl Assembler {
    pub(super) fn new(codec: Codec, clock: Clock) -> Assembler {
        Assembler {
            codec,
            clock,
            stream: None,
            waiting: BTreeMap::new(),
            next: None,
            gap_since: None,
            broken: false,
            asked_at: None,
            anchor: None,
            last_us: i64::MIN / 2,
            frames: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, stream: u32, packet: SourcePacket, now: Instant) {
        if self.stream != Some(stream) {
            // The packet begins a key frame, or is audio: a tap changes streams with nothing else.
            self.stream = Some(stream);
            self.waiting.clear();
            self.next = None;
            self.anchor = None;
            self.broken = false;
        }
        let next = *self.next.get_or_insert(packet.id);
        if packet.id < next || self.waiting.len() >= MAX_WAITING {
            return;
        }
        self.waiting.insert(packet.id, packet);
        self.advance(now);
    }

    /// Give up what was waited for long enough, or all that is missing.
    pub(super) fn pass_gaps(&mut self, now: Instant, all: bool) {
        while let Some(since) = self.gap_since {
            let full = self.waiting.len() >= MAX_WAITING;
            if !all && !full && now.saturating_duration_since(since) < PATIENCE {
                return;
            }
            let video = self.codec.is_video();
            let usable = self.waiting.iter().find(|(_, p)| !video || p.key_frame);
            let usable = usable
                .map(|(id, _)| *id)
                .filter(|id| Some(*id) != self.next);
            match usable {
                Some(id) => {
                    self.waiting = self.waiting.split_off(&id);
                    self.next = Some(id);
                    self.broken = false;
                }
                None => {
                    // Behind the gap nothing is of use: wait for a key frame.
                    self.next = self.waiting.keys().next_back().map(|id| id + 1);
                    self.waiting.clear();
                    self.broken = true;
                }
            }
            self.gap_since = None;
            self.advance(now);
        }
    }

    /// Whether a key frame is to be asked for now.
    pub(super) fn take_wish(&mut self, now: Instant) -> bool {
        let due = self.broken
            && self
                .asked_at
                .is_none_or(|at| now.saturating_duration_since(at) >= ASK_AGAIN);
        if due {
            self.asked_at = Some(now);
        }
        due
    }

    pub(super) fn take_frames(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.frames)
    }

    fn advance(&mut self, now: Instant) {
        while let Some(end) = self.frame_end() {
            let start = self.next.unwrap_or(end);
            self.give(start, end);
            self.next = Some(end + 1);
        }
        let waits = !self.waiting.is_empty();
        self.gap_since = match (waits && self.has_gap(), self.gap_since) {
            (false, _) => None,
            (true, since) => since.or(Some(now)),
        };
    }

    fn has_gap(&self) -> bool {
        let span = self.next.zip(self.waiting.keys().next_back());
        span.is_some_and(|(next, last)| last + 1 - next > self.waiting.len() as u64)
    }

    /// The last packet of the frame that begins with the next one, once all of it is there.
    fn frame_end(&self) -> Option<u64> {
        let start = self.next?;
        let first = self.waiting.get(&start)?;
        if !self.codec.is_video() || first.payload.is_empty() {
            return Some(start);
        }
        let mut id = start;
        loop {
            let packet = self.waiting.get(&id)?;
            if packet.timestamp != first.timestamp && !packet.payload.is_empty() {
                // A sender that sets no marker.
                return Some(id - 1);
            }
            if packet.marker {
                return Some(id);
            }
            id += 1;
        }
    }

    fn give(&mut self, start: u64, end: u64) {
        let packets: Vec<SourcePacket> = (start..=end)
            .filter_map(|id| self.waiting.remove(&id))
            .filter(|packet| !packet.payload.is_empty())
            .collect();
        let Some(first) = packets.first() else { return };
        let key = first.key_frame;
        let size: usize = packets.iter().map(|packet| packet.payload.len()).sum();
        let data = frame(self.codec, packets.iter().map(|packet| &packet.payload[..]))
            .filter(|_| size <= MAX_FRAME);
        let Some(data) = data else {
            self.broken |= self.codec.is_video();
            return;
        };
        if self.broken && !key {
            return;
        }
        self.broken = false;
        let time_us = self.time_of(first);
        self.frames.push(Frame {
            codec: self.codec,
            key,
            time_us,
            data,
        });
    }

    fn time_of(&mut self, packet: &SourcePacket) -> i64 {
        let (seen, tolerance) = match packet.capture {
            Some(capture) => (self.clock.ntp_us(capture), REPORTED_DRIFT_US),
            None => (self.clock.us(packet.arrival), ARRIVAL_DRIFT_US),
        };
        let time = match self.anchor {
            Some((timestamp, at)) => {
                let ticks = packet.timestamp.wrapping_sub(timestamp).cast_signed();
                let told = at + i64::from(ticks) * 1_000_000 / i64::from(self.codec.clock_rate());
                if (told - seen).abs() > tolerance {
                    seen
                } else {
                    told
                }
            }
            None => seen,
        };
        self.anchor = Some((packet.timestamp, time));
        // A file takes no time twice.
        self.last_us = time.max(self.last_us + 1_000);
        self.last_us
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    struct Line {
        assembler: Assembler,
        now: Instant,
    }

    impl Line {
        fn new(codec: Codec) -> Line {
            let now = Instant::now();
            Line {
                assembler: Assembler::new(codec, Clock::new(now, SystemTime::UNIX_EPOCH)),
                now,
            }
        }

        /// A VP8 picture of two packets 33 ms after the one before.
        fn picture(&mut self, stream: u32, first: u64, key: bool, lost: &[u64]) {
            self.now += Duration::from_millis(33);
            let head = [0x10, u8::from(!key), 0, 0];
            for (id, payload, marker) in [(first, &head[..], false), (first + 1, &[0, 8][..], true)]
            {
                if !lost.contains(&id) {
                    let timestamp = first as u32 / 2 * 2_970;
                    let packet = SourcePacket::new(
                        id,
                        Codec::Vp8,
                        timestamp,
                        marker,
                        payload.into(),
                        self.now,
                    );
                    self.assembler.push(stream, packet, self.now);
                }
            }
        }

        fn frames(&mut self) -> Vec<(bool, i64)> {
            self.assembler.pass_gaps(self.now, false);
            let frames = self.assembler.take_frames();
            frames.iter().map(|f| (f.key, f.time_us / 1_000)).collect()
        }
    }

    #[test]
    fn frames_in_order_with_the_time_of_the_sender() {
        let mut line = Line::new(Codec::Vp8);
        line.picture(0, 10, true, &[]);
        line.now += Duration::from_millis(100);
        line.picture(0, 12, false, &[]);
        assert_eq!(
            line.frames(),
            [(true, 33), (false, 66)],
            "jitter of arrival is not kept"
        );
    }

    #[test]
    fn what_is_repaired_comes_in_order() {
        let mut line = Line::new(Codec::Vp8);
        line.picture(0, 10, true, &[]);
        line.picture(0, 12, false, &[13]);
        line.picture(0, 14, false, &[]);
        assert_eq!(line.frames().len(), 1);
        let late = SourcePacket::new(
            13,
            Codec::Vp8,
            6 * 2_970,
            true,
            [0, 8].as_slice().into(),
            line.now,
        );
        line.assembler.push(0, late, line.now);
        assert_eq!(line.frames().len(), 2);
        assert!(!line.assembler.take_wish(line.now));
    }

    #[test]
    fn what_stays_missing_costs_pictures_up_to_the_next_key_frame_which_is_asked_for() {
        let mut line = Line::new(Codec::Vp8);
        line.picture(0, 10, true, &[]);
        line.picture(0, 12, false, &[12]);
        line.now += PATIENCE;
        line.picture(0, 14, false, &[]);
        assert_eq!(line.frames().len(), 1);
        assert!(line.assembler.take_wish(line.now));
        assert!(!line.assembler.take_wish(line.now), "once");
        line.picture(0, 16, false, &[]);
        line.picture(0, 18, true, &[]);
        line.picture(0, 20, false, &[]);
        assert_eq!(
            line.frames().iter().map(|f| f.0).collect::<Vec<_>>(),
            [true, false]
        );
    }

    #[test]
    fn another_layer_goes_on_in_time() {
        let mut line = Line::new(Codec::Vp8);
        line.picture(0, 10, true, &[]);
        line.picture(1, 5_000, true, &[]);
        assert_eq!(line.frames(), [(true, 33), (true, 66)]);
    }

    #[test]
    fn lost_audio_is_passed_over() {
        let mut line = Line::new(Codec::Opus);
        for id in [1_u64, 2, 4, 5] {
            let packet = SourcePacket::new(
                id,
                Codec::Opus,
                id as u32 * 960,
                false,
                [1].as_slice().into(),
                line.now,
            );
            line.assembler.push(0, packet, line.now);
        }
        assert_eq!(line.frames(), [(true, 0), (true, 20)]);
        line.now += PATIENCE;
        assert_eq!(line.frames(), [(true, 60), (true, 80)]);
    }
}

//! The sending side of an m-line: which frame of which layer leaves when, within what the line is estimated to take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clip::{Clip, FrameId};

/// What the audio of a peer, sent twice (RFC 2198), and the headers of all packets take beside the video, bits per second.
const OVERHEAD: u64 = 110_000;
/// A layer is added when the estimate is this much above what is needed, and given up when it is below: what was encoded
/// beforehand cannot be made smaller, and would wait in the pacer for longer and longer.
const MARGIN_PERCENT: u64 = 10;
/// A sender that was held up longer than this does not send after what it missed.
const MAX_CATCH_UP: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy)]
struct LayerState {
    index: usize,
    due: Instant,
    active: bool,
}

/// A voice, in dBov (RFC 6464).
pub const VOICE: i8 = -30;
/// The lowest level there is (RFC 6464 §3): digital silence.
pub const SILENCE: i8 = -127;

/// The media of one source.
pub struct SendTrack {
    pub source: String,
    pub clip: Arc<Clip>,
    /// What the packets of an audio source say of their loudness, dBov; the sound itself is that of the clip.
    pub audio_level: i8,
    clip_number: usize,
    layers: Vec<LayerState>,
    /// How many layers are sent, or which one, counted from the lowest.
    level: usize,
    /// The highest level that anybody wants.
    highest: usize,
    /// Bits per second, as it was last told.
    estimate: u64,
    sent_at_us: Vec<Vec<u64>>,
}

/// A frame that leaves now.
pub struct Due {
    pub rid: Option<String>,
    pub frame: Arc<[u8]>,
    layer: usize,
    index: usize,
}

impl SendTrack {
    pub fn new(source: String, clip_number: usize, clip: Arc<Clip>, now: Instant) -> SendTrack {
        let layers = vec![
            LayerState {
                index: 0,
                due: now,
                active: false
            };
            clip.layers.len()
        ];
        let sent_at_us = clip
            .layers
            .iter()
            .map(|l| vec![0; l.frames.len()])
            .collect();
        let mut track = SendTrack {
            source,
            clip,
            audio_level: VOICE,
            clip_number,
            highest: layers.len() - 1,
            layers,
            level: 0,
            estimate: 0,
            sent_at_us,
        };
        track.set_level(0, now);
        track
    }

    /// Bits per second of a level, and of the level one asks for in the end.
    fn need(&self, level: usize) -> u64 {
        let layers = &self.clip.layers;
        let media: u64 = if self.clip.simulcast() {
            layers[..=level].iter().map(|layer| layer.bitrate).sum()
        } else {
            layers[level].bitrate
        };
        media + OVERHEAD
    }

    pub fn wanted(&self) -> u64 {
        self.need(self.highest)
    }

    /// These layers are wanted by somebody, the others need not be sent. True when that changed.
    pub fn want(&mut self, rids: &[String], now: Instant) -> bool {
        let wanted = |rid: &Option<String>| rid.as_ref().is_some_and(|rid| rids.contains(rid));
        let highest = self.clip.layers.iter().rposition(|l| wanted(&l.rid));
        let highest = highest.unwrap_or(0);
        if !self.clip.simulcast() || highest == self.highest {
            return false;
        }
        self.highest = highest;
        self.fit(self.estimate, now);
        true
    }

    /// The line is estimated to take so much now.
    pub fn fit(&mut self, estimate: u64, now: Instant) {
        if !self.clip.video {
            return;
        }
        self.estimate = estimate;
        let mut level = self.level.min(self.highest);
        while level < self.highest
            && estimate * 100 >= self.need(level + 1) * (100 + MARGIN_PERCENT)
        {
            level += 1;
        }
        while level > 0 && estimate < self.need(level) {
            level -= 1;
        }
        if level != self.level {
            self.set_level(level, now);
        }
    }

    fn set_level(&mut self, level: usize, now: Instant) {
        self.level = level;
        let simulcast = self.clip.simulcast();
        for (number, layer) in self.layers.iter_mut().enumerate() {
            let active = if simulcast {
                number <= level
            } else {
                number == level
            };
            if active && !layer.active {
                // A decoder can begin with it: the first frame is the key frame.
                layer.index = 0;
                layer.due = now;
            }
            layer.active = active;
        }
    }

    /// A receiver asked for a key frame of one layer, or of whatever is sent.
    pub fn key_frame(&mut self, rid: Option<&str>) {
        for (layer, encoding) in self.layers.iter_mut().zip(&self.clip.layers) {
            if rid.is_none() || encoding.rid.as_deref() == rid {
                layer.index = 0;
            }
        }
    }

    pub fn next_due(&self) -> Option<Instant> {
        let active = self.layers.iter().filter(|layer| layer.active);
        active.map(|layer| layer.due).min()
    }

    /// Begin anew: what was due while there was no connection is not sent.
    pub fn restart(&mut self, now: Instant) {
        for layer in &mut self.layers {
            layer.index = 0;
            layer.due = now;
        }
    }

    pub fn take_due(&mut self, now: Instant, out: &mut Vec<Due>) {
        for (number, layer) in self.layers.iter_mut().enumerate() {
            let encoding = &self.clip.layers[number];
            if !layer.active || layer.due > now {
                continue;
            }
            out.push(Due {
                rid: encoding.rid.clone(),
                frame: Arc::clone(&encoding.frames[layer.index]),
                layer: number,
                index: layer.index,
            });
            layer.index = (layer.index + 1) % encoding.frames.len();
            layer.due += encoding.interval;
            if now.saturating_duration_since(layer.due) > MAX_CATCH_UP {
                layer.due = now + encoding.interval;
            }
        }
    }

    pub fn sent(&mut self, due: &Due, at_us: u64) {
        self.sent_at_us[due.layer][due.index] = at_us;
    }

    /// When this frame was sent last; none when it is of another clip or was never sent.
    pub fn sent_at_us(&self, id: FrameId) -> Option<u64> {
        (id.clip == self.clip_number)
            .then(|| self.sent_at_us[id.layer][id.index])
            .filter(|at| *at > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Layer;

    fn track(rids: bool, now: Instant) -> SendTrack {
        let layer = |number: u8, bitrate| Layer {
            rid: rids.then(|| format!("r{number}")),
            bitrate,
            interval: Duration::from_millis(40),
            frames: (0..3).map(|frame| Arc::from([number, frame])).collect(),
        };
        let clip = Clip {
            video: true,
            layers: vec![layer(0, 100_000), layer(1, 400_000)],
        };
        SendTrack::new("camera".to_owned(), 0, Arc::new(clip), now)
    }

    fn leave(track: &mut SendTrack, now: Instant) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        track.take_due(now, &mut out);
        out.iter().map(|due| due.frame.to_vec()).collect()
    }

    #[test]
    fn layers_come_and_go_with_the_estimate_and_begin_with_a_key_frame() {
        let now = Instant::now();
        let mut track = track(true, now);
        assert_eq!(leave(&mut track, now), [[0, 0]]);
        track.fit(600_000, now);
        assert!(leave(&mut track, now).is_empty() || track.level == 0);
        track.fit(700_000, now + Duration::from_millis(40));
        let later = now + Duration::from_millis(40);
        assert_eq!(leave(&mut track, later), [[0, 1], [1, 0]]);
        track.fit(640_000, later);
        assert_eq!(track.level, 1, "it was added with a margin");
        track.fit(600_000, later);
        assert_eq!(track.level, 0);
    }

    #[test]
    fn a_layer_nobody_wants_is_left_out_and_comes_back_at_once() {
        let now = Instant::now();
        let mut track = track(true, now);
        track.fit(2_000_000, now);
        let (low, all) = (["r0".to_owned()], ["r0".to_owned(), "r1".to_owned()]);
        assert!(track.want(&low, now));
        assert_eq!(leave(&mut track, now), [[0, 0]]);
        assert_eq!(track.wanted(), 100_000 + OVERHEAD);
        track.fit(3_000_000, now);
        assert_eq!(track.level, 0);
        assert!(!track.want(&low, now));
        let later = now + Duration::from_millis(40);
        assert!(track.want(&all, later));
        assert_eq!(leave(&mut track, later), [[0, 1], [1, 0]]);
    }

    #[test]
    fn without_rids_one_layer_replaces_the_other() {
        let now = Instant::now();
        let mut track = track(false, now);
        track.fit(2_000_000, now);
        assert_eq!(leave(&mut track, now), [[1, 0]]);
    }

    #[test]
    fn a_key_frame_goes_back_to_the_beginning_and_the_loop_goes_round() {
        let mut now = Instant::now();
        let mut track = track(true, now);
        let mut seen = Vec::new();
        for turn in 0..6 {
            if turn == 2 {
                track.key_frame(Some("r0"));
            }
            seen.extend(leave(&mut track, now).into_iter().map(|frame| frame[1]));
            now += Duration::from_millis(40);
        }
        assert_eq!(seen, [0, 1, 0, 1, 2, 0]);
    }
}

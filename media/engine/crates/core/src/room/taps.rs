//! Taps: copies of a track's packets for a sink beside the forwarding path, such as a recording. A tap follows the
//! highest layer that is sent and, like a subscriber, changes layers with a key frame only. Copying shares the payload.

use std::time::Instant;

use super::{Room, Turn, TurnPacket};
use crate::api::{Fault, FaultCode, MediaKind, Reply, Source};
use crate::egress::cache::SourcePacket;
use crate::egress::munger::StreamId;

/// Taps of one room.
const MAX_TAPS: usize = 256;

/// What a sink is given, in order. `track` is the number the sink's owner gave the tap.
#[derive(Debug, Clone)]
pub enum Tapped {
    Packet {
        sink: u64,
        track: u32,
        /// Another number is another layer or another sender: sequence numbers and timestamps begin anew.
        stream: u32,
        packet: SourcePacket,
    },
    /// The track is gone or the tap was stopped; nothing more comes under this number.
    End { sink: u64, track: u32 },
}

impl Tapped {
    #[must_use]
    pub fn sink(&self) -> u64 {
        match self {
            Tapped::Packet { sink, .. } | Tapped::End { sink, .. } => *sink,
        }
    }
}

pub(super) struct Tap {
    sink: u64,
    number: u32,
    track: usize,
    current: Option<StreamId>,
    wanted: Option<StreamId>,
}

impl Tap {
    pub(super) fn track(&self) -> usize {
        self.track
    }
}

impl Room {
    pub(super) fn start_tap(
        &mut self,
        turn: &Turn<'_>,
        index: usize,
        source: Source,
        (sink, number): (u64, u32),
    ) -> Result<Reply, Fault> {
        let track = self.peer(index).and_then(|p| p.tracks[source.index()]);
        let live = |t: &usize| self.tracks[*t].as_ref().is_some_and(|t| t.is_live());
        let Some(track) = track.filter(live) else {
            return Err(Fault::new(FaultCode::WrongState, "the track is not there"));
        };
        let taken = self
            .taps
            .iter()
            .any(|t| (t.sink, t.number) == (sink, number));
        if taken || self.taps.len() >= MAX_TAPS {
            return Err(Fault::new(
                FaultCode::BadArgument,
                "number taken, or too many taps",
            ));
        }
        self.taps.push(Tap {
            sink,
            number,
            track,
            current: None,
            wanted: None,
        });
        self.revise_taps(turn.now);
        Ok(Reply::Done)
    }

    /// Nothing when there is no such tap.
    pub(super) fn stop_tap(&mut self, turn: &mut Turn<'_>, sink: u64, number: u32) {
        let before = self.taps.len();
        self.taps.retain(|t| (t.sink, t.number) != (sink, number));
        if self.taps.len() < before {
            turn.tapped.push(Tapped::End {
                sink,
                track: number,
            });
        }
    }

    /// The sink lost what it cannot do without.
    pub(super) fn ask_for_tap(&mut self, sink: u64, number: u32) {
        for tap in &self.taps {
            if (tap.sink, tap.number) == (sink, number)
                && let Some(stream) = tap.wanted.or(tap.current)
                && let Some(&wanted) = self.streams.get(&stream)
            {
                self.key_frames_wanted.push(wanted);
            }
        }
    }

    pub(super) fn end_taps_of(&mut self, turn: &mut Turn<'_>, track: usize) {
        self.taps.retain(|tap| {
            if tap.track == track {
                turn.tapped.push(Tapped::End {
                    sink: tap.sink,
                    track: tap.number,
                });
            }
            tap.track != track
        });
    }

    /// After a pause: go on with a key frame.
    pub(super) fn restart_taps_of(&mut self, track: usize) {
        for tap in self.taps.iter_mut().filter(|tap| tap.track == track) {
            (tap.current, tap.wanted) = (None, None);
        }
    }

    /// Follow the highest layer that is sent.
    pub(super) fn revise_taps(&mut self, now: Instant) {
        for tap in &mut self.taps {
            let Some(track) = self.tracks[tap.track].as_ref().filter(|t| !t.muted) else {
                continue;
            };
            let highest = track.layers.iter().rposition(|l| l.bitrate(now) > 0);
            let Some(layer) = highest else { continue };
            let stream = track.layers[layer].stream;
            if tap.current == Some(stream) {
                tap.wanted = None;
            } else if track.kind() == MediaKind::Audio {
                tap.current = Some(stream);
            } else if tap.wanted != Some(stream) {
                tap.wanted = Some(stream);
                self.key_frames_wanted.push((tap.track, layer));
            }
        }
    }

    /// A tap waits for a key frame of this stream.
    pub(super) fn is_tap_waiting(&self, stream: StreamId) -> bool {
        self.taps.iter().any(|tap| tap.wanted == Some(stream))
    }

    pub(super) fn copy_to_taps(&mut self, turn: &mut Turn<'_>, packets: &[TurnPacket]) {
        for TurnPacket {
            track,
            stream,
            packet,
        } in packets
        {
            for tap in self.taps.iter_mut().filter(|tap| tap.track == *track) {
                if tap.wanted == Some(*stream) && packet.key_frame && !packet.payload.is_empty() {
                    (tap.current, tap.wanted) = (Some(*stream), None);
                }
                if tap.current == Some(*stream) {
                    turn.tapped.push(Tapped::Packet {
                        sink: tap.sink,
                        track: tap.number,
                        stream: stream.0,
                        packet: packet.clone(),
                    });
                }
            }
        }
    }
}

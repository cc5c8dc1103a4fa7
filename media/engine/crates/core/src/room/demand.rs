//! Which layers of a camera anybody wants, so that its sender encodes and sends no others. The lowest is always wanted:
//! whoever comes has a picture at once. A layer is wanted by the size a picture is shown at, not by what a receiver's
//! path carries just now: a line that recovers must not wait for an encoder to begin.

use std::time::{Duration, Instant};

use super::Room;
use super::Turn;
use crate::api::{Event, Source, TransportState};

/// A layer is given up when nobody wanted it for so long: windows are resized, pages turned and turned back.
const OFF_AFTER: Duration = Duration::from_secs(5);

/// The layers of one track, counted from the lowest, as they are wanted now and as its sender was told.
#[derive(Debug, Default)]
pub struct Demand {
    wanted: usize,
    told: Option<usize>,
    /// Fewer than told have been wanted since then, and so many at most.
    fewer: Option<(Instant, usize)>,
}

impl Demand {
    /// Begin to count anew.
    pub fn clear(&mut self) {
        self.wanted = 0;
    }

    /// Somebody wants so many layers.
    pub fn want(&mut self, layers: usize) {
        self.wanted = self.wanted.max(layers);
    }

    /// How many layers the sender is to be told of, when that changed; at first all. More at once, fewer after a while.
    pub fn settle(&mut self, all: usize, now: Instant) -> Option<usize> {
        let wanted = self.wanted.clamp(1, all.max(1));
        let Some(told) = self.told else {
            return self.tell(all);
        };
        if wanted >= told {
            self.fewer = None;
            return if wanted > told {
                self.tell(wanted)
            } else {
                None
            };
        }
        let (since, most) = self.fewer.unwrap_or((now, wanted));
        let most = most.max(wanted);
        if now.saturating_duration_since(since) < OFF_AFTER {
            self.fewer = Some((since, most));
            return None;
        }
        self.tell(most)
    }

    /// Nothing is sent at all: what is wanted meanwhile counts for nothing.
    pub fn pause(&mut self) {
        self.fewer = None;
    }

    fn tell(&mut self, layers: usize) -> Option<usize> {
        self.told = Some(layers);
        self.fewer = None;
        Some(layers)
    }
}

impl Room {
    /// Tell senders of layers that somebody began to want, or nobody has wanted for a while.
    pub(super) fn revise_demand(&mut self, turn: &mut Turn<'_>) {
        let mut any = false;
        for track in self.tracks.iter_mut().flatten() {
            track.demand.clear();
            any |= track.layers.len() > 1;
        }
        if !any {
            return;
        }
        for subscriber in self
            .peers
            .iter()
            .flatten()
            .filter_map(|p| p.subscribe.as_ref())
        {
            let state = subscriber.common.live.state();
            if matches!(state, TransportState::Failed | TransportState::Closed) {
                continue;
            }
            for slot in &subscriber.session.slots {
                if let (Some(track), Some(layer)) = (slot.track, slot.desired)
                    && let Some(Some(track)) = self.tracks.get_mut(track)
                {
                    track.demand.want(layer + 1);
                }
            }
        }
        for tap in &self.taps {
            if let Some(Some(track)) = self.tracks.get_mut(tap.track()) {
                let all = track.layers.len();
                track.demand.want(all);
            }
        }
        for track in self.tracks.iter_mut().flatten() {
            if track.source != Source::Camera || track.layers.len() < 2 || !track.is_live() {
                continue;
            }
            if track.muted {
                track.demand.pause();
                continue;
            }
            let Some(layers) = track.demand.settle(track.layers.len(), turn.now) else {
                continue;
            };
            let publisher = self.peers.get(track.publisher).and_then(Option::as_ref);
            turn.events.push(Event::LayersWanted {
                room_id: self.id.clone(),
                peer_id: publisher.map(|p| p.id.clone()).unwrap_or_default(),
                source: track.source,
                rids: track.rids.iter().take(layers).cloned().collect(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(50);

    /// What is told, and after how many steps, while these numbers of layers are wanted step by step.
    fn told(demand: &mut Demand, now: &mut Instant, wanted: &[(usize, u32)]) -> Vec<(u32, usize)> {
        let mut steps = 0;
        let mut told = Vec::new();
        for (layers, times) in wanted {
            for _ in 0..*times {
                demand.clear();
                demand.want(*layers);
                if let Some(layers) = demand.settle(3, *now) {
                    told.push((steps, layers));
                }
                steps += 1;
                *now += STEP;
            }
        }
        told
    }

    #[test]
    fn all_at_first_and_fewer_only_after_a_while() {
        let (mut demand, mut now) = (Demand::default(), Instant::now());
        let seen = told(&mut demand, &mut now, &[(2, 300)]);
        assert_eq!(seen, [(0, 3), (101, 2)]);
    }

    #[test]
    fn more_at_once() {
        let (mut demand, mut now) = (Demand::default(), Instant::now());
        told(&mut demand, &mut now, &[(1, 200)]);
        let seen = told(&mut demand, &mut now, &[(1, 3), (3, 10)]);
        assert_eq!(seen, [(3, 3)]);
    }

    #[test]
    fn who_turns_back_in_time_finds_it_running() {
        let (mut demand, mut now) = (Demand::default(), Instant::now());
        let pages = [(3, 10), (1, 90), (3, 1), (1, 90), (3, 1)];
        assert_eq!(told(&mut demand, &mut now, &pages), [(0, 3)]);
    }

    #[test]
    fn what_was_wanted_in_the_while_is_kept() {
        let (mut demand, mut now) = (Demand::default(), Instant::now());
        let seen = told(&mut demand, &mut now, &[(3, 1), (1, 50), (2, 1), (1, 200)]);
        assert_eq!(seen, [(0, 3), (101, 2), (202, 1)]);
    }

    #[test]
    fn the_lowest_is_wanted_even_by_nobody() {
        let (mut demand, mut now) = (Demand::default(), Instant::now());
        let seen = told(&mut demand, &mut now, &[(0, 150)]);
        assert_eq!(seen, [(0, 3), (101, 1)]);
    }

    #[test]
    fn a_pause_is_no_while() {
        let (mut demand, mut now) = (Demand::default(), Instant::now());
        told(&mut demand, &mut now, &[(3, 1), (1, 90)]);
        demand.pause();
        now += Duration::from_secs(60);
        assert_eq!(told(&mut demand, &mut now, &[(1, 90), (3, 1)]), []);
    }
}

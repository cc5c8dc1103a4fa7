//! Dealing tracks to the receive slots of subscribers, and layers to their video slots.

use std::time::Instant;

use super::assign::{SlotView, Wanted, assign};
use super::layers::{VideoView, choose, desired};
use super::track::Track;
use super::{NO_SLOT, Peer, Room, Subscriber, Turn};
use crate::api::{Event, MediaKind, Source};

impl Room {
    pub(super) fn assign_everybody(&mut self, turn: &mut Turn<'_>) {
        for index in 0..self.peers.len() {
            self.assign_peer(turn, index);
        }
    }

    /// Deal the slots of one subscriber anew.
    pub(super) fn assign_peer(&mut self, turn: &mut Turn<'_>, index: usize) {
        let Some(mut subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.take()) else {
            return;
        };
        if subscriber.common.poisoned {
            panic!("poisoned by a test");
        }
        for kind in [MediaKind::Audio, MediaKind::Video] {
            self.assign_kind(turn, index, &mut subscriber, kind);
        }
        self.choose_layers(turn, index, &mut subscriber);
        if let Some(peer) = self.peer_mut(index) {
            peer.subscribe = Some(subscriber);
        }
    }

    fn assign_kind(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        subscriber: &mut Subscriber,
        kind: MediaKind,
    ) {
        let slots = &subscriber.session.slots;
        // Slots of one kind are contiguous: audio before video.
        let first = slots
            .iter()
            .position(|s| s.kind == kind)
            .unwrap_or(slots.len());
        let views: Vec<SlotView> = slots
            .iter()
            .filter(|s| s.kind == kind)
            .map(|s| SlotView {
                enabled: s.enabled,
                track: s.track,
            })
            .collect();
        if views.is_empty() {
            return;
        }
        let wanted = self.wanted_tracks(turn, index, subscriber, kind);
        let result = assign(&views, &wanted);
        for (offset, (before, after)) in views.iter().zip(result).enumerate() {
            if before.track != after {
                self.fill_slot(turn, index, subscriber, first + offset, after);
            }
        }
    }

    /// Tracks this peer may and should receive, the most wanted first.
    fn wanted_tracks(
        &self,
        turn: &Turn<'_>,
        index: usize,
        subscriber: &Subscriber,
        kind: MediaKind,
    ) -> Vec<Wanted> {
        let Some(peer) = self.peer(index) else {
            return Vec::new();
        };
        let mut found: Vec<(u64, usize, &Track)> = Vec::new();
        for (track_index, track) in self.tracks.iter().enumerate() {
            let Some(track) = track else { continue };
            let Some(codec) = track.codec else { continue };
            if track.kind() != kind || track.publisher == index {
                continue;
            }
            let Some(publisher) = self.peer(track.publisher) else {
                continue;
            };
            let audience = &publisher.audience[track.source.index()];
            if audience.as_ref().is_some_and(|a| !a.contains(&peer.id)) {
                continue;
            }
            let decodable = subscriber
                .session
                .slots
                .iter()
                .any(|s| s.kind == kind && s.takes_codec(codec));
            let shown = view_of(peer, publisher, track.source);
            if !decodable || shown == Some(0) {
                continue;
            }
            let speaks = track.loudness.speaks(turn.now);
            let rank = match track.source {
                Source::Screen | Source::ScreenAudio => u64::MAX,
                Source::Camera => shown.unwrap_or(1),
                Source::Microphone if speaks => 1000 - track.loudness.level() as u64,
                Source::Microphone => 0,
            };
            found.push((rank, track_index, track));
        }
        found.sort_by_key(|(rank, track, _)| (u64::MAX - rank, *track));
        found
            .into_iter()
            .map(|(rank, track_index, track)| Wanted {
                track: track_index,
                preferred: self.slot_in_sync(subscriber, track),
                pressing: matches!(track.source, Source::Screen | Source::ScreenAudio)
                    || track.loudness.speaks(turn.now),
                rank,
            })
            .collect()
    }

    /// The slot whose partner of the other kind carries the same person (voice and face, screen and its
    /// sound), else one whose partner is still free. Counted within its kind.
    fn slot_in_sync(&self, subscriber: &Subscriber, track: &Track) -> Option<usize> {
        let slots = &subscriber.session.slots;
        let partner = partner_of(track.source);
        let first_of = |kind| slots.iter().position(|s| s.kind == kind);
        let partners = first_of(partner.kind())?;
        let carried = self
            .peer(track.publisher)
            .and_then(|p| p.tracks[partner.index()])
            .and_then(|t| subscriber.route.get(t))
            .filter(|slot| **slot != NO_SLOT);
        if let Some(slot) = carried {
            return usize::from(*slot).checked_sub(partners);
        }
        let own = first_of(track.kind())?;
        let free = |slot: usize, kind| {
            slots
                .get(slot)
                .is_some_and(|s| s.kind == kind && s.track.is_none() && s.enabled)
        };
        (0..slots.len())
            .find(|pair| free(own + pair, track.kind()) && free(partners + pair, partner.kind()))
    }

    /// Put a track (or nothing) into a slot and tell it.
    fn fill_slot(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        subscriber: &mut Subscriber,
        slot: usize,
        track: Option<usize>,
    ) {
        let state = &mut subscriber.session.slots[slot];
        if let Some(before) = state.track
            && let Some(route) = subscriber.route.get_mut(before)
            && usize::from(*route) == slot
        {
            *route = NO_SLOT;
        }
        state.slot.stop();
        state.track = track;
        state.paused = false;
        state.desired = None;
        let mut carried = None;
        if let Some(track_index) = track
            && let Some(track) = self.tracks[track_index].as_ref()
        {
            if subscriber.route.len() <= track_index {
                subscriber.route.resize(track_index + 1, NO_SLOT);
            }
            subscriber.route[track_index] = slot as u8;
            if !track.muted
                && track.kind() == MediaKind::Audio
                && let Some(stream) = track.stream(0)
            {
                state.slot.switch(stream);
            }
            carried = Some((self.peer_id(track.publisher), track.source));
        }
        let (publisher_id, source) = carried.unzip();
        turn.events.push(Event::SlotAssigned {
            room_id: self.id.clone(),
            peer_id: self.peer_id(index),
            mid: slot.to_string(),
            publisher_id,
            source,
        });
    }

    /// Bitrate of the payloads a subscriber is sent now, bit/s.
    pub(super) fn reckoned(&self, subscriber: &Subscriber, now: Instant) -> u64 {
        let slots = subscriber.session.slots.iter();
        let sent = slots.filter_map(|state| {
            let track = self.tracks.get(state.track?)?.as_ref()?;
            let stream = state.slot.current()?;
            let layer = track.layers.iter().find(|l| l.stream == stream)?;
            let twice = state.kind == MediaKind::Audio && subscriber.redundancy.is_on();
            (!track.muted).then(|| layer.bitrate(now) << u32::from(twice))
        });
        sent.sum()
    }

    /// Choose the layer of every video slot and switch where it changed.
    pub(super) fn choose_layers(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        subscriber: &mut Subscriber,
    ) {
        let Some(peer) = self.peer(index) else { return };
        let mut audio_bitrate = 0;
        // (is a screen, shown pixels, slot, view)
        let mut videos: Vec<((bool, u64), usize, VideoView)> = Vec::new();
        for (slot, state) in subscriber.session.slots.iter().enumerate() {
            let Some(track) = state.track.and_then(|t| self.tracks[t].as_ref()) else {
                continue;
            };
            if track.muted {
                continue;
            }
            if state.kind == MediaKind::Audio {
                let bitrate: u64 = track.layers.iter().map(|l| l.bitrate(turn.now)).sum();
                audio_bitrate += bitrate << u32::from(subscriber.redundancy.is_on());
                continue;
            }
            let Some(publisher) = self.peer(track.publisher) else {
                continue;
            };
            let shown = view_of(peer, publisher, track.source);
            let layer_of = |stream| track.layers.iter().position(|l| l.stream == stream);
            let current = state
                .slot
                .wanted()
                .or(state.slot.current())
                .and_then(layer_of)
                .filter(|_| !state.paused);
            let view = VideoView {
                layers: track.layer_views(turn.now),
                shown,
                current,
            };
            let importance = (track.source == Source::Screen, shown.unwrap_or(0));
            videos.push((importance, slot, view));
        }
        videos.sort_by_key(|(importance, slot, _)| (std::cmp::Reverse(*importance), *slot));
        let budget = match &subscriber.session.egress {
            Some(egress) if subscriber.estimated => Some(
                egress
                    .bandwidth
                    .estimate()
                    .bitrate
                    .saturating_sub(audio_bitrate),
            ),
            _ => None,
        };
        let views: Vec<VideoView> = videos.iter().map(|(_, _, view)| view.clone()).collect();
        let beside = subscriber.beside.rate();
        for ((_, slot, view), layer) in videos.iter().zip(choose(&views, budget, beside)) {
            let state = &mut subscriber.session.slots[*slot];
            state.desired = (view.shown != Some(0)).then(|| desired(&view.layers, view.shown));
            let Some(track_index) = state.track else {
                continue;
            };
            let Some(layer) = layer else {
                if !state.paused {
                    state.paused = true;
                    state.slot.stop();
                }
                continue;
            };
            if view.current == Some(layer) {
                continue;
            }
            let stream = self.tracks[track_index]
                .as_ref()
                .and_then(|t| t.stream(layer));
            if let Some(stream) = stream {
                state.paused = false;
                state.slot.switch(stream);
                if subscriber.common.live.may_send() {
                    self.key_frames_wanted.push((track_index, layer));
                }
            }
        }
    }

    /// Ask for key frames of everything this subscriber's video slots carry: it just connected.
    pub(super) fn want_key_frames(&mut self, index: usize) {
        let Some(Some(peer)) = self.peers.get(index) else {
            return;
        };
        let Some(subscriber) = peer.subscribe.as_ref() else {
            return;
        };
        for state in &subscriber.session.slots {
            if state.kind == MediaKind::Video
                && let Some(stream) = state.slot.wanted().or(state.slot.current())
                && let Some(&wanted) = self.streams.get(&stream)
            {
                self.key_frames_wanted.push(wanted);
            }
        }
    }

    /// Send the key frame requests collected in this turn, each layer throttled.
    pub(super) fn ask_for_key_frames(&mut self, turn: &mut Turn<'_>) {
        while let Some((track_index, layer_index)) = self.key_frames_wanted.pop() {
            let Some(track) = self.tracks.get_mut(track_index).and_then(Option::as_mut) else {
                continue;
            };
            if track.muted || track.kind() == MediaKind::Audio {
                continue;
            }
            let Some(layer) = track.layers.get_mut(layer_index) else {
                continue;
            };
            if layer.key_frames.request(turn.now) {
                let (publisher, source) = (track.publisher, track.source);
                self.send_key_frame_request(turn, publisher, source, layer_index);
            }
        }
    }

    pub(super) fn send_key_frame_request(
        &mut self,
        turn: &mut Turn<'_>,
        publisher: usize,
        source: Source,
        layer: usize,
    ) {
        let Some(transport) = self.peer_mut(publisher).and_then(|p| p.publish.as_mut()) else {
            return;
        };
        if !transport.session.request_key_frame(source, layer) {
            return;
        }
        turn.counters.key_frames_requested += 1;
        let key = transport.common.key;
        if transport.session.handle_timeout(turn.now) {
            self.poll_publish(turn, publisher);
        } else {
            self.fail(turn, key, "library_error");
        }
    }

    /// Empty every slot that carries a track.
    pub(super) fn clear_track(&mut self, turn: &mut Turn<'_>, track: usize) {
        for index in 0..self.peers.len() {
            let Some(mut subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.take()) else {
                continue;
            };
            for slot in 0..subscriber.session.slots.len() {
                if subscriber.session.slots[slot].track == Some(track) {
                    self.fill_slot(turn, index, &mut subscriber, slot, None);
                }
            }
            if let Some(peer) = self.peer_mut(index) {
                peer.subscribe = Some(subscriber);
            }
        }
    }
}

/// Pixels at which `peer` shows a source of `publisher`; None when it did not say.
fn view_of(peer: &Peer, publisher: &Peer, source: Source) -> Option<u64> {
    if peer.views.is_empty() {
        return None;
    }
    peer.views.get(&(publisher.id.clone(), source)).copied()
}

/// The source that is played in sync with this one.
fn partner_of(source: Source) -> Source {
    match source {
        Source::Microphone => Source::Camera,
        Source::Camera => Source::Microphone,
        Source::Screen => Source::ScreenAudio,
        Source::ScreenAudio => Source::Screen,
    }
}

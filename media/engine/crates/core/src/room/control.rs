//! Commands of the control side to a room. Over 500 lines: one short function a command, read side by side
//! with the table of `api::Command`.

use std::collections::{HashMap, HashSet};

use str0m::Candidate;

use super::beside::Beside;
use super::redundancy::Redundancy;
use super::tick::TICK;
use super::track::{Layer, Track};
use super::{Common, Grants, NO_SLOT, Peer, Publisher, Room, Subscriber, Turn};
use crate::api::{
    Command, Event, Fault, FaultCode, MediaKind, Reply, Source, TransportKind, TransportState,
};
use crate::egress::munger::StreamId;
use crate::egress::sr::PublisherClock;
use crate::session::publish::{Binding, PublishSession, bind};
use crate::session::sdp::{Description, MAX_MEDIA_LINES};
use crate::session::subscribe::SubscribeSession;

/// Receive slots of one kind a subscriber may have; of both together, `MAX_MEDIA_LINES`.
pub const MAX_SLOTS: u32 = 32;
/// Peers of one room.
pub const MAX_PEERS: usize = 4096;
/// Longest peer or room id, bytes.
pub const MAX_ID: usize = 128;
/// Views one peer may have set.
const MAX_VIEWS: usize = 1024;
/// Longest candidate attribute, bytes.
const MAX_CANDIDATE: usize = 512;

fn fault(code: FaultCode, message: &str) -> Fault {
    Fault::new(code, message)
}

impl Room {
    /// Run a command of this room. Creating and closing the room is the worker's.
    pub fn handle_command(
        &mut self,
        turn: &mut Turn<'_>,
        command: Command,
    ) -> Result<Reply, Fault> {
        match command {
            Command::CreateRoom => Err(fault(FaultCode::RoomExists, "the room exists")),
            Command::CloseRoom => {
                self.close(turn);
                Ok(Reply::Done)
            }
            Command::AddPeer {
                peer_id,
                publish,
                audio_slots,
                video_slots,
            } => self.add_peer(peer_id, &publish, audio_slots, video_slots),
            Command::RemovePeer { peer_id } => {
                let index = self.find(&peer_id)?;
                self.remove_peer(turn, index);
                Ok(Reply::Done)
            }
            Command::SetGrant { peer_id, publish } => {
                let index = self.find(&peer_id)?;
                self.set_grant(turn, index, Grants::new(&publish));
                Ok(Reply::Done)
            }
            Command::Publish {
                peer_id,
                sdp,
                tracks,
                fresh,
            } => {
                let index = self.find(&peer_id)?;
                self.publish(turn, index, &sdp, &tracks, fresh)
                    .map(Reply::Sdp)
            }
            Command::Subscribe { peer_id, fresh } => {
                let index = self.find(&peer_id)?;
                self.subscribe(turn, index, fresh).map(Reply::Sdp)
            }
            Command::SubscribeOffered {
                peer_id,
                sdp,
                fresh,
            } => {
                let index = self.find(&peer_id)?;
                self.subscribe_offered(turn, index, &sdp, fresh)
                    .map(Reply::Sdp)
            }
            Command::Answer { peer_id, sdp } => {
                let index = self.find(&peer_id)?;
                self.answer(turn, index, &sdp)
            }
            Command::AddCandidate {
                peer_id,
                transport,
                candidate,
            } => {
                let index = self.find(&peer_id)?;
                self.add_candidate(turn, index, transport, &candidate)
            }
            Command::SetMuted {
                peer_id,
                source,
                muted,
            } => {
                let index = self.find(&peer_id)?;
                self.set_muted(turn, index, source, muted);
                Ok(Reply::Done)
            }
            Command::SetAudience {
                peer_id,
                source,
                audience,
            } => {
                let index = self.find(&peer_id)?;
                if let Some(peer) = self.peer_mut(index) {
                    peer.audience[source.index()] =
                        audience.map(|list| list.into_iter().collect::<HashSet<String>>());
                }
                self.assign_all = true;
                Ok(Reply::Done)
            }
            Command::StartTap {
                peer_id,
                source,
                sink,
                track,
            } => {
                let index = self.find(&peer_id)?;
                self.start_tap(turn, index, source, (sink, track))
            }
            Command::StopTap { sink, track } => {
                self.stop_tap(turn, sink, track);
                Ok(Reply::Done)
            }
            Command::AskForTap { sink, track } => {
                self.ask_for_tap(sink, track);
                Ok(Reply::Done)
            }
            Command::SetView {
                peer_id,
                publisher_id,
                source,
                width,
                height,
            } => {
                let index = self.find(&peer_id)?;
                self.set_view(turn, index, publisher_id, source, (width, height))
            }
        }
    }

    fn find(&self, peer_id: &str) -> Result<usize, Fault> {
        self.peer_by_id
            .get(peer_id)
            .copied()
            .ok_or_else(|| fault(FaultCode::PeerUnknown, "no such peer"))
    }

    fn add_peer(
        &mut self,
        peer_id: String,
        publish: &[Source],
        audio_slots: u32,
        video_slots: u32,
    ) -> Result<Reply, Fault> {
        if self.peer_by_id.contains_key(&peer_id) {
            return Err(fault(FaultCode::PeerExists, "the peer exists"));
        }
        let together = audio_slots.saturating_add(video_slots) as usize;
        if audio_slots > MAX_SLOTS || video_slots > MAX_SLOTS || together > MAX_MEDIA_LINES {
            return Err(fault(FaultCode::BadArgument, "too many slots"));
        }
        if peer_id.is_empty() || peer_id.len() > MAX_ID {
            return Err(fault(FaultCode::BadArgument, "peer id empty or too long"));
        }
        if self.peer_by_id.len() >= MAX_PEERS {
            return Err(fault(FaultCode::BadArgument, "the room is full"));
        }
        let peer = Peer {
            id: peer_id.clone(),
            grants: Grants::new(publish),
            audio_slots: audio_slots as usize,
            video_slots: video_slots as usize,
            publish: None,
            subscribe: None,
            subscribe_key: None,
            tracks: [None; 4],
            muted: [false; 4],
            audience: [const { None }; 4],
            views: HashMap::new(),
        };
        let index = match self.peers.iter().position(Option::is_none) {
            Some(index) => {
                self.peers[index] = Some(peer);
                index
            }
            None => {
                self.peers.push(Some(peer));
                self.peers.len() - 1
            }
        };
        self.peer_by_id.insert(peer_id, index);
        Ok(Reply::Done)
    }

    /// Publish before subscribe: first nobody receives from it, then it receives nothing.
    fn remove_peer(&mut self, turn: &mut Turn<'_>, index: usize) {
        self.close_publish(turn, index);
        self.close_subscribe(turn, index);
        if let Some(peer) = self.peers[index].take() {
            self.peer_by_id.remove(&peer.id);
        }
    }

    /// Close everything in order; the worker forgets the room afterwards.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        for index in 0..self.peers.len() {
            if self.peers[index].is_some() {
                self.remove_peer(turn, index);
            }
        }
    }

    fn set_grant(&mut self, turn: &mut Turn<'_>, index: usize, grants: Grants) {
        let Some(peer) = self.peer_mut(index) else {
            return;
        };
        peer.grants = grants;
        for source in Source::ALL {
            if grants.covers(source) {
                continue;
            }
            if let Some(publisher) = self.peer_mut(index).and_then(|p| p.publish.as_mut()) {
                publisher.session.unbind(source);
            }
            self.unpublish(turn, index, source);
        }
    }

    fn publish(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        sdp: &str,
        tracks: &[(String, Source)],
        fresh: bool,
    ) -> Result<String, Fault> {
        let offer = Description::parse(sdp).map_err(|f| fault(FaultCode::BadSdp, f.0))?;
        let Some(peer) = self.peer(index) else {
            return Err(fault(FaultCode::PeerUnknown, "no such peer"));
        };
        let grants = peer.grants;
        let bindings = bind(&offer, tracks, |source| grants.covers(source))?;
        if fresh {
            let mut session = PublishSession::new(turn.config, turn.now)?;
            let answer = session.accept_offer(sdp, bindings.clone())?;
            self.close_publish(turn, index);
            let key = turn
                .routes
                .new_key(self.index, index, TransportKind::Publish);
            let ufrag = session.local_ufrag();
            turn.routes.bind_ufrag(&ufrag, key);
            let publisher = Publisher {
                common: Common::new(key, ufrag, turn.now),
                session,
                clock: PublisherClock::default(),
            };
            if let Some(peer) = self.peer_mut(index) {
                peer.publish = Some(Box::new(publisher));
            }
            self.tell_connecting(turn, index, TransportKind::Publish);
            self.sync_tracks(turn, index, &bindings);
            self.poll_publish(turn, index);
            return Ok(answer);
        }
        // Without the transport it belongs to, an offer of an old connection cannot be served: a browser whose streams
        // were reported on once says no more which rid an SSRC is (RFC 8852 §3), and its layers would never be known.
        let Some(publisher) = self.peer_mut(index).and_then(|p| p.publish.as_mut()) else {
            return Err(fault(FaultCode::WrongState, "no publish transport"));
        };
        let answer = publisher.session.accept_offer(sdp, bindings.clone())?;
        let ufrag = publisher.session.local_ufrag();
        if ufrag != publisher.common.ufrag {
            turn.routes.unbind_ufrag(&publisher.common.ufrag);
            turn.routes.bind_ufrag(&ufrag, publisher.common.key);
            publisher.common.ufrag = ufrag;
        }
        self.sync_tracks(turn, index, &bindings);
        self.poll_publish(turn, index);
        Ok(answer)
    }

    /// Make the peer's tracks those of the bindings.
    fn sync_tracks(&mut self, turn: &mut Turn<'_>, index: usize, bindings: &[Binding]) {
        for source in Source::ALL {
            let binding = bindings.iter().find(|b| b.source == source);
            let Some(peer) = self.peer(index) else { return };
            let known = peer.tracks[source.index()].and_then(|t| self.tracks[t].as_ref());
            let same = match (binding, known) {
                (Some(binding), Some(track)) => track.rids == binding.rids,
                (None, None) => true,
                _ => false,
            };
            if same {
                continue;
            }
            self.unpublish(turn, index, source);
            if let Some(binding) = binding {
                self.add_track(turn, index, source, &binding.rids);
            }
        }
    }

    fn add_track(&mut self, turn: &mut Turn<'_>, index: usize, source: Source, rids: &[String]) {
        let slot = match self.tracks.iter().position(Option::is_none) {
            Some(slot) => slot,
            None => {
                self.tracks.push(None);
                self.tracks.len() - 1
            }
        };
        let layers: Vec<Layer> = (0..rids.len().max(1))
            .map(|layer| {
                let stream = StreamId(self.next_stream);
                self.next_stream += 1;
                self.streams.insert(stream, (slot, layer));
                Layer::new(stream, source.kind(), turn.now)
            })
            .collect();
        let Some(peer) = self.peer_mut(index) else {
            return;
        };
        peer.tracks[source.index()] = Some(slot);
        let muted = peer.muted[source.index()];
        self.tracks[slot] = Some(Track::new(index, source, layers, rids.to_vec(), muted));
    }

    pub(super) fn unpublish_all(&mut self, turn: &mut Turn<'_>, index: usize) {
        for source in Source::ALL {
            self.unpublish(turn, index, source);
        }
    }

    fn unpublish(&mut self, turn: &mut Turn<'_>, index: usize, source: Source) {
        let Some(slot) = self
            .peer_mut(index)
            .and_then(|p| p.tracks[source.index()].take())
        else {
            return;
        };
        self.turn.retain(|p| p.track != slot);
        self.clear_track(turn, slot);
        self.end_taps_of(turn, slot);
        let Some(track) = self.tracks[slot].take() else {
            return;
        };
        for layer in &track.layers {
            self.streams.remove(&layer.stream);
        }
        if track.is_live() {
            turn.events.push(Event::TrackUnpublished {
                room_id: self.id.clone(),
                peer_id: self.peer_id(index),
                source,
            });
        }
        self.assign_all = true;
    }

    fn subscribe(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        fresh: bool,
    ) -> Result<String, Fault> {
        let Some(peer) = self.peer_mut(index) else {
            return Err(fault(FaultCode::PeerUnknown, "no such peer"));
        };
        if !fresh {
            let ours = |subscriber: &&mut Box<Subscriber>| !subscriber.session.answers();
            let Some(subscriber) = peer.subscribe.as_mut().filter(ours) else {
                return Err(fault(FaultCode::WrongState, "no subscribe transport"));
            };
            turn.routes.unbind_ufrag(&subscriber.common.ufrag);
            subscriber.session.restart_ice();
            let ufrag = subscriber.session.local_ufrag().to_owned();
            turn.routes.bind_ufrag(&ufrag, subscriber.common.key);
            subscriber.common.ufrag = ufrag;
            return Ok(subscriber.session.offer(turn.config));
        }
        let (audio, video) = (peer.audio_slots, peer.video_slots);
        if audio + video == 0 {
            return Err(fault(
                FaultCode::WrongState,
                "the peer has no receive slots",
            ));
        }
        let mut session = SubscribeSession::new(turn.config, audio, video, turn.now)?;
        let offer = session.offer(turn.config);
        self.begin_subscribe(turn, index, session);
        self.poll_subscribe(turn, index);
        Ok(offer)
    }

    /// The receiver offers what it takes, and is answered (WHEP).
    fn subscribe_offered(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        sdp: &str,
        fresh: bool,
    ) -> Result<String, Fault> {
        let Some(peer) = self.peer_mut(index) else {
            return Err(fault(FaultCode::PeerUnknown, "no such peer"));
        };
        if !fresh {
            let theirs = |subscriber: &&mut Box<Subscriber>| subscriber.session.answers();
            let Some(subscriber) = peer.subscribe.as_mut().filter(theirs) else {
                return Err(fault(FaultCode::WrongState, "no subscribe transport"));
            };
            let answer = subscriber
                .session
                .accept_offer(turn.config, sdp, turn.now)?;
            let ufrag = subscriber.session.local_ufrag().to_owned();
            if ufrag != subscriber.common.ufrag {
                turn.routes.unbind_ufrag(&subscriber.common.ufrag);
                turn.routes.bind_ufrag(&ufrag, subscriber.common.key);
                subscriber.common.ufrag = ufrag;
            }
            self.poll_subscribe(turn, index);
            return Ok(answer);
        }
        let (audio, video) = (peer.audio_slots, peer.video_slots);
        let mut session = SubscribeSession::answering(turn.config, sdp, audio, video, turn.now)?;
        let answer = session.accept_offer(turn.config, sdp, turn.now)?;
        self.begin_subscribe(turn, index, session);
        self.assign_peer(turn, index);
        self.poll_subscribe(turn, index);
        Ok(answer)
    }

    fn begin_subscribe(&mut self, turn: &mut Turn<'_>, index: usize, session: SubscribeSession) {
        self.close_subscribe(turn, index);
        let key = turn
            .routes
            .new_key(self.index, index, TransportKind::Subscribe);
        let ufrag = session.local_ufrag().to_owned();
        turn.routes.bind_ufrag(&ufrag, key);
        let subscriber = Subscriber {
            common: Common::new(key, ufrag, turn.now),
            session,
            route: vec![NO_SLOT; self.tracks.len()],
            next_report: turn.now + TICK * (index % 20) as u32,
            loss: 0.0,
            redundancy: Redundancy::default(),
            beside: Beside::default(),
            estimated: false,
            last_feedback: None,
        };
        if let Some(peer) = self.peer_mut(index) {
            peer.subscribe = Some(Box::new(subscriber));
            peer.subscribe_key = Some(key);
        }
        self.tell_connecting(turn, index, TransportKind::Subscribe);
    }

    fn answer(&mut self, turn: &mut Turn<'_>, index: usize, sdp: &str) -> Result<Reply, Fault> {
        let Some(subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.as_mut()) else {
            return Err(fault(FaultCode::WrongState, "no offer waits for an answer"));
        };
        subscriber
            .session
            .accept_answer(turn.config, sdp, turn.now)?;
        self.assign_peer(turn, index);
        self.poll_subscribe(turn, index);
        Ok(Reply::Done)
    }

    fn add_candidate(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        transport: TransportKind,
        candidate: &str,
    ) -> Result<Reply, Fault> {
        if candidate.len() > MAX_CANDIDATE {
            return Err(fault(FaultCode::BadCandidate, "candidate too long"));
        }
        let text = candidate.trim();
        let text = text.strip_prefix("a=").unwrap_or(text);
        let peer = self.peer_mut(index);
        let exists = peer.as_ref().is_some_and(|p| match transport {
            TransportKind::Publish => p.publish.is_some(),
            TransportKind::Subscribe => p.subscribe.is_some(),
        });
        let Some(peer) = peer.filter(|_| exists) else {
            return Err(fault(FaultCode::WrongState, "the transport does not exist"));
        };
        // The end of candidates is no news to an ICE-lite agent.
        if text.is_empty() {
            return Ok(Reply::Done);
        }
        if !text.starts_with("candidate:") || text.split(' ').count() < 8 {
            return Err(fault(FaultCode::BadCandidate, "candidate does not parse"));
        }
        let parsed = match Candidate::from_sdp_string(text) {
            Ok(parsed) => parsed,
            // A host name in place of an address (mDNS) is of no use to us and no fault of the browser.
            Err(_) if text.contains(".local ") => return Ok(Reply::Done),
            Err(_) => return Err(fault(FaultCode::BadCandidate, "candidate does not parse")),
        };
        match transport {
            TransportKind::Publish => {
                if let Some(publisher) = peer.publish.as_mut() {
                    publisher.session.add_candidate(parsed);
                }
                self.poll_publish(turn, index);
            }
            TransportKind::Subscribe => {
                if let Some(subscriber) = peer.subscribe.as_mut() {
                    subscriber.session.add_candidate(parsed);
                }
                self.poll_subscribe(turn, index);
            }
        }
        Ok(Reply::Done)
    }

    fn set_muted(&mut self, turn: &mut Turn<'_>, index: usize, source: Source, muted: bool) {
        let Some(peer) = self.peer_mut(index) else {
            return;
        };
        peer.muted[source.index()] = muted;
        let Some(track_index) = peer.tracks[source.index()] else {
            return;
        };
        let Some(track) = self.tracks[track_index].as_mut() else {
            return;
        };
        if track.muted == muted {
            return;
        }
        track.muted = muted;
        let resumed = track
            .stream(0)
            .filter(|_| !muted && track.kind() == MediaKind::Audio);
        self.turn.retain(|p| p.track != track_index);
        self.restart_taps_of(track_index);
        for other in 0..self.peers.len() {
            let Some(mut subscriber) = self.peer_mut(other).and_then(|p| p.subscribe.take()) else {
                continue;
            };
            for state in &mut subscriber.session.slots {
                if state.track == Some(track_index) {
                    state.slot.stop();
                    state.paused = false;
                    if let Some(stream) = resumed {
                        state.slot.switch(stream);
                    }
                }
            }
            if !muted {
                // A video slot that stands still is given its layer again, and a key frame asked for.
                self.choose_layers(turn, other, &mut subscriber);
            }
            if let Some(peer) = self.peer_mut(other) {
                peer.subscribe = Some(subscriber);
            }
        }
    }

    fn set_view(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        publisher_id: String,
        source: Source,
        (width, height): (u32, u32),
    ) -> Result<Reply, Fault> {
        let Some(peer) = self.peer_mut(index) else {
            return Err(fault(FaultCode::PeerUnknown, "no such peer"));
        };
        if peer.views.len() >= MAX_VIEWS
            && !peer.views.contains_key(&(publisher_id.clone(), source))
        {
            return Err(fault(FaultCode::BadArgument, "too many views"));
        }
        let pixels = u64::from(width) * u64::from(height);
        peer.views.insert((publisher_id, source), pixels);
        self.assign_peer(turn, index);
        Ok(Reply::Done)
    }

    fn tell_connecting(&mut self, turn: &mut Turn<'_>, index: usize, transport: TransportKind) {
        turn.events.push(Event::TransportChanged {
            room_id: self.id.clone(),
            peer_id: self.peer_id(index),
            transport,
            state: TransportState::Connecting,
            protocol: None,
            srtp_profile: None,
        });
    }

    fn tell_closed(&mut self, turn: &mut Turn<'_>, index: usize, transport: TransportKind) {
        turn.events.push(Event::TransportChanged {
            room_id: self.id.clone(),
            peer_id: self.peer_id(index),
            transport,
            state: TransportState::Closed,
            protocol: None,
            srtp_profile: None,
        });
    }

    pub(super) fn close_publish(&mut self, turn: &mut Turn<'_>, index: usize) {
        let Some(mut publisher) = self.peer_mut(index).and_then(|p| p.publish.take()) else {
            return;
        };
        self.unpublish_all(turn, index);
        publisher.session.close();
        let mut output = std::mem::take(&mut turn.scratch.publish);
        publisher.session.poll(turn.now, turn.outputs, &mut output);
        turn.scratch.publish = output;
        turn.routes
            .remove(publisher.common.key, &publisher.common.ufrag);
        self.tell_closed(turn, index, TransportKind::Publish);
    }

    pub(super) fn close_subscribe(&mut self, turn: &mut Turn<'_>, index: usize) {
        let Some(mut subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.take()) else {
            return;
        };
        subscriber.session.close();
        let mut output = std::mem::take(&mut turn.scratch.subscribe);
        let scratch = &mut turn.scratch.record[..];
        subscriber
            .session
            .poll(turn.now, scratch, turn.outputs, &mut output);
        turn.scratch.subscribe = output;
        turn.routes
            .remove(subscriber.common.key, &subscriber.common.ufrag);
        if let Some(peer) = self.peer_mut(index) {
            peer.subscribe_key = None;
        }
        self.tell_closed(turn, index, TransportKind::Subscribe);
    }
}

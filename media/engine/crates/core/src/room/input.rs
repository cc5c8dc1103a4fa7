//! Datagrams and due times of a room's sessions, and what the sessions make of them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Publisher, Room, Subscriber, Turn, TurnPacket};
use crate::api::{Event, Protocol, TransportKind, TransportState};
use crate::codec::{Codec, red};
use crate::counters::DropReason;
use crate::packet::demux::DatagramClass;
use crate::routes::SessionKey;
use crate::session::config::earliest;
use crate::session::publish::{Ingest, PublishOutput, SenderClock};
use crate::session::untaken::RtpIdentity;
use crate::srtp::SrtpError;

/// Feedback that stayed away for so long while packets went out: what the receiver missed is more than is kept for it.
const UNREPAIRABLE: Duration = Duration::from_secs(1);

/// One datagram on its way to a session.
pub struct Incoming<'a> {
    pub protocol: Protocol,
    pub source: SocketAddr,
    pub class: DatagramClass,
    pub data: &'a mut [u8],
}

impl Room {
    pub fn handle_datagram(&mut self, turn: &mut Turn<'_>, key: SessionKey, input: Incoming<'_>) {
        match key.kind {
            TransportKind::Publish => self.publish_datagram(turn, key, input),
            TransportKind::Subscribe => self.subscribe_datagram(turn, key, input),
        }
    }

    /// `woken`: the time this session was scheduled for.
    pub fn handle_timeout(&mut self, turn: &mut Turn<'_>, key: SessionKey, woken: Instant) {
        let index = key.peer as usize;
        match key.kind {
            TransportKind::Publish => {
                if let Some(publisher) = self.peer_mut(index).and_then(|p| p.publish.as_mut())
                    && publisher.common.scheduled == Some(woken)
                {
                    publisher.common.scheduled = None;
                    if !publisher.session.handle_timeout(turn.now) {
                        return self.fail(turn, key, "library_error");
                    }
                    self.poll_publish(turn, index);
                }
            }
            TransportKind::Subscribe => {
                if let Some(subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.as_mut())
                    && subscriber.common.scheduled == Some(woken)
                {
                    subscriber.common.scheduled = None;
                    subscriber.session.handle_timeout(turn.now);
                    self.poll_subscribe(turn, index);
                }
            }
        }
    }

    fn publish_datagram(&mut self, turn: &mut Turn<'_>, key: SessionKey, input: Incoming<'_>) {
        let index = key.peer as usize;
        let Some(publisher) = self.peer_mut(index).and_then(|p| p.publish.as_mut()) else {
            return;
        };
        if publisher.common.poisoned {
            panic!("poisoned by a test");
        }
        let (now, protocol, source) = (turn.now, input.protocol, input.source);
        let local = turn.config.local_address(protocol, source);
        let session = &mut publisher.session;
        if input.class == DatagramClass::Stun {
            if !session.accept_stun(now, protocol, source, local, input.data) {
                turn.counters.drop_packet(DropReason::BadStun);
                return;
            }
            publisher.common.live.heard(now);
            turn.routes.bind_address(protocol, source, key);
        }
        publisher.common.bytes_in += input.data.len() as u64;
        let rtp = (input.class == DatagramClass::Rtp)
            .then(|| RtpIdentity::of(input.data))
            .flatten();
        if !session.handle_datagram(now, protocol, source, local, input.data) {
            return self.fail(turn, key, "library_error");
        }
        let delivered = self.poll_publish(turn, index);
        if let Some(rtp) = rtp
            && let Some(publisher) = self.peer_mut(index).and_then(|p| p.publish.as_mut())
            && let Some(reason) = publisher.session.untaken.account(rtp, delivered)
        {
            turn.counters.drop_packet(reason);
        }
    }

    /// Drain a publish session and act on what came out; how many packets did.
    pub(super) fn poll_publish(&mut self, turn: &mut Turn<'_>, index: usize) -> usize {
        let mut output = std::mem::take(&mut turn.scratch.publish);
        let Some(publisher) = self.peer_mut(index).and_then(|p| p.publish.as_mut()) else {
            turn.scratch.publish = output;
            return 0;
        };
        let key = publisher.common.key;
        let alive = publisher.session.poll(turn.now, turn.outputs, &mut output);
        if output.dtls_connected {
            publisher.common.live.set_secured();
        }
        if let Some(connected) = output.ice {
            publisher.common.live.set_ice(connected);
        }
        if !output.packets.is_empty() {
            publisher.common.live.heard(turn.now);
        }
        let at = publisher.session.poll_timeout();
        turn.routes
            .schedule(key, at, &mut publisher.common.scheduled);
        if output.ice.is_some() || output.dtls_connected {
            self.update_state(turn, index, TransportKind::Publish);
        }
        let delivered = output.packets.len() + output.outside_grant as usize;
        self.take_output(turn, index, &mut output);
        let closed = output.closed;
        turn.scratch.publish = output;
        if !alive {
            self.fail(turn, key, "dtls_failed");
        } else if closed {
            self.close_publish(turn, index);
        }
        delivered
    }

    fn take_output(&mut self, turn: &mut Turn<'_>, index: usize, output: &mut PublishOutput) {
        turn.counters
            .drop_packets(DropReason::OutsideGrant, output.outside_grant);
        for report in output.reports.drain(..) {
            self.take_report(turn, index, &report);
        }
        for ingest in output.packets.drain(..) {
            self.take_packet(turn, index, ingest);
        }
    }

    fn take_report(&mut self, turn: &mut Turn<'_>, index: usize, report: &SenderClock) {
        let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        let Some(track) = peer.tracks[report.source.index()] else {
            return;
        };
        let Some(publisher) = peer.publish.as_mut() else {
            return;
        };
        publisher
            .clock
            .observe(report.ntp, turn.config.clock.at(report.arrival));
        if let Some(layer) = self.tracks[track]
            .as_mut()
            .and_then(|t| t.layers.get_mut(report.layer))
        {
            layer
                .clock
                .observe(&publisher.clock, report.ntp, report.rtp_timestamp);
        }
    }

    fn take_packet(&mut self, turn: &mut Turn<'_>, index: usize, ingest: Ingest) {
        let Ingest {
            source,
            layer,
            mut packet,
            recovered,
        } = ingest;
        turn.counters.rtp_in += u64::from(!recovered);
        let Some(Some(peer)) = self.peers.get(index) else {
            return;
        };
        let found = peer.tracks[source.index()]
            .and_then(|t| self.tracks[t].as_mut().map(|track| (t, track)));
        let Some((track_index, track)) = found else {
            turn.counters.drop_packet(DropReason::OutsideGrant);
            return;
        };
        let is_new = |id| track.layers.first().is_some_and(|l| !l.cache.was_seen(id));
        if recovered && (track.muted || !is_new(packet.id)) {
            return;
        }
        if track.codec.is_none() {
            track.codec = Some(packet.codec);
            self.assign_all = true;
            turn.events.push(Event::TrackPublished {
                room_id: self.id.clone(),
                peer_id: peer.id.clone(),
                source,
                kind: source.kind(),
                codec: crate::session::table::codec_name(packet.codec),
                layers: track.layers.len(),
            });
        }
        if track.muted {
            turn.counters.drop_packet(DropReason::Muted);
            return;
        }
        if let Some(level) = packet.extensions.audio_level {
            track.loudness.observe(level, turn.now);
        }
        if track.observe(layer, &packet) {
            self.key_frames_wanted.push((track_index, layer));
        }
        let Some(layer) = track.layers.get_mut(layer) else {
            return;
        };
        packet.capture = layer
            .clock
            .capture(packet.timestamp, packet.codec.clock_rate());
        if packet.key_frame && packet.codec.is_video() {
            layer.key_frames.on_key_frame();
        }
        if self.redundant
            && packet.codec == Codec::Opus
            && let Some(before) = packet.id.checked_sub(1).and_then(|id| layer.cache.get(id))
        {
            packet.redundant = red::build(
                Codec::Opus.payload_type(),
                packet.timestamp.wrapping_sub(before.timestamp),
                &before.payload,
                &packet.payload,
            );
        }
        let stream = layer.stream;
        if layer.cache.insert(packet.clone()) {
            self.turn.push(TurnPacket {
                track: track_index,
                stream,
                packet,
            });
        } else {
            turn.counters.drop_packet(DropReason::Replay);
        }
    }

    fn subscribe_datagram(&mut self, turn: &mut Turn<'_>, key: SessionKey, input: Incoming<'_>) {
        let index = key.peer as usize;
        let Some(subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.as_mut()) else {
            return;
        };
        if subscriber.common.poisoned {
            panic!("poisoned by a test");
        }
        let (now, protocol, source) = (turn.now, input.protocol, input.source);
        let session = &mut subscriber.session;
        subscriber.common.bytes_in += input.data.len() as u64;
        match input.class {
            DatagramClass::Stun => {
                let local = turn.config.local_address(protocol, source);
                if !session.handle_stun(now, protocol, source, local, input.data) {
                    turn.counters.drop_packet(DropReason::BadStun);
                    return;
                }
                subscriber.common.live.heard(now);
                turn.routes.bind_address(protocol, source, key);
                self.poll_subscribe(turn, index);
            }
            DatagramClass::Dtls => {
                session.handle_dtls(now, input.data);
                self.poll_subscribe(turn, index);
            }
            DatagramClass::Rtcp => self.subscriber_rtcp(turn, index, input.data),
            DatagramClass::Rtp | DatagramClass::Unknown => {
                turn.counters.drop_packet(DropReason::OutsideGrant);
            }
        }
    }

    fn subscriber_rtcp(&mut self, turn: &mut Turn<'_>, index: usize, data: &mut [u8]) {
        let mut feedback = std::mem::take(&mut turn.scratch.feedback);
        if let Some(subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.as_mut()) {
            let session = &mut subscriber.session;
            match session.handle_rtcp(turn.config, turn.now, data, &mut feedback) {
                Ok(()) => {
                    subscriber.common.live.heard(turn.now);
                    subscriber.estimated |= feedback.estimate;
                    let returns = feedback.estimate
                        && subscriber
                            .last_feedback
                            .replace(turn.now)
                            .is_some_and(|at| {
                                turn.now.saturating_duration_since(at) >= UNREPAIRABLE
                            });
                    if let Some(loss) = feedback.loss {
                        subscriber.loss = loss;
                    }
                    self.act_on_feedback(turn, index, &feedback);
                    if returns {
                        self.want_key_frames(index);
                    }
                }
                Err(SrtpError::Replay) => turn.counters.drop_packet(DropReason::Replay),
                Err(_) => turn.counters.drop_packet(DropReason::BadSrtp),
            }
        }
        turn.scratch.feedback = feedback;
    }

    /// Drain a subscribe session's link and act on what happened.
    pub(super) fn poll_subscribe(&mut self, turn: &mut Turn<'_>, index: usize) {
        let mut output = std::mem::take(&mut turn.scratch.subscribe);
        let Some(subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.as_mut()) else {
            return;
        };
        let key = subscriber.common.key;
        let scratch = &mut turn.scratch.record[..];
        subscriber
            .session
            .poll(turn.now, scratch, turn.outputs, &mut output);
        if output.secured.is_some() {
            subscriber.common.live.set_secured();
        }
        if output.selected {
            subscriber.common.live.set_ice(true);
        }
        let at = earliest(
            subscriber.session.poll_timeout(),
            subscriber.common.live.next_timeout(),
        );
        if let Some(at) = at {
            turn.routes
                .schedule(key, at, &mut subscriber.common.scheduled);
        }
        self.update_state(turn, index, TransportKind::Subscribe);
        if let Some(reason) = output.failed {
            self.fail(turn, key, reason);
        } else if output.closed {
            self.close_subscribe(turn, index);
        }
        turn.scratch.subscribe = output;
    }

    /// Tell a changed state of a transport; a subscriber that comes back gets key frames.
    pub(super) fn update_state(&mut self, turn: &mut Turn<'_>, index: usize, kind: TransportKind) {
        let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        let (state, selected, profile) = match kind {
            TransportKind::Publish => match peer.publish.as_mut().map(Box::as_mut) {
                Some(Publisher {
                    common, session, ..
                }) => (
                    common.live.update(turn.now),
                    session.selected(),
                    session.srtp_profile(),
                ),
                None => return,
            },
            TransportKind::Subscribe => match peer.subscribe.as_mut().map(Box::as_mut) {
                Some(Subscriber {
                    common, session, ..
                }) => (
                    common.live.update(turn.now),
                    session.destination(),
                    session.profile().map(|p| p.name()),
                ),
                None => return,
            },
        };
        let Some(state) = state else { return };
        let connected = state == TransportState::Connected;
        turn.events.push(Event::TransportChanged {
            room_id: self.id.clone(),
            peer_id: peer.id.clone(),
            transport: kind,
            state,
            protocol: selected.map(|(protocol, _)| protocol).filter(|_| connected),
            srtp_profile: profile.filter(|_| connected),
        });
        if kind == TransportKind::Subscribe && connected {
            self.want_key_frames(index);
        }
    }

    /// After a panic while a subscriber was taken out to be worked on: it is gone, say so.
    pub fn recover(&mut self, turn: &mut Turn<'_>) {
        self.turn.clear();
        self.key_frames_wanted.clear();
        for index in 0..self.peers.len() {
            let lost = self
                .peer(index)
                .filter(|peer| peer.subscribe.is_none())
                .and_then(|peer| peer.subscribe_key);
            if let Some(key) = lost {
                self.fail(turn, key, "panic");
            }
        }
    }

    /// Close a session that hit a fault; the rest of the room lives on.
    pub fn fail(&mut self, turn: &mut Turn<'_>, key: SessionKey, reason: &'static str) {
        let index = key.peer as usize;
        turn.counters.sessions_failed += 1;
        turn.events.push(Event::SessionFailed {
            room_id: self.id.clone(),
            peer_id: self.peer_id(index),
            transport: key.kind,
            reason,
        });
        turn.routes.purge(key);
        match key.kind {
            TransportKind::Publish => {
                if let Some(peer) = self.peer_mut(index) {
                    peer.publish = None;
                }
                self.unpublish_all(turn, index);
            }
            TransportKind::Subscribe => {
                if let Some(peer) = self.peer_mut(index) {
                    peer.subscribe = None;
                    peer.subscribe_key = None;
                }
            }
        }
    }
}

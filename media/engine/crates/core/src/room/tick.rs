//! What a room does by time: sender reports, layers, speakers, key frame repeats, statistics.

use std::time::{Duration, Instant};

use super::speakers::{self, INTERVAL};
use super::{Room, Subscriber, Turn};
use crate::api::{Event, MediaKind, Source, TransportKind, TransportState};
use crate::packet::rtcp::RtcpWriter;

/// How often a worker ticks its rooms.
pub const TICK: Duration = Duration::from_millis(50);
/// Sender reports per subscriber. RFC 3550 §6.2 allows them more often than 5 s where bandwidth does.
const REPORT_INTERVAL: Duration = Duration::from_millis(1000);
const LAYER_INTERVAL: Duration = Duration::from_millis(400);
/// A compound of reports of all slots stays within one datagram.
const MAX_COMPOUND: usize = 1200;

impl Room {
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        self.ticks = self.ticks.wrapping_add(1);
        self.update_states(turn);
        self.repeat_key_frame_requests(turn);
        self.send_reports(turn);
        self.revise_layers(turn);
        self.revise_taps(turn.now);
        self.revise_demand(turn);
        if turn.now >= self.next_speakers {
            self.next_speakers = turn.now + INTERVAL;
            self.revise_speakers(turn);
        }
        self.report_statistics(turn);
    }

    /// Whether it is this peer's tick for something done every `interval`. Peers take turns, so that a
    /// large room does not do all of it in one tick while packets wait.
    fn is_turn_of(&self, index: usize, interval: Duration) -> bool {
        let period = (interval.as_millis() / TICK.as_millis()).max(1) as usize;
        (index + self.ticks).is_multiple_of(period)
    }

    fn update_states(&mut self, turn: &mut Turn<'_>) {
        for index in 0..self.peers.len() {
            if self.peers[index].is_some() {
                self.update_state(turn, index, TransportKind::Publish);
                self.update_state(turn, index, TransportKind::Subscribe);
            }
        }
    }

    fn repeat_key_frame_requests(&mut self, turn: &mut Turn<'_>) {
        let mut due = Vec::new();
        for track_index in 0..self.tracks.len() {
            let waiting = self.tracks[track_index]
                .as_ref()
                .is_some_and(|t| !t.muted && t.layers.iter().any(|l| l.key_frames.is_waiting()));
            if !waiting {
                continue;
            }
            let wanted: Vec<bool> = self.tracks[track_index]
                .as_ref()
                .map_or(Vec::new(), |track| {
                    track
                        .layers
                        .iter()
                        .map(|l| self.is_awaited(track_index, l.stream))
                        .collect()
                });
            let Some(track) = self.tracks[track_index].as_mut() else {
                continue;
            };
            for (layer_index, (layer, wanted)) in track.layers.iter_mut().zip(wanted).enumerate() {
                if layer.key_frames.is_waiting() && layer.key_frames.on_timeout(turn.now, wanted) {
                    due.push((track.publisher, track.source, layer_index));
                }
            }
        }
        for (publisher, source, layer) in due {
            self.send_key_frame_request(turn, publisher, source, layer);
        }
    }

    /// Some connected receiver, or a tap, waits for a key frame of this stream.
    fn is_awaited(&self, track: usize, stream: crate::egress::munger::StreamId) -> bool {
        self.is_tap_waiting(stream) || self.is_awaited_by_peer(track, stream)
    }

    fn is_awaited_by_peer(&self, track: usize, stream: crate::egress::munger::StreamId) -> bool {
        self.peers
            .iter()
            .flatten()
            .filter_map(|p| p.subscribe.as_ref())
            .any(|subscriber| {
                subscriber.common.live.may_send()
                    && subscriber
                        .session
                        .slots
                        .iter()
                        .any(|s| s.track == Some(track) && s.slot.wanted() == Some(stream))
            })
    }

    fn send_reports(&mut self, turn: &mut Turn<'_>) {
        for index in 0..self.peers.len() {
            let Some(mut subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.take()) else {
                continue;
            };
            if turn.now >= subscriber.next_report && subscriber.common.live.may_send() {
                subscriber.next_report = turn.now + REPORT_INTERVAL;
                self.send_report(turn, &mut subscriber);
            }
            if let Some(peer) = self.peer_mut(index) {
                peer.subscribe = Some(subscriber);
            }
        }
    }

    fn send_report(&self, turn: &mut Turn<'_>, subscriber: &mut Subscriber) {
        let session = &mut subscriber.session;
        let (Some((protocol, address)), Some(egress)) =
            (session.destination(), session.egress.as_mut())
        else {
            return;
        };
        let out = turn.outputs.room(MAX_COMPOUND);
        let mut writer = RtcpWriter::new(&mut out[..MAX_COMPOUND - 64]);
        for state in &session.slots {
            let Some(stream) = state.slot.current() else {
                continue;
            };
            let Some(&(track, layer)) = self.streams.get(&stream) else {
                continue;
            };
            let Some(layer) = self.tracks[track]
                .as_ref()
                .and_then(|t| t.layers.get(layer))
            else {
                continue;
            };
            let report = state
                .slot
                .sender_report(&layer.clock, &turn.config.clock, turn.now);
            if let Some(report) = report
                && (writer.sender_report(&report).is_none()
                    || writer.cname(report.ssrc, &session.cname).is_none())
            {
                break;
            }
        }
        let len = writer.len();
        if len == 0 {
            return;
        }
        if let Ok(len) = egress.srtp.protect_rtcp(out, len) {
            turn.outputs.commit(protocol, address, len);
            subscriber.common.bytes_out += len as u64;
        }
    }

    /// Everybody's layers, and whether audio is sent twice, now and then; at once when a sender dropped one, for whoever watches it sees nothing new.
    fn revise_layers(&mut self, turn: &mut Turn<'_>) {
        let mut lost = false;
        for track in self.tracks.iter_mut().flatten() {
            lost |= track.lost_a_layer(turn.now);
        }
        let subscribers = self
            .peers
            .iter()
            .flatten()
            .filter_map(|p| p.subscribe.as_ref());
        self.redundant = subscribers.into_iter().any(|s| s.redundancy.is_on());
        for index in 0..self.peers.len() {
            if !lost && !self.is_turn_of(index, LAYER_INTERVAL) {
                continue;
            }
            let Some(mut subscriber) = self.peer_mut(index).and_then(|p| p.subscribe.take()) else {
                continue;
            };
            if subscriber.common.live.may_send() {
                if let Some(egress) = subscriber.session.egress.as_mut() {
                    // Silence of the receiver's feedback tells as well.
                    let _ = egress.bandwidth.poll(turn.now);
                }
                revise_redundancy(&mut subscriber, turn.now);
                let reckoned = self.reckoned(&subscriber, turn.now);
                if let Some(egress) = subscriber.session.egress.as_mut() {
                    let sent = egress.bandwidth.sending(turn.now);
                    subscriber.beside.observe(sent, reckoned);
                }
                self.choose_layers(turn, index, &mut subscriber);
            }
            if let Some(peer) = self.peer_mut(index) {
                peer.subscribe = Some(subscriber);
            }
        }
    }

    fn revise_speakers(&mut self, turn: &mut Turn<'_>) {
        let mut now_speaking: Vec<(f32, usize, Option<Instant>)> = self
            .tracks
            .iter()
            .flatten()
            .filter(|t| t.source == Source::Microphone && !t.muted)
            .filter(|t| t.loudness.speaks(turn.now))
            .map(|t| (t.loudness.level(), t.publisher, t.loudness.spoke_at()))
            .collect();
        now_speaking.sort_by(|a, b| a.0.total_cmp(&b.0));
        let list: Vec<usize> = now_speaking.iter().map(|(_, peer, _)| *peer).collect();
        if !speakers::changed(&self.speakers, &list) {
            return;
        }
        turn.events.push(Event::ActiveSpeakers {
            room_id: self.id.clone(),
            peer_ids: list.iter().map(|peer| self.peer_id(*peer)).collect(),
        });
        self.speakers = list;
        // With more microphones than slots the slots follow who speaks.
        let microphones = self
            .tracks
            .iter()
            .flatten()
            .filter(|t| t.kind() == MediaKind::Audio);
        let microphones = microphones.count();
        if self
            .peers
            .iter()
            .flatten()
            .any(|p| p.audio_slots < microphones)
        {
            self.assign_all = true;
        }
    }

    fn report_statistics(&mut self, turn: &mut Turn<'_>) {
        let seconds = turn.stats_interval.as_secs_f64();
        let rate = |bytes: u64| (bytes as f64 * 8.0 / seconds) as u64;
        for index in 0..self.peers.len() {
            if !self.is_turn_of(index, turn.stats_interval) {
                continue;
            }
            let Some(peer) = self.peers[index].as_mut() else {
                continue;
            };
            if let Some(publisher) = peer.publish.as_mut()
                && publisher.common.live.state() != TransportState::Connecting
            {
                let (mut lost, mut expected) = (0, 0);
                for track in peer.tracks.iter().flatten() {
                    let Some(track) = self.tracks.get_mut(*track).and_then(Option::as_mut) else {
                        continue;
                    };
                    for layer in &mut track.layers {
                        let (layer_lost, layer_expected) = layer.take_loss();
                        lost += layer_lost;
                        expected += layer_expected;
                    }
                }
                let loss = if expected == 0 {
                    0.0
                } else {
                    lost as f64 / expected as f64
                };
                let common = &mut publisher.common;
                turn.events.push(Event::TransportStats {
                    room_id: self.id.clone(),
                    peer_id: peer.id.clone(),
                    transport: TransportKind::Publish,
                    rtt_ms: None,
                    loss,
                    bitrate_in: rate(std::mem::take(&mut common.bytes_in)),
                    bitrate_out: 0,
                    estimate: None,
                    quality: quality(common.live.state(), loss, None),
                });
            }
            if let Some(subscriber) = peer.subscribe.as_mut()
                && subscriber.common.live.state() != TransportState::Connecting
            {
                let estimate = subscriber
                    .session
                    .egress
                    .as_ref()
                    .map(|e| e.bandwidth.estimate());
                let rtt = estimate
                    .and_then(|e| e.rtt)
                    .map(|rtt| rtt.as_secs_f64() * 1000.0);
                let loss = f64::from(estimate.map_or(0.0, |e| e.loss).max(subscriber.loss));
                let common = &mut subscriber.common;
                turn.events.push(Event::TransportStats {
                    room_id: self.id.clone(),
                    peer_id: peer.id.clone(),
                    transport: TransportKind::Subscribe,
                    rtt_ms: rtt,
                    loss,
                    bitrate_in: rate(std::mem::take(&mut common.bytes_in)),
                    bitrate_out: rate(std::mem::take(&mut common.bytes_out)),
                    estimate: estimate.filter(|_| subscriber.estimated).map(|e| e.bitrate),
                    quality: quality(common.live.state(), loss, rtt),
                });
            }
        }
    }
}

fn revise_redundancy(subscriber: &mut Subscriber, now: std::time::Instant) {
    let egress = subscriber.session.egress.as_ref();
    let seen = egress.map_or(0.0, |e| e.bandwidth.estimate().loss);
    let loss = seen.max(subscriber.loss);
    let wanted = subscriber.redundancy.revise(loss, now);
    for state in &mut subscriber.session.slots {
        state.slot.set_redundant(wanted);
    }
}

/// 0 (lost) to 4 (excellent) from loss (0 to 1) and round trip time in ms.
fn quality(state: TransportState, loss: f64, rtt_ms: Option<f64>) -> u8 {
    let rtt = rtt_ms.unwrap_or(0.0);
    match state {
        TransportState::Connected if loss < 0.02 && rtt < 200.0 => 4,
        TransportState::Connected if loss < 0.05 && rtt < 400.0 => 3,
        TransportState::Connected if loss < 0.12 && rtt < 800.0 => 2,
        TransportState::Connected => 1,
        _ => 0,
    }
}

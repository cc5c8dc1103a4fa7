//! The hot loop: packets of this turn to every subscriber. Subscribers outside, packets inside, so that
//! one receiver's datagrams lie side by side and leave as one segmented run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{FLUSH_BYTES, NO_SLOT, Room, Subscriber, Turn, TurnPacket};
use crate::egress::slot::{MAX_PACKET_GROWTH, MAX_PADDING, SendTime};
use crate::session::subscribe::Feedback;

impl Room {
    /// End of the turn: deal slots, ask for key frames, forward.
    pub fn finish(&mut self, turn: &mut Turn<'_>) {
        if std::mem::take(&mut self.assign_all) {
            self.assign_everybody(turn);
        }
        self.spare_answered_requests();
        self.ask_for_key_frames(turn);
        self.forward(turn);
    }

    /// A key frame that leaves in this very turn need not be asked for.
    fn spare_answered_requests(&mut self) {
        if self.key_frames_wanted.is_empty() || self.turn.is_empty() {
            return;
        }
        let (turn, streams) = (&self.turn, &self.streams);
        self.key_frames_wanted.retain(|wanted| {
            !turn
                .iter()
                .any(|p| p.packet.key_frame && streams.get(&p.stream) == Some(wanted))
        });
    }

    fn forward(&mut self, turn: &mut Turn<'_>) {
        if self.turn.is_empty() {
            return;
        }
        let time = SendTime::new(&turn.config.clock, turn.now);
        let mut packets = std::mem::take(&mut self.turn);
        level(&mut packets);
        if !self.taps.is_empty() {
            self.copy_to_taps(turn, &packets);
        }
        for index in 0..self.peers.len() {
            let Some(subscriber) = self.peers[index]
                .as_mut()
                .and_then(|p| p.subscribe.as_mut())
            else {
                continue;
            };
            if !subscriber.common.live.may_send() {
                continue;
            }
            let forwarded = catch_unwind(AssertUnwindSafe(|| {
                forward_to(subscriber, &packets, &time, turn);
            }));
            if forwarded.is_err() {
                let key = subscriber.common.key;
                self.fail(turn, key, "panic");
            }
            if turn.outputs.len() >= FLUSH_BYTES {
                turn.flush.flush(turn.outputs);
            }
        }
        self.turn = packets;
        self.turn.clear();
    }

    /// Answer a receiver's NACKs and key frame requests.
    pub(super) fn act_on_feedback(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        feedback: &Feedback,
    ) {
        let Some(subscriber) = self.peers[index]
            .as_mut()
            .and_then(|p| p.subscribe.as_mut())
        else {
            return;
        };
        turn.counters.nacks_in += feedback.nacks.len() as u64;
        turn.counters.key_frames_asked += feedback.key_frames.len() as u64;
        let session = &mut subscriber.session;
        let rtt = session.rtt();
        let destination = session.destination();
        if let (Some((protocol, address)), Some(egress)) = (destination, session.egress.as_mut()) {
            let time = SendTime::new(&turn.config.clock, turn.now);
            for (slot, sequence) in &feedback.nacks {
                let Some(state) = session.slots.get_mut(*slot) else {
                    continue;
                };
                let Some((stream, id)) = state.slot.resolve(*sequence) else {
                    continue;
                };
                let Some(&(track, layer)) = self.streams.get(&stream) else {
                    continue;
                };
                let layer = self.tracks[track]
                    .as_ref()
                    .and_then(|t| t.layers.get(layer));
                let Some(layer) = layer else { continue };
                let Some(packet) = layer.cache.get(id) else {
                    continue;
                };
                let out = turn.outputs.room(packet.payload.len() + MAX_PACKET_GROWTH);
                let sent = state
                    .slot
                    .retransmit(*sequence, &layer.cache, rtt, egress, &time, out);
                if let Some(len) = sent {
                    turn.outputs.commit(protocol, address, len);
                    subscriber.common.bytes_out += len as u64;
                    turn.counters.retransmissions += 1;
                    turn.counters.rtp_out += 1;
                }
            }
        }
        for slot in &feedback.key_frames {
            let Some(state) = session.slots.get(*slot) else {
                continue;
            };
            let stream = state.slot.wanted().or(state.slot.current());
            if let Some(&wanted) = stream.and_then(|s| self.streams.get(&s)) {
                self.key_frames_wanted.push(wanted);
            }
        }
    }
}

/// Pad neighbours of about one length to the longest of them. Senders cut a frame into packets that
/// differ by a byte (libwebrtc: `RtpPacketizer::SplitAboutEqually`), but a segmented message wants equal
/// datagrams, of which only the last may be shorter: a byte of padding saves a message per receiver.
fn level(packets: &mut [TurnPacket]) {
    let mut start = 0;
    while start < packets.len() {
        let stream = packets[start].stream;
        let (mut least, mut most) = (usize::MAX, 0);
        let mut end = start;
        for packet in &packets[start..] {
            let len = packet.packet.payload.len();
            let (low, high) = (least.min(len), most.max(len));
            if packet.stream != stream || low == 0 || high - low > usize::from(MAX_PADDING) {
                break;
            }
            (least, most) = (low, high);
            end += 1;
        }
        end = end.max(start + 1);
        for packet in &mut packets[start..end - 1] {
            packet.packet.padding = (most - packet.packet.payload.len()) as u8;
        }
        start = end;
    }
}

fn forward_to(
    subscriber: &mut Subscriber,
    packets: &[TurnPacket],
    time: &SendTime,
    turn: &mut Turn<'_>,
) {
    let session = &mut subscriber.session;
    let (Some((protocol, address)), Some(egress)) =
        (session.destination(), session.egress.as_mut())
    else {
        return;
    };
    let (mut count, mut bytes) = (0, 0);
    for TurnPacket {
        track,
        stream,
        packet,
    } in packets
    {
        let slot = match subscriber.route.get(*track) {
            Some(&slot) if slot != NO_SLOT => usize::from(slot),
            _ => continue,
        };
        let Some(state) = session.slots.get_mut(slot) else {
            continue;
        };
        let out = turn.outputs.room(packet.longest() + MAX_PACKET_GROWTH);
        if let Some(len) = state.slot.forward(*stream, packet, egress, time, out) {
            turn.outputs.commit(protocol, address, len);
            count += 1;
            bytes += len as u64;
        }
    }
    turn.counters.rtp_out += count;
    subscriber.common.bytes_out += bytes;
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::codec::Codec;
    use crate::egress::cache::SourcePacket;
    use crate::egress::munger::StreamId;

    fn paddings(packets: &[(u32, usize)]) -> Vec<u8> {
        let now = Instant::now();
        let mut turn: Vec<TurnPacket> = packets
            .iter()
            .map(|(stream, len)| TurnPacket {
                track: 0,
                stream: StreamId(*stream),
                packet: SourcePacket::new(0, Codec::H264, 0, false, vec![1; *len].into(), now),
            })
            .collect();
        level(&mut turn);
        turn.iter().map(|p| p.packet.padding).collect()
    }

    #[test]
    fn packets_of_a_frame_become_one_length() {
        let frame = [(1, 1041), (1, 1041), (1, 1042), (1, 1042)];
        assert_eq!(paddings(&frame), [1, 1, 0, 0]);
    }

    #[test]
    fn the_last_of_a_run_may_be_shorter() {
        assert_eq!(paddings(&[(1, 1000), (1, 1000), (1, 995)]), [0, 0, 0]);
        assert_eq!(paddings(&[(1, 1000), (1, 1000), (1, 300)]), [0, 0, 0]);
    }

    #[test]
    fn what_differs_more_or_is_another_streams_stays_as_it_is() {
        assert_eq!(paddings(&[(1, 1000), (1, 1009), (1, 1010)]), [0, 1, 0]);
        assert_eq!(paddings(&[(1, 999), (2, 1000), (1, 1000)]), [0, 0, 0]);
        assert_eq!(paddings(&[(1, 0), (1, 3), (1, 0), (1, 4)]), [0; 4]);
        assert_eq!(paddings(&[]), [0_u8; 0]);
    }
}

//! The plain loop: what encrypting and sending alone costs, the floor any forwarder stands on.
//!
//! For every packet and every destination: copy the payload, AES-128-GCM with that destination's
//! key, sendmmsg. No session, no header rewriting, no receive side. With GSO, runs of four
//! packets leave as one message. The sockets are read by another process.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use engine_runtime::net::{Message, PortOptions, SendBatch, SendProgress, UdpPort};

use crate::media::{AUDIO_INTERVAL, Payload, Source, VIDEO_INTERVAL, sender_phase};
use crate::usage;

/// RTP header and extensions, in clear.
const HEADER: usize = 24;
const TAG: usize = 16;
const MESSAGES_PER_CALL: usize = 512;

#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub packets: u64,
    pub cpu: Duration,
}

impl Measured {
    pub fn us_per_packet(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.packets.max(1) as f64
    }
}

/// The destinations of one sender.
#[derive(Debug, Clone)]
pub struct Group {
    destinations: Vec<SocketAddr>,
}

impl Group {
    pub fn new(destinations: &[SocketAddr]) -> Self {
        Self {
            destinations: destinations.to_vec(),
        }
    }
}

struct Room {
    destinations: Vec<(SocketAddr, LessSafeKey)>,
    source: Source,
    next_audio: Instant,
    next_video: Instant,
}

pub struct PlainLoop {
    rooms: Vec<Room>,
    out: Out,
}

/// What is being gathered for the next system call.
struct Out {
    port: UdpPort,
    batch: SendBatch,
    buffer: Vec<u8>,
    messages: Vec<Message>,
    run: usize,
    counter: u64,
}

impl PlainLoop {
    /// `run`: most packets per message (1: no GSO).
    pub fn new(groups: &[Group], run: usize) -> io::Result<Self> {
        let port = UdpPort::bind(([127, 0, 0, 1], 0).into(), PortOptions::default())?;
        let now = Instant::now();
        let mut number = 0_u64;
        let mut key = || {
            let mut key = [7; 16];
            number += 1;
            key[..8].copy_from_slice(&number.to_be_bytes());
            UnboundKey::new(&AES_128_GCM, &key)
                .map(LessSafeKey::new)
                .map_err(io::Error::other)
        };
        let mut rooms = Vec::with_capacity(groups.len());
        for (index, group) in groups.iter().enumerate() {
            let mut destinations = Vec::with_capacity(group.destinations.len());
            for address in &group.destinations {
                destinations.push((*address, key()?));
            }
            let source = Source::new(index as u64 + 1);
            rooms.push(Room {
                destinations,
                source,
                next_audio: now,
                next_video: now,
            });
        }
        let out = Out {
            port,
            batch: SendBatch::new(MESSAGES_PER_CALL),
            buffer: Vec::new(),
            messages: Vec::new(),
            run,
            counter: 0,
        };
        Ok(Self { rooms, out })
    }

    /// Send the media of one sender to every group for `lasting`, at `speed` times its own pace, and tell what
    /// the sending took.
    pub fn measure(&mut self, lasting: Duration, speed: f64) -> Measured {
        let before = self.out.batch.counters;
        let (mut cpu, mut packets) = (Duration::ZERO, Vec::new());
        let (audio, video) = (AUDIO_INTERVAL.div_f64(speed), VIDEO_INTERVAL.div_f64(speed));
        let start = Instant::now();
        for (index, room) in self.rooms.iter_mut().enumerate() {
            let phase = start + sender_phase(index);
            (room.next_audio, room.next_video) = (phase, phase);
        }
        while start.elapsed() < lasting {
            let mut next = start + lasting;
            for room in &mut self.rooms {
                let now = Instant::now();
                packets.clear();
                while room.next_audio <= now {
                    room.next_audio += audio;
                    packets.push(room.source.audio());
                }
                while room.next_video <= now {
                    room.next_video += video;
                    room.source.video(&mut packets);
                }
                if !packets.is_empty() {
                    let begun = usage::thread_cpu();
                    self.out.forward(&room.destinations, &packets);
                    cpu += usage::thread_cpu() - begun;
                }
                next = next.min(room.next_audio).min(room.next_video);
            }
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        let after = self.out.batch.counters;
        Measured {
            packets: after.sent_datagrams - before.sent_datagrams,
            cpu,
        }
    }
}

impl Out {
    fn forward(&mut self, destinations: &[(SocketAddr, LessSafeKey)], packets: &[Payload]) {
        // Destinations outside, so that a destination's packets of this turn lie side by side;
        // a batch is sent when it is full, while it is still in the cache.
        let longest = packets
            .iter()
            .map(|packet| packet.bytes.len())
            .max()
            .unwrap_or(0);
        for (address, key) in destinations {
            for packet in packets {
                let start = self.buffer.len();
                self.buffer.resize(start + HEADER, 0x90);
                self.buffer.extend_from_slice(&packet.bytes);
                // Packets of a frame differ by a byte; runs need equal ones.
                let pad = usize::from(self.run > 1 && packet.bytes.len() + 1 == longest);
                self.buffer.resize(self.buffer.len() + pad, 0);
                self.counter += 1;
                let mut nonce = [0; 12];
                nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
                let (header, body) = self.buffer[start..].split_at_mut(HEADER);
                let tag = key
                    .seal_in_place_separate_tag(
                        Nonce::assume_unique_for_key(nonce),
                        Aad::from(&*header),
                        body,
                    )
                    .expect("a packet is short");
                self.buffer.extend_from_slice(tag.as_ref());
                let len = HEADER + packet.bytes.len() + pad + TAG;
                push(&mut self.messages, *address, start, len, self.run);
            }
            if self.messages.len() >= MESSAGES_PER_CALL / 2 || self.buffer.len() > 256 * 1024 {
                self.flush();
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        let mut first = 0;
        while let SendProgress::Blocked { next } =
            self.batch
                .send(&self.port, &self.buffer, &self.messages[first..])
        {
            first += next;
            std::thread::yield_now();
        }
        self.buffer.clear();
        self.messages.clear();
    }
}

fn push(messages: &mut Vec<Message>, to: SocketAddr, start: usize, len: usize, run: usize) {
    if run > 1
        && let Some(last) = messages.last_mut()
        && last.destination == to
    {
        let segment = if last.segment == 0 {
            last.len
        } else {
            usize::from(last.segment)
        };
        let whole = last.len.is_multiple_of(segment);
        if whole && len <= segment && last.len / segment < run {
            last.segment = segment as u16;
            last.len += len;
            return;
        }
    }
    messages.push(Message::datagram(to, start, len));
}

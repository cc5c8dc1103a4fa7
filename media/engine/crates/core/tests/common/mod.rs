//! A worker and in-process WebRTC clients in virtual time, over a network with seeded loss, duplication
//! and reordering. No socket, no thread, no sleep. Over 500 lines: one world that every test file builds on.

#![allow(dead_code)] // Every test file uses its own part.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use engine_core::api::{Command, Event, Fault, Protocol, Request, Source, TransportKind};
use engine_core::codec::Codec;
use engine_core::output::KeepAll;
use engine_core::packet::ntp::NtpClock;
use engine_core::session::config::TransportConfig;
use engine_core::session::table::VIDEO_CODECS;
use engine_core::worker::{Worker, WorkerConfig};
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::ice::StunMessage;
use str0m::media::{
    Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer,
};
use str0m::net::Receive;
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Input, Output, Rtc};

pub const ROOM: &str = "room";
pub const SERVER: &str = "192.0.2.1:5000";

/// Small generator of repeatable numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        (self.next() >> 11) as f64 / ((1_u64 << 53) as f64) < probability
    }
}

/// What the network does to datagrams once [`World::impair`] was called.
#[derive(Clone, Copy)]
pub struct Impairment {
    pub loss: f64,
    pub duplication: f64,
    /// Chance of a datagram being delayed by 1 to 30 ms more.
    pub reordering: f64,
    pub delay: Duration,
}

impl Default for Impairment {
    fn default() -> Self {
        Impairment {
            loss: 0.0,
            duplication: 0.0,
            reordering: 0.0,
            delay: Duration::from_millis(5),
        }
    }
}

struct Flight {
    from: SocketAddr,
    to: SocketAddr,
    data: Vec<u8>,
}

/// One WebRTC client: a publishing or a subscribing peer connection.
pub struct Client {
    pub rtc: Rtc,
    /// Where it is as the server sees it: behind a translator this changes, the client's own does not.
    pub address: SocketAddr,
    own_address: SocketAddr,
    pub packets: Vec<RtpPacket>,
    pub key_frames_asked: usize,
    pub connected: bool,
    next: Instant,
    /// Its encoder has begun.
    started: bool,
    sequences: HashMap<(Mid, Option<Rid>), u64>,
}

pub struct World {
    pub worker: Worker,
    start: Instant,
    pub now: Instant,
    pub events: Vec<Event>,
    pub clients: Vec<Client>,
    pub random: Random,
    pub impairment: Impairment,
    /// Datagrams the network swallows on purpose.
    pub blackhole: Vec<SocketAddr>,
    /// Browsers check pairs and nominate none.
    pub never_nominate: bool,
    /// What came to the worker's port, while it is kept.
    pub record: Option<Vec<(SocketAddr, Vec<u8>)>>,
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    flights: BTreeMap<u64, Flight>,
    next_flight: u64,
    next_request: u64,
    /// Server side ufrags in the order they were made.
    ufrags: Vec<String>,
    /// Server side passwords by ufrag.
    passwords: HashMap<String, String>,
}

impl World {
    pub fn new(seed: u64) -> World {
        let now = Instant::now();
        let server: SocketAddr = SERVER.parse().unwrap();
        let clock = NtpClock::new(now, SystemTime::now());
        let transports =
            TransportConfig::new(vec![server], Vec::new(), VIDEO_CODECS.to_vec(), clock).unwrap();
        let config = WorkerConfig {
            index: 0,
            transports,
            stats_interval: Duration::from_secs(2),
        };
        let mut world = World {
            worker: Worker::new(config),
            start: now,
            now,
            events: Vec::new(),
            clients: Vec::new(),
            random: Random(seed),
            impairment: Impairment::default(),
            blackhole: Vec::new(),
            never_nominate: false,
            record: None,
            passwords: HashMap::new(),
            ufrags: Vec::new(),
            queue: BinaryHeap::new(),
            flights: BTreeMap::new(),
            next_flight: 0,
            next_request: 0,
        };
        world.command(Command::CreateRoom).unwrap();
        world
    }

    /// Run a command; its reply's SDP, or its fault.
    pub fn command(&mut self, command: Command) -> Result<Option<String>, Fault> {
        self.next_request += 1;
        let id = self.next_request;
        let request = Request {
            id,
            room_id: ROOM.to_owned(),
            command,
        };
        self.worker.handle_command(self.now, request, &mut KeepAll);
        self.worker.finish_turn(self.now, &mut KeepAll);
        self.drain_worker();
        let position = self
            .events
            .iter()
            .position(|e| matches!(e, Event::Reply { request_id, .. } if *request_id == id))
            .expect("every command is answered");
        match self.events.remove(position) {
            Event::Reply {
                error: Some(fault), ..
            } => Err(fault),
            Event::Reply { sdp, .. } => {
                let value = |name: &str| {
                    let rest = sdp.as_deref()?.split(name).nth(1)?;
                    rest.lines().next().map(str::to_owned)
                };
                if let (Some(ufrag), Some(pwd)) = (value("a=ice-ufrag:"), value("a=ice-pwd:")) {
                    self.ufrags.push(ufrag.clone());
                    self.passwords.insert(ufrag, pwd);
                }
                Ok(sdp)
            }
            _ => unreachable!(),
        }
    }

    pub fn add_peer(&mut self, peer: &str, publish: &[Source]) {
        self.add_peer_with_slots(peer, publish, 2, 2);
    }

    pub fn add_peer_with_slots(&mut self, peer: &str, publish: &[Source], audio: u32, video: u32) {
        self.command(Command::AddPeer {
            peer_id: peer.to_owned(),
            publish: publish.to_vec(),
            audio_slots: audio,
            video_slots: video,
        })
        .unwrap();
    }

    pub fn client(&mut self) -> usize {
        self.client_with(|config| config)
    }

    pub fn client_with(
        &mut self,
        configure: impl FnOnce(str0m::RtcConfig) -> str0m::RtcConfig,
    ) -> usize {
        let index = self.clients.len();
        let address = SocketAddr::from(([198, 51, 100, index as u8 + 1], 40_000));
        let builder = Rtc::builder().set_rtp_mode(true).set_stats_interval(None);
        let mut rtc = configure(builder).build(self.now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        self.clients.push(Client {
            rtc,
            address,
            own_address: address,
            packets: Vec::new(),
            key_frames_asked: 0,
            connected: false,
            next: self.now,
            started: false,
            sequences: HashMap::new(),
        });
        index
    }

    /// A client that offers these sources; its m-lines in their order.
    pub fn publish(&mut self, peer: &str, sources: &[Source]) -> (usize, Vec<Mid>) {
        let client = self.client();
        let mids = self.try_publish(peer, client, sources, None, true).unwrap();
        (client, mids)
    }

    pub fn try_publish(
        &mut self,
        peer: &str,
        client: usize,
        sources: &[Source],
        rids: Option<&[&str]>,
        fresh: bool,
    ) -> Result<Vec<Mid>, Fault> {
        self.offer(peer, client, sources, rids, fresh, &|sdp| sdp)
    }

    fn offer(
        &mut self,
        peer: &str,
        client: usize,
        sources: &[Source],
        rids: Option<&[&str]>,
        fresh: bool,
        written: &dyn Fn(String) -> String,
    ) -> Result<Vec<Mid>, Fault> {
        let rtc = &mut self.clients[client].rtc;
        let mut api = rtc.sdp_api();
        let mids: Vec<Mid> = sources
            .iter()
            .map(|source| {
                let kind = match source.kind() {
                    engine_core::api::MediaKind::Audio => MediaKind::Audio,
                    engine_core::api::MediaKind::Video => MediaKind::Video,
                };
                let simulcast = rids
                    .filter(|_| kind == MediaKind::Video)
                    .map(|rids| Simulcast {
                        recv: Vec::new(),
                        send: rids.iter().map(|rid| SimulcastLayer::new(rid)).collect(),
                    });
                api.add_media(kind, Direction::SendOnly, None, None, simulcast)
            })
            .collect();
        let (offer, pending) = api.apply().unwrap();
        let tracks = mids
            .iter()
            .map(|m| m.to_string())
            .zip(sources.iter().copied())
            .collect();
        let answer = self.command(Command::Publish {
            peer_id: peer.to_owned(),
            sdp: written(offer.to_sdp_string()),
            tracks,
            fresh,
        })?;
        let answer = SdpAnswer::from_sdp_string(&answer.unwrap()).unwrap();
        let rtc = &mut self.clients[client].rtc;
        rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.drain_client(client);
        Ok(mids)
    }

    /// A first offer as another browser would have written it.
    pub fn publish_written(
        &mut self,
        peer: &str,
        client: usize,
        sources: &[Source],
        written: &dyn Fn(String) -> String,
    ) -> Result<Vec<Mid>, Fault> {
        self.offer(peer, client, sources, None, true, written)
    }

    /// A client on the subscribe transport of a peer.
    pub fn subscribe(&mut self, peer: &str) -> usize {
        let client = self.client();
        self.resubscribe(peer, client, true);
        client
    }

    pub fn resubscribe(&mut self, peer: &str, client: usize, fresh: bool) {
        let offer = self
            .command(Command::Subscribe {
                peer_id: peer.to_owned(),
                fresh,
            })
            .unwrap()
            .unwrap();
        let offer = SdpOffer::from_sdp_string(&offer).unwrap();
        let answer = self.clients[client]
            .rtc
            .sdp_api()
            .accept_offer(offer)
            .unwrap();
        let sdp = answer.to_sdp_string();
        self.command(Command::Answer {
            peer_id: peer.to_owned(),
            sdp,
        })
        .unwrap();
        self.drain_client(client);
    }

    /// The browser restarts ICE of what it publishes from its camera.
    pub fn restart_publisher(&mut self, peer: &str, client: usize, mid: Mid) {
        let mut api = self.clients[client].rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().unwrap();
        let answer = self
            .command(Command::Publish {
                peer_id: peer.to_owned(),
                sdp: offer.to_sdp_string(),
                tracks: vec![(mid.to_string(), Source::Camera)],
                fresh: false,
            })
            .unwrap()
            .unwrap();
        let answer = SdpAnswer::from_sdp_string(&answer).unwrap();
        self.clients[client]
            .rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .unwrap();
        self.drain_client(client);
    }

    /// Let time pass.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
        self.now = end;
    }

    /// Let time pass until something is so; panics after a minute of virtual time.
    pub fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut World) -> bool) {
        let end = self.now + Duration::from_secs(60);
        while !done(self) {
            assert!(self.step(end), "never happened: {what}");
        }
    }

    pub fn run_until_connected(&mut self) {
        self.run_until("all clients connect", |w| {
            w.clients.iter().all(|c| c.connected)
        });
        // One more round trip, so that the other end knows as well.
        self.run(Duration::from_millis(200));
    }

    /// The next thing that happens before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let mut at = end;
        if let Some(Reverse((arrival, _))) = self.queue.peek() {
            at = at.min(*arrival);
        }
        if let Some(timer) = self.worker.poll_timeout() {
            at = at.min(timer);
        }
        for client in &self.clients {
            at = at.min(client.next);
        }
        if at >= end {
            return false;
        }
        self.now = self.now.max(at);
        while let Some(Reverse((arrival, id))) = self.queue.peek().copied() {
            if arrival > self.now {
                break;
            }
            self.queue.pop();
            let flight = self.flights.remove(&id).unwrap();
            self.deliver(flight);
        }
        self.worker.finish_turn(self.now, &mut KeepAll);
        if self.worker.poll_timeout().is_some_and(|at| at <= self.now) {
            self.worker.handle_timeout(self.now, &mut KeepAll);
        }
        self.drain_worker();
        for index in 0..self.clients.len() {
            if self.clients[index].next <= self.now {
                let _ = self.clients[index]
                    .rtc
                    .handle_input(Input::Timeout(self.now));
                self.drain_client(index);
            }
        }
        true
    }

    fn deliver(&mut self, mut flight: Flight) {
        if flight.to == SERVER.parse().unwrap() {
            if let Some(record) = &mut self.record {
                record.push((flight.from, flight.data.clone()));
            }
            self.inject(flight.from, &mut flight.data);
            return;
        }
        let Some(index) = self.clients.iter().position(|c| c.address == flight.to) else {
            return;
        };
        let receive = Receive::new(
            str0m::net::Protocol::Udp,
            flight.from,
            self.clients[index].own_address,
            &flight.data,
        );
        if let Ok(receive) = receive {
            let _ = self.clients[index]
                .rtc
                .handle_input(Input::Receive(self.now, receive));
        }
        self.drain_client(index);
    }

    /// A datagram comes to the worker's port from any address.
    pub fn inject(&mut self, from: SocketAddr, data: &mut [u8]) {
        self.worker
            .handle_datagram(self.now, Protocol::Udp, from, data, &mut KeepAll);
    }

    fn drain_worker(&mut self) {
        let server: SocketAddr = SERVER.parse().unwrap();
        let outputs = self.worker.outputs();
        let sent: Vec<Flight> = outputs
            .datagrams()
            .iter()
            .map(|d| Flight {
                from: server,
                to: d.destination,
                data: outputs.bytes()[d.start..d.start + d.len].to_vec(),
            })
            .collect();
        outputs.clear();
        for flight in sent {
            self.send(flight);
        }
        self.worker.take_events(&mut self.events);
    }

    pub fn drain_client(&mut self, index: usize) {
        let mut sent = Vec::new();
        let client = &mut self.clients[index];
        loop {
            match client.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    client.next = at.max(self.now + Duration::from_micros(100));
                    break;
                }
                Ok(Output::Transmit(t)) => sent.push(Flight {
                    from: client.address,
                    to: t.destination,
                    data: t.contents.to_vec(),
                }),
                Ok(Output::Event(event)) => match event {
                    str0m::Event::RtpPacket(packet) => client.packets.push(packet),
                    str0m::Event::KeyframeRequest(_) => client.key_frames_asked += 1,
                    str0m::Event::Connected => client.connected = true,
                    _ => {}
                },
                Err(_) => {
                    client.next = self.now + Duration::from_secs(3600);
                    break;
                }
            }
        }
        for flight in sent {
            self.send(flight);
        }
    }

    /// The same check without its nomination.
    fn without_nomination(&self, data: &[u8]) -> Option<Vec<u8>> {
        let check = StunMessage::parse(data)
            .ok()
            .filter(|m| m.use_candidate())?;
        let username = check.username()?;
        let (prio, tie) = (check.prio()?, check.ice_controlling()?);
        let password = self.passwords.get(username.split(':').next()?)?;
        let plain =
            StunMessage::binding_request(username, check.trans_id(), true, tie, prio, false);
        let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
        let mut out = vec![0; 512];
        let sign = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
        let len = plain
            .to_bytes(Some(password.as_bytes()), &mut out, sign)
            .ok()?;
        out.truncate(len);
        Some(out)
    }

    fn send(&mut self, mut flight: Flight) {
        if self.never_nominate
            && flight.to == SERVER.parse().unwrap()
            && let Some(plain) = self.without_nomination(&flight.data)
        {
            flight.data = plain;
        }
        if self.blackhole.contains(&flight.from) || self.blackhole.contains(&flight.to) {
            return;
        }
        if self.random.chance(self.impairment.loss) {
            return;
        }
        let copies = if self.random.chance(self.impairment.duplication) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let mut at = self.now + self.impairment.delay;
            if self.random.chance(self.impairment.reordering) {
                at += Duration::from_millis(1 + self.random.next() % 30);
            }
            let id = self.next_flight;
            self.next_flight += 1;
            let copy = Flight {
                from: flight.from,
                to: flight.to,
                data: flight.data.clone(),
            };
            self.queue.push(Reverse((at, id)));
            self.flights.insert(id, copy);
        }
    }

    /// Write one packet of a publisher.
    pub fn write(&mut self, client: usize, mid: Mid, rid: Option<Rid>, packet: Write<'_>) {
        let now = self.now;
        let client_state = &mut self.clients[client];
        let pt = payload_type(&client_state.rtc, packet.codec);
        let sequence = client_state.sequences.entry((mid, rid)).or_insert(1000);
        *sequence += 1;
        let sequence = *sequence;
        let mut api = client_state.rtc.direct_api();
        let stream = api
            .stream_tx_by_mid(mid, rid)
            .expect("an m-line that sends");
        let mut write = RtpWrite::new(pt, sequence.into(), packet.timestamp, now, packet.payload)
            .marker(packet.marker)
            .nackable(true);
        if let Some(level) = packet.audio_level {
            write = write.ext_vals(str0m::rtp::ExtensionValues {
                audio_level: Some(level),
                voice_activity: Some(true),
                ..Default::default()
            });
        }
        stream.write_rtp(write);
        let _ = client_state.rtc.handle_input(Input::Timeout(now));
        self.drain_client(client);
    }

    /// Send a VP8 picture and an Opus packet every 20 ms for a while; a key frame at the very first and when asked for.
    pub fn stream(&mut self, client: usize, audio: Option<Mid>, video: Option<Mid>, frames: usize) {
        for _ in 0..frames {
            if let Some(mid) = video {
                let asked = std::mem::take(&mut self.clients[client].key_frames_asked) > 0;
                let first = !std::mem::replace(&mut self.clients[client].started, true);
                let timestamp = self.video_clock();
                self.video_frame(client, mid, None, first || asked, timestamp);
            }
            if let Some(mid) = audio {
                let timestamp = self.audio_clock();
                self.write(client, mid, None, Write::audio(timestamp, -20));
            }
            self.run(Duration::from_millis(20));
        }
    }

    pub fn video_clock(&self) -> u32 {
        (self.now - self.start).as_micros() as u32 / 100 * 9
    }

    pub fn audio_clock(&self) -> u32 {
        (self.now - self.start).as_micros() as u32 / 1000 * 48
    }

    /// Two packets of a VP8 frame.
    pub fn video_frame(
        &mut self,
        client: usize,
        mid: Mid,
        rid: Option<Rid>,
        key: bool,
        timestamp: u32,
    ) {
        let mut first = vec![0x10];
        first.extend_from_slice(&if key {
            [0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]
        } else {
            [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        });
        first.resize(400, 7);
        let mut second = vec![0x00];
        second.resize(300, 8);
        for (payload, marker) in [(first, false), (second, true)] {
            let codec = Codec::Vp8;
            let write = Write {
                codec,
                timestamp,
                marker,
                payload: &payload,
                audio_level: None,
            };
            self.write(client, mid, rid, write);
        }
    }

    pub fn local_ufrags(&self) -> Vec<String> {
        self.ufrags.clone()
    }

    pub fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|e| matches(e)).count()
    }

    /// (mid, publisher, source) of the last assignment told for every slot of a peer.
    pub fn slots(&self, peer: &str) -> BTreeMap<String, (String, Source)> {
        let mut slots = BTreeMap::new();
        for event in &self.events {
            if let Event::SlotAssigned {
                peer_id,
                mid,
                publisher_id,
                source,
                ..
            } = event
                && peer_id == peer
            {
                match (publisher_id, source) {
                    (Some(publisher), Some(source)) => {
                        slots.insert(mid.clone(), (publisher.clone(), *source));
                    }
                    _ => {
                        slots.remove(mid);
                    }
                }
            }
        }
        slots
    }

    pub fn state(&self, peer: &str, kind: TransportKind) -> engine_core::api::TransportState {
        self.worker
            .transport_state(ROOM, peer, kind)
            .expect("the transport is there")
    }

    /// Ask for a key frame from the receiving side, as a decoder in trouble does.
    pub fn ask_key_frame(&mut self, client: usize, ssrc: u32) {
        let state = &mut self.clients[client];
        if let Some(stream) = state.rtc.direct_api().stream_rx(&ssrc.into()) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
        let _ = state.rtc.handle_input(Input::Timeout(self.now));
        self.drain_client(client);
    }
}

impl Client {
    pub fn video(&self) -> Vec<&RtpPacket> {
        self.packets
            .iter()
            .filter(|p| *p.header.payload_type == 96)
            .collect()
    }

    pub fn audio(&self) -> Vec<&RtpPacket> {
        self.packets
            .iter()
            .filter(|p| *p.header.payload_type == 111)
            .collect()
    }
}

/// One packet a publisher writes.
pub struct Write<'a> {
    pub codec: Codec,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: &'a [u8],
    pub audio_level: Option<i8>,
}

impl Write<'static> {
    pub fn audio(timestamp: u32, level: i8) -> Write<'static> {
        Write {
            codec: Codec::Opus,
            timestamp,
            marker: false,
            payload: &[0xfc; 80],
            audio_level: Some(level),
        }
    }
}

fn payload_type(rtc: &Rtc, codec: Codec) -> Pt {
    let wanted = match codec {
        Codec::Opus => str0m::format::Codec::Opus,
        Codec::Vp8 => str0m::format::Codec::Vp8,
        Codec::H264 => str0m::format::Codec::H264,
        Codec::Vp9 => str0m::format::Codec::Vp9,
        Codec::Av1 => str0m::format::Codec::Av1,
    };
    let params = rtc.codec_config().find(|p| p.spec().codec == wanted);
    params.expect("a codec of the table").pt()
}

/// A packet begins a VP8 key frame.
pub fn is_key_frame(packet: &RtpPacket) -> bool {
    Codec::Vp8.starts_key_frame(&packet.payload)
}

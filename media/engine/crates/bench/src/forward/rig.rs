//! The three processes of a scenario: the engine, the senders, the receivers, connected and measured.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::scenario::Scenario;
use crate::child::Child;
use crate::engine_protocol::{FromEngine, ToEngine, Usage};
use crate::load::protocol::{Counts, FromLoad, ToLoad};

/// Receive slots of every peer, audio and as many video: the product's default.
const SLOTS: u32 = 4;
/// Receivers that shake hands at once.
const AT_ONCE: usize = 25;
const PATIENCE: Duration = Duration::from_secs(30);
/// Until packets on their way are counted.
const DRAIN: Duration = Duration::from_millis(250);

pub struct Rig {
    engine: Child<FromEngine>,
    senders: Child<FromLoad>,
    receivers: Child<FromLoad>,
    next_id: u64,
    receivers_per_room: usize,
    receiver_count: usize,
    before_receivers: u64,
    after_receivers: u64,
    pub profile: String,
}

/// One measured stretch of time.
#[derive(Debug, Clone)]
pub struct Window {
    pub lasted: Duration,
    pub usage: Usage,
    pub sent: Counts,
    pub received: Counts,
    /// Packets that should have arrived: what the senders sent, times each one's receivers.
    pub expected: u64,
}

impl Window {
    pub fn loss(&self) -> f64 {
        let lost = self.expected.saturating_sub(self.received.packets);
        lost as f64 / self.expected.max(1) as f64
    }

    pub fn packets_per_s(&self) -> f64 {
        self.received.packets as f64 / self.lasted.as_secs_f64()
    }

    pub fn cpu_us_per_packet(&self) -> f64 {
        self.usage.worker_cpu_us as f64 / self.usage.packets_forwarded.max(1) as f64
    }
}

impl Rig {
    pub fn connect(scenario: &Scenario) -> io::Result<Self> {
        let mut rig = Self {
            engine: Child::start("engine", &[])?,
            senders: Child::start("load", &[])?,
            receivers: Child::start("load", &[])?,
            next_id: 0,
            receivers_per_room: scenario.receivers_per_room,
            receiver_count: scenario.receivers(),
            before_receivers: 0,
            after_receivers: 0,
            profile: String::new(),
        };
        match rig.engine.hear(PATIENCE)? {
            FromEngine::Ready => {}
            other => return Err(io::Error::other(format!("not ready: {other:?}"))),
        }
        rig.connect_senders(scenario)?;
        // What the engine keeps per track, and buffers that the first receiver makes it grow, are
        // not the receivers' memory.
        rig.send(true, 1.0)?;
        rig.warm_up()?;
        rig.send(false, 1.0)?;
        rig.before_receivers = rig.usage()?.resident_bytes;
        rig.connect_receivers(scenario)?;
        std::thread::sleep(Duration::from_secs(1));
        rig.after_receivers = rig.usage()?.resident_bytes;
        rig.send(false, 1.0)?;
        Ok(rig)
    }

    pub fn memory_per_receiver(&self) -> u64 {
        self.after_receivers.saturating_sub(self.before_receivers) / self.receiver_count as u64
    }

    fn connect_senders(&mut self, scenario: &Scenario) -> io::Result<()> {
        let mut connected = 0;
        for index in 0..scenario.rooms {
            let (room, peer) = (format!("room{index}"), "sender".to_owned());
            let id = self.id();
            self.command(ToEngine::CreateRoom {
                id,
                room: room.clone(),
            })?;
            let id = self.id();
            let (publishes, slots) = (true, SLOTS);
            self.command(ToEngine::AddPeer {
                id,
                room: room.clone(),
                peer: peer.clone(),
                publishes,
                slots,
            })?;
            self.senders.say(&ToLoad::AddSender { id: index })?;
            let sdp = loop {
                match self.senders.hear(PATIENCE)? {
                    FromLoad::Offer { sdp, .. } => break sdp,
                    // An earlier one.
                    FromLoad::Connected { .. } => connected += 1,
                    other => return Err(io::Error::other(format!("unexpected {other:?}"))),
                }
            };
            let id = self.id();
            let answer = self.command(ToEngine::Publish {
                id,
                room,
                peer,
                sdp,
            })?;
            self.senders.say(&ToLoad::Accept {
                id: index,
                sdp: answer.unwrap_or_default(),
            })?;
        }
        while connected < scenario.rooms {
            if let FromLoad::Connected { .. } = self.senders.hear(PATIENCE)? {
                connected += 1;
            }
        }
        Ok(())
    }

    fn connect_receivers(&mut self, scenario: &Scenario) -> io::Result<()> {
        let all: Vec<usize> = (0..scenario.receivers()).collect();
        let mut flowing = HashSet::new();
        for some in all.chunks(AT_ONCE) {
            self.connect_some(scenario, some, &mut flowing)?;
        }
        self.send(true, 1.0)?;
        let deadline = Instant::now() + PATIENCE;
        while flowing.len() < all.len() {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.receivers.hear(left) {
                Ok(FromLoad::Flowing { id }) => {
                    flowing.insert(id);
                }
                Ok(_) => {}
                Err(error) => {
                    let got = flowing.len();
                    let of = all.len();
                    let text = format!("{got} of {of} receivers get media: {error}");
                    return Err(io::Error::other(text));
                }
            }
        }
        Ok(())
    }

    fn connect_some(
        &mut self,
        scenario: &Scenario,
        some: &[usize],
        flowing: &mut HashSet<usize>,
    ) -> io::Result<()> {
        let name = |index: &usize| {
            let room = index / scenario.receivers_per_room;
            (format!("room{room}"), format!("receiver{index}"))
        };
        // Small scenarios check every packet, large ones one in 64.
        let check_every = if scenario.receivers() <= 10 { 1 } else { 64 };
        let mut asked = HashMap::new();
        for index in some {
            let (room, peer) = name(index);
            let id = self.id();
            self.engine.say(&ToEngine::AddPeer {
                id,
                room: room.clone(),
                peer: peer.clone(),
                publishes: false,
                slots: SLOTS,
            })?;
            let id = self.id();
            asked.insert(id, *index);
            self.engine.say(&ToEngine::Subscribe { id, room, peer })?;
        }
        while !asked.is_empty() {
            let (id, sdp) = self.reply()?;
            if let (Some(index), Some(offer)) = (asked.remove(&id), sdp) {
                let receiver = ToLoad::AddReceiver {
                    id: index,
                    offer,
                    check_every,
                    feedback: true,
                };
                self.receivers.say(&receiver)?;
            }
        }
        let (mut answers, mut connected) = (0, 0);
        while answers < some.len() || connected < some.len() {
            match self.receivers.hear(PATIENCE)? {
                FromLoad::Answer { id: index, sdp } => {
                    let (room, peer) = name(&index);
                    let id = self.id();
                    self.command(ToEngine::Answer {
                        id,
                        room,
                        peer,
                        sdp,
                    })?;
                    answers += 1;
                }
                FromLoad::Connected { profile, .. } => {
                    self.profile = profile;
                    connected += 1;
                }
                FromLoad::Flowing { id } => {
                    flowing.insert(id);
                }
                other => return Err(io::Error::other(format!("unexpected {other:?}"))),
            }
        }
        Ok(())
    }

    /// A receiver of another process comes, sees media and goes.
    fn warm_up(&mut self) -> io::Result<()> {
        let (room, peer) = ("room0".to_owned(), "first".to_owned());
        let id = self.id();
        self.command(ToEngine::AddPeer {
            id,
            room: room.clone(),
            peer: peer.clone(),
            publishes: false,
            slots: SLOTS,
        })?;
        let id = self.id();
        let (to, from) = (room.clone(), peer.clone());
        let offer = self.command(ToEngine::Subscribe {
            id,
            room: to,
            peer: from,
        })?;
        let mut load = Child::<FromLoad>::start("load", &[])?;
        load.say(&ToLoad::AddReceiver {
            id: 0,
            offer: offer.unwrap_or_default(),
            check_every: 0,
            feedback: true,
        })?;
        loop {
            match load.hear(PATIENCE)? {
                FromLoad::Answer { sdp, .. } => {
                    let id = self.id();
                    let (room, peer) = (room.clone(), peer.clone());
                    self.command(ToEngine::Answer {
                        id,
                        room,
                        peer,
                        sdp,
                    })?;
                }
                FromLoad::Flowing { .. } => break,
                _ => {}
            }
        }
        // The retransmission caches of the tracks fill in this time.
        std::thread::sleep(Duration::from_secs(2));
        let id = self.id();
        self.command(ToEngine::RemovePeer { id, room, peer })?;
        Ok(())
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The next reply, which must not be an error.
    fn reply(&mut self) -> io::Result<(u64, Option<String>)> {
        match self.engine.hear(PATIENCE)? {
            FromEngine::Reply {
                id,
                error: None,
                sdp,
            } => Ok((id, sdp)),
            other => Err(io::Error::other(format!("the engine said {other:?}"))),
        }
    }

    fn command(&mut self, command: ToEngine) -> io::Result<Option<String>> {
        self.engine.say(&command)?;
        let wanted = self.next_id;
        loop {
            let (id, sdp) = self.reply()?;
            if id == wanted {
                return Ok(sdp);
            }
        }
    }

    pub fn usage(&mut self) -> io::Result<Usage> {
        let id = self.id();
        self.engine.say(&ToEngine::Report { id })?;
        loop {
            if let FromEngine::Report { usage, .. } = self.engine.hear(PATIENCE)? {
                return Ok(usage);
            }
        }
    }

    fn send(&mut self, on: bool, speed: f64) -> io::Result<()> {
        self.senders.say(&ToLoad::Send { on, speed })
    }

    /// Plain sockets that the receivers' process reads, for the plain loop.
    pub fn sinks(&mut self, count: usize) -> io::Result<Vec<SocketAddr>> {
        self.receivers.say(&ToLoad::AddSinks { count })?;
        loop {
            if let FromLoad::Sinks { addresses } = self.receivers.hear(PATIENCE)? {
                return Ok(addresses);
            }
        }
    }

    /// Forget what was counted so far.
    pub fn drop_counts(&mut self) -> io::Result<()> {
        for load in [&mut self.senders, &mut self.receivers] {
            load.say(&ToLoad::Mark)?;
            while !matches!(load.hear(PATIENCE)?, FromLoad::Marked) {}
        }
        Ok(())
    }

    /// Let media flow for `lasting` and count exactly what was sent and what arrived of it.
    pub fn window(&mut self, lasting: Duration, speed: f64) -> io::Result<Window> {
        // A second to get going: key frames, estimators, caches.
        self.send(true, speed)?;
        std::thread::sleep(Duration::from_secs(1));
        self.send(false, speed)?;
        std::thread::sleep(DRAIN);
        self.drop_counts()?;
        let before = self.usage()?;
        let start = Instant::now();
        self.send(true, speed)?;
        std::thread::sleep(lasting);
        self.send(false, speed)?;
        let lasted = start.elapsed();
        std::thread::sleep(DRAIN);
        let usage = self.usage()?.since(&before);
        let sent = counts(&mut self.senders)?;
        let received = counts(&mut self.receivers)?;
        let expected = sent.packets * self.receivers_per_room as u64;
        Ok(Window {
            lasted,
            usage,
            sent,
            received,
            expected,
        })
    }
}

fn counts(load: &mut Child<FromLoad>) -> io::Result<Counts> {
    load.say(&ToLoad::Report)?;
    loop {
        if let FromLoad::Report(counts) = load.hear(PATIENCE)? {
            return Ok(counts);
        }
    }
}

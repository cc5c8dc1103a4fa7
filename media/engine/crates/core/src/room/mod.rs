//! A room: peers, their tracks, and who receives what. Integer indexes inside; names only towards control.

pub mod assign;
mod beside;
pub(crate) mod control;
pub mod demand;
mod forward;
pub(crate) mod input;
pub mod key_frames;
pub mod layers;
mod redundancy;
mod slots;
pub mod speakers;
pub mod taps;
pub(crate) mod tick;
mod track;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::api::{Event, Source, TransportKind, TransportState};
use crate::counters::Counters;
use crate::egress::cache::SourcePacket;
use crate::egress::munger::StreamId;
use crate::egress::sr::PublisherClock;
use crate::output::{Flush, Outputs};
use crate::routes::{Routes, SessionKey};
use crate::session::config::TransportConfig;
use crate::session::publish::{PublishOutput, PublishSession};
use crate::session::state::Liveness;
use crate::session::subscribe::{Feedback, SubscribeOutput, SubscribeSession};
use beside::Beside;
use redundancy::Redundancy;
use taps::{Tap, Tapped};
use track::Track;

/// Bytes written before they are handed over within a turn: about what stays in a core's own cache.
pub const FLUSH_BYTES: usize = 192 * 1024;
/// No route.
const NO_SLOT: u8 = u8::MAX;

/// What a room works with during one turn of its worker.
pub struct Turn<'a> {
    pub config: &'a TransportConfig,
    pub now: Instant,
    pub outputs: &'a mut Outputs,
    pub counters: &'a mut Counters,
    pub events: &'a mut Vec<Event>,
    pub routes: &'a mut Routes,
    pub scratch: &'a mut Scratch,
    pub flush: &'a mut dyn Flush,
    pub stats_interval: Duration,
    /// What taps copied, for their sinks.
    pub tapped: &'a mut Vec<Tapped>,
}

/// Buffers reused from call to call.
pub struct Scratch {
    pub record: Box<[u8; 2048]>,
    pub publish: PublishOutput,
    pub subscribe: SubscribeOutput,
    pub feedback: Feedback,
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch {
            record: Box::new([0; 2048]),
            publish: PublishOutput::default(),
            subscribe: SubscribeOutput::default(),
            feedback: Feedback::default(),
        }
    }
}

/// What both transports of a peer have in common.
struct Common {
    key: SessionKey,
    live: Liveness,
    ufrag: String,
    /// Earliest entry of this session in the timer heap.
    scheduled: Option<Instant>,
    bytes_in: u64,
    bytes_out: u64,
    /// Set by a test: the next input panics.
    poisoned: bool,
}

impl Common {
    fn new(key: SessionKey, ufrag: String, now: Instant) -> Common {
        Common {
            key,
            live: Liveness::new(now),
            ufrag,
            scheduled: None,
            bytes_in: 0,
            bytes_out: 0,
            poisoned: false,
        }
    }
}

struct Publisher {
    common: Common,
    session: PublishSession,
    clock: PublisherClock,
}

struct Subscriber {
    common: Common,
    session: SubscribeSession,
    /// Slot by track index; [`NO_SLOT`] where the track has none.
    route: Vec<u8>,
    next_report: Instant,
    loss: f32,
    redundancy: Redundancy,
    beside: Beside,
    /// Transport-wide feedback came: the estimate means something.
    estimated: bool,
    /// When transport-wide feedback came last.
    last_feedback: Option<Instant>,
}

#[derive(Default, Clone, Copy)]
struct Grants([bool; 4]);

impl Grants {
    fn new(sources: &[Source]) -> Grants {
        let mut grants = Grants::default();
        for source in sources {
            grants.0[source.index()] = true;
        }
        grants
    }

    fn covers(self, source: Source) -> bool {
        self.0[source.index()]
    }
}

struct Peer {
    id: String,
    grants: Grants,
    audio_slots: usize,
    video_slots: usize,
    publish: Option<Box<Publisher>>,
    subscribe: Option<Box<Subscriber>>,
    /// Key of the subscribe session, also while it is taken out to be worked on.
    subscribe_key: Option<SessionKey>,
    /// Track index by source.
    tracks: [Option<usize>; 4],
    muted: [bool; 4],
    audience: [Option<HashSet<String>>; 4],
    /// Pixels at which this peer shows a track, by publisher and source.
    views: HashMap<(String, Source), u64>,
}

/// A packet to be forwarded this turn.
struct TurnPacket {
    track: usize,
    stream: StreamId,
    packet: SourcePacket,
}

pub struct Room {
    index: usize,
    id: String,
    peers: Vec<Option<Peer>>,
    peer_by_id: HashMap<String, usize>,
    tracks: Vec<Option<Track>>,
    streams: HashMap<StreamId, (usize, usize)>,
    next_stream: u32,
    turn: Vec<TurnPacket>,
    /// Tracks, audiences or speakers changed: slots are dealt before the turn ends.
    assign_all: bool,
    /// (track, layer) that need a key frame, asked for at the end of the turn.
    key_frames_wanted: Vec<(usize, usize)>,
    speakers: Vec<usize>,
    next_speakers: Instant,
    ticks: usize,
    taps: Vec<Tap>,
    /// Some receiver is sent redundant audio.
    redundant: bool,
}

impl Room {
    pub fn new(index: usize, id: String, now: Instant) -> Room {
        Room {
            index,
            id,
            peers: Vec::new(),
            peer_by_id: HashMap::new(),
            tracks: Vec::new(),
            streams: HashMap::new(),
            next_stream: 0,
            turn: Vec::new(),
            assign_all: false,
            key_frames_wanted: Vec::new(),
            speakers: Vec::new(),
            next_speakers: now,
            ticks: 0,
            taps: Vec::new(),
            redundant: false,
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn peer_count(&self) -> usize {
        self.peer_by_id.len()
    }

    pub fn session_count(&self) -> usize {
        self.peers
            .iter()
            .flatten()
            .map(|p| usize::from(p.publish.is_some()) + usize::from(p.subscribe.is_some()))
            .sum()
    }

    /// Packets this turn would forward, at most: those taken in times those who may receive.
    pub fn backlog(&self) -> usize {
        self.turn.len() * self.peers.len()
    }

    fn peer(&self, index: usize) -> Option<&Peer> {
        self.peers.get(index)?.as_ref()
    }

    fn peer_mut(&mut self, index: usize) -> Option<&mut Peer> {
        self.peers.get_mut(index)?.as_mut()
    }

    fn peer_id(&self, index: usize) -> String {
        self.peer(index).map(|p| p.id.clone()).unwrap_or_default()
    }

    /// Whether a session key still names a living session.
    pub fn has_session(&self, key: SessionKey) -> bool {
        let Some(peer) = self.peer(key.peer as usize) else {
            return false;
        };
        let found = match key.kind {
            TransportKind::Publish => peer.publish.as_ref().map(|p| p.common.key),
            TransportKind::Subscribe => peer.subscribe.as_ref().map(|s| s.common.key),
        };
        found == Some(key)
    }

    fn common(&self, peer_id: &str, kind: TransportKind) -> Option<&Common> {
        let peer = self.peer(*self.peer_by_id.get(peer_id)?)?;
        match kind {
            TransportKind::Publish => peer.publish.as_ref().map(|p| &p.common),
            TransportKind::Subscribe => peer.subscribe.as_ref().map(|s| &s.common),
        }
    }

    /// Key of a peer's session.
    pub fn session_key(&self, peer_id: &str, kind: TransportKind) -> Option<SessionKey> {
        self.common(peer_id, kind).map(|c| c.key)
    }

    pub fn transport_state(&self, peer_id: &str, kind: TransportKind) -> Option<TransportState> {
        self.common(peer_id, kind).map(|c| c.live.state())
    }

    /// Make the next input of a session panic, to show that the others live on.
    #[doc(hidden)]
    pub fn poison(&mut self, peer_id: &str, kind: TransportKind) {
        let Some(&index) = self.peer_by_id.get(peer_id) else {
            return;
        };
        let Some(peer) = self.peer_mut(index) else {
            return;
        };
        let common = match kind {
            TransportKind::Publish => peer.publish.as_mut().map(|p| &mut p.common),
            TransportKind::Subscribe => peer.subscribe.as_mut().map(|s| &mut s.common),
        };
        if let Some(common) = common {
            common.poisoned = true;
        }
    }
}

//! One worker: all sessions of its rooms, fed with datagrams, commands and time, without I/O of its own.
//!
//! A turn: datagrams or commands in, then [`Worker::finish_turn`], then what is in [`Worker::outputs`] is
//! sent and [`Worker::take_events`] told. Nothing here blocks, reads a clock or knows a socket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::api::{
    Command, Event, Fault, FaultCode, Protocol, Reply, Request, TransportKind, TransportState,
};
use crate::counters::{Counters, DropReason};
use crate::output::{Flush, Outputs};
use crate::packet::demux::{DatagramClass, classify};
use crate::packet::stun::binding_request_ufrag;
use crate::room::input::Incoming;
use crate::room::taps::Tapped;
use crate::room::tick::TICK;
use crate::room::{Room, Scratch, Turn};
use crate::routes::{Routes, SessionKey};
use crate::session::config::{TransportConfig, earliest};

pub use crate::room::control::MAX_ID;

/// Forwards of one room collected before the turn should end: enough for long runs to every receiver,
/// few enough that the last receiver does not wait for milliseconds.
const MAX_BACKLOG: usize = 4096;

/// Rooms of one worker.
const MAX_ROOMS: usize = 65_536;

pub struct WorkerConfig {
    /// Told in the reply to `create_room`.
    pub index: usize,
    pub transports: TransportConfig,
    pub stats_interval: Duration,
}

pub struct Worker {
    config: WorkerConfig,
    rooms: Vec<Option<Room>>,
    room_by_id: HashMap<String, usize>,
    /// Rooms with something to finish this turn.
    touched: Vec<usize>,
    routes: Routes,
    counters: Counters,
    outputs: Outputs,
    events: Vec<Event>,
    scratch: Scratch,
    next_tick: Option<Instant>,
    tapped: Vec<Tapped>,
}

impl Worker {
    #[must_use]
    pub fn new(config: WorkerConfig) -> Worker {
        Worker {
            config,
            rooms: Vec::new(),
            room_by_id: HashMap::new(),
            touched: Vec::new(),
            routes: Routes::default(),
            counters: Counters::default(),
            outputs: Outputs::new(),
            events: Vec::new(),
            scratch: Scratch::default(),
            next_tick: None,
            tapped: Vec::new(),
        }
    }

    /// Datagrams to send, in order. The caller clears it.
    pub fn outputs(&mut self) -> &mut Outputs {
        &mut self.outputs
    }

    /// Events since the last call, in order, into `into`.
    pub fn take_events(&mut self, into: &mut Vec<Event>) {
        into.append(&mut self.events);
    }

    /// What taps copied since the last call, in order; the caller takes it out.
    pub fn tapped(&mut self) -> &mut Vec<Tapped> {
        &mut self.tapped
    }

    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When [`Worker::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.routes.next_timer(), self.next_tick)
    }

    /// One datagram (over TCP: one frame), whose bytes may be changed in place. Call
    /// [`Worker::finish_turn`] after the batch, and within it when this returns true: enough has come
    /// in to be forwarded.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        protocol: Protocol,
        source: SocketAddr,
        data: &mut [u8],
        flush: &mut dyn Flush,
    ) -> bool {
        let class = classify(data);
        let Some(key) = self.route(protocol, source, class, data) else {
            return false;
        };
        let room_index = key.room as usize;
        let input = Incoming {
            protocol,
            source,
            class,
            data,
        };
        let mut full = false;
        self.with_room(now, flush, room_index, |room, turn| {
            let handled = catch_unwind(AssertUnwindSafe(|| room.handle_datagram(turn, key, input)));
            if handled.is_err() {
                room.fail(turn, key, "panic");
                room.recover(turn);
            }
            full = room.backlog() >= MAX_BACKLOG;
        });
        full
    }

    /// A batch of one socket, and the turn's end.
    pub fn handle_datagrams<'a>(
        &mut self,
        now: Instant,
        protocol: Protocol,
        batch: impl Iterator<Item = (SocketAddr, &'a mut [u8])>,
        flush: &mut dyn Flush,
    ) {
        for (source, data) in batch {
            if self.handle_datagram(now, protocol, source, data, flush) {
                self.finish_turn(now, flush);
            }
        }
        self.finish_turn(now, flush);
    }

    /// Which session a datagram is for; counts it when none.
    fn route(
        &mut self,
        protocol: Protocol,
        source: SocketAddr,
        class: DatagramClass,
        data: &[u8],
    ) -> Option<SessionKey> {
        let known = |key: &SessionKey| {
            self.rooms
                .get(key.room as usize)
                .and_then(Option::as_ref)
                .is_some_and(|room| room.has_session(*key))
        };
        // A binding request names its session, whatever address it comes from.
        let key = match class {
            DatagramClass::Unknown => {
                self.counters.drop_packet(DropReason::Malformed);
                return None;
            }
            DatagramClass::Stun => match binding_request_ufrag(data) {
                Some(ufrag) => self.routes.by_ufrag(ufrag),
                None => {
                    self.counters.drop_packet(DropReason::BadStun);
                    return None;
                }
            },
            _ => self.routes.by_address(protocol, source),
        };
        let key = key.filter(known);
        if key.is_none() {
            self.counters.drop_packet(DropReason::UnknownAddress);
        }
        key
    }

    /// Whether a session has authenticated this address.
    #[must_use]
    pub fn knows(&self, protocol: Protocol, source: SocketAddr) -> bool {
        self.routes.by_address(protocol, source).is_some()
    }

    /// A TCP connection is gone; its session finds out by silence.
    pub fn handle_disconnect(&mut self, source: SocketAddr) {
        self.routes.unbind_address(Protocol::Tcp, source);
    }

    /// Deal slots, ask for key frames and forward what came in since the last call.
    pub fn finish_turn(&mut self, now: Instant, flush: &mut dyn Flush) {
        let mut touched = std::mem::take(&mut self.touched);
        for index in touched.drain(..) {
            self.in_room(now, flush, index, |room, turn| room.finish(turn));
        }
        self.touched = touched;
    }

    /// Run a command; exactly one reply event follows, in order. Call [`Worker::finish_turn`] after.
    pub fn handle_command(&mut self, now: Instant, request: Request, flush: &mut dyn Flush) {
        let Request {
            id,
            room_id,
            command,
        } = request;
        let result = match (&command, self.room_by_id.get(&room_id).copied()) {
            (Command::CreateRoom, None) => self.create_room(now, room_id),
            (Command::CreateRoom, Some(_)) => {
                Err(Fault::new(FaultCode::RoomExists, "the room exists"))
            }
            (_, None) => Err(Fault::new(FaultCode::RoomUnknown, "no such room")),
            (Command::CloseRoom, Some(index)) => {
                self.in_room(now, flush, index, |room, turn| room.close(turn));
                self.rooms[index] = None;
                self.room_by_id.remove(&room_id);
                Ok(Reply::Done)
            }
            (_, Some(index)) => self.run_command(now, flush, index, command),
        };
        self.events.push(Event::reply(id, result));
        self.count();
        self.next_tick = self
            .next_tick
            .or(Some(now + TICK))
            .filter(|_| self.counters.sessions > 0);
    }

    fn create_room(&mut self, now: Instant, room_id: String) -> Result<Reply, Fault> {
        if room_id.is_empty() || room_id.len() > MAX_ID {
            return Err(Fault::new(
                FaultCode::BadArgument,
                "room id empty or too long",
            ));
        }
        let index = match self.rooms.iter().position(Option::is_none) {
            Some(index) => index,
            None if self.rooms.len() >= MAX_ROOMS => {
                return Err(Fault::new(FaultCode::BadArgument, "too many rooms"));
            }
            None => {
                self.rooms.push(None);
                self.rooms.len() - 1
            }
        };
        self.rooms[index] = Some(Room::new(index, room_id.clone(), now));
        self.room_by_id.insert(room_id, index);
        Ok(Reply::Worker(self.config.index))
    }

    fn run_command(
        &mut self,
        now: Instant,
        flush: &mut dyn Flush,
        index: usize,
        command: Command,
    ) -> Result<Reply, Fault> {
        let target = command.session();
        let mut result = Err(Fault::new(FaultCode::RoomUnknown, "no such room"));
        self.with_room(now, flush, index, |room, turn| {
            let handled = catch_unwind(AssertUnwindSafe(|| room.handle_command(turn, command)));
            result = handled.unwrap_or_else(|_| {
                if let Some(key) = target.and_then(|(peer, kind)| room.session_key(&peer, kind)) {
                    room.fail(turn, key, "panic");
                }
                room.recover(turn);
                Err(Fault::new(FaultCode::Internal, "the command failed"))
            });
        });
        result
    }

    /// Say goodbye on every transport (RTCP BYE, close_notify): the worker stops.
    pub fn close(&mut self, now: Instant, flush: &mut dyn Flush) {
        for index in 0..self.rooms.len() {
            self.in_room(now, flush, index, |room, turn| room.close(turn));
            self.rooms[index] = None;
        }
        self.room_by_id.clear();
    }

    /// Wake what is due.
    pub fn handle_timeout(&mut self, now: Instant, flush: &mut dyn Flush) {
        while let Some((woken, key)) = self.routes.pop_due(now) {
            self.with_room(now, flush, key.room as usize, |room, turn| {
                if !room.has_session(key) {
                    return;
                }
                let handled =
                    catch_unwind(AssertUnwindSafe(|| room.handle_timeout(turn, key, woken)));
                if handled.is_err() {
                    room.fail(turn, key, "panic");
                    room.recover(turn);
                }
            });
        }
        if self.next_tick.is_some_and(|at| at <= now) {
            for index in 0..self.rooms.len() {
                self.with_room(now, flush, index, |room, turn| room.tick(turn));
            }
            self.count();
            self.next_tick = Some(now + TICK).filter(|_| self.counters.sessions > 0);
        }
        self.finish_turn(now, flush);
    }

    fn count(&mut self) {
        let rooms = self.rooms.iter().flatten();
        self.counters.rooms = self.room_by_id.len() as u64;
        let (mut peers, mut sessions) = (0, 0);
        for room in rooms {
            peers += room.peer_count() as u64;
            sessions += room.session_count() as u64;
        }
        self.counters.peers = peers;
        self.counters.sessions = sessions;
    }

    /// Run `f` in a room and finish the room with this turn.
    fn with_room(
        &mut self,
        now: Instant,
        flush: &mut dyn Flush,
        index: usize,
        f: impl FnOnce(&mut Room, &mut Turn<'_>),
    ) {
        if !self.touched.contains(&index) {
            self.touched.push(index);
        }
        self.in_room(now, flush, index, f);
    }

    fn in_room(
        &mut self,
        now: Instant,
        flush: &mut dyn Flush,
        index: usize,
        f: impl FnOnce(&mut Room, &mut Turn<'_>),
    ) {
        let Some(Some(room)) = self.rooms.get_mut(index) else {
            return;
        };
        let mut turn = Turn {
            config: &self.config.transports,
            now,
            outputs: &mut self.outputs,
            counters: &mut self.counters,
            events: &mut self.events,
            routes: &mut self.routes,
            scratch: &mut self.scratch,
            flush,
            stats_interval: self.config.stats_interval,
            tapped: &mut self.tapped,
        };
        // What can name the session at fault has its own guard; here the room's other sessions are kept.
        if catch_unwind(AssertUnwindSafe(|| f(room, &mut turn))).is_err() {
            room.recover(&mut turn);
        }
    }

    /// Make the next input of a session panic, to show that the others live on.
    #[doc(hidden)]
    pub fn poison(&mut self, room_id: &str, peer_id: &str, kind: TransportKind) {
        if let Some(room) = self
            .room_by_id
            .get(room_id)
            .and_then(|index| self.rooms[*index].as_mut())
        {
            room.poison(peer_id, kind);
        }
    }

    /// State of a transport, for tests and tools.
    #[must_use]
    pub fn transport_state(
        &self,
        room_id: &str,
        peer_id: &str,
        kind: TransportKind,
    ) -> Option<TransportState> {
        let index = *self.room_by_id.get(room_id)?;
        self.rooms[index].as_ref()?.transport_state(peer_id, kind)
    }
}

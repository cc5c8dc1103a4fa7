//! The engine: its workers, the rooms pinned to them, and the one queue of events.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use engine_core::api::{Command, Event, Fault, FaultCode, Request};
use engine_core::packet::ntp::NtpClock;
use engine_core::session::config::TransportConfig;
use engine_core::worker::{MAX_ID, WorkerConfig};

use crate::config::EngineConfig;
use crate::events::EventQueue;
use crate::metrics::{WorkerMetrics, to_json};
use crate::net::{PortOptions, UdpPort};
use crate::sink::Sink;
use crate::thread::{MAX_COMMANDS, Shared, WorkerThread};

/// Tries to find one port free for both UDP and TCP when the system chooses.
const PORT_TRIES: usize = 16;

/// Closed rooms remembered, so that late commands to them are answered in order by their worker.
const MAX_CLOSED: usize = 1024;

#[derive(Default)]
struct Rooms {
    by_id: HashMap<String, Pinned>,
    closed: VecDeque<String>,
}

struct Pinned {
    worker: usize,
    /// Peers: what load is measured by.
    peers: usize,
    open: bool,
}

pub struct Engine {
    events: Arc<EventQueue>,
    workers: Vec<Arc<Shared>>,
    addresses: Vec<SocketAddr>,
    rooms: Mutex<Rooms>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next_request: AtomicU64,
}

impl Engine {
    /// Bind the ports and start the workers' threads.
    ///
    /// # Errors
    /// `InvalidInput` for a config that cannot be; those of `socket`, `bind`, `listen` and thread creation.
    pub fn start(config: &EngineConfig) -> io::Result<Engine> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        config.check().map_err(invalid)?;
        let codecs = config.codecs().map_err(invalid)?;
        let events = Arc::new(EventQueue::new(config.event_capacity)?);
        let clock = NtpClock::new(Instant::now(), SystemTime::now());
        let mut workers = Vec::new();
        let mut addresses = Vec::new();
        let mut prepared = Vec::new();
        for index in 0..config.workers {
            let (port, listener) = bind(config, index)?;
            let number = port.local_addr()?.port();
            let advertised = |ip: &IpAddr| SocketAddr::new(*ip, number);
            let udp: Vec<SocketAddr> = config.advertised_ips.iter().map(advertised).collect();
            let tcp = if listener.is_some() {
                udp.clone()
            } else {
                Vec::new()
            };
            let transports = TransportConfig::new(udp, tcp, codecs.clone(), clock)
                .map_err(|fault| invalid(fault.message))?;
            let shared = Arc::new(Shared::new()?);
            let worker = WorkerConfig {
                index,
                transports,
                stats_interval: Duration::from_millis(config.stats_interval_ms),
            };
            addresses.push(port.local_addr()?);
            prepared.push(WorkerThread::new(
                worker,
                port,
                listener,
                events.clone(),
                shared.clone(),
            )?);
            workers.push(shared);
        }
        let engine = Engine {
            events,
            workers,
            addresses,
            rooms: Mutex::new(Rooms::default()),
            threads: Mutex::new(Vec::new()),
            next_request: AtomicU64::new(1),
        };
        for (index, thread) in prepared.into_iter().enumerate() {
            let handle = std::thread::Builder::new()
                .name(format!("media-{index}"))
                .spawn(move || thread.run())?;
            engine.threads().push(handle);
        }
        Ok(engine)
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where each worker listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Readable while [`Engine::take_events`] has something to give.
    #[must_use]
    pub fn event_fd(&self) -> RawFd {
        self.events.fd()
    }

    /// Up to `max` events in order. Never blocks.
    #[must_use]
    pub fn take_events(&self, max: usize) -> Vec<Event> {
        self.events.take(max)
    }

    /// [`Engine::take_events`] as a JSON array.
    #[must_use]
    pub fn take_events_json(&self, max: usize) -> Vec<u8> {
        // Our events always serialise: no maps with odd keys, no failing types.
        serde_json::to_vec(&self.take_events(max)).unwrap_or_else(|_| b"[]".to_vec())
    }

    /// Send a command to the room's worker. The returned id comes back in the reply event.
    pub fn request(&self, room_id: &str, command: Command) -> u64 {
        let id = self.next_request.fetch_add(1, Ordering::Relaxed);
        let refuse = |code, message: &str| {
            let reply = Event::reply(id, Err(Fault::new(code, message)));
            self.events.push(&mut vec![reply]);
            id
        };
        // The lock is held until the command is queued: commands of a room keep their order.
        let mut rooms = self.rooms();
        let worker = match rooms.by_id.get_mut(room_id) {
            Some(room) => room.take(&command),
            None => match command {
                Command::CreateRoom if room_id.is_empty() || room_id.len() > MAX_ID => {
                    return refuse(FaultCode::BadArgument, "room id empty or too long");
                }
                Command::CreateRoom => {
                    let worker = self.lightest(&rooms);
                    let pinned = Pinned {
                        worker,
                        peers: 0,
                        open: true,
                    };
                    rooms.by_id.insert(room_id.to_owned(), pinned);
                    worker
                }
                _ => return refuse(FaultCode::RoomUnknown, "no such room"),
            },
        };
        if matches!(command, Command::CloseRoom) {
            rooms.remember_closed(room_id);
        }
        let shared = &self.workers[worker];
        {
            let mut queue = shared
                .commands
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if queue.len() >= MAX_COMMANDS {
                drop(queue);
                return refuse(FaultCode::QueueFull, "the worker does not keep up");
            }
            queue.push(Request {
                id,
                room_id: room_id.to_owned(),
                command,
            });
        }
        shared.wake.set();
        id
    }

    /// Open a sink for taps of a room; frames go to `pipe` as `sink` writes them. The number is for `StartTap`.
    ///
    /// # Errors
    /// `NotFound` for a room that is not there; those of thread creation.
    pub fn open_sink(&self, room_id: &str, pipe: OwnedFd) -> io::Result<u64> {
        let worker = {
            let rooms = self.rooms();
            let room = rooms.by_id.get(room_id).filter(|room| room.open);
            room.ok_or(io::ErrorKind::NotFound)?.worker
        };
        let shared = self.workers[worker].clone();
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        let (asking, room_id) = (Arc::downgrade(&shared), room_id.to_owned());
        let ask = move |track| {
            let Some(shared) = asking.upgrade() else {
                return;
            };
            let mut queue = shared
                .commands
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if queue.len() < MAX_COMMANDS {
                // Nobody waits for the reply to number 0.
                queue.push(Request {
                    id: 0,
                    room_id: room_id.clone(),
                    command: Command::AskForTap {
                        sink: number,
                        track,
                    },
                });
                drop(queue);
                shared.wake.set();
            }
        };
        let sink = Sink::start(pipe, Box::new(ask))?;
        shared
            .sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, sink);
        Ok(number)
    }

    /// Write what a sink still has, then close its pipe. Does not wait; unknown numbers are passed over.
    pub fn close_sink(&self, number: u64) {
        for shared in &self.workers {
            let mut sinks = shared.sinks.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sink) = sinks.remove(&number) {
                sink.close();
            }
        }
    }

    /// The worker with the fewest peers, then rooms.
    fn lightest(&self, rooms: &Rooms) -> usize {
        let mut load = vec![(0, 0); self.workers.len()];
        for room in rooms.by_id.values().filter(|room| room.open) {
            load[room.worker].0 += room.peers;
            load[room.worker].1 += 1;
        }
        (0..load.len())
            .min_by_key(|worker| load[*worker])
            .unwrap_or(0)
    }

    /// Figures of one worker.
    #[must_use]
    pub fn worker_metrics(&self, worker: usize) -> Option<&WorkerMetrics> {
        self.workers.get(worker).map(|shared| &shared.metrics)
    }

    /// Figures of all workers as a JSON object.
    #[must_use]
    pub fn metrics_json(&self) -> String {
        let workers: Vec<&WorkerMetrics> = self.workers.iter().map(|s| &s.metrics).collect();
        to_json(&workers).to_string()
    }

    /// Stop the workers and close the sockets. Idempotent.
    pub fn close(&self) {
        for shared in &self.workers {
            shared.stop.store(true, Ordering::Release);
            shared.wake.set();
        }
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            let _ = thread.join();
        }
        for shared in &self.workers {
            let mut sinks = shared.sinks.lock().unwrap_or_else(PoisonError::into_inner);
            for (_, sink) in sinks.drain() {
                sink.close();
            }
        }
        *self.rooms() = Rooms::default();
    }
}

impl Rooms {
    fn remember_closed(&mut self, room_id: &str) {
        self.closed.push_back(room_id.to_owned());
        if self.closed.len() > MAX_CLOSED
            && let Some(oldest) = self.closed.pop_front()
            && self.by_id.get(&oldest).is_some_and(|room| !room.open)
        {
            self.by_id.remove(&oldest);
        }
    }
}

impl Pinned {
    /// Note what a command changes; the worker it goes to.
    fn take(&mut self, command: &Command) -> usize {
        match command {
            Command::CreateRoom => self.open = true,
            Command::CloseRoom => {
                self.open = false;
                self.peers = 0;
            }
            Command::AddPeer { .. } => self.peers += 1,
            Command::RemovePeer { .. } => self.peers = self.peers.saturating_sub(1),
            _ => {}
        }
        self.worker
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

/// One port number for UDP and, with ICE-TCP, TCP.
fn bind(config: &EngineConfig, index: usize) -> io::Result<(UdpPort, Option<TcpListener>)> {
    let options = PortOptions::default();
    for attempt in 1.. {
        let wanted = match config.port_base {
            0 => 0,
            base => base + index as u16,
        };
        let port = UdpPort::bind(SocketAddr::new(config.bind_ip, wanted), options)?;
        if !config.ice_tcp {
            return Ok((port, None));
        }
        let listener = TcpListener::bind(port.local_addr()?);
        match listener {
            Ok(listener) => {
                listener.set_nonblocking(true)?;
                return Ok((port, Some(listener)));
            }
            // The number the system chose for UDP may be taken for TCP: ask for another.
            Err(_) if config.port_base == 0 && attempt < PORT_TRIES => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

//! ICE-TCP (RFC 6544, passive side): connections with RFC 4571 framing, each bounded in time and memory.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use engine_core::packet::framing::{FrameDecoder, frame_header};

use crate::metrics::RuntimeCounters;
use crate::poller::{Interest, Poller};

/// Connections of one worker.
const MAX_CONNECTIONS: usize = 1024;
/// Connections of one address: people behind one translator share it.
const MAX_PER_ADDRESS: usize = 128;
/// A connection on which nothing came for this long is closed. Browsers check consent every 2.5 s.
const IDLE: Duration = Duration::from_secs(30);
/// A connection that has not proved by then that it belongs to a session (RFC 8445 §7.3) is closed, whatever it sends.
const UNPROVEN: Duration = Duration::from_secs(10);
/// Bytes kept for a connection that does not take them: about a second of video.
const MAX_BACKLOG: usize = 512 * 1024;
/// Bytes read from one connection per turn, so that none starves the others.
const READ_PER_TURN: usize = 64 * 1024;
/// How often idle connections are looked for.
const SWEEP: Duration = Duration::from_secs(1);

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    decoder: FrameDecoder,
    backlog: Vec<u8>,
    /// Bytes of the backlog already written.
    written: usize,
    opened: Instant,
    last_heard: Instant,
    /// A session has authenticated it.
    proven: bool,
    doomed: bool,
}

pub struct TcpTable {
    listener: Option<TcpListener>,
    connections: Vec<Option<Connection>>,
    by_address: HashMap<SocketAddr, usize>,
    per_ip: HashMap<IpAddr, usize>,
    first_token: u64,
    /// Connections with packets framed since the last flush.
    unwritten: Vec<usize>,
    scratch: Box<[u8]>,
    frame: Vec<u8>,
    next_sweep: Option<Instant>,
}

impl TcpTable {
    /// Connection *i* reports to the poller as `first_token + i`.
    pub fn new(listener: Option<TcpListener>, first_token: u64) -> TcpTable {
        TcpTable {
            listener,
            connections: Vec::new(),
            by_address: HashMap::new(),
            per_ip: HashMap::new(),
            first_token,
            unwritten: Vec::new(),
            scratch: vec![0; 16 * 1024].into_boxed_slice(),
            frame: Vec::new(),
            next_sweep: None,
        }
    }

    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        self.next_sweep
    }

    /// Accept what waits, within the limits.
    pub fn accept(&mut self, poller: &Poller, now: Instant, counters: &mut RuntimeCounters) {
        // A bounded number per turn: the rest stays in the kernel's queue.
        for _ in 0..64 {
            let Some(listener) = &self.listener else {
                return;
            };
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // A connection gone before it was accepted, or no descriptor left.
                Err(_) => {
                    counters.tcp_refused += 1;
                    return;
                }
            };
            let of_address = self.per_ip.get(&peer.ip()).copied().unwrap_or(0);
            if self.len() >= MAX_CONNECTIONS
                || of_address >= MAX_PER_ADDRESS
                || stream.set_nonblocking(true).is_err()
            {
                counters.tcp_refused += 1;
                continue;
            }
            let _ = stream.set_nodelay(true);
            let index = match self.connections.iter().position(Option::is_none) {
                Some(index) => index,
                None => {
                    self.connections.push(None);
                    self.connections.len() - 1
                }
            };
            let token = self.first_token + index as u64;
            if poller
                .add(stream.as_raw_fd(), token, Interest::Read)
                .is_err()
            {
                counters.tcp_refused += 1;
                continue;
            }
            self.connections[index] = Some(Connection {
                stream,
                peer,
                decoder: FrameDecoder::new(),
                backlog: Vec::new(),
                written: 0,
                opened: now,
                last_heard: now,
                proven: false,
                doomed: false,
            });
            self.by_address.insert(peer, index);
            *self.per_ip.entry(peer.ip()).or_insert(0) += 1;
            self.next_sweep.get_or_insert(now + SWEEP);
            counters.tcp_accepted += 1;
            counters.tcp_connections = self.len() as u64;
        }
    }

    /// Read from a connection and hand every frame to `on_frame`. The address of a connection that
    /// ended comes back.
    pub fn read(
        &mut self,
        token: u64,
        now: Instant,
        counters: &mut RuntimeCounters,
        mut on_frame: impl FnMut(SocketAddr, &mut [u8]),
    ) -> Option<SocketAddr> {
        let index = usize::try_from(token.checked_sub(self.first_token)?).ok()?;
        let connection = self.connections.get_mut(index)?.as_mut()?;
        let mut taken = 0;
        let alive = loop {
            match connection.stream.read(&mut self.scratch) {
                Ok(0) => break false,
                Ok(len) => {
                    connection.last_heard = now;
                    let (frame, peer) = (&mut self.frame, connection.peer);
                    let followed = connection.decoder.push(&self.scratch[..len], |bytes| {
                        counters.tcp_packets_in += 1;
                        counters.tcp_bytes_in += bytes.len() as u64;
                        frame.clear();
                        frame.extend_from_slice(bytes);
                        on_frame(peer, frame);
                    });
                    taken += len;
                    if followed.is_err() {
                        break false;
                    }
                    if taken >= READ_PER_TURN {
                        break true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break false,
            }
        };
        if alive {
            return None;
        }
        self.remove(index, counters)
    }

    /// A session has authenticated the connection from this address.
    pub fn prove(&mut self, peer: SocketAddr) {
        let index = self.by_address.get(&peer);
        if let Some(connection) = index.and_then(|index| self.connections[*index].as_mut()) {
            connection.proven = true;
        }
    }

    /// Frame a packet for [`TcpTable::flush`]. A packet that does not fit the backlog is dropped whole.
    pub fn send(&mut self, destination: SocketAddr, packet: &[u8], counters: &mut RuntimeCounters) {
        let (Some(&index), Some(header)) = (
            self.by_address.get(&destination),
            frame_header(packet.len()),
        ) else {
            return;
        };
        let Some(connection) = self.connections[index].as_mut() else {
            return;
        };
        if connection.backlog.len() + packet.len() + 2 > MAX_BACKLOG {
            counters.tcp_backlog += 1;
            return;
        }
        let was_empty = connection.backlog.is_empty();
        connection.backlog.extend_from_slice(&header);
        connection.backlog.extend_from_slice(packet);
        counters.tcp_packets_out += 1;
        counters.tcp_bytes_out += packet.len() as u64;
        if was_empty {
            self.unwritten.push(index);
        }
    }

    /// Write what [`TcpTable::send`] framed: the packets of a turn in one call per connection. What a
    /// connection does not take waits until it can be written.
    pub fn flush(&mut self, poller: &Poller) {
        for index in self.unwritten.drain(..) {
            let Some(connection) = self.connections[index].as_mut() else {
                continue;
            };
            connection.flush();
            if !connection.backlog.is_empty() {
                let token = self.first_token + index as u64;
                let _ = poller.modify(connection.stream.as_raw_fd(), token, Interest::ReadWrite);
            }
        }
    }

    /// A connection can be written again.
    pub fn writable(&mut self, poller: &Poller, token: u64) {
        let Some(index) = token
            .checked_sub(self.first_token)
            .and_then(|i| usize::try_from(i).ok())
        else {
            return;
        };
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        connection.flush();
        if connection.backlog.is_empty() {
            let _ = poller.modify(connection.stream.as_raw_fd(), token, Interest::Read);
        }
    }

    /// Close what is idle or broken; their addresses.
    pub fn sweep(&mut self, now: Instant, counters: &mut RuntimeCounters) -> Vec<SocketAddr> {
        if self.next_sweep.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let mut closed = Vec::new();
        for index in 0..self.connections.len() {
            let Some(connection) = &self.connections[index] else {
                continue;
            };
            let (since, limit) = if connection.proven {
                (connection.last_heard, IDLE)
            } else {
                (connection.opened, UNPROVEN)
            };
            if connection.doomed || now.saturating_duration_since(since) >= limit {
                closed.extend(self.remove(index, counters));
            }
        }
        self.next_sweep = (self.len() > 0).then_some(now + SWEEP);
        closed
    }

    /// Dropping the stream closes it and takes it out of the poller.
    fn remove(&mut self, index: usize, counters: &mut RuntimeCounters) -> Option<SocketAddr> {
        let connection = self.connections[index].take()?;
        self.by_address.remove(&connection.peer);
        if let Some(count) = self.per_ip.get_mut(&connection.peer.ip()) {
            *count -= 1;
            if *count == 0 {
                self.per_ip.remove(&connection.peer.ip());
            }
        }
        counters.tcp_connections = self.len() as u64;
        Some(connection.peer)
    }
}

impl Connection {
    fn flush(&mut self) {
        while self.written < self.backlog.len() {
            match self.stream.write(&self.backlog[self.written..]) {
                Ok(0) => {
                    self.doomed = true;
                    break;
                }
                Ok(len) => self.written += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.doomed = true;
                    break;
                }
            }
        }
        if self.doomed || self.written == self.backlog.len() {
            self.backlog.clear();
            self.written = 0;
        } else if self.written >= MAX_BACKLOG / 2 {
            self.backlog.drain(..self.written);
            self.written = 0;
        }
    }
}

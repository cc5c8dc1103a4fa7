//! A worker's thread: one epoll loop round one [`Worker`], its UDP port, TCP port and command queue.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine_core::api::{Event, Protocol, Request};
use engine_core::output::{Flush, Outputs};
use engine_core::worker::{Worker, WorkerConfig};

use crate::events::EventQueue;
use crate::metrics::{RuntimeCounters, WorkerMetrics};
use crate::net::{MessageList, ReceiveBatch, SendBatch, SendProgress, UdpPort};
use crate::poller::{EventFd, Interest, Poller, Ready, wait_writable};
use crate::sink::Sink;
use crate::tcp::TcpTable;

const TOKEN_WAKE: u64 = 0;
const TOKEN_UDP: u64 = 1;
const TOKEN_LISTENER: u64 = 2;
const TOKEN_CONNECTIONS: u64 = 16;

/// Messages of one receive call.
const RECEIVE_MESSAGES: usize = 64;
/// Receive calls per turn: the loop comes back for the rest after it has sent.
const RECEIVES_PER_TURN: usize = 4;
/// Messages of one send call.
const SEND_MESSAGES: usize = 512;
/// How long a full socket buffer is waited for before packets are given up: later they are worthless.
const SEND_PATIENCE: Duration = Duration::from_millis(4);
/// Scheduling priority of a worker's thread (see `nice`).
const MEDIA_NICE: libc::c_int = -10;
/// Commands waiting for one worker.
pub const MAX_COMMANDS: usize = 65_536;

/// What the control side and a worker's thread share.
pub struct Shared {
    pub commands: Mutex<Vec<Request>>,
    pub wake: EventFd,
    pub stop: AtomicBool,
    pub metrics: WorkerMetrics,
    /// Sinks of taps by their number; looked at only in turns in which a tap copied something.
    pub sinks: Mutex<HashMap<u64, Arc<Sink>>>,
}

impl Shared {
    /// # Errors
    /// Those of `eventfd`.
    pub fn new() -> io::Result<Shared> {
        Ok(Shared {
            commands: Mutex::new(Vec::new()),
            wake: EventFd::new()?,
            stop: AtomicBool::new(false),
            metrics: WorkerMetrics::default(),
            sinks: Mutex::new(HashMap::new()),
        })
    }
}

/// Sends what the worker writes.
struct Sender {
    port: UdpPort,
    batch: SendBatch,
    list: MessageList,
    tcp: TcpTable,
    poller: Poller,
    counters: RuntimeCounters,
    shared: Arc<Shared>,
    /// When the datagrams of this turn were received; None when the turn forwards nothing.
    received_at: Option<Instant>,
}

impl Flush for Sender {
    fn flush(&mut self, outputs: &mut Outputs) {
        if outputs.is_empty() {
            return;
        }
        self.list.clear();
        let bytes = outputs.bytes();
        for datagram in outputs.datagrams() {
            match datagram.protocol {
                Protocol::Udp => {
                    self.list
                        .push(datagram.destination, datagram.start, datagram.len);
                }
                Protocol::Tcp => {
                    let packet = &bytes[datagram.start..datagram.start + datagram.len];
                    let destination = datagram.destination;
                    self.tcp.send(destination, packet, &mut self.counters);
                }
            }
        }
        self.send_all(bytes);
        self.tcp.flush(&self.poller);
        if let Some(received_at) = self.received_at {
            let count = outputs.datagrams().len() as u64;
            self.shared
                .metrics
                .time_in_engine
                .record(received_at.elapsed(), count);
        }
        outputs.clear();
    }
}

impl Sender {
    fn send_all(&mut self, bytes: &[u8]) {
        let mut messages = self.list.as_slice();
        while !messages.is_empty() {
            match self.batch.send(&self.port, bytes, messages) {
                SendProgress::Complete => return,
                SendProgress::Blocked { next } => {
                    messages = &messages[next..];
                    if !wait_writable(self.port.as_raw_fd(), SEND_PATIENCE) {
                        let rest: usize = messages.iter().map(|m| m.datagrams()).sum();
                        self.counters.queue_full += rest as u64;
                        return;
                    }
                }
            }
        }
    }
}

pub struct WorkerThread {
    worker: Worker,
    receive: ReceiveBatch,
    sender: Sender,
    events: Arc<EventQueue>,
    shared: Arc<Shared>,
    ready: Vec<Ready>,
    pending: Vec<Event>,
}

impl WorkerThread {
    /// # Errors
    /// Those of `epoll_create1` and `epoll_ctl`.
    pub fn new(
        config: WorkerConfig,
        port: UdpPort,
        listener: Option<TcpListener>,
        events: Arc<EventQueue>,
        shared: Arc<Shared>,
    ) -> io::Result<WorkerThread> {
        let poller = Poller::new()?;
        poller.add(shared.wake.as_raw_fd(), TOKEN_WAKE, Interest::Read)?;
        poller.add(port.as_raw_fd(), TOKEN_UDP, Interest::Read)?;
        if let Some(listener) = &listener {
            poller.add(listener.as_raw_fd(), TOKEN_LISTENER, Interest::Read)?;
        }
        Ok(WorkerThread {
            worker: Worker::new(config),
            receive: ReceiveBatch::new(RECEIVE_MESSAGES, ReceiveBatch::GRO_ROOM),
            sender: Sender {
                port,
                batch: SendBatch::new(SEND_MESSAGES),
                list: MessageList::with_capacity(SEND_MESSAGES),
                tcp: TcpTable::new(listener, TOKEN_CONNECTIONS),
                poller,
                counters: RuntimeCounters::default(),
                shared: shared.clone(),
                received_at: None,
            },
            events,
            shared,
            ready: Vec::new(),
            pending: Vec::new(),
        })
    }

    /// Run until told to stop.
    pub fn run(mut self) {
        // Media before everything else of the process, where the system lets us: a packet that waits for
        // a time slice is late for everybody. Without the right to it the thread runs as any other.
        // SAFETY: no pointers; 0 is the calling thread.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, MEDIA_NICE) };
        while !self.shared.stop.load(Ordering::Acquire) {
            // A session's fault is caught nearer to it; this keeps the other rooms alive through ours.
            if catch_unwind(AssertUnwindSafe(|| self.turn())).is_err() {
                self.sender.counters.worker_panics += 1;
            }
        }
        let goodbye = catch_unwind(AssertUnwindSafe(|| {
            self.worker.close(Instant::now(), &mut self.sender);
            self.sender.flush(self.worker.outputs());
            self.worker.take_events(&mut self.pending);
            self.events.push(&mut self.pending);
        }));
        self.sender.counters.worker_panics += u64::from(goodbye.is_err());
    }

    fn turn(&mut self) {
        let timeout = self.next_timeout();
        self.sender.counters.wait_calls += 1;
        if self.sender.poller.wait(timeout, &mut self.ready).is_err() {
            // Cannot happen with a live epoll descriptor; do not spin if it does.
            std::thread::sleep(Duration::from_millis(10));
            return;
        }
        let started = Instant::now();
        self.sender.received_at = None;
        let ready = std::mem::take(&mut self.ready);
        for event in &ready {
            match event.token {
                TOKEN_WAKE => self.take_commands(started),
                TOKEN_UDP => self.take_datagrams(),
                TOKEN_LISTENER => {
                    let sender = &mut self.sender;
                    sender
                        .tcp
                        .accept(&sender.poller, started, &mut sender.counters);
                }
                token => self.take_stream(*event, token, started),
            }
        }
        self.ready = ready;
        let now = Instant::now();
        self.worker.finish_turn(now, &mut self.sender);
        self.sender.flush(self.worker.outputs());
        self.sender.received_at = None;
        if self.worker.poll_timeout().is_some_and(|at| at <= now) {
            self.worker.handle_timeout(now, &mut self.sender);
            self.sender.flush(self.worker.outputs());
        }
        for address in self.sender.tcp.sweep(now, &mut self.sender.counters) {
            self.worker.handle_disconnect(address);
        }
        self.worker.take_events(&mut self.pending);
        self.events.push(&mut self.pending);
        self.give_to_sinks();
        self.sender.counters.turns += 1;
        let metrics = &self.shared.metrics;
        metrics.loop_time.record(started.elapsed(), 1);
        metrics.publish(
            self.worker.counters(),
            &self.receive.counters,
            &self.sender.batch.counters,
            &self.sender.counters,
        );
    }

    fn give_to_sinks(&mut self) {
        let tapped = self.worker.tapped();
        if tapped.is_empty() {
            return;
        }
        let sinks = self
            .shared
            .sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for one in tapped.drain(..) {
            if let Some(sink) = sinks.get(&one.sink()) {
                sink.push(one);
            }
        }
    }

    fn next_timeout(&self) -> Option<Duration> {
        let timers = [self.worker.poll_timeout(), self.sender.tcp.next_timeout()];
        let next = timers.into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn take_commands(&mut self, now: Instant) {
        self.shared.wake.clear();
        let commands = {
            let mut queue = self
                .shared
                .commands
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *queue)
        };
        for request in commands {
            self.worker.handle_command(now, request, &mut self.sender);
        }
    }

    /// Until the socket is empty: the packets of a frame arrive over some microseconds, and what came while
    /// the first ones were decrypted leaves in the same run.
    fn take_datagrams(&mut self) {
        for _ in 0..RECEIVES_PER_TURN {
            let Ok(count) = self.receive.receive(&self.sender.port) else {
                return;
            };
            if count == 0 {
                return;
            }
            let now = Instant::now();
            self.sender.received_at.get_or_insert(now);
            for datagram in self.receive.datagrams() {
                let full = self.worker.handle_datagram(
                    now,
                    Protocol::Udp,
                    datagram.source,
                    datagram.data,
                    &mut self.sender,
                );
                if full {
                    self.worker.finish_turn(now, &mut self.sender);
                    self.sender.flush(self.worker.outputs());
                    self.sender.received_at = Some(now);
                }
            }
        }
    }

    fn take_stream(&mut self, event: Ready, token: u64, now: Instant) {
        let sender = &mut self.sender;
        if event.writable {
            sender.tcp.writable(&sender.poller, token);
        }
        if !event.readable {
            return;
        }
        sender.received_at.get_or_insert(now);
        let mut frames: Vec<(std::net::SocketAddr, Vec<u8>)> = Vec::new();
        let ended = sender
            .tcp
            .read(token, now, &mut sender.counters, |source, frame| {
                frames.push((source, frame.to_vec()));
            });
        for (source, mut frame) in frames {
            self.worker
                .handle_datagram(now, Protocol::Tcp, source, &mut frame, &mut self.sender);
            if self.worker.knows(Protocol::Tcp, source) {
                self.sender.tcp.prove(source);
            }
        }
        if let Some(address) = ended {
            self.worker.handle_disconnect(address);
        }
    }
}

//! A load process: senders, receivers or plain sockets, told what to do over standard input.
//!
//! It must cost little beside the engine: receivers count by header and decrypt a sample, and
//! sockets are read in sweeps every few milliseconds rather than at each packet.

mod feedback;
pub mod protocol;
mod receiver;
mod rtp;
mod sender;
mod tracker;

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver as Inbox, TryRecvError};
use std::time::{Duration, Instant};

use engine_runtime::net::{Message, PortOptions, ReceiveBatch, SendBatch, UdpPort};

use crate::poller::Poller;
use crate::sdp::{ReceiveLines, TransportLines, publish_offer, subscribe_answer};
use crate::transport::{Identity, Outbox, Transport};
use crate::usage;
use protocol::{Counts, FromLoad, ToLoad};
use receiver::Receiver;
use sender::Sender;

/// Sockets are read at most this often once media flows.
const SWEEP: Duration = Duration::from_millis(3);
/// Timers of all clients are looked at this often.
const TICK: Duration = Duration::from_millis(20);

enum Client {
    Sender(Box<Sender>),
    Receiver(Box<Receiver>),
    Sink {
        port: UdpPort,
        packets: u64,
        bytes: u64,
    },
}

impl Client {
    fn port(&self) -> &UdpPort {
        match self {
            Self::Sender(sender) => &sender.port,
            Self::Receiver(receiver) => &receiver.port,
            Self::Sink { port, .. } => port,
        }
    }
}

struct Load {
    identity: Identity,
    poller: Poller,
    clients: Vec<Client>,
    senders: HashMap<usize, usize>,
    receivers: HashMap<usize, usize>,
    sending: bool,
    start: Instant,
    batch: ReceiveBatch,
    out: SendBatch,
    scratch: Vec<u8>,
    outbox: Outbox,
}

/// Run until standard input closes.
pub fn run() -> io::Result<()> {
    usage::raise_file_limit();
    let (tell, inbox) = mpsc::channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    let mut load = Load {
        identity: Identity::new(),
        poller: Poller::new()?,
        clients: Vec::new(),
        senders: HashMap::new(),
        receivers: HashMap::new(),
        sending: false,
        start: Instant::now(),
        batch: ReceiveBatch::new(8, ReceiveBatch::GRO_ROOM),
        out: SendBatch::new(64),
        scratch: Vec::new(),
        outbox: Vec::new(),
    };
    load.run(&inbox)
}

fn say(message: &FromLoad) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

impl Load {
    fn run(&mut self, inbox: &Inbox<String>) -> io::Result<()> {
        let mut next_tick = Instant::now();
        let mut ready = Vec::new();
        loop {
            loop {
                match inbox.try_recv() {
                    Ok(line) => self.command(serde_json::from_str(&line)?)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            ready.clear();
            ready.extend(self.poller.wait(Duration::ZERO)?);
            // Many sockets: one call reports only some of them.
            let busy = ready.len() >= 512;
            for token in &ready {
                self.read(*token as usize)?;
            }
            let now = Instant::now();
            if self.sending {
                self.send(now);
            }
            if now >= next_tick {
                next_tick = now + TICK;
                self.tick(now)?;
            }
            if !busy {
                std::thread::sleep(self.pause(next_tick));
            }
        }
    }

    fn pause(&self, next_tick: Instant) -> Duration {
        let now = Instant::now();
        let mut until = (now + SWEEP).min(next_tick);
        if self.sending {
            for client in &self.clients {
                if let Client::Sender(sender) = client {
                    until = until.min(sender.due());
                }
            }
        }
        until.saturating_duration_since(now)
    }

    fn open(&mut self, options: PortOptions) -> io::Result<UdpPort> {
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let port = UdpPort::bind(any, options)?;
        self.poller.add(&port, self.clients.len() as u64)?;
        Ok(port)
    }

    fn command(&mut self, command: ToLoad) -> io::Result<()> {
        let options = PortOptions {
            receive_buffer: 2 << 20,
            ..PortOptions::default()
        };
        let now = Instant::now();
        match command {
            ToLoad::AddSender { id } => {
                let port = self.open(options)?;
                let transport = Transport::new(&self.identity, port.local_addr()?, now);
                let lines = transport.lines();
                let sender = Sender::new(id, port, transport, now);
                let (audio, video) = sender.ssrcs();
                say(&FromLoad::Offer {
                    id,
                    sdp: publish_offer(&lines, audio, video),
                })?;
                self.senders.insert(id, self.clients.len());
                self.clients.push(Client::Sender(Box::new(sender)));
            }
            ToLoad::Accept { id, sdp } => {
                let Some(Client::Sender(sender)) =
                    self.senders.get(&id).map(|index| &mut self.clients[*index])
                else {
                    return Err(io::Error::other("accept for no sender"));
                };
                sender.transport.set_remote(&remote(&sdp)?);
            }
            ToLoad::AddReceiver {
                id,
                offer,
                check_every,
                feedback,
            } => {
                let port = self.open(options)?;
                let mut transport = Transport::new(&self.identity, port.local_addr()?, now);
                let answer = subscribe_answer(&offer, &transport.lines());
                transport.set_remote(&remote(&offer)?);
                let lines = ReceiveLines::read(&offer);
                let receiver = Receiver::new(port, transport, lines, check_every, feedback, now);
                say(&FromLoad::Answer { id, sdp: answer })?;
                self.receivers.insert(id, self.clients.len());
                self.clients.push(Client::Receiver(Box::new(receiver)));
            }
            ToLoad::AddSinks { count } => {
                let mut addresses = Vec::with_capacity(count);
                for _ in 0..count {
                    let port = self.open(options)?;
                    addresses.push(port.local_addr()?);
                    self.clients.push(Client::Sink {
                        port,
                        packets: 0,
                        bytes: 0,
                    });
                }
                say(&FromLoad::Sinks { addresses })?;
            }
            ToLoad::Send { on, speed } => {
                self.sending = on;
                for client in &mut self.clients {
                    if let Client::Sender(sender) = client {
                        sender.start(now, speed);
                    }
                }
            }
            ToLoad::Mark => {
                for client in &mut self.clients {
                    match client {
                        Client::Sender(sender) => sender.mark(),
                        Client::Receiver(receiver) => receiver.mark(),
                        Client::Sink { packets, bytes, .. } => (*packets, *bytes) = (0, 0),
                    }
                }
                say(&FromLoad::Marked)?;
            }
            ToLoad::Report => say(&FromLoad::Report(self.counts()))?,
        }
        Ok(())
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts {
            least: u64::MAX,
            ..Counts::default()
        };
        counts.cpu_us = usage::named_threads_cpu("").as_micros() as u64;
        for client in &self.clients {
            match client {
                Client::Sender(sender) => sender.add_to(&mut counts),
                Client::Receiver(receiver) => receiver.add_to(&mut counts),
                Client::Sink { packets, bytes, .. } => {
                    counts.packets += packets;
                    counts.bytes += bytes;
                    counts.least = counts.least.min(*packets);
                    counts.most = counts.most.max(*packets);
                }
            }
        }
        counts
    }

    fn read(&mut self, index: usize) -> io::Result<()> {
        let client = &mut self.clients[index];
        self.batch.receive(client.port())?;
        let now = Instant::now();
        let at_us = now.duration_since(self.start).as_micros() as u64;
        for datagram in self.batch.datagrams() {
            let (source, data) = (datagram.source, datagram.data);
            let media = data.first().is_some_and(|first| (128..192).contains(first));
            match client {
                Client::Sink { packets, bytes, .. } => {
                    *packets += 1;
                    *bytes += data.len() as u64;
                }
                Client::Receiver(_) if media && rtp::is_rtcp(data) => {}
                Client::Receiver(receiver) if media => receiver.receive(data, at_us),
                Client::Sender(sender) if media => sender.receive_rtcp(data),
                Client::Receiver(receiver) if !data.is_empty() => {
                    receiver
                        .transport
                        .receive(now, source, data, &mut self.outbox);
                }
                Client::Sender(sender) if !data.is_empty() => {
                    sender
                        .transport
                        .receive(now, source, data, &mut self.outbox);
                }
                _ => {}
            }
        }
        flush(client.port(), &mut self.outbox, &mut self.out);
        Ok(())
    }

    fn send(&mut self, now: Instant) {
        for client in &mut self.clients {
            if let Client::Sender(sender) = client
                && sender.due() <= now
            {
                sender.send(now, &mut self.out);
            }
        }
    }

    fn tick(&mut self, now: Instant) -> io::Result<()> {
        for client in &mut self.clients {
            match client {
                Client::Sender(sender) => sender.tick(now, &mut self.outbox),
                Client::Receiver(receiver) => {
                    receiver.tick(now, &mut self.scratch, &mut self.outbox);
                }
                Client::Sink { .. } => continue,
            }
            flush(client.port(), &mut self.outbox, &mut self.out);
        }
        for (id, index) in &self.senders {
            if let Client::Sender(sender) = &mut self.clients[*index]
                && !sender.told_connected
                && sender.transport.connected().is_some()
            {
                sender.told_connected = true;
                say(&FromLoad::Connected {
                    id: *id,
                    profile: profile(&sender.transport),
                })?;
            }
        }
        for (id, index) in &self.receivers {
            if let Client::Receiver(receiver) = &mut self.clients[*index] {
                if !receiver.told_connected && receiver.transport.connected().is_some() {
                    receiver.told_connected = true;
                    let profile = profile(&receiver.transport);
                    say(&FromLoad::Connected { id: *id, profile })?;
                }
                if !receiver.told_flowing && receiver.flowing() {
                    receiver.told_flowing = true;
                    say(&FromLoad::Flowing { id: *id })?;
                }
            }
        }
        Ok(())
    }
}

fn profile(transport: &Transport) -> String {
    transport
        .keys()
        .map(|keys| format!("{:?}", keys.profile))
        .unwrap_or_default()
}

fn remote(sdp: &str) -> io::Result<TransportLines> {
    TransportLines::read(sdp).ok_or_else(|| io::Error::other("a description without a transport"))
}

fn flush(port: &UdpPort, outbox: &mut Outbox, out: &mut SendBatch) {
    for (destination, bytes) in outbox.drain(..) {
        out.send(
            port,
            &bytes,
            &[Message::datagram(destination, 0, bytes.len())],
        );
    }
}

//! The spike behind the decision to build our own egress: one sender's packets to many
//! subscribers, each a whole str0m `Rtc` in RTP mode, against the plain loop in the same run.
//!
//! What str0m can be spared is spared: packets come from memory, only sessions with work are
//! polled, subscribers are the outer loop, output leaves in GSO runs, no bandwidth estimation.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine_runtime::net::{
    MessageList, PortOptions, ReceiveBatch, SendBatch, SendProgress, UdpPort,
};
use str0m::crypto::Fingerprint;
use str0m::crypto::dtls::DtlsCert;
use str0m::crypto::from_feature_flags;
use str0m::media::{MediaKind, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpWrite, SeqNo, Ssrc};
use str0m::{Candidate, IceCreds, Input, Output, Rtc, RtcConfig};

use crate::child::Child;
use crate::limit::{Group, Measured, PlainLoop};
use crate::load::protocol::{Counts, FromLoad, ToLoad};
use crate::media::{AUDIO_INTERVAL, Payload, Source, VIDEO_INTERVAL};
use crate::sdp::{TransportLines, publish_offer};
use crate::usage;

const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

struct Subscriber {
    rtc: Rtc,
    sequences: [u64; 2],
}

struct Server {
    port: UdpPort,
    local: SocketAddr,
    subscribers: Vec<Subscriber>,
    by_address: HashMap<SocketAddr, usize>,
    receive: ReceiveBatch,
    send: SendBatch,
    buffer: Vec<u8>,
    messages: MessageList,
    gso: bool,
}

fn ssrc(index: usize, video: bool) -> Ssrc {
    (1_000_000 + index as u32 * 2 + u32::from(video)).into()
}

impl Server {
    fn new() -> io::Result<Self> {
        let port = UdpPort::bind(([127, 0, 0, 1], 0).into(), PortOptions::default())?;
        Ok(Self {
            local: port.local_addr()?,
            port,
            subscribers: Vec::new(),
            by_address: HashMap::new(),
            receive: ReceiveBatch::new(32, ReceiveBatch::GRO_ROOM),
            send: SendBatch::new(512),
            buffer: Vec::new(),
            messages: MessageList::default(),
            gso: true,
        })
    }

    /// Make a subscriber and return its transport lines.
    fn add(&mut self, certificate: &DtlsCert, now: Instant) -> TransportLines {
        let index = self.subscribers.len();
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .set_dtls_cert(certificate.clone())
            .build(now);
        rtc.add_local_candidate(Candidate::host(self.local, "udp").expect("candidate"));
        let mut direct = rtc.direct_api();
        for (mid, kind) in [("aud", MediaKind::Audio), ("vid", MediaKind::Video)] {
            let video = kind == MediaKind::Video;
            direct.declare_media(mid.into(), kind);
            let rtx = video.then(|| (9_000_000 + index as u32).into());
            direct.declare_stream_tx(ssrc(index, video), rtx, mid.into(), None);
        }
        let credentials = direct.local_ice_credentials();
        let fingerprint = direct.local_dtls_fingerprint().to_string();
        let fingerprint = fingerprint
            .split(' ')
            .next_back()
            .unwrap_or_default()
            .to_owned();
        self.subscribers.push(Subscriber {
            rtc,
            sequences: [1_000; 2],
        });
        TransportLines {
            ufrag: credentials.ufrag,
            pwd: credentials.pass,
            fingerprint,
            candidates: vec![self.local],
        }
    }

    fn answer(&mut self, index: usize, sdp: &str) -> io::Result<()> {
        let lines = TransportLines::read(sdp)
            .ok_or_else(|| io::Error::other("answer without transport"))?;
        let rtc = &mut self.subscribers[index].rtc;
        for address in &lines.candidates {
            rtc.add_remote_candidate(Candidate::host(*address, "udp").map_err(io::Error::other)?);
            self.by_address.insert(*address, index);
        }
        let mut direct = rtc.direct_api();
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: lines.ufrag,
            pass: lines.pwd,
        });
        let bytes: Option<Vec<u8>> = lines
            .fingerprint
            .split(':')
            .map(|hex| u8::from_str_radix(hex, 16).ok())
            .collect();
        direct.set_remote_fingerprint(Fingerprint {
            hash_func: "sha-256".into(),
            bytes: bytes.unwrap_or_default(),
        });
        direct.set_ice_controlling(false);
        direct.start_dtls(false).map_err(io::Error::other)
    }

    /// What clients sent: STUN and DTLS.
    fn take(&mut self, now: Instant) -> io::Result<()> {
        loop {
            if self.receive.receive(&self.port)? == 0 {
                return Ok(());
            }
            for datagram in self.receive.datagrams() {
                let Some(&index) = self.by_address.get(&datagram.source) else {
                    continue;
                };
                let Ok(contents) = (&*datagram.data).try_into() else {
                    continue;
                };
                let receive = Receive {
                    proto: Protocol::Udp,
                    source: datagram.source,
                    destination: self.local,
                    contents,
                };
                let rtc = &mut self.subscribers[index].rtc;
                let _ = rtc.handle_input(Input::Receive(now, receive));
                poll(rtc, &mut self.buffer, &mut self.messages);
            }
            self.flush();
        }
    }

    fn tick(&mut self, now: Instant) {
        for subscriber in &mut self.subscribers {
            let _ = subscriber.rtc.handle_input(Input::Timeout(now));
            poll(&mut subscriber.rtc, &mut self.buffer, &mut self.messages);
        }
        self.flush();
    }

    fn forward(&mut self, packets: &[(Payload, Arc<[u8]>)], now: Instant) {
        for index in 0..self.subscribers.len() {
            let subscriber = &mut self.subscribers[index];
            for (packet, payload) in packets {
                let kind = usize::from(packet.video);
                let sequence: SeqNo = subscriber.sequences[kind].into();
                subscriber.sequences[kind] += 1;
                let pt: Pt = if packet.video { 96.into() } else { 111.into() };
                let write = RtpWrite::new(pt, sequence, packet.timestamp, now, Arc::clone(payload))
                    .marker(packet.marker)
                    .nackable(packet.video);
                let mut direct = subscriber.rtc.direct_api();
                let stream = direct
                    .stream_tx(&ssrc(index, packet.video))
                    .expect("declared");
                stream.write_rtp(write);
            }
            let _ = subscriber.rtc.handle_input(Input::Timeout(now));
            poll(&mut subscriber.rtc, &mut self.buffer, &mut self.messages);
            if self.buffer.len() > 256 * 1024 {
                self.flush();
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        let messages = self.messages.as_slice();
        let mut first = 0;
        if !self.gso {
            self.send.disable_segmentation();
        }
        while let SendProgress::Blocked { next } =
            self.send.send(&self.port, &self.buffer, &messages[first..])
        {
            first += next;
            std::thread::yield_now();
        }
        self.buffer.clear();
        self.messages.clear();
    }

    /// Forward for `lasting` at the sender's pace.
    fn measure(&mut self, source: &mut Source, lasting: Duration) -> io::Result<Measured> {
        let before = self.send.counters;
        let (mut cpu, mut packets) = (Duration::ZERO, Vec::new());
        let start = Instant::now();
        let (mut next_audio, mut next_video, mut next_tick) = (start, start, start);
        while start.elapsed() < lasting {
            let now = Instant::now();
            packets.clear();
            while next_audio <= now {
                next_audio += AUDIO_INTERVAL;
                packets.push(source.audio());
            }
            while next_video <= now {
                next_video += VIDEO_INTERVAL;
                source.video(&mut packets);
            }
            let shared: Vec<(Payload, Arc<[u8]>)> = packets
                .drain(..)
                .map(|p| (p.clone(), Arc::from(p.bytes)))
                .collect();
            let begun = usage::thread_cpu();
            self.forward(&shared, now);
            self.take(now)?;
            if now >= next_tick {
                next_tick = now + Duration::from_millis(250);
                self.tick(now);
            }
            cpu += usage::thread_cpu() - begun;
            let next = next_audio.min(next_video);
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        let after = self.send.counters;
        Ok(Measured {
            packets: after.sent_datagrams - before.sent_datagrams,
            cpu,
        })
    }
}

fn poll(rtc: &mut Rtc, buffer: &mut Vec<u8>, messages: &mut MessageList) {
    loop {
        match rtc.poll_output() {
            Ok(Output::Transmit(transmit)) => {
                let start = buffer.len();
                buffer.extend_from_slice(&transmit.contents);
                messages.push(transmit.destination, start, transmit.contents.len());
            }
            Ok(Output::Event(_)) => {}
            Ok(Output::Timeout(_)) | Err(_) => return,
        }
    }
}

/// Run the spike for each number of receivers and print a table.
pub fn run(receivers: &[usize]) -> io::Result<()> {
    usage::raise_file_limit();
    from_feature_flags().install_process_default();
    println!("CPU µs per forwarded packet (medians), memory of the forwarder per receiver");
    println!("receivers  str0m  without GSO  plain  plain GSO4  plain GSO  ratio  memory");
    for &count in receivers {
        let [full, single, plain, four, runs, memory] = one(count)?;
        let ratio = full / plain;
        println!(
            "{count:9}  {full:5.2}  {single:11.2}  {plain:5.2}  {four:10.2}  {runs:9.2}  \
             {ratio:5.2}  {memory:3.0} KB"
        );
    }
    Ok(())
}

fn one(count: usize) -> io::Result<[f64; 6]> {
    let mut load = Child::<FromLoad>::start("load", &[])?;
    let mut server = Server::new()?;
    let provider = from_feature_flags();
    let certificate = provider
        .dtls_provider
        .generate_certificate()
        .ok_or_else(|| io::Error::other("no certificate"))?;
    let empty = usage::resident_bytes();
    for id in 0..count {
        let lines = server.add(&certificate, Instant::now());
        let offer = publish_offer(&lines, *ssrc(id, false), *ssrc(id, true));
        load.say(&ToLoad::AddReceiver {
            id,
            offer,
            check_every: 0,
            feedback: false,
        })?;
    }
    let mut connected = 0;
    let deadline = Instant::now() + Duration::from_secs(60);
    while connected < count {
        if Instant::now() > deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        while let Some(message) = load.heard()? {
            match message {
                FromLoad::Answer { id, sdp } => server.answer(id, &sdp)?,
                FromLoad::Connected { .. } => connected += 1,
                _ => {}
            }
        }
        let now = Instant::now();
        server.take(now)?;
        server.tick(now);
        std::thread::sleep(Duration::from_millis(5));
    }
    load.say(&ToLoad::AddSinks { count })?;
    let addresses = loop {
        if let FromLoad::Sinks { addresses } = load.hear(Duration::from_secs(10))? {
            break addresses;
        }
    };
    let groups = [Group::new(&addresses)];
    let mut plain = PlainLoop::new(&groups, 1)?;
    let mut four = PlainLoop::new(&groups, 4)?;
    let mut runs = PlainLoop::new(&groups, 64)?;
    let mut source = Source::new(1);
    let mut figures: [Vec<f64>; 6] = Default::default();
    // Interleaved, so that whatever else the machine does meets all alike.
    for _ in 0..ROUNDS {
        server.gso = true;
        server.send = SendBatch::new(512);
        figures[0].push(counted(&mut load, server.measure(&mut source, ROUND)?)?);
        server.gso = false;
        figures[1].push(counted(&mut load, server.measure(&mut source, ROUND)?)?);
        figures[2].push(counted(&mut load, plain.measure(ROUND, 1.0))?);
        figures[3].push(counted(&mut load, four.measure(ROUND, 1.0))?);
        figures[4].push(counted(&mut load, runs.measure(ROUND, 1.0))?);
        let grown = usage::resident_bytes().saturating_sub(empty);
        figures[5].push(grown as f64 / 1_000.0 / count as f64);
    }
    Ok(figures.map(|mut values| median(&mut values)))
}

/// The figure, after making sure that the other process read what was sent.
fn counted(load: &mut Child<FromLoad>, measured: Measured) -> io::Result<f64> {
    std::thread::sleep(Duration::from_millis(200));
    load.say(&ToLoad::Report)?;
    let counts: Counts = loop {
        if let FromLoad::Report(counts) = load.hear(Duration::from_secs(10))? {
            break counts;
        }
    };
    load.say(&ToLoad::Mark)?;
    if counts.packets * 100 < measured.packets * 98 {
        eprintln!(
            "read {} of {} packets sent",
            counts.packets, measured.packets
        );
    }
    Ok(measured.us_per_packet())
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

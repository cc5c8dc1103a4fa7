//! All synthetic peers of a process, driven by one thread.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine_runtime::poller::{EventFd, Interest, Poller, Ready};
use str0m::crypto::dtls::DtlsCert;
use str0m::crypto::from_feature_flags;
use str0m::{Rtc, RtcConfig};

use crate::clip::{Clip, Library};
use crate::record::{Sample, TransportReport};
use crate::send::{SILENCE, SendTrack, VOICE};
use crate::transport::{Arrived, Refused, Transport};

/// Samples and frames nobody takes are not kept for ever.
const MAX_SAMPLES: usize = 2_000_000;
const MAX_FRAMES: usize = 10_000;
const MAX_WAIT: Duration = Duration::from_millis(100);
const WAKE: u64 = u64::MAX;

#[derive(Debug)]
pub enum FleetError {
    /// A description that cannot be taken, or a peer or clip that is not there.
    Refused(String),
    Io(io::Error),
    /// The thread has ended.
    Closed,
}

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FleetError::Refused(why) => f.write_str(why),
            FleetError::Io(error) => error.fmt(f),
            FleetError::Closed => f.write_str("closed"),
        }
    }
}

impl std::error::Error for FleetError {}

impl From<Refused> for FleetError {
    fn from(refused: Refused) -> Self {
        FleetError::Refused(refused.0)
    }
}

impl From<io::Error> for FleetError {
    fn from(error: io::Error) -> Self {
        FleetError::Io(error)
    }
}

type Task = Box<dyn FnOnce(&mut Driver) + Send>;

/// The handle. A call that has an answer waits for the thread, which takes less than a turn of its loop.
pub struct Fleet {
    tasks: Mutex<mpsc::Sender<Task>>,
    wake: Arc<EventFd>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Fleet {
    /// Sockets are bound to `ip`.
    ///
    /// # Errors
    /// When the thread or its descriptors cannot be made.
    pub fn start(ip: IpAddr) -> io::Result<Fleet> {
        let wake = Arc::new(EventFd::new()?);
        let stop = Arc::new(AtomicBool::new(false));
        let (tasks, inbox) = mpsc::channel();
        let mut driver = Driver::new(ip)?;
        driver.poller.add(wake.as_raw_fd(), WAKE, Interest::Read)?;
        let (awake, stopped) = (Arc::clone(&wake), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("synthetic-peers".to_owned())
            .spawn(move || driver.run(&inbox, &awake, &stopped))?;
        Ok(Fleet {
            tasks: Mutex::new(tasks),
            wake,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Driver) -> T + Send + 'static,
    ) -> Result<T, FleetError> {
        let (tell, hear) = mpsc::channel();
        self.tell(move |driver| {
            let _ = tell.send(work(driver));
        })?;
        hear.recv().map_err(|_| FleetError::Closed)
    }

    /// In its order among the other calls, without waiting for it.
    fn tell(&self, work: impl FnOnce(&mut Driver) + Send + 'static) -> Result<(), FleetError> {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(Box::new(work))
            .map_err(|_| FleetError::Closed)?;
        self.wake.set();
        Ok(())
    }

    /// Media to send; its number.
    ///
    /// # Errors
    /// A clip without frames.
    pub fn add_clip(&self, clip: Clip) -> Result<usize, FleetError> {
        if clip.layers.is_empty() || clip.layers.iter().any(|layer| layer.frames.is_empty()) {
            return Err(FleetError::Refused("a clip without frames".to_owned()));
        }
        self.ask(|driver| driver.library.add(clip))
    }

    /// A new publish transport of a peer, in place of the one it had: the offer, and (mid, source) of every m-line.
    ///
    /// # Errors
    /// An unknown clip; no socket.
    #[allow(clippy::type_complexity)]
    pub fn offer(
        &self,
        peer: String,
        sources: Vec<(String, usize)>,
    ) -> Result<(String, Vec<(String, String)>), FleetError> {
        self.ask(move |driver| driver.offer(peer, sources))?
    }

    /// The server's answer to it.
    ///
    /// # Errors
    /// A description that cannot be taken; no offer waits.
    pub fn accept(&self, peer: String, sdp: String) -> Result<(), FleetError> {
        self.ask(move |driver| driver.accept(&peer, &sdp))?
    }

    /// A new subscribe transport of a peer, in place of the one it had: the answer to the server's offer.
    ///
    /// # Errors
    /// A description that cannot be taken; no socket.
    pub fn answer(&self, peer: String, sdp: String) -> Result<String, FleetError> {
        self.ask(move |driver| driver.answer(peer, &sdp))?
    }

    /// What a receive slot of a peer carries: latency is told from what that peer sent.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn carries(
        &self,
        peer: String,
        mid: String,
        publisher: Option<(String, String)>,
    ) -> Result<(), FleetError> {
        self.tell(move |driver| {
            match publisher {
                Some(publisher) => driver.slots.insert((peer, mid), publisher),
                None => driver.slots.remove(&(peer, mid)),
            };
        })
    }

    /// How loud a peer says it is from now on, dBov (RFC 6464): -127 is silence, 0 the loudest.
    ///
    /// # Errors
    /// A level that is none; the thread has ended.
    pub fn speak(&self, peer: String, level: i8) -> Result<(), FleetError> {
        if !(SILENCE..=0).contains(&level) {
            return Err(FleetError::Refused(format!("no level: {level}")));
        }
        self.tell(move |driver| driver.speak(peer, level))
    }

    /// Somebody looks at these layers of what a peer sends, nobody at the others.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn layers_wanted(
        &self,
        peer: String,
        source: String,
        rids: Vec<String>,
    ) -> Result<(), FleetError> {
        self.tell(move |driver| {
            let token = driver.by_peer.get(&(peer, true));
            if let Some(transport) = token.and_then(|token| driver.transports.get_mut(token)) {
                transport.want(&source, &rids, Instant::now());
            }
        })
    }

    /// Close what a peer has.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn remove(&self, peer: String) -> Result<(), FleetError> {
        self.ask(move |driver| {
            driver.close(&peer, true);
            driver.close(&peer, false);
        })
    }

    /// Keep the bytes of the video frames this peer receives from now on.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn tap(&self, peer: String) -> Result<(), FleetError> {
        self.ask(move |driver| driver.tapped = Some(peer))
    }

    /// (time in µs, m-line, bytes) of the frames kept since the last call.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn take_frames(&self) -> Result<Vec<(u64, String, Vec<u8>)>, FleetError> {
        self.ask(|driver| std::mem::take(&mut driver.frames))
    }

    /// What was received since the last call.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn take_samples(&self) -> Result<Vec<Sample>, FleetError> {
        self.ask(|driver| std::mem::take(&mut driver.samples))
    }

    /// Every transport there is.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn reports(&self) -> Result<Vec<TransportReport>, FleetError> {
        self.ask(|driver| {
            let transports = driver.transports.values();
            transports.map(Transport::report).collect()
        })
    }

    /// Close all sockets and end the thread. Idempotent.
    pub fn close(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake.set();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.close();
    }
}

struct Driver {
    ip: IpAddr,
    poller: Poller,
    certificate: DtlsCert,
    library: Library,
    transports: HashMap<u64, Transport>,
    by_peer: HashMap<(String, bool), u64>,
    /// (peer, mid) to (publisher, source).
    slots: HashMap<(String, String), (String, String)>,
    /// Loudness of the peers that do not speak as loud as usual.
    levels: HashMap<String, i8>,
    samples: Vec<Sample>,
    tapped: Option<String>,
    frames: Vec<(u64, String, Vec<u8>)>,
    next_token: u64,
    epoch: Instant,
    epoch_us: u64,
}

impl Driver {
    fn new(ip: IpAddr) -> io::Result<Driver> {
        let certificate = from_feature_flags()
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("no certificate"))?;
        Ok(Driver {
            ip,
            poller: Poller::new()?,
            certificate,
            library: Library::default(),
            transports: HashMap::new(),
            by_peer: HashMap::new(),
            slots: HashMap::new(),
            levels: HashMap::new(),
            samples: Vec::new(),
            tapped: None,
            frames: Vec::new(),
            next_token: 0,
            epoch: Instant::now(),
            epoch_us: monotonic_us(),
        })
    }

    fn us(&self, at: Instant) -> u64 {
        self.epoch_us + at.saturating_duration_since(self.epoch).as_micros() as u64
    }

    fn open(&mut self, peer: String, publish: bool) -> io::Result<u64> {
        self.close(&peer, publish);
        // One certificate for all: making a thousand would time the client.
        let config: RtcConfig = Rtc::builder().set_dtls_cert(self.certificate.clone());
        let now = Instant::now();
        let now_us = self.us(now);
        let transport = Transport::new(peer.clone(), publish, self.ip, config, now, now_us)?;
        let token = self.next_token;
        self.next_token += 1;
        self.poller
            .add(transport.socket.as_raw_fd(), token, Interest::Read)?;
        self.transports.insert(token, transport);
        self.by_peer.insert((peer, publish), token);
        Ok(token)
    }

    /// A closed socket leaves the poller by itself (epoll(7)).
    fn close(&mut self, peer: &str, publish: bool) {
        if let Some(token) = self.by_peer.remove(&(peer.to_owned(), publish)) {
            self.transports.remove(&token);
        }
    }

    #[allow(clippy::type_complexity)]
    fn offer(
        &mut self,
        peer: String,
        sources: Vec<(String, usize)>,
    ) -> Result<(String, Vec<(String, String)>), FleetError> {
        let now = Instant::now();
        let mut tracks = Vec::new();
        for (source, number) in sources {
            let clip = self
                .library
                .clip(number)
                .ok_or_else(|| FleetError::Refused(format!("no clip {number}")))?;
            let mut track = SendTrack::new(source, number, clip, now);
            track.audio_level = self.levels.get(&peer).copied().unwrap_or(VOICE);
            tracks.push(track);
        }
        let token = self.open(peer, true)?;
        let transport = self.transports.get_mut(&token).expect("just made");
        Ok(transport.offer(tracks)?)
    }

    fn speak(&mut self, peer: String, level: i8) {
        let token = self.by_peer.get(&(peer.clone(), true));
        if let Some(transport) = token.and_then(|token| self.transports.get_mut(token)) {
            for (_, track) in &mut transport.tracks {
                track.audio_level = level;
            }
        }
        self.levels.insert(peer, level);
    }

    fn accept(&mut self, peer: &str, sdp: &str) -> Result<(), FleetError> {
        let token = self.by_peer.get(&(peer.to_owned(), true));
        let transport = token.and_then(|token| self.transports.get_mut(token));
        let transport =
            transport.ok_or_else(|| FleetError::Refused("no offer waits".to_owned()))?;
        transport.next = Instant::now();
        Ok(transport.accept(sdp)?)
    }

    fn answer(&mut self, peer: String, sdp: &str) -> Result<String, FleetError> {
        let token = self.open(peer, false)?;
        let transport = self.transports.get_mut(&token).expect("just made");
        Ok(transport.answer(sdp)?)
    }

    fn run(&mut self, inbox: &mpsc::Receiver<Task>, wake: &EventFd, stop: &AtomicBool) {
        let mut ready: Vec<Ready> = Vec::new();
        let mut buffer = vec![0; 2_048];
        let mut arrived = Vec::new();
        while !stop.load(Ordering::Acquire) {
            wake.clear();
            while let Ok(task) = inbox.try_recv() {
                task(self);
            }
            let next = self.work(&mut arrived);
            let wait = next.saturating_duration_since(Instant::now()).min(MAX_WAIT);
            if self.poller.wait(Some(wait), &mut ready).is_err() {
                return;
            }
            for one in &ready {
                if one.token != WAKE {
                    self.read(one.token, &mut buffer, &mut arrived);
                }
            }
        }
    }

    /// Everything that is due; when the next is.
    fn work(&mut self, arrived: &mut Vec<Arrived>) -> Instant {
        let now = Instant::now();
        let now_us = self.us(now);
        let mut next = now + MAX_WAIT;
        let mut heard = Vec::new();
        for (token, transport) in &mut self.transports {
            if transport.next <= now {
                transport.tick(now);
                transport.check_gaps(now);
                transport.drain(now, now_us, arrived);
                transport.send_due(now, now_us, arrived);
                // Written frames and requests leave with a timeout of the same instant.
                transport.tick(now);
                transport.drain(now, now_us, arrived);
                if !arrived.is_empty() {
                    heard.push((*token, std::mem::take(arrived)));
                }
            }
            next = next.min(transport.next);
        }
        for (token, frames) in heard {
            self.note(token, frames);
        }
        next
    }

    fn read(&mut self, token: u64, buffer: &mut [u8], arrived: &mut Vec<Arrived>) {
        let now = Instant::now();
        let now_us = self.us(now);
        let Some(transport) = self.transports.get_mut(&token) else {
            return;
        };
        while let Ok((len, source)) = transport.socket.recv_from(buffer) {
            transport.receive(now, source, &buffer[..len]);
            transport.drain(now, now_us, arrived);
        }
        if !arrived.is_empty() {
            let frames = std::mem::take(arrived);
            self.note(token, frames);
        }
    }

    fn note(&mut self, token: u64, arrived: Vec<Arrived>) {
        let Some(peer) = self.transports.get(&token).map(|t| t.peer.clone()) else {
            return;
        };
        for one in arrived {
            let mid = one.mid.to_string();
            let at_us = self.us(one.at);
            let id = self.library.identify(&one.data);
            let publisher = self.slots.get(&(peer.clone(), mid.clone()));
            let sent = id.and_then(|id| {
                let (publisher, source) = publisher?;
                let token = self.by_peer.get(&(publisher.clone(), true))?;
                let tracks = &self.transports.get(token)?.tracks;
                let (_, track) = tracks.iter().find(|(_, track)| track.source == *source)?;
                track.sent_at_us(id)
            });
            if self.samples.len() < MAX_SAMPLES {
                self.samples.push(Sample {
                    peer: peer.clone(),
                    mid: mid.clone(),
                    video: one.video,
                    at_us,
                    sequence: one.sequence,
                    latency_us: sent.map(|sent| at_us.saturating_sub(sent)),
                    layer: id.map(|id| id.layer),
                    index: id.map(|id| id.index),
                    key: one.key,
                    bytes: one.data.len(),
                });
            }
            if one.video && self.tapped.as_ref() == Some(&peer) && self.frames.len() < MAX_FRAMES {
                self.frames.push((at_us, mid, one.data));
            }
        }
    }
}

/// CLOCK_MONOTONIC, as Python's `time.monotonic` reads it.
fn monotonic_us() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: one live timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}

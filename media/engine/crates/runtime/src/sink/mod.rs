//! Sinks of taps: a bounded queue that a worker fills without waiting, and a thread that turns packets into frames and
//! writes them to a pipe. A reader that does not keep up costs itself frames, and nobody else.

mod assemble;
mod av1;
mod depacketise;

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine_core::codec::Codec;
use engine_core::packet::ntp::NtpTime;
use engine_core::room::taps::Tapped;

use assemble::{Assembler, Frame};

/// Packets that wait for a sink's thread: some ten seconds of five tracks of 720p.
const CAPACITY: usize = 8_192;
/// Gaps are looked at this often when nothing comes.
const IDLE: Duration = Duration::from_millis(100);

const FRAME: u8 = 1;
const END: u8 = 2;
const LOST: u8 = 3;
const KEY: u8 = 1;

#[derive(Default)]
struct Queue {
    waiting: Vec<Tapped>,
    closing: bool,
}

/// The side a worker sees.
#[derive(Default)]
pub struct Sink {
    queue: Mutex<Queue>,
    filled: Condvar,
    /// Packets that found the queue full or the reader gone.
    dropped: AtomicU64,
    broken: AtomicBool,
}

/// Called with the number of a track whose picture cannot go on without a key frame.
pub type Ask = Box<dyn Fn(u32) + Send>;

impl Sink {
    /// Start the thread that writes to `pipe` until [`Sink::close`].
    ///
    /// # Errors
    /// Those of thread creation.
    pub fn start(pipe: OwnedFd, ask: Ask) -> std::io::Result<Arc<Sink>> {
        let sink = Arc::new(Sink::default());
        let writer = Writer {
            sink: sink.clone(),
            pipe: File::from(pipe),
            tracks: HashMap::new(),
            clock: Clock::new(Instant::now(), SystemTime::now()),
            buffer: Vec::new(),
            told_dropped: 0,
            ask,
        };
        std::thread::Builder::new()
            .name("media-sink".to_owned())
            .spawn(move || writer.run())?;
        Ok(sink)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Never waits for the reader.
    pub fn push(&self, tapped: Tapped) {
        let mut queue = self.lock();
        let packet = matches!(tapped, Tapped::Packet { .. });
        if self.broken.load(Ordering::Relaxed) || (packet && queue.waiting.len() >= CAPACITY) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.waiting.push(tapped);
        drop(queue);
        self.filled.notify_one();
    }

    /// Write what waits, then close the pipe. Does not wait.
    pub fn close(&self) {
        self.lock().closing = true;
        self.filled.notify_one();
    }
}

/// Monotonic and NTP time as µs since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    instant: Instant,
    wall: SystemTime,
}

impl Clock {
    fn new(instant: Instant, wall: SystemTime) -> Clock {
        Clock { instant, wall }
    }

    pub(crate) fn us(&self, at: Instant) -> i64 {
        let wall = match at.checked_duration_since(self.instant) {
            Some(later) => self.wall + later,
            None => self.wall - self.instant.saturating_duration_since(at),
        };
        wall.duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros() as i64)
    }

    pub(crate) fn ntp_us(&self, at: NtpTime) -> i64 {
        // Relative to now: NTP time wraps in 2036.
        let base = NtpTime::from_system_time(self.wall);
        let since = (i128::from(at.since(base)) * 1_000_000) >> 32;
        self.us(self.instant) + since as i64
    }
}

struct Writer {
    sink: Arc<Sink>,
    pipe: File,
    tracks: HashMap<u32, Assembler>,
    clock: Clock,
    buffer: Vec<u8>,
    told_dropped: u64,
    ask: Ask,
}

impl Writer {
    fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let closing = self.wait(&mut batch);
            let now = Instant::now();
            for tapped in batch.drain(..) {
                self.take(tapped, now);
            }
            for (track, assembler) in &mut self.tracks {
                assembler.pass_gaps(now, closing);
                if assembler.take_wish(now) {
                    (self.ask)(*track);
                }
                for frame in assembler.take_frames() {
                    write_frame(&mut self.buffer, *track, &frame);
                }
            }
            let dropped = self.sink.dropped.load(Ordering::Relaxed);
            if dropped != self.told_dropped {
                self.told_dropped = dropped;
                head(&mut self.buffer, LOST, 0, 0, 0, dropped as i64, 0);
            }
            if self.pipe.write_all(&self.buffer).is_err() {
                self.sink.broken.store(true, Ordering::Relaxed);
                self.sink.lock().waiting = Vec::new();
                return;
            }
            self.buffer.clear();
            if closing {
                return;
            }
        }
    }

    /// What came, or nothing after [`IDLE`]; whether it is the last.
    fn wait(&self, batch: &mut Vec<Tapped>) -> bool {
        let queue = self.sink.lock();
        let (mut queue, _) = self
            .sink
            .filled
            .wait_timeout_while(queue, IDLE, |q| q.waiting.is_empty() && !q.closing)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(batch, &mut queue.waiting);
        queue.closing
    }

    fn take(&mut self, tapped: Tapped, now: Instant) {
        match tapped {
            Tapped::Packet {
                track,
                stream,
                packet,
                ..
            } => {
                let clock = self.clock;
                let codec = packet.codec;
                self.tracks
                    .entry(track)
                    .or_insert_with(|| Assembler::new(codec, clock))
                    .push(stream, packet, now);
            }
            Tapped::End { track, .. } => {
                if let Some(mut assembler) = self.tracks.remove(&track) {
                    assembler.pass_gaps(now, true);
                    for frame in assembler.take_frames() {
                        write_frame(&mut self.buffer, track, &frame);
                    }
                }
                head(&mut self.buffer, END, 0, 0, track, self.clock.us(now), 0);
            }
        }
    }
}

/// Little-endian: length behind the head, kind, codec, flags, 0, track, time in µs.
fn head(out: &mut Vec<u8>, kind: u8, codec: u8, flags: u8, track: u32, time_us: i64, len: usize) {
    out.extend_from_slice(&(len as u32).to_le_bytes());
    out.extend_from_slice(&[kind, codec, flags, 0]);
    out.extend_from_slice(&track.to_le_bytes());
    out.extend_from_slice(&time_us.to_le_bytes());
}

fn write_frame(out: &mut Vec<u8>, track: u32, frame: &Frame) {
    let codec = match frame.codec {
        Codec::Opus => 0,
        Codec::Vp8 => 1,
        Codec::H264 => 2,
        Codec::Vp9 => 3,
        Codec::Av1 => 4,
    };
    let flags = if frame.key { KEY } else { 0 };
    head(
        out,
        FRAME,
        codec,
        flags,
        track,
        frame.time_us,
        frame.data.len(),
    );
    out.extend_from_slice(&frame.data);
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::FromRawFd as _;

    use engine_core::egress::cache::SourcePacket;

    use super::*;

    fn pipe() -> (File, OwnedFd) {
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors, owned from here on.
        unsafe {
            assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
            (File::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
        }
    }

    fn voice(id: u64) -> Tapped {
        let now = Instant::now();
        let packet = SourcePacket::new(
            id,
            Codec::Opus,
            id as u32 * 960,
            false,
            vec![7; 3].into(),
            now,
        );
        Tapped::Packet {
            sink: 1,
            track: 5,
            stream: 0,
            packet,
        }
    }

    #[test]
    fn frames_and_the_end_come_out_of_the_pipe() {
        let (mut reader, writer) = pipe();
        let sink = Sink::start(writer, Box::new(|_| {})).unwrap();
        sink.push(voice(1));
        sink.push(voice(2));
        sink.push(Tapped::End { sink: 1, track: 5 });
        sink.close();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 2 * (20 + 3) + 20);
        assert_eq!(bytes[..8], [3, 0, 0, 0, FRAME, 0, KEY, 0]);
        assert_eq!(bytes[8..12], [5, 0, 0, 0]);
        assert_eq!(bytes[20..23], [7; 3]);
        assert_eq!(bytes[46 + 4], END);
    }

    #[test]
    fn a_reader_that_does_not_read_costs_itself_packets() {
        let (reader, writer) = pipe();
        let sink = Sink::start(writer, Box::new(|_| {})).unwrap();
        // The pipe holds 64 KB; the rest waits in the queue, and what is beyond it is dropped at once.
        for id in 0..40_000 {
            sink.push(voice(id));
        }
        assert!(sink.dropped.load(Ordering::Relaxed) > 0);
        drop(reader);
        sink.close();
    }
}

//! Figures of the workers, written by their threads and read by anybody without stopping them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine_core::counters::{Counters, DropReason};
use serde_json::{Map, Value, json};

use crate::net::IoCounters;

/// Values below this have a bucket each, µs.
const EXACT: u64 = 16;
/// Buckets per power of two above it: steps of one eighth.
const STEPS: u64 = 8;
const BUCKETS: usize = 192;

/// A histogram of durations in µs. One thread writes.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            count: AtomicU64::new(0),
            sum_us: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub fn record(&self, value: Duration, times: u64) {
        let us = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        add(&self.buckets[bucket_of(us)], times);
        add(&self.count, times);
        add(&self.sum_us, us.saturating_mul(times));
    }

    /// (upper bound in µs, count) of the buckets that are not empty.
    #[must_use]
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        self.buckets
            .iter()
            .enumerate()
            .map(|(index, count)| (upper_bound(index), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// One writer: no read-modify-write instruction is needed.
fn add(counter: &AtomicU64, value: u64) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(value),
        Ordering::Relaxed,
    );
}

fn bucket_of(us: u64) -> usize {
    if us < EXACT {
        return us as usize;
    }
    let octave = u64::from(63 - us.leading_zeros());
    let step = (us >> (octave - 3)) & (STEPS - 1);
    let index = EXACT + (octave - 4) * STEPS + step;
    (index as usize).min(BUCKETS - 1)
}

fn upper_bound(index: usize) -> u64 {
    let index = index as u64;
    if index < EXACT {
        return index;
    }
    let octave = (index - EXACT) / STEPS + 4;
    let step = (index - EXACT) % STEPS;
    ((STEPS + step + 1) << (octave - 3)) - 1
}

/// The value below which a share `q` of what (bucket bound, count) lists hold lies, µs.
#[must_use]
pub fn quantile(buckets: &[(u64, u64)], q: f64) -> u64 {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    let wanted = (total as f64 * q).ceil() as u64;
    let mut seen = 0;
    for (bound, count) in buckets {
        seen += count;
        if seen >= wanted {
            return *bound;
        }
    }
    0
}

/// Names of the plain figures, in the order of [`WorkerMetrics::figures`].
const FIGURES: [&str; 27] = [
    "rooms",
    "peers",
    "sessions",
    "tcp_connections",
    "packets_in",
    "bytes_in",
    "packets_out",
    "bytes_out",
    "rtp_in",
    "rtp_out",
    "nacks_in",
    "retransmissions",
    "key_frames_asked",
    "key_frames_requested",
    "sessions_failed",
    "turns",
    "wait_calls",
    "receive_calls",
    "send_calls",
    "sent_messages",
    "send_blocked",
    "segmentation_refused",
    "tcp_accepted",
    "tcp_refused",
    "tcp_packets_in",
    "tcp_packets_out",
    "worker_panics",
];

/// Reasons counted by the runtime beside those of the core.
const RUNTIME_DROPS: [&str; 4] = ["truncated", "send_error", "queue_full", "tcp_backlog"];

/// Figures only the runtime knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuntimeCounters {
    pub turns: u64,
    pub wait_calls: u64,
    /// Datagrams given up because the socket took no more.
    pub queue_full: u64,
    pub tcp_connections: u64,
    pub tcp_accepted: u64,
    pub tcp_refused: u64,
    pub tcp_packets_in: u64,
    pub tcp_packets_out: u64,
    pub tcp_bytes_in: u64,
    pub tcp_bytes_out: u64,
    /// Frames given up because a connection's buffer was full.
    pub tcp_backlog: u64,
    pub worker_panics: u64,
}

#[derive(Debug)]
pub struct WorkerMetrics {
    figures: [AtomicU64; FIGURES.len()],
    drops: [AtomicU64; DropReason::ALL.len() + RUNTIME_DROPS.len()],
    /// Busy time of a turn of the loop.
    pub loop_time: Histogram,
    /// From the return of the receive call to the return of the send call, per forwarded packet.
    pub time_in_engine: Histogram,
}

impl Default for WorkerMetrics {
    fn default() -> Self {
        WorkerMetrics {
            figures: [const { AtomicU64::new(0) }; FIGURES.len()],
            drops: [const { AtomicU64::new(0) }; DropReason::ALL.len() + RUNTIME_DROPS.len()],
            loop_time: Histogram::default(),
            time_in_engine: Histogram::default(),
        }
    }
}

impl WorkerMetrics {
    pub fn publish(
        &self,
        core: &Counters,
        receive: &IoCounters,
        send: &IoCounters,
        own: &RuntimeCounters,
    ) {
        let figures = [
            core.rooms,
            core.peers,
            core.sessions,
            own.tcp_connections,
            receive.received_datagrams + own.tcp_packets_in,
            receive.received_bytes + own.tcp_bytes_in,
            send.sent_datagrams + own.tcp_packets_out,
            send.sent_bytes + own.tcp_bytes_out,
            core.rtp_in,
            core.rtp_out,
            core.nacks_in,
            core.retransmissions,
            core.key_frames_asked,
            core.key_frames_requested,
            core.sessions_failed,
            own.turns,
            own.wait_calls,
            receive.receive_calls,
            send.send_calls,
            send.sent_messages,
            send.would_block + send.no_buffers,
            send.segmentation_refused,
            own.tcp_accepted,
            own.tcp_refused,
            own.tcp_packets_in,
            own.tcp_packets_out,
            own.worker_panics,
        ];
        for (figure, value) in self.figures.iter().zip(figures) {
            figure.store(value, Ordering::Relaxed);
        }
        let runtime = [
            receive.truncated,
            send.send_errors,
            own.queue_full,
            own.tcp_backlog,
        ];
        for (drop, value) in self.drops.iter().zip(core.dropped.iter().chain(&runtime)) {
            drop.store(*value, Ordering::Relaxed);
        }
    }

    fn figure(&self, index: usize) -> u64 {
        self.figures[index].load(Ordering::Relaxed)
    }

    fn named_figures(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        FIGURES
            .iter()
            .enumerate()
            .map(|(index, name)| (*name, self.figure(index)))
    }

    fn named_drops(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let names = DropReason::ALL
            .iter()
            .map(|r| r.name())
            .chain(RUNTIME_DROPS);
        names.zip(self.drops.iter().map(|d| d.load(Ordering::Relaxed)))
    }
}

/// All workers as one JSON object: sums and quantiles at the top, each worker under `workers`.
#[must_use]
pub fn to_json(workers: &[&WorkerMetrics]) -> Value {
    let mut top = Map::new();
    for (index, name) in FIGURES.iter().enumerate() {
        let sum: u64 = workers.iter().map(|w| w.figure(index)).sum();
        top.insert((*name).to_owned(), json!(sum));
    }
    let mut drops: Map<String, Value> = Map::new();
    for worker in workers {
        for (name, value) in worker.named_drops() {
            let before = drops.get(name).and_then(Value::as_u64).unwrap_or(0);
            drops.insert(name.to_owned(), json!(before + value));
        }
    }
    top.insert("packets_dropped".to_owned(), Value::Object(drops));
    for (name, histogram) in [
        (
            "loop_us",
            (|w| &w.loop_time) as fn(&WorkerMetrics) -> &Histogram,
        ),
        ("time_in_engine_us", |w| &w.time_in_engine),
    ] {
        let mut merged = std::collections::BTreeMap::new();
        for worker in workers {
            for (bound, count) in histogram(worker).buckets() {
                *merged.entry(bound).or_insert(0) += count;
            }
        }
        let merged: Vec<(u64, u64)> = merged.into_iter().collect();
        for (suffix, q) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            top.insert(format!("{name}_{suffix}"), json!(quantile(&merged, q)));
        }
    }
    let each: Vec<Value> = workers
        .iter()
        .map(|worker| {
            let mut object: Map<String, Value> = worker
                .named_figures()
                .map(|(n, v)| (n.to_owned(), json!(v)))
                .collect();
            object.insert("loop_us".to_owned(), json!(worker.loop_time.buckets()));
            object.insert(
                "time_in_engine_us".to_owned(),
                json!(worker.time_in_engine.buckets()),
            );
            Value::Object(object)
        })
        .collect();
    top.insert("workers".to_owned(), Value::Array(each));
    Value::Object(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_within_its_bucket() {
        let mut last = 0;
        for us in (0..5000).chain([10_000, 1_000_000, 1 << 24]) {
            let bucket = bucket_of(us);
            assert!(us <= upper_bound(bucket), "{us}");
            assert!(bucket == 0 || us > upper_bound(bucket - 1), "{us}");
            assert!(bucket >= last || us < 5000);
            last = bucket;
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_within_an_eighth() {
        let histogram = Histogram::default();
        for us in 1..=1000 {
            histogram.record(Duration::from_micros(us), 1);
        }
        let buckets = histogram.buckets();
        let median = quantile(&buckets, 0.5);
        assert!((500..=563).contains(&median), "{median}");
        assert!(quantile(&buckets, 0.99) >= 990);
        assert_eq!(quantile(&[], 0.5), 0);
    }
}

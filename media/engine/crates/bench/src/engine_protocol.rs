//! What the coordinator and the engine's process say to each other: one JSON object a line.

use serde::{Deserialize, Serialize};

/// A command of the engine's control surface, or a question about what it used.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToEngine {
    CreateRoom {
        id: u64,
        room: String,
    },
    AddPeer {
        id: u64,
        room: String,
        peer: String,
        publishes: bool,
        slots: u32,
    },
    Publish {
        id: u64,
        room: String,
        peer: String,
        sdp: String,
    },
    Subscribe {
        id: u64,
        room: String,
        peer: String,
    },
    Answer {
        id: u64,
        room: String,
        peer: String,
        sdp: String,
    },
    RemovePeer {
        id: u64,
        room: String,
        peer: String,
    },
    Report {
        id: u64,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromEngine {
    Ready,
    Reply {
        id: u64,
        error: Option<String>,
        sdp: Option<String>,
    },
    Report {
        id: u64,
        usage: Usage,
    },
}

/// What the engine used since it started.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of the workers' threads, µs.
    pub worker_cpu_us: u64,
    pub resident_bytes: u64,
    /// RTP packets handed to subscribers.
    pub packets_forwarded: u64,
    /// RTP packets taken from senders.
    pub packets_in: u64,
    /// System calls of the workers: waiting, receiving, sending.
    pub system_calls: u64,
    /// Messages handed to the kernel, each a run of one or more packets to one receiver.
    pub messages: u64,
    /// Packets dropped before or while sending.
    pub dropped: u64,
    /// Time inside the engine: upper bound of each bucket in µs and how many packets fell in it.
    pub time_inside: Vec<(f64, u64)>,
}

impl Usage {
    /// What was used since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut time_inside = self.time_inside.clone();
        for (bound, count) in &mut time_inside {
            // Buckets still empty then were not listed.
            let before = earlier.time_inside.iter().find(|(other, _)| other == bound);
            *count -= before.map_or(0, |(_, count)| *count);
        }
        Self {
            worker_cpu_us: self.worker_cpu_us - earlier.worker_cpu_us,
            resident_bytes: self.resident_bytes.saturating_sub(earlier.resident_bytes),
            packets_forwarded: self.packets_forwarded - earlier.packets_forwarded,
            packets_in: self.packets_in - earlier.packets_in,
            system_calls: self.system_calls - earlier.system_calls,
            messages: self.messages - earlier.messages,
            dropped: self.dropped - earlier.dropped,
            time_inside,
        }
    }

    /// The bound below which a share of the packets stayed, µs.
    pub fn quantile_us(&self, share: f64) -> f64 {
        let total: u64 = self.time_inside.iter().map(|(_, count)| count).sum();
        let wanted = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bound, count) in &self.time_inside {
            seen += count;
            if seen >= wanted && total > 0 {
                return *bound;
            }
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_come_from_the_window() {
        let early = Usage {
            time_inside: vec![(10.0, 5)],
            ..Usage::default()
        };
        let late = Usage {
            time_inside: vec![(10.0, 55), (20.0, 50)],
            ..Usage::default()
        };
        let window = late.since(&early);
        assert_eq!(window.quantile_us(0.5), 10.0);
        assert_eq!(window.quantile_us(0.51), 20.0);
        assert!(Usage::default().quantile_us(0.5).is_nan());
    }
}

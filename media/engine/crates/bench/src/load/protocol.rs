//! What the coordinator and a load process say to each other: one JSON object a line.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToLoad {
    /// Make a sender; it answers with `Offer`.
    AddSender { id: usize },
    /// The engine's answer to a sender's offer.
    Accept { id: usize, sdp: String },
    /// Make a receiver from the engine's offer; it answers with `Answer`. It decrypts and checks
    /// one packet in `check_every` (0: none) and, with `feedback`, sends RTCP as a browser does.
    AddReceiver {
        id: usize,
        offer: String,
        check_every: u32,
        feedback: bool,
    },
    /// Open plain sockets that are read and counted like a receiver's; answers with `Sinks`.
    AddSinks { count: usize },
    /// Senders: start or stop sending, so many times faster than life.
    Send { on: bool, speed: f64 },
    /// Start counting at zero; answers with `Marked`.
    Mark,
    /// Answers with `Report`.
    Report,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromLoad {
    Offer {
        id: usize,
        sdp: String,
    },
    Answer {
        id: usize,
        sdp: String,
    },
    Sinks {
        addresses: Vec<SocketAddr>,
    },
    Connected {
        id: usize,
        profile: String,
    },
    /// A receiver got the first packet of every kind it waits for.
    Flowing {
        id: usize,
    },
    Marked,
    Report(Counts),
}

/// Totals since the mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// RTP packets sent (senders) or received once (receivers).
    pub packets: u64,
    pub bytes: u64,
    /// Packets missing between the first and the last of a stream since the mark.
    pub missing: u64,
    pub duplicates: u64,
    /// Packets decrypted and compared, and how many of them were wrong.
    pub checked: u64,
    pub wrong: u64,
    /// Fewest and most packets any one receiver got.
    pub least: u64,
    pub most: u64,
    /// Key frames a sender was asked for.
    pub key_frames_asked: u64,
    /// CPU time of the process, µs.
    pub cpu_us: u64,
}

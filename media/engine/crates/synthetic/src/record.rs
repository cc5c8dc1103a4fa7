//! What was received, frame by frame, for whoever judges it. Times are µs of the monotonic clock.

use serde::Serialize;

/// One video frame that could be decoded, or one audio packet.
#[derive(Debug, Clone)]
pub struct Sample {
    pub peer: String,
    /// The m-line it came on.
    pub mid: String,
    pub video: bool,
    /// A video frame: when it was complete and everything it needs was there. An audio packet: its arrival.
    pub at_us: u64,
    /// Extended sequence number of the last packet.
    pub sequence: u64,
    /// From the sender's encoder to here; none when the frame is not one of ours or its sender is not known yet.
    pub latency_us: Option<u64>,
    /// Layer and place in the loop; none when the bytes are not those of any frame that was sent.
    pub layer: Option<usize>,
    pub index: Option<usize>,
    pub key: bool,
    pub bytes: usize,
}

/// One m-line of a subscribe transport, totals since its start.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Reception {
    pub mid: String,
    pub video: bool,
    pub packets: u64,
    pub bytes: u64,
    pub nacks: u64,
    pub plis: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1) in ms.
    pub jitter_ms: f64,
    /// Packets that never came, retransmissions counted in.
    pub missing: u64,
    /// Frames given up because a packet of them never came, or what they refer to.
    pub undecodable: u64,
}

/// One peer connection, totals since its start.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TransportReport {
    pub peer: String,
    pub publish: bool,
    pub began_us: u64,
    /// ICE and DTLS done.
    pub connected_us: Option<u64>,
    pub alive: bool,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub packets_sent: u64,
    /// What the sender may send, bits per second, by transport-wide feedback.
    pub estimate: Option<u64>,
    /// Share of the sent packets that did not arrive in the last second, by the same feedback.
    pub egress_loss: Option<f32>,
    pub rtt_ms: Option<f64>,
    pub frames_sent: u64,
    pub key_frames_asked: u64,
    pub receptions: Vec<Reception>,
}

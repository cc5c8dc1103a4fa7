//! What a worker counts. Plain integers: one thread owns them, the runtime publishes them.

/// Why a packet was not taken or not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum DropReason {
    /// Neither a known address nor a STUN request with a known ufrag.
    UnknownAddress,
    /// STUN that does not parse, or with a wrong integrity.
    BadStun,
    /// RTP or RTCP that does not decrypt.
    BadSrtp,
    /// A packet seen before.
    Replay,
    /// RTP of an m-line without a granted source.
    OutsideGrant,
    /// Track muted.
    Muted,
    /// A protocol nobody here speaks, or too short to tell.
    Malformed,
    /// A session failed and is gone.
    SessionFailed,
}

impl DropReason {
    pub const ALL: [DropReason; 8] = [
        DropReason::UnknownAddress,
        DropReason::BadStun,
        DropReason::BadSrtp,
        DropReason::Replay,
        DropReason::OutsideGrant,
        DropReason::Muted,
        DropReason::Malformed,
        DropReason::SessionFailed,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DropReason::UnknownAddress => "unknown_address",
            DropReason::BadStun => "bad_stun",
            DropReason::BadSrtp => "bad_srtp",
            DropReason::Replay => "replay",
            DropReason::OutsideGrant => "outside_grant",
            DropReason::Muted => "muted",
            DropReason::Malformed => "malformed",
            DropReason::SessionFailed => "session_failed",
        }
    }
}

/// Counters of one worker since it started. All fields but the gauges only grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// RTP packets taken from publishers.
    pub rtp_in: u64,
    /// RTP packets written for subscribers, retransmissions included.
    pub rtp_out: u64,
    pub nacks_in: u64,
    pub retransmissions: u64,
    /// Key frame requests of subscribers (PLI and FIR).
    pub key_frames_asked: u64,
    /// Key frame requests sent to publishers.
    pub key_frames_requested: u64,
    pub sessions_failed: u64,
    pub dropped: [u64; DropReason::ALL.len()],
    /// Gauge.
    pub rooms: u64,
    /// Gauge.
    pub peers: u64,
    /// Gauge.
    pub sessions: u64,
}

impl Counters {
    pub fn drop_packet(&mut self, reason: DropReason) {
        self.drop_packets(reason, 1);
    }

    pub fn drop_packets(&mut self, reason: DropReason, count: u64) {
        self.dropped[reason as usize] += count;
    }
}

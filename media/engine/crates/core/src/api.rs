//! Control surface of the engine: commands in, events out. Strings live only here;
//! inside the engine everything is an integer index.

use std::fmt;

use serde::Serialize;

/// What a track shows. A peer has at most one track per source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Source {
    Microphone = 0,
    Camera = 1,
    Screen = 2,
    ScreenAudio = 3,
}

impl Source {
    pub const ALL: [Source; 4] = [
        Source::Microphone,
        Source::Camera,
        Source::Screen,
        Source::ScreenAudio,
    ];

    pub fn parse(text: &str) -> Option<Source> {
        Source::ALL.into_iter().find(|s| s.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Source::Microphone => "microphone",
            Source::Camera => "camera",
            Source::Screen => "screen",
            Source::ScreenAudio => "screen_audio",
        }
    }

    pub fn kind(self) -> MediaKind {
        match self {
            Source::Microphone | Source::ScreenAudio => MediaKind::Audio,
            Source::Camera | Source::Screen => MediaKind::Video,
        }
    }

    pub fn index(self) -> usize {
        self as usize
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Audio,
    Video,
}

/// The two peer connections of a browser: it offers `Publish`, the server offers `Subscribe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportKind {
    Publish,
    Subscribe,
}

impl std::str::FromStr for TransportKind {
    type Err = ();

    fn from_str(text: &str) -> Result<TransportKind, ()> {
        match text {
            "publish" => Ok(TransportKind::Publish),
            "subscribe" => Ok(TransportKind::Subscribe),
            _ => Err(()),
        }
    }
}

/// RTCPeerConnectionState as the engine sees it (W3C WebRTC §4.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportState {
    Connecting,
    Connected,
    Disconnected,
    Failed,
    Closed,
}

/// Transport protocol of a datagram; TCP is framed by RFC 4571.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Udp,
    Tcp,
}

/// Stable error codes of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    RoomExists,
    RoomUnknown,
    PeerExists,
    PeerUnknown,
    BadArgument,
    BadSdp,
    BadCandidate,
    OutsideGrant,
    WrongState,
    QueueFull,
    Internal,
}

/// Why a command failed. The message is for logs and holds no SDP or address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    pub code: FaultCode,
    pub message: String,
}

impl Fault {
    pub fn new(code: FaultCode, message: impl Into<String>) -> Fault {
        Fault {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

/// One command of the control surface, addressed to a room.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: u64,
    pub room_id: String,
    pub command: Command,
}

#[derive(Debug, Clone)]
pub enum Command {
    CreateRoom,
    CloseRoom,
    AddPeer {
        peer_id: String,
        publish: Vec<Source>,
        audio_slots: u32,
        video_slots: u32,
    },
    RemovePeer {
        peer_id: String,
    },
    SetGrant {
        peer_id: String,
        publish: Vec<Source>,
    },
    Publish {
        peer_id: String,
        sdp: String,
        tracks: Vec<(String, Source)>,
        fresh: bool,
    },
    Subscribe {
        peer_id: String,
        fresh: bool,
    },
    /// The subscribe transport the other way round: the receiver offers, the reply is the answer.
    SubscribeOffered {
        peer_id: String,
        sdp: String,
        fresh: bool,
    },
    Answer {
        peer_id: String,
        sdp: String,
    },
    AddCandidate {
        peer_id: String,
        transport: TransportKind,
        candidate: String,
    },
    SetMuted {
        peer_id: String,
        source: Source,
        muted: bool,
    },
    SetAudience {
        peer_id: String,
        source: Source,
        audience: Option<Vec<String>>,
    },
    SetView {
        peer_id: String,
        publisher_id: String,
        source: Source,
        width: u32,
        height: u32,
    },
    /// Copy a live track's packets to a sink from its next key frame on, under a number of the sink's owner.
    StartTap {
        peer_id: String,
        source: Source,
        sink: u64,
        track: u32,
    },
    StopTap {
        sink: u64,
        track: u32,
    },
    /// A sink lost packets for good: it needs a key frame.
    AskForTap {
        sink: u64,
        track: u32,
    },
}

impl Command {
    /// The transport this command works on, by peer.
    #[must_use]
    pub fn session(&self) -> Option<(String, TransportKind)> {
        match self {
            Command::Publish { peer_id, .. } => Some((peer_id.clone(), TransportKind::Publish)),
            Command::Subscribe { peer_id, .. }
            | Command::SubscribeOffered { peer_id, .. }
            | Command::Answer { peer_id, .. } => Some((peer_id.clone(), TransportKind::Subscribe)),
            Command::AddCandidate {
                peer_id, transport, ..
            } => Some((peer_id.clone(), *transport)),
            _ => None,
        }
    }
}

/// What the engine tells the control side. Serialises to the JSON of `media.events`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Reply {
        request_id: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Fault>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sdp: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        worker: Option<usize>,
    },
    TransportChanged {
        room_id: String,
        peer_id: String,
        transport: TransportKind,
        state: TransportState,
        #[serde(skip_serializing_if = "Option::is_none")]
        protocol: Option<Protocol>,
        #[serde(skip_serializing_if = "Option::is_none")]
        srtp_profile: Option<&'static str>,
    },
    TrackPublished {
        room_id: String,
        peer_id: String,
        source: Source,
        kind: MediaKind,
        codec: &'static str,
        layers: usize,
    },
    TrackUnpublished {
        room_id: String,
        peer_id: String,
        source: Source,
    },
    SlotAssigned {
        room_id: String,
        peer_id: String,
        mid: String,
        publisher_id: Option<String>,
        source: Option<Source>,
    },
    /// The layers of a camera that anybody wants, lowest first; its sender may leave out the others.
    LayersWanted {
        room_id: String,
        peer_id: String,
        source: Source,
        rids: Vec<String>,
    },
    ActiveSpeakers {
        room_id: String,
        peer_ids: Vec<String>,
    },
    TransportStats {
        room_id: String,
        peer_id: String,
        transport: TransportKind,
        rtt_ms: Option<f64>,
        /// Fraction of packets lost over the interval, 0 to 1.
        loss: f64,
        /// bit/s.
        bitrate_in: u64,
        /// bit/s.
        bitrate_out: u64,
        /// bit/s.
        estimate: Option<u64>,
        /// 0 (lost) to 4 (excellent).
        quality: u8,
    },
    SessionFailed {
        room_id: String,
        peer_id: String,
        transport: TransportKind,
        reason: &'static str,
    },
    StatsDropped {
        count: u64,
    },
}

impl Event {
    /// Statistics may be dropped when nobody takes them; state changes never.
    pub fn is_statistic(&self) -> bool {
        matches!(
            self,
            Event::TransportStats { .. } | Event::ActiveSpeakers { .. }
        )
    }

    pub fn reply(request_id: u64, result: Result<Reply, Fault>) -> Event {
        let (error, reply) = match result {
            Ok(reply) => (None, reply),
            Err(fault) => (Some(fault), Reply::Done),
        };
        let (sdp, worker) = match reply {
            Reply::Done => (None, None),
            Reply::Sdp(sdp) => (Some(sdp), None),
            Reply::Worker(worker) => (None, Some(worker)),
        };
        Event::Reply {
            request_id,
            error,
            sdp,
            worker,
        }
    }
}

/// The value of a successful command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Done,
    Sdp(String),
    Worker(usize),
}

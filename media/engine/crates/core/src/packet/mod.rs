//! Wire formats: RTP, RTCP, the extension block, datagram classes and stream framing. Parsers never panic.

pub mod demux;
pub mod ext;
pub mod framing;
pub mod ntp;
pub mod rtcp;
mod rtcp_writer;
pub mod rtp;
pub mod stun;
mod transport_feedback;

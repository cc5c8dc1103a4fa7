//! Batched UDP I/O: many datagrams per system call, runs of equal datagrams as one message.
//!
//! * [`UdpPort`] is a bound, non-blocking socket with large kernel buffers.
//! * [`ReceiveBatch`] takes up to a batch of messages with one `recvmmsg`, undoing `UDP_GRO`.
//! * [`SendBatch`] hands over a list of [`Message`]s, each a byte range of one buffer and a
//!   destination, with as few `sendmmsg` as they need; a message with a segment size leaves as
//!   several datagrams (`UDP_SEGMENT`), and is split here where the kernel or device refuses that.
//!
//! On systems other than Linux the same interface sends and receives one datagram per call.

#[cfg(target_os = "linux")]
mod address;
mod counters;
mod message;
#[cfg(target_os = "linux")]
mod port;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(target_os = "linux")]
mod receive;
mod received;
#[cfg(target_os = "linux")]
mod send;
#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use counters::IoCounters;
pub use message::{MAX_MESSAGE_BYTES, MAX_SEGMENTS, Message, MessageList, SendProgress};
#[cfg(target_os = "linux")]
pub use port::{PortOptions, UdpPort};
#[cfg(not(target_os = "linux"))]
pub use portable::{PortOptions, ReceiveBatch, SendBatch, UdpPort};
#[cfg(target_os = "linux")]
pub use receive::ReceiveBatch;
pub use received::{Datagram, Datagrams};
#[cfg(target_os = "linux")]
pub use send::SendBatch;

use std::net::SocketAddr;

/// Most segments one message may have: `UDP_MAX_SEGMENTS` of kernels before 6.9 (64).
pub const MAX_SEGMENTS: usize = 64;

/// Most bytes one message may have: an IPv4 datagram less its IP and UDP headers.
pub const MAX_MESSAGE_BYTES: usize = 65_507;

/// One message to send: a byte range of the batch's buffer and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    pub destination: SocketAddr,
    /// First byte in the buffer.
    pub start: usize,
    /// Length in bytes, all segments together.
    pub len: usize,
    /// Size in bytes of every datagram but the last, which may be shorter. Zero, or not less than
    /// `len`: the message is one datagram.
    pub segment: u16,
}

impl Message {
    /// A message that is one datagram.
    pub fn datagram(destination: SocketAddr, start: usize, len: usize) -> Self {
        Self {
            destination,
            start,
            len,
            segment: 0,
        }
    }

    /// How many datagrams the message is.
    pub fn datagrams(&self) -> usize {
        if self.is_run() {
            self.len.div_ceil(usize::from(self.segment))
        } else {
            1
        }
    }

    pub(super) fn is_run(&self) -> bool {
        self.segment != 0 && usize::from(self.segment) < self.len
    }
}

/// A list of messages that grows datagram by datagram and joins neighbours into runs.
///
/// A datagram joins the last message when it goes to the same destination, lies right behind it
/// in the buffer, and all datagrams of the run before it have the run's segment size.
#[derive(Debug, Default)]
pub struct MessageList {
    messages: Vec<Message>,
    /// The last message's last datagram is as long as its segment size.
    open: bool,
}

impl MessageList {
    pub fn with_capacity(messages: usize) -> Self {
        Self {
            messages: Vec::with_capacity(messages),
            open: false,
        }
    }

    pub fn clear(&mut self) {
        self.messages.clear();
        self.open = false;
    }

    pub fn as_slice(&self) -> &[Message] {
        &self.messages
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Add the datagram `start..start + len` of the buffer.
    pub fn push(&mut self, destination: SocketAddr, start: usize, len: usize) {
        if self.open
            && let Some(last) = self.messages.last_mut()
        {
            let segment = if last.segment == 0 {
                last.len
            } else {
                usize::from(last.segment)
            };
            if last.destination == destination
                && last.start + last.len == start
                && len <= segment
                && len != 0
                && last.len + len <= MAX_MESSAGE_BYTES
                && last.len + segment <= MAX_SEGMENTS * segment
            {
                last.segment = segment as u16;
                last.len += len;
                self.open = len == segment;
                return;
            }
        }
        self.messages
            .push(Message::datagram(destination, start, len));
        self.open = len != 0 && len <= usize::from(u16::MAX);
    }
}

/// How far a send came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendProgress {
    /// Every message was handed over, or dropped and counted.
    Complete,
    /// The kernel takes no more now; `messages[next..]` were not handed over.
    Blocked { next: usize },
}

/// What a socket's batches did so far. All fields only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IoCounters {
    /// `recvmmsg` system calls, also those that found nothing.
    pub receive_calls: u64,
    /// Datagrams received, after undoing GRO.
    pub received_datagrams: u64,
    /// Bytes of those datagrams (UDP payload).
    pub received_bytes: u64,
    /// Messages larger than the receive buffer, dropped.
    pub truncated: u64,
    /// Receive calls that reported an error of the network or of an earlier send.
    pub receive_errors: u64,
    /// `sendmmsg` system calls.
    pub send_calls: u64,
    /// Messages the kernel took; one with a segment size counts once.
    pub sent_messages: u64,
    /// Datagrams the kernel took; a message with a segment size counts each of its segments.
    pub sent_datagrams: u64,
    /// Bytes of those datagrams (UDP payload).
    pub sent_bytes: u64,
    /// Send calls that stopped because the socket's buffer was full (`EAGAIN`).
    pub would_block: u64,
    /// Send calls that stopped because the device's queue was full (`ENOBUFS`).
    pub no_buffers: u64,
    /// Messages whose segmentation the kernel refused; they left as single datagrams.
    pub segmentation_refused: u64,
    /// Datagrams dropped because the kernel refused their destination or size.
    pub send_errors: u64,
}

//! RFC 4571 framing for ICE-TCP (RFC 6544): each packet is preceded by its length in 16 bits.

/// Largest packet accepted from a stream, bytes. Larger ones end the connection: no WebRTC peer sends them.
pub const MAX_FRAME_LEN: usize = 2048;

/// A stream that cannot be followed any more; the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramingError {
    /// A length above [`MAX_FRAME_LEN`].
    Oversized(usize),
}

/// Length prefix of a packet; `None` above 65,535 bytes.
#[must_use]
pub fn frame_header(packet_len: usize) -> Option<[u8; 2]> {
    u16::try_from(packet_len).ok().map(u16::to_be_bytes)
}

/// Streaming decoder; buffers at most one incomplete frame.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    partial: Vec<u8>,
}

impl FrameDecoder {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held of an incomplete frame.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.partial.len()
    }

    /// Feed bytes as they come and call `on_frame` for every complete packet. Empty frames are skipped.
    ///
    /// # Errors
    /// [`FramingError::Oversized`]; frames before it were delivered, the decoder stays broken.
    pub fn push(&mut self, bytes: &[u8], on_frame: impl FnMut(&[u8])) -> Result<(), FramingError> {
        let _ = (bytes, on_frame, &mut self.partial);
        todo!()
    }
}

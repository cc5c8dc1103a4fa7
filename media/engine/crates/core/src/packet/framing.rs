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
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        mut on_frame: impl FnMut(&[u8]),
    ) -> Result<(), FramingError> {
        while !self.partial.is_empty() {
            let Some(wanted) = self.missing()? else {
                if self.partial.len() > 2 {
                    on_frame(&self.partial[2..]);
                }
                self.partial.clear();
                break;
            };
            if bytes.is_empty() {
                return Ok(());
            }
            let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
            self.partial.extend_from_slice(taken);
            bytes = rest;
        }
        while let Some((head, rest)) = bytes.split_first_chunk::<2>() {
            let Ok(length) = checked_len(*head) else {
                // Kept, so that the decoder stays broken.
                self.partial.extend_from_slice(head);
                break;
            };
            let Some((frame, after)) = rest.split_at_checked(length) else {
                break;
            };
            if !frame.is_empty() {
                on_frame(frame);
            }
            bytes = after;
        }
        if self.partial.is_empty() {
            self.partial.extend_from_slice(bytes);
        }
        self.missing().map(|_| ())
    }

    /// Bytes until the next decision about the buffered frame: its length, then its end. `None`: complete.
    fn missing(&self) -> Result<Option<usize>, FramingError> {
        let Some(head) = self.partial.first_chunk::<2>() else {
            return Ok(Some(2 - self.partial.len()));
        };
        let missing = 2 + checked_len(*head)? - self.partial.len();
        Ok((missing > 0).then_some(missing))
    }
}

fn checked_len(head: [u8; 2]) -> Result<usize, FramingError> {
    let length = usize::from(u16::from_be_bytes(head));
    if length > MAX_FRAME_LEN {
        Err(FramingError::Oversized(length))
    } else {
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(frames: &[&[u8]]) -> Vec<u8> {
        frames
            .iter()
            .flat_map(|frame| [&frame_header(frame.len()).unwrap()[..], frame].concat())
            .collect()
    }

    #[test]
    fn frames_survive_any_fragmentation() {
        let long = vec![7; MAX_FRAME_LEN];
        let frames: [&[u8]; 4] = [b"a", b"bc", &long, b"d"];
        let bytes = stream(&frames);
        for step in [1, 2, 3, 5, 1_000, bytes.len()] {
            let mut decoder = FrameDecoder::new();
            let mut found = Vec::new();
            for piece in bytes.chunks(step) {
                decoder
                    .push(piece, |frame| found.push(frame.to_vec()))
                    .unwrap();
                assert!(decoder.buffered() <= 2 + MAX_FRAME_LEN);
            }
            assert_eq!(found, frames, "in steps of {step}");
            assert_eq!(decoder.buffered(), 0);
        }
    }

    #[test]
    fn empty_frames_are_skipped_however_they_come() {
        let bytes = stream(&[b"", b"x", b"", b"y"]);
        for step in 1..=bytes.len() {
            let mut decoder = FrameDecoder::new();
            let mut found = Vec::new();
            for piece in bytes.chunks(step) {
                decoder
                    .push(piece, |frame| found.push(frame.to_vec()))
                    .unwrap();
            }
            assert_eq!(found, [b"x", b"y"], "in steps of {step}");
        }
    }

    #[test]
    fn garbage_ends_the_stream_after_what_was_good() {
        let mut bytes = stream(&[b"ok"]);
        bytes.extend_from_slice(b"GET / HTTP/1.1");
        for step in [1, 3, bytes.len()] {
            let mut decoder = FrameDecoder::new();
            let mut found = 0;
            let broken = bytes
                .chunks(step)
                .find_map(|piece| decoder.push(piece, |_| found += 1).err());
            assert_eq!(broken, Some(FramingError::Oversized(0x4745)));
            assert_eq!(found, 1);
            assert!(decoder.push(b"more", |_| ()).is_err(), "stays broken");
        }
    }

    #[test]
    fn lengths_beyond_the_field_are_refused() {
        assert_eq!(frame_header(65_536), None);
        assert_eq!(frame_header(258), Some([1, 2]));
    }
}

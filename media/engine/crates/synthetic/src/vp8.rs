//! The VP8 payload descriptor (RFC 7741 §4.2) and what a receiver must know of a frame.

/// Where the payload begins behind its descriptor, and whether it begins a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    pub len: usize,
    pub starts_frame: bool,
}

impl Descriptor {
    pub fn read(payload: &[u8]) -> Option<Descriptor> {
        let first = *payload.first()?;
        let mut len = 1;
        if first & 0x80 != 0 {
            let extension = *payload.get(1)?;
            len += 1;
            if extension & 0x80 != 0 {
                len += if payload.get(len)? & 0x80 != 0 { 2 } else { 1 };
            }
            len += usize::from(extension & 0x40 != 0);
            len += usize::from(extension & 0x30 != 0);
        }
        // S bit and partition 0.
        (payload.len() > len).then_some(Descriptor {
            len,
            starts_frame: first & 0x17 == 0x10,
        })
    }
}

/// The inverse key frame flag (RFC 6386 §9.1).
pub fn is_key_frame(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_every_length() {
        let read = |bytes: &[u8]| Descriptor::read(bytes).map(|d| (d.len, d.starts_frame));
        assert_eq!(read(&[0x10, 9]), Some((1, true)));
        assert_eq!(read(&[0x00, 9]), Some((1, false)));
        assert_eq!(read(&[0x11, 9]), Some((1, false)), "another partition");
        assert_eq!(read(&[0x90, 0x80, 0x05, 9]), Some((3, true)));
        assert_eq!(read(&[0x90, 0x80, 0x85, 1, 9]), Some((4, true)));
        assert_eq!(read(&[0x90, 0xe0, 0x85, 1, 2, 3, 9]), Some((6, true)));
        assert_eq!(read(&[0x90, 0x80, 0x85, 1]), None, "nothing behind it");
        assert_eq!(read(&[]), None);
    }
}

//! VP8 payload descriptor (RFC 7741 section 4.2): reading it, and rewriting picture numbers in place.

/// Fields of a payload descriptor and where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// Bytes before the VP8 payload.
    pub len: u8,
    /// Start of a VP8 partition (S).
    pub start: bool,
    pub partition: u8,
    pub picture_id: Option<u16>,
    /// The picture id takes two bytes (15 bits).
    pub long_picture_id: bool,
    pub tl0_picture_index: Option<u8>,
    pub temporal_layer: Option<u8>,
    /// Layer sync (Y): refers only to the base layer.
    pub layer_sync: bool,
}

impl Descriptor {
    /// `None` when the payload is too short for what its flags announce.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut bytes = payload.iter().copied();
        let first = bytes.next()?;
        let mut descriptor = Self {
            len: 1,
            start: first & 0x10 != 0,
            partition: first & 0x07,
            picture_id: None,
            long_picture_id: false,
            tl0_picture_index: None,
            temporal_layer: None,
            layer_sync: false,
        };
        if first & 0x80 == 0 {
            return Some(descriptor);
        }
        let present = bytes.next()?;
        descriptor.len += 1;
        if present & 0x80 != 0 {
            let high = bytes.next()?;
            descriptor.len += 1;
            if high & 0x80 == 0 {
                descriptor.picture_id = Some(u16::from(high));
            } else {
                let low = bytes.next()?;
                descriptor.len += 1;
                descriptor.long_picture_id = true;
                descriptor.picture_id = Some(u16::from(high & 0x7f) << 8 | u16::from(low));
            }
        }
        if present & 0x40 != 0 {
            descriptor.tl0_picture_index = Some(bytes.next()?);
            descriptor.len += 1;
        }
        if present & 0x30 != 0 {
            let layer = bytes.next()?;
            descriptor.len += 1;
            if present & 0x20 != 0 {
                descriptor.temporal_layer = Some(layer >> 6);
                descriptor.layer_sync = layer & 0x20 != 0;
            }
        }
        Some(descriptor)
    }

    /// First packet of a picture.
    #[must_use]
    pub fn starts_picture(&self) -> bool {
        self.start && self.partition == 0
    }
}

/// New values for the fields a descriptor already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    pub picture_id: u16,
    pub tl0_picture_index: u8,
}

impl Rewrite {
    /// Overwrite picture id and TL0PICIDX in a copied payload, where present; the length stays.
    pub fn apply(&self, descriptor: &Descriptor, payload: &mut [u8]) {
        // Both fields follow the two flag bytes in this order (RFC 7741 section 4.2).
        let Some(mut fields) = payload.get_mut(2..usize::from(descriptor.len)) else {
            return;
        };
        if descriptor.picture_id.is_some() {
            if descriptor.long_picture_id {
                let Some((id, rest)) = fields.split_first_chunk_mut::<2>() else {
                    return;
                };
                *id = (self.picture_id | 0x8000).to_be_bytes();
                fields = rest;
            } else {
                let Some((id, rest)) = fields.split_first_mut() else {
                    return;
                };
                *id = (self.picture_id & 0x7f) as u8;
                fields = rest;
            }
        }
        if descriptor.tl0_picture_index.is_some()
            && let Some(index) = fields.first_mut()
        {
            *index = self.tl0_picture_index;
        }
    }
}

/// First packet of a picture whose frame tag says key frame (RFC 6386 section 9.1: bit 0 clear).
#[must_use]
pub fn starts_key_frame(payload: &[u8]) -> bool {
    Descriptor::parse(payload).is_some_and(|descriptor| {
        descriptor.starts_picture()
            && payload
                .get(usize::from(descriptor.len))
                .is_some_and(|tag| tag & 1 == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::{Descriptor, Rewrite, starts_key_frame};

    /// X, S; I with 15 bits, L, T and K.
    const FULL: [u8; 7] = [0x90, 0xf0, 0x92, 0x34, 0x56, 0x60, 0x10];

    #[test]
    fn reads_every_field() {
        let descriptor = Descriptor::parse(&FULL).unwrap();
        assert_eq!(descriptor.len, 6);
        assert!(descriptor.starts_picture());
        assert_eq!(descriptor.picture_id, Some(0x1234));
        assert_eq!(descriptor.tl0_picture_index, Some(0x56));
        assert_eq!(descriptor.temporal_layer, Some(1));
        assert!(descriptor.layer_sync);
    }

    #[test]
    fn rewrites_in_place_long_and_short() {
        let rewrite = Rewrite {
            picture_id: 0x7fff,
            tl0_picture_index: 9,
        };
        let mut payload = FULL;
        rewrite.apply(&Descriptor::parse(&payload).unwrap(), &mut payload);
        assert_eq!(payload, [0x90, 0xf0, 0xff, 0xff, 9, 0x60, 0x10]);

        let mut short = [0x90, 0xc0, 0x11, 0x22, 0x10];
        rewrite.apply(&Descriptor::parse(&short).unwrap(), &mut short);
        assert_eq!(short, [0x90, 0xc0, 0x7f, 9, 0x10]);

        let mut bare = [0x10, 0x10, 0x02];
        rewrite.apply(&Descriptor::parse(&bare).unwrap(), &mut bare);
        assert_eq!(bare, [0x10, 0x10, 0x02], "nothing to rewrite");
    }

    #[test]
    fn tells_key_frames() {
        assert!(starts_key_frame(&[0x10, 0x00]));
        assert!(!starts_key_frame(&[0x10, 0x01]), "inter frame");
        assert!(!starts_key_frame(&[0x00, 0x00]), "continuation");
        assert!(!starts_key_frame(&[0x11, 0x00]), "second partition");
        assert!(starts_key_frame(&FULL));
    }

    #[test]
    fn short_payloads_are_none() {
        for end in 0..6 {
            assert_eq!(Descriptor::parse(&FULL[..end]), None, "{end} bytes");
        }
        assert!(!starts_key_frame(&FULL[..6]), "descriptor without payload");
    }
}

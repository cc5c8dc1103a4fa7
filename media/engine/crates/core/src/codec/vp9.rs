//! VP9 payload descriptor (RFC 9628 section 4.2): where a decoder can start.

/// First packet of a picture's base spatial layer that refers to no earlier picture.
#[must_use]
pub fn starts_key_frame(payload: &[u8]) -> bool {
    const PICTURE_ID: u8 = 0x80;
    const INTER_PREDICTED: u8 = 0x40;
    const LAYER_INDICES: u8 = 0x20;
    const BEGINS_FRAME: u8 = 0x08;

    let Some(&flags) = payload.first() else {
        return false;
    };
    if flags & INTER_PREDICTED != 0 || flags & BEGINS_FRAME == 0 {
        return false;
    }
    let mut at = 1;
    if flags & PICTURE_ID != 0 {
        match payload.get(at) {
            Some(id) => at += if id & 0x80 == 0 { 1 } else { 2 },
            None => return false,
        }
    }
    if flags & LAYER_INDICES == 0 {
        return payload.len() > at;
    }
    // TID(3) U(1) SID(3) D(1)
    payload
        .get(at)
        .is_some_and(|layers| layers >> 1 & 0x07 == 0)
}

#[cfg(test)]
mod tests {
    use super::starts_key_frame;

    #[test]
    fn tells_key_frames() {
        assert!(starts_key_frame(&[0x88, 0x11, 0xff]), "7-bit picture id");
        assert!(
            starts_key_frame(&[0x8a, 0x91, 0x22, 0xff]),
            "15-bit picture id, scalability structure"
        );
        assert!(
            starts_key_frame(&[0xa8, 0x91, 0x22, 0x00, 0xff]),
            "spatial layer 0"
        );
        assert!(
            !starts_key_frame(&[0xa8, 0x91, 0x22, 0x02, 0xff]),
            "spatial layer 1"
        );
        assert!(!starts_key_frame(&[0xc8, 0x11, 0xff]), "inter predicted");
        assert!(
            !starts_key_frame(&[0x80, 0x11, 0xff]),
            "not the first packet of the frame"
        );
    }

    #[test]
    fn short_payloads_are_not_key_frames() {
        for payload in [
            &[][..],
            &[0x88],
            &[0xa8, 0x91, 0x22],
            &[0x88, 0x91, 0x22],
            &[0x08],
        ] {
            assert!(!starts_key_frame(payload), "{payload:?}");
        }
    }
}

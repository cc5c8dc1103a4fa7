//! AV1 payloads (RTP Payload Format For AV1, AOM 1.0): where a decoder can start.

const CONTINUES: u8 = 0x80;
const NEW_SEQUENCE: u8 = 0x08;
const SEQUENCE_HEADER: u8 = 1;

/// First packet of a coded video sequence (N in the aggregation header), or one with a sequence header OBU.
#[must_use]
pub fn starts_key_frame(payload: &[u8]) -> bool {
    let Some((&aggregation, elements)) = payload.split_first() else {
        return false;
    };
    if aggregation & CONTINUES != 0 || elements.is_empty() {
        return false;
    }
    aggregation & NEW_SEQUENCE != 0
        || units(elements, usize::from(aggregation >> 4 & 0x03)).any(|unit| {
            unit.first()
                .is_some_and(|head| head >> 3 & 0x0f == SEQUENCE_HEADER)
        })
}

/// OBU elements: `count` of them with the last unsized, or (0) every one behind its LEB128 size.
fn units(mut rest: &[u8], count: usize) -> impl Iterator<Item = &[u8]> {
    let mut element = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        element += 1;
        let unit;
        if count != 0 && element == count {
            (unit, rest) = (rest, &[]);
        } else {
            let (size, after) = leb128(rest)?;
            (unit, rest) = after.split_at_checked(size)?;
        }
        Some(unit)
    })
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    // Four bytes hold 28 bits, far above any packet.
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::starts_key_frame;

    #[test]
    fn tells_key_frames() {
        assert!(starts_key_frame(&[0x18, 0x30]), "N set");
        assert!(
            starts_key_frame(&[0x20, 2, 0x08, 0x00, 0x30]),
            "sequence header first of two"
        );
        assert!(
            starts_key_frame(&[0x00, 1, 0x30, 2, 0x08, 0x00]),
            "sequence header, all sized"
        );
        assert!(!starts_key_frame(&[0x10, 0x30, 0x00]), "frame OBU");
        assert!(!starts_key_frame(&[0x98, 0x08]), "continuation");
    }

    #[test]
    fn broken_sizes_are_not_key_frames() {
        for payload in [
            &[][..],
            &[0x18],
            &[0x00, 9, 0x08],
            &[0x00, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x20, 0x80],
            &[0x00, 0, 0, 0],
        ] {
            assert!(!starts_key_frame(payload), "{payload:?}");
        }
    }
}

//! AV1 payloads (RTP Payload Format For AV1, AOM 1.0): where a decoder can start, and which parts of OBUs a packet holds.

const CONTINUES: u8 = 0x80;
const CONTINUED: u8 = 0x40;
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

/// The OBU elements of a packet (section 4.4).
#[derive(Debug, PartialEq, Eq)]
pub struct Elements<'a> {
    /// The first is the rest of what the packet before began.
    pub continues: bool,
    /// The last goes on in the next packet.
    pub continued: bool,
    pub parts: Vec<&'a [u8]>,
}

/// None when the sizes do not fit the payload.
#[must_use]
pub fn elements(payload: &[u8]) -> Option<Elements<'_>> {
    let (&aggregation, mut rest) = payload.split_first()?;
    let count = usize::from(aggregation >> 4 & 0x03);
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let part;
        (part, rest) = if parts.len() + 1 == count {
            (rest, &[][..])
        } else {
            let (size, after) = leb128(rest)?;
            after.split_at_checked(size)?
        };
        parts.push(part);
    }
    let whole = !parts.is_empty() && (count == 0 || parts.len() == count);
    whole.then_some(Elements {
        continues: aggregation & CONTINUES != 0,
        continued: aggregation & CONTINUED != 0,
        parts,
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

/// A LEB128 number and what follows it.
#[must_use]
pub fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
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
    use super::{elements, starts_key_frame};

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

    #[test]
    fn parts_with_and_without_sizes() {
        let parts = |payload| elements(payload).map(|e| (e.continues, e.continued, e.parts.len()));
        assert_eq!(parts(&[0x20, 2, 0x08, 0x00, 0x30]), Some((false, false, 2)));
        assert_eq!(parts(&[0xd0, 7, 7]), Some((true, true, 1)));
        assert_eq!(
            parts(&[0x00, 1, 0x30, 2, 0x08, 0x00]),
            Some((false, false, 2))
        );
        assert_eq!(parts(&[0x20, 2, 0x08, 0x00]), None, "one of two");
        assert_eq!(parts(&[0x00, 9, 0x08]), None, "larger than the packet");
        assert_eq!(parts(&[0x10]), None, "nothing");
        assert_eq!(parts(&[]), None);
    }
}

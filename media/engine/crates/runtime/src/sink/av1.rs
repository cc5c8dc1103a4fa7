//! AV1 payloads of one picture into a temporal unit as files hold it: the low-overhead bitstream format (AV1 bitstream
//! specification section 5.2), every OBU with its size, without temporal delimiters ("Matroska AV1 mapping").

use engine_core::codec::av1::{elements, leb128};

const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;
const TEMPORAL_DELIMITER: u8 = 2;
const PADDING: u8 = 15;

/// None when a part is missing or cannot be read.
pub(super) fn temporal_unit<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut unit = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    for payload in payloads {
        let packet = elements(payload)?;
        if packet.continues != open.is_some() {
            return None;
        }
        let last = packet.parts.len() - 1;
        for (at, part) in packet.parts.iter().enumerate() {
            let mut obu = open.take().unwrap_or_default();
            obu.extend_from_slice(part);
            if at == last && packet.continued {
                open = Some(obu);
            } else {
                append(&obu, &mut unit)?;
            }
        }
    }
    open.is_none().then_some(unit)
}

/// With its size, whether the sender told it or not.
fn append(obu: &[u8], unit: &mut Vec<u8>) -> Option<()> {
    let (&header, rest) = obu.split_first()?;
    let (extension, rest) = rest.split_at_checked(usize::from(header & HAS_EXTENSION != 0))?;
    let body = if header & HAS_SIZE != 0 {
        let (size, after) = leb128(rest)?;
        after.get(..size)?
    } else {
        rest
    };
    if matches!(header >> 3 & 0x0f, TEMPORAL_DELIMITER | PADDING) {
        return Some(());
    }
    unit.push(header | HAS_SIZE);
    unit.extend_from_slice(extension);
    let mut size = body.len();
    while size >= 0x80 {
        unit.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    unit.push(size as u8);
    unit.extend_from_slice(body);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::temporal_unit;

    fn unit(payloads: &[&[u8]]) -> Option<Vec<u8>> {
        temporal_unit(payloads.iter().copied())
    }

    #[test]
    fn sizes_are_put_in_and_delimiters_left_out() {
        // A delimiter, a sequence header, a frame: three elements, the last without a size.
        let packet = [0x38, 1, 0x10, 3, 0x08, 1, 2, 0x30, 5, 6, 7];
        let whole = vec![0x0a, 2, 1, 2, 0x32, 3, 5, 6, 7];
        assert_eq!(unit(&[&packet]), Some(whole));
        assert_eq!(
            unit(&[&[0x10, 0x32, 2, 5, 6]]),
            Some(vec![0x32, 2, 5, 6]),
            "told already"
        );
        assert_eq!(
            unit(&[&[0x10, 0x34, 0x20, 5]]),
            Some(vec![0x36, 0x20, 1, 5]),
            "with an extension"
        );
    }

    #[test]
    fn a_frame_in_pieces() {
        let long = [7_u8; 200];
        let first = [&[0x50, 0x30][..], &long].concat();
        let second = [&[0x90][..], &long].concat();
        let whole = [&[0x32, 0x90, 0x03][..], &long, &long].concat();
        assert_eq!(unit(&[&first, &second]), Some(whole));
        assert_eq!(unit(&[&first]), None, "the rest is missing");
        assert_eq!(unit(&[&second]), None, "the beginning is missing");
        assert_eq!(unit(&[&first, &[0x10, 0x30, 1]]), None, "another begins");
    }

    #[test]
    fn broken_parts_are_no_unit() {
        for payload in [
            &[][..],
            &[0x10],
            &[0x00, 9, 1],
            &[0x10, 0x32, 9, 1],
            &[0x10, 0x34],
        ] {
            assert_eq!(unit(&[payload]), None, "{payload:?}");
        }
    }
}

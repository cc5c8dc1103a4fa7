//! Redundant audio (RFC 2198): a packet carries the one before it as well, so that a single loss is mended by the next
//! packet, without asking. The payload begins with a header of 4 bytes for each older block and one of a byte for the newest.

use std::sync::Arc;

/// Payload type towards subscribers; what browsers use as well.
pub const PAYLOAD_TYPE: u8 = 63;
/// The header fields of an older block (RFC 2198 §3).
const MAX_OFFSET: u32 = (1 << 14) - 1;
const MAX_LENGTH: usize = (1 << 10) - 1;
const HEADER: usize = 4;
const FOLLOWS: u8 = 0x80;
/// More older blocks than any sender has: what claims more is not looked at.
const MAX_BLOCKS: usize = 8;

/// A redundant payload taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Redundant<'a> {
    pub primary: &'a [u8],
    /// The block right before the primary, of the same payload type, and how much earlier it is on the RTP clock.
    pub previous: Option<(u32, &'a [u8])>,
}

/// None for what is not formed as RFC 2198 has it.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Redundant<'_>> {
    let mut rest = payload;
    let mut older: [(u8, u32, usize); MAX_BLOCKS] = [(0, 0, 0); MAX_BLOCKS];
    let mut count = 0;
    while rest.first()? & FOLLOWS != 0 {
        let header = rest.get(..HEADER)?;
        let fields = u32::from_be_bytes([0, header[1], header[2], header[3]]);
        *older.get_mut(count)? = (
            header[0] & !FOLLOWS,
            fields >> 10,
            (fields & MAX_LENGTH as u32) as usize,
        );
        count += 1;
        rest = &rest[HEADER..];
    }
    let payload_type = rest[0];
    rest = &rest[1..];
    let mut previous = None;
    for (kind, offset, length) in older.into_iter().take(count) {
        let block = rest.get(..length)?;
        rest = &rest[length..];
        previous = (kind == payload_type && offset > 0 && length > 0).then_some((offset, block));
    }
    Some(Redundant {
        primary: rest,
        previous,
    })
}

/// A payload that carries `previous`, `offset` earlier on the RTP clock, beside the primary. None when it cannot be said.
#[must_use]
pub fn build(payload_type: u8, offset: u32, previous: &[u8], primary: &[u8]) -> Option<Arc<[u8]>> {
    if offset == 0 || offset > MAX_OFFSET || previous.is_empty() || previous.len() > MAX_LENGTH {
        return None;
    }
    let fields = offset << 10 | previous.len() as u32;
    let mut out = Vec::with_capacity(HEADER + 1 + previous.len() + primary.len());
    out.push(FOLLOWS | payload_type);
    out.extend_from_slice(&fields.to_be_bytes()[1..]);
    out.push(payload_type);
    out.extend_from_slice(previous);
    out.extend_from_slice(primary);
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_back() {
        let built = build(111, 960, b"before", b"now").unwrap();
        assert_eq!(built[..5], [0x80 | 111, 0x0f, 0x00, 6, 111]);
        let read = parse(&built).unwrap();
        assert_eq!(read.primary, b"now");
        assert_eq!(read.previous, Some((960, &b"before"[..])));
    }

    #[test]
    fn what_does_not_fit_its_fields_is_left_out() {
        assert!(build(111, MAX_OFFSET, &[1; MAX_LENGTH], b"now").is_some());
        assert!(build(111, MAX_OFFSET + 1, b"x", b"now").is_none());
        assert!(build(111, 960, &[1; MAX_LENGTH + 1], b"now").is_none());
        assert!(build(111, 0, b"x", b"now").is_none());
        assert!(build(111, 960, b"", b"now").is_none());
    }

    #[test]
    fn of_several_blocks_the_last_is_the_previous_one() {
        let two = [
            0x80 | 111,
            0x1e,
            0x00,
            1,
            0x80 | 111,
            0x0f,
            0x00,
            2,
            111,
            b'a',
            b'b',
            b'c',
            b'd',
        ];
        let read = parse(&two).unwrap();
        assert_eq!(
            (read.primary, read.previous),
            (&b"d"[..], Some((960, &b"bc"[..])))
        );
        assert_eq!(parse(&[111, b'x']).unwrap().previous, None);
        let other_codec = [0x80 | 9, 0x0f, 0x00, 1, 111, b'a', b'd'];
        assert_eq!(parse(&other_codec).unwrap().previous, None);
    }

    #[test]
    fn broken_payloads_are_none() {
        let built = build(111, 960, b"before", b"").unwrap();
        for end in 0..built.len() {
            assert_eq!(parse(&built[..end]), None, "{end}");
        }
        assert_eq!(parse(&[0xff; 200]), None);
    }
}

//! Payloads of one picture's packets into the frame a file holds.

use engine_core::codec::{Codec, vp8};

use super::av1::temporal_unit;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Opus and VP8 as they are (RFC 7587, RFC 7741), VP9 without its descriptor (RFC 9628), H.264 as Annex B byte stream
/// (RFC 6184), AV1 as a temporal unit of sized OBUs. None when a payload cannot be read.
pub(super) fn frame<'a>(
    codec: Codec,
    mut payloads: impl Iterator<Item = &'a [u8]>,
) -> Option<Vec<u8>> {
    if codec == Codec::Av1 {
        return temporal_unit(payloads);
    }
    let mut frame = Vec::new();
    payloads
        .all(|payload| append(codec, payload, &mut frame))
        .then_some(frame)
}

fn append(codec: Codec, payload: &[u8], frame: &mut Vec<u8>) -> bool {
    let part = match codec {
        Codec::Opus => Some(payload),
        Codec::Vp8 => {
            vp8::Descriptor::parse(payload).and_then(|d| payload.get(usize::from(d.len)..))
        }
        Codec::Vp9 => vp9_len(payload).and_then(|len| payload.get(len..)),
        Codec::H264 => return h264(payload, frame),
        Codec::Av1 => None,
    };
    let Some(part) = part else { return false };
    frame.extend_from_slice(part);
    true
}

/// Bytes of a VP9 payload descriptor (RFC 9628 section 4.2).
fn vp9_len(payload: &[u8]) -> Option<usize> {
    let flags = *payload.first()?;
    let has = |bit: u8| flags & bit != 0;
    let (picture_id, inter, layers, flexible, structure) =
        (has(0x80), has(0x40), has(0x20), has(0x10), has(0x02));
    let mut at = 1;
    if picture_id {
        at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
    }
    if layers {
        at += if flexible { 1 } else { 2 };
    }
    if flexible && inter {
        // At most three reference indices, each saying whether another follows.
        for _ in 0..3 {
            let more = payload.get(at)? & 1 != 0;
            at += 1;
            if !more {
                break;
            }
        }
    }
    if structure {
        let head = *payload.get(at)?;
        at += 1;
        if head & 0x10 != 0 {
            at += 4 * (usize::from(head >> 5) + 1);
        }
        if head & 0x08 != 0 {
            let groups = *payload.get(at)?;
            at += 1;
            for _ in 0..groups {
                at += 1 + usize::from(payload.get(at)? >> 2 & 0x03);
            }
        }
    }
    Some(at)
}

fn h264(payload: &[u8], frame: &mut Vec<u8>) -> bool {
    let Some((&first, rest)) = payload.split_first() else {
        return false;
    };
    match first & 0x1f {
        1..=23 => {
            frame.extend_from_slice(&START_CODE);
            frame.extend_from_slice(payload);
        }
        // STAP-A: units behind their 16-bit sizes.
        24 => {
            let mut rest = rest;
            while let Some((size, after)) = rest.split_first_chunk::<2>() {
                let Some((unit, after)) =
                    after.split_at_checked(usize::from(u16::from_be_bytes(*size)))
                else {
                    return false;
                };
                frame.extend_from_slice(&START_CODE);
                frame.extend_from_slice(unit);
                rest = after;
            }
        }
        // FU-A: a unit in pieces, its header split between indicator and FU header.
        28 => {
            let Some((&header, piece)) = rest.split_first() else {
                return false;
            };
            if header & 0x80 != 0 {
                frame.extend_from_slice(&START_CODE);
                frame.push(first & 0xe0 | header & 0x1f);
            }
            frame.extend_from_slice(piece);
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(codec: Codec, payloads: &[&[u8]]) -> Option<Vec<u8>> {
        super::frame(codec, payloads.iter().copied())
    }

    #[test]
    fn vp8_and_opus() {
        assert_eq!(
            frame(Codec::Vp8, &[&[0x10, 1, 2], &[0x00, 3]]),
            Some(vec![1, 2, 3])
        );
        assert_eq!(frame(Codec::Vp8, &[&[0x90, 0x80]]), None);
        assert_eq!(frame(Codec::Opus, &[&[0xfc, 9]]), Some(vec![0xfc, 9]));
    }

    #[test]
    fn vp9_with_every_field() {
        assert_eq!(frame(Codec::Vp9, &[&[0x08, 9]]), Some(vec![9]));
        assert_eq!(
            frame(Codec::Vp9, &[&[0xa8, 0x91, 0x22, 0x00, 0x05, 9]]),
            Some(vec![9])
        );
        // Flexible, inter predicted, two references.
        assert_eq!(
            frame(Codec::Vp9, &[&[0xd8, 0x11, 0x03, 0x04, 9]]),
            Some(vec![9])
        );
        // Scalability structure: one layer with its size, one group with one reference.
        let structure = [0x8a, 0x11, 0x18, 2, 128, 1, 104, 1, 0x04, 1, 9];
        assert_eq!(frame(Codec::Vp9, &[&structure]), Some(vec![9]));
        for end in 1..structure.len() - 1 {
            let _ = frame(Codec::Vp9, &[&structure[..end]]);
        }
    }

    #[test]
    fn h264_single_aggregated_and_fragmented() {
        assert_eq!(
            frame(Codec::H264, &[&[0x65, 1]]),
            Some(vec![0, 0, 0, 1, 0x65, 1])
        );
        assert_eq!(
            frame(Codec::H264, &[&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68]]),
            Some(vec![0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68])
        );
        assert_eq!(
            frame(
                Codec::H264,
                &[&[0x7c, 0x85, 1], &[0x7c, 0x05, 2], &[0x7c, 0x45, 3]]
            ),
            Some(vec![0, 0, 0, 1, 0x65, 1, 2, 3])
        );
        assert_eq!(frame(Codec::H264, &[&[0x78, 0, 9, 1]]), None);
    }
}

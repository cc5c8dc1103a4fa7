//! H.264 payloads (RFC 6184): where a decoder can start.

const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// A parameter set, or the first slice of an IDR picture; alone, aggregated or as the first fragment.
#[must_use]
pub fn starts_key_frame(payload: &[u8]) -> bool {
    match payload {
        [head, rest @ ..] => match head & 0x1f {
            STAP_A => aggregated(rest).any(|unit| match unit {
                [head, body @ ..] => unit_starts(head & 0x1f, body),
                [] => false,
            }),
            FU_A => {
                matches!(rest, [fu, body @ ..] if fu & 0x80 != 0 && unit_starts(fu & 0x1f, body))
            }
            kind => unit_starts(kind, rest),
        },
        [] => false,
    }
}

fn unit_starts(kind: u8, body: &[u8]) -> bool {
    match kind {
        SPS => true,
        // first_mb_in_slice is an Exp-Golomb code: a leading 1 is zero, the first slice of the picture.
        IDR => body.first().is_some_and(|byte| byte & 0x80 != 0),
        _ => false,
    }
}

/// Units of a STAP-A, each behind its 16-bit size; ends where a size points past the end.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (size, after) = rest.split_first_chunk::<2>()?;
        let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        rest = after;
        Some(unit)
    })
}

#[cfg(test)]
mod tests {
    use super::starts_key_frame;

    #[test]
    fn single_units() {
        assert!(starts_key_frame(&[0x67, 0x42, 0xe0, 0x1f]), "SPS");
        assert!(
            starts_key_frame(&[0x65, 0x88]),
            "first slice of an IDR picture"
        );
        assert!(
            !starts_key_frame(&[0x65, 0x28]),
            "later slice of an IDR picture"
        );
        assert!(!starts_key_frame(&[0x68, 0xce]), "PPS alone");
        assert!(!starts_key_frame(&[0x41, 0x9a]), "slice of another picture");
    }

    #[test]
    fn aggregates() {
        assert!(starts_key_frame(&[
            0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce
        ]));
        assert!(starts_key_frame(&[
            0x78, 0, 2, 0x09, 0x10, 0, 2, 0x65, 0x88
        ]));
        assert!(!starts_key_frame(&[
            0x78, 0, 2, 0x68, 0xce, 0, 2, 0x41, 0x9a
        ]));
        assert!(!starts_key_frame(&[0x78, 0, 9, 0x67]), "size past the end");
        assert!(!starts_key_frame(&[0x78, 0, 0, 0, 0]), "empty units");
    }

    #[test]
    fn fragments() {
        assert!(
            starts_key_frame(&[0x7c, 0x85, 0x88]),
            "first fragment of an IDR slice"
        );
        assert!(!starts_key_frame(&[0x7c, 0x05, 0x88]), "middle fragment");
        assert!(
            !starts_key_frame(&[0x7c, 0x81, 0x88]),
            "first fragment of another slice"
        );
        assert!(!starts_key_frame(&[0x7c]) && !starts_key_frame(&[0x7c, 0x85]));
        assert!(!starts_key_frame(&[]));
    }
}

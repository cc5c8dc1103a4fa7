//! The little of STUN (RFC 8489) that routing needs. Integrity and everything else is the ICE agent's.

/// Longest ufrag looked at (RFC 8445 allows 256; ours are shorter).
pub const MAX_UFRAG_LEN: usize = 256;

/// The receiver's own ufrag: in a binding request, the part of USERNAME before the colon (RFC 8445 section 7.2.2).
/// `None` for anything else, a missing magic cookie, or lengths that do not add up.
#[must_use]
pub fn binding_request_ufrag(datagram: &[u8]) -> Option<&str> {
    const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
    const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    const USERNAME: u16 = 0x0006;

    let (head, mut rest) = datagram.split_at_checked(20)?;
    if head[..2] != BINDING_REQUEST || head[4..8] != MAGIC_COOKIE {
        return None;
    }
    if usize::from(u16::from_be_bytes([head[2], head[3]])) != rest.len() {
        return None;
    }
    while let Some((attribute, after)) = rest.split_at_checked(4) {
        let kind = u16::from_be_bytes([attribute[0], attribute[1]]);
        let length = usize::from(u16::from_be_bytes([attribute[2], attribute[3]]));
        let value = after.get(..length)?;
        if kind == USERNAME {
            let end = value.iter().position(|byte| *byte == b':')?;
            let ufrag = value
                .get(..end)
                .filter(|ufrag| (1..=MAX_UFRAG_LEN).contains(&ufrag.len()))?;
            return std::str::from_utf8(ufrag).ok();
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::binding_request_ufrag;

    fn request(kind: [u8; 2], attributes: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_vec();
        bytes.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        bytes.extend_from_slice(&[5; 12]);
        bytes.extend_from_slice(attributes);
        bytes
    }

    /// PRIORITY, then USERNAME "ours:them" with padding.
    const ATTRIBUTES: &[u8] =
        b"\x00\x24\x00\x04\x01\x02\x03\x04\x00\x06\x00\x09ours:them\x00\x00\x00";

    #[test]
    fn the_part_before_the_colon_is_ours() {
        assert_eq!(
            binding_request_ufrag(&request([0, 1], ATTRIBUTES)),
            Some("ours")
        );
    }

    #[test]
    fn anything_else_is_none() {
        assert_eq!(
            binding_request_ufrag(&request([1, 1], ATTRIBUTES)),
            None,
            "a response"
        );
        assert_eq!(
            binding_request_ufrag(&request([0, 1], &ATTRIBUTES[..8])),
            None,
            "no USERNAME"
        );
        assert_eq!(
            binding_request_ufrag(&request([0, 1], b"\x00\x06\x00\x04ours")),
            None,
            "no colon"
        );
        assert_eq!(
            binding_request_ufrag(&request([0, 1], b"\x00\x06\x00\x02:x\x00\x00")),
            None,
            "empty"
        );
        assert_eq!(
            binding_request_ufrag(&request([0, 1], b"\x00\x06\x00\x02\xff:\x00\x00")),
            None
        );
        let mut cookie = request([0, 1], ATTRIBUTES);
        cookie[4] = 0;
        assert_eq!(binding_request_ufrag(&cookie), None, "no magic cookie");
        let whole = request([0, 1], ATTRIBUTES);
        for length in 0..whole.len() {
            assert_eq!(
                binding_request_ufrag(&whole[..length]),
                None,
                "{length} bytes"
            );
        }
    }
}

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

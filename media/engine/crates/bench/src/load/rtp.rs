//! The RTP header as the load client reads and writes it. Its own, so that it checks the engine's.

use dimpl::SrtpProfile as Negotiated;
use engine_core::srtp::SrtpProfile;

pub fn profile(negotiated: Negotiated) -> SrtpProfile {
    match negotiated {
        Negotiated::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
        Negotiated::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
        _ => SrtpProfile::Aes128CmSha1_80,
    }
}

/// RTP and RTCP on one port (RFC 5761 section 4).
pub fn is_rtcp(data: &[u8]) -> bool {
    data.len() >= 8 && (192..=223).contains(&data[1])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub payload_type: u8,
    pub sequence: u16,
    pub ssrc: u32,
    extensions: (usize, usize),
    len: usize,
}

impl Header {
    pub fn parse(data: &[u8]) -> Option<Self> {
        if data.len() < 12 || data[0] >> 6 != 2 {
            return None;
        }
        let mut len = 12 + 4 * usize::from(data[0] & 0x0f);
        let mut extensions = (0, 0);
        if data[0] & 0x10 != 0 {
            let head = data.get(len..len + 4)?;
            let end = len + 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            if head[..2] == [0xbe, 0xde] {
                extensions = (len + 4, end);
            }
            len = end;
        }
        (len <= data.len()).then_some(Self {
            payload_type: data[1] & 0x7f,
            sequence: u16::from_be_bytes([data[2], data[3]]),
            ssrc: u32::from_be_bytes([data[8], data[9], data[10], data[11]]),
            extensions,
            len,
        })
    }

    /// A one-byte header extension (RFC 8285 section 4.2).
    pub fn extension<'a>(&self, data: &'a [u8], id: u8) -> Option<&'a [u8]> {
        let mut rest = data.get(self.extensions.0..self.extensions.1)?;
        while let Some(&head) = rest.first() {
            if head == 0 {
                rest = &rest[1..];
                continue;
            }
            let len = usize::from(head & 0x0f) + 1;
            let value = rest.get(1..1 + len)?;
            if head >> 4 == id {
                return Some(value);
            }
            rest = &rest[1 + len..];
        }
        None
    }
}

/// Payload of a decrypted packet, without padding.
pub fn payload(data: &[u8]) -> Option<&[u8]> {
    let header = Header::parse(data)?;
    let padding = if data[0] & 0x20 != 0 {
        usize::from(*data.last()?)
    } else {
        0
    };
    data.get(header.len..data.len().checked_sub(padding)?)
}

/// A packet to write.
pub struct Fields<'a> {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub extensions: &'a [(u8, &'a [u8])],
    pub payload: &'a [u8],
}

/// Append header and payload; returns the header's length.
pub fn write(out: &mut Vec<u8>, fields: &Fields<'_>) -> usize {
    let start = out.len();
    out.extend([0x90, u8::from(fields.marker) << 7 | fields.payload_type]);
    out.extend(fields.sequence.to_be_bytes());
    out.extend(fields.timestamp.to_be_bytes());
    out.extend(fields.ssrc.to_be_bytes());
    out.extend([0xbe, 0xde, 0, 0]);
    for (id, value) in fields.extensions {
        out.push(id << 4 | (value.len() - 1) as u8);
        out.extend(*value);
    }
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    let words = ((out.len() - start - 16) / 4) as u16;
    out[start + 14..start + 16].copy_from_slice(&words.to_be_bytes());
    let header = out.len() - start;
    out.extend(fields.payload);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut out = Vec::new();
        let len = write(
            &mut out,
            &Fields {
                marker: true,
                payload_type: 96,
                sequence: 7,
                timestamp: 9,
                ssrc: 11,
                extensions: &[(1, b"0"), (3, &[1, 2])],
                payload: b"payload",
            },
        );
        let header = Header::parse(&out).unwrap();
        assert_eq!(
            (header.payload_type, header.sequence, header.ssrc),
            (96, 7, 11)
        );
        assert_eq!(header.len, len);
        assert_eq!(header.extension(&out, 3), Some(&[1, 2][..]));
        assert_eq!(header.extension(&out, 2), None);
        assert_eq!(payload(&out), Some(&b"payload"[..]));
    }
}

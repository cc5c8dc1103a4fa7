//! Which protocol a datagram on a media port speaks (RFC 7983, and RFC 5761 for RTP and RTCP on one port).

/// Protocol of a datagram, told by its first bytes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatagramClass {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    /// Empty, too short to tell, or of a range nobody here speaks (ZRTP, TURN channels).
    Unknown,
}

/// Classify by RFC 7983 section 7; inside 128..=191 an RTCP packet type of 192..=223 (RFC 5761 section 4) is RTCP.
#[must_use]
pub fn classify(datagram: &[u8]) -> DatagramClass {
    match datagram {
        [0..=3, _, ..] => DatagramClass::Stun,
        [20..=63, _, ..] => DatagramClass::Dtls,
        [128..=191, 192..=223, ..] => DatagramClass::Rtcp,
        [128..=191, _, ..] => DatagramClass::Rtp,
        _ => DatagramClass::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{DatagramClass, classify};

    #[test]
    fn ranges_of_rfc_7983() {
        for first in 0..=255_u8 {
            let expected = match first {
                0..=3 => DatagramClass::Stun,
                20..=63 => DatagramClass::Dtls,
                128..=191 => DatagramClass::Rtp,
                _ => DatagramClass::Unknown,
            };
            assert_eq!(classify(&[first, 96]), expected, "{first}");
        }
    }

    #[test]
    fn rtcp_by_packet_type() {
        for second in 0..=255_u8 {
            let rtcp = (192..=223).contains(&second);
            let expected = if rtcp {
                DatagramClass::Rtcp
            } else {
                DatagramClass::Rtp
            };
            assert_eq!(classify(&[0x80, second]), expected, "{second}");
        }
    }

    #[test]
    fn too_short_to_tell() {
        assert_eq!(classify(&[]), DatagramClass::Unknown);
        assert_eq!(classify(&[0x80]), DatagramClass::Unknown);
    }
}

//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).

use super::rtcp::word;

/// Unit of the reference time, µs.
const REFERENCE_US: i64 = 64_000;
/// Unit of receive deltas, µs.
const DELTA_US: i64 = 250;

/// One feedback packet, read in place.
#[derive(Debug, Clone, Copy)]
pub struct TransportFeedback<'a> {
    pub sender_ssrc: u32,
    pub media_ssrc: u32,
    pub base_sequence: u16,
    pub packet_count: u16,
    /// Units of 64 ms, signed 24 bits.
    pub reference_time: i32,
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// Arrival of one packet told by a transport feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketArrival {
    pub sequence: u16,
    /// Receiver's clock, µs (reference time plus deltas); `None`: not received.
    pub arrival_us: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    NotReceived,
    SmallDelta,
    LargeDelta,
}

impl Symbol {
    fn from_two_bits(bits: u16) -> Option<Self> {
        match bits & 0x03 {
            0 => Some(Self::NotReceived),
            1 => Some(Self::SmallDelta),
            2 => Some(Self::LargeDelta),
            _ => None,
        }
    }
}

/// Packet status chunk (sections 3.1.2 to 3.1.4).
#[derive(Debug, Clone, Copy)]
struct Chunk(u16);

impl Chunk {
    /// Number of packets it tells of.
    fn capacity(self) -> u16 {
        match self.0 >> 14 {
            0 | 1 => self.0 & 0x1fff,
            2 => 14,
            _ => 7,
        }
    }

    fn symbol(self, at: u16) -> Option<Symbol> {
        match self.0 >> 14 {
            0 | 1 => Symbol::from_two_bits(self.0 >> 13),
            2 if self.0 >> (13 - at) & 1 == 0 => Some(Symbol::NotReceived),
            2 => Some(Symbol::SmallDelta),
            _ => Symbol::from_two_bits(self.0 >> (12 - 2 * at)),
        }
    }
}

impl<'a> TransportFeedback<'a> {
    /// From what follows the common RTCP header.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let counts = word(body, 8)?;
        let times = word(body, 12)?;
        let packet_count = counts as u16;
        let rest = body.get(16..)?;
        let mut covered = 0_u32;
        let mut chunks_len = 0;
        while covered < u32::from(packet_count) {
            let chunk = rest.get(chunks_len..)?.first_chunk::<2>()?;
            covered += u32::from(Chunk(u16::from_be_bytes(*chunk)).capacity());
            chunks_len += 2;
        }
        let (chunks, deltas) = rest.split_at(chunks_len);
        Some(Self {
            sender_ssrc: word(body, 0)?,
            media_ssrc: word(body, 4)?,
            base_sequence: (counts >> 16) as u16,
            packet_count,
            reference_time: times.cast_signed() >> 8,
            feedback_count: times as u8,
            chunks,
            deltas,
        })
    }

    /// One item per packet the feedback covers; ends early when deltas are missing or a symbol is reserved.
    pub fn arrivals(self) -> impl Iterator<Item = PacketArrival> + 'a {
        let mut time = i64::from(self.reference_time) * REFERENCE_US;
        let mut deltas = self.deltas;
        let mut sequence = self.base_sequence;
        self.chunks
            .chunks_exact(2)
            .map(|chunk| Chunk(u16::from_be_bytes([chunk[0], chunk[1]])))
            .flat_map(|chunk| (0..chunk.capacity()).map(move |at| chunk.symbol(at)))
            .take(usize::from(self.packet_count))
            .map_while(move |symbol| {
                let delta = match symbol? {
                    Symbol::NotReceived => None,
                    Symbol::SmallDelta => {
                        let (delta, rest) = deltas.split_first()?;
                        deltas = rest;
                        Some(i64::from(*delta))
                    }
                    Symbol::LargeDelta => {
                        let (delta, rest) = deltas.split_first_chunk::<2>()?;
                        deltas = rest;
                        Some(i64::from(i16::from_be_bytes(*delta)))
                    }
                };
                let arrival_us = delta.map(|delta| {
                    time += delta * DELTA_US;
                    time
                });
                let item = PacketArrival {
                    sequence,
                    arrival_us,
                };
                sequence = sequence.wrapping_add(1);
                Some(item)
            })
    }
}

/// Everything of a feedback packet after the SSRCs, in two-bit status vectors.
pub(super) fn encode(
    feedback_count: u8,
    base_sequence: u16,
    arrivals: &[Option<i64>],
    mut put: impl FnMut(&[u8]) -> Option<()>,
) -> Option<()> {
    let count = u16::try_from(arrivals.len()).ok()?;
    let first = arrivals.iter().flatten().next().copied().unwrap_or(0);
    let reference = first.div_euclid(REFERENCE_US);
    put(&base_sequence.to_be_bytes())?;
    put(&count.to_be_bytes())?;
    put(&reference.to_be_bytes()[5..])?;
    put(&[feedback_count])?;
    let symbols = arrivals
        .iter()
        .scan(reference * REFERENCE_US, |time, arrival| {
            Some(arrival.map(|arrival| {
                let delta = (arrival - *time).div_euclid(DELTA_US);
                *time += delta * DELTA_US;
                delta
            }))
        });
    let deltas: Vec<Option<i64>> = symbols.collect();
    for chunk in deltas.chunks(7) {
        let mut bits = 0xc000_u16;
        for (at, delta) in chunk.iter().enumerate() {
            let symbol = match delta {
                None => 0,
                Some(0..=255) => 1,
                Some(_) => 2,
            };
            bits |= symbol << (12 - 2 * at);
        }
        put(&bits.to_be_bytes())?;
    }
    for delta in deltas.into_iter().flatten() {
        match u8::try_from(delta) {
            Ok(small) => put(&[small])?,
            Err(_) => put(&i16::try_from(delta).ok()?.to_be_bytes())?,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::packet::rtcp::{RtcpPacket, RtcpWriter, parse};

    fn arrivals(bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
        match parse(bytes).next() {
            Some(RtcpPacket::TransportFeedback(feedback)) => feedback
                .arrivals()
                .map(|item| (item.sequence, item.arrival_us))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let times = [
            Some(1_000_000),
            None,
            Some(1_000_250),
            Some(1_500_000),
            Some(1_499_000),
            None,
        ];
        let mut buffer = [0; 128];
        let mut writer = RtcpWriter::new(&mut buffer);
        writer.transport_feedback(1, 2, 3, 65_534, &times).unwrap();
        let length = writer.len();
        let found = arrivals(&buffer[..length]);
        let expected: Vec<_> = [65_534, 65_535, 0, 1, 2, 3]
            .into_iter()
            .zip(times)
            .collect();
        assert_eq!(found, expected);
    }

    /// Run lengths and one-bit vectors, which our writer does not use: built by hand from sections 3.1.3 and 3.1.4.
    #[test]
    fn run_length_and_one_bit_chunks() {
        let mut packet = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        packet.extend_from_slice(&[0, 10, 0, 19]); // base sequence 10, 19 packets
        packet.extend_from_slice(&[0, 0, 1, 0]); // reference time 64 ms
        packet.extend_from_slice(&[0x20, 3]); // run of 3 small deltas
        packet.extend_from_slice(&[0x00, 2]); // run of 2 not received
        packet.extend_from_slice(&[0xa0, 0x01]); // one bit each: 1 0 0 ... 0 1
        packet.extend_from_slice(&[4, 4, 4, 8, 0]);
        packet.extend_from_slice(&[0; 3]);
        packet[3] = (packet.len() / 4 - 1) as u8;
        let found = arrivals(&packet);
        assert_eq!(found.len(), 19);
        assert_eq!(found[2], (12, Some(67_000)));
        assert_eq!(found[3..5], [(13, None), (14, None)]);
        assert_eq!(found[5], (15, Some(69_000)));
        assert_eq!(found[18], (28, Some(69_000)));
        assert!(found[6..18].iter().all(|(_, arrival)| arrival.is_none()));
    }

    #[test]
    fn missing_deltas_end_the_list() {
        let mut buffer = [0; 128];
        let mut writer = RtcpWriter::new(&mut buffer);
        writer
            .transport_feedback(1, 2, 3, 0, &[Some(0), Some(500_000), Some(1_000_000)])
            .unwrap();
        // Shorten by the last four bytes: the third delta is gone.
        let length = writer.len() - 4;
        buffer[3] -= 1;
        assert_eq!(arrivals(&buffer[..length]).len(), 1);
    }

    #[test]
    fn a_count_without_chunks_is_refused() {
        let packet = [
            0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 255, 255, 0, 0, 1, 0,
        ];
        assert!(parse(&packet).next().is_none());
    }
}

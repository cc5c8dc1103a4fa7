//! Why the library did not take an RTP packet. It says nothing about those it drops, so the numbers of
//! those it delivered are remembered here.

use crate::counters::DropReason;
use crate::srtp::replay::ReplayWindow;

/// SSRCs remembered per transport; beyond it all are forgotten, and a repeated packet counts as a forged one.
const MAX_STREAMS: usize = 64;

/// What the clear part of an RTP packet says (RFC 3550 §5.1). Anybody may have written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpIdentity {
    ssrc: u32,
    sequence: u16,
    payload_type: u8,
    padding: bool,
}

impl RtpIdentity {
    #[must_use]
    pub fn of(datagram: &[u8]) -> Option<RtpIdentity> {
        let header = datagram.first_chunk::<12>()?;
        Some(RtpIdentity {
            ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
            sequence: u16::from_be_bytes([header[2], header[3]]),
            payload_type: header[1] & 0x7f,
            padding: header[0] & 0x20 != 0,
        })
    }
}

#[derive(Default)]
pub struct Untaken {
    streams: Vec<(u32, ReplayWindow)>,
    /// Payload types of retransmissions (RFC 4588).
    resend: u128,
}

impl Untaken {
    pub fn set_resend_types(&mut self, payload_types: impl Iterator<Item = u8>) {
        self.resend = payload_types.fold(0, |set, pt| set | 1 << (pt & 0x7f));
    }

    /// A datagram was fed and `delivered` packets came of it; why none did, if that is worth counting.
    pub fn account(&mut self, packet: RtpIdentity, delivered: usize) -> Option<DropReason> {
        let known = self
            .streams
            .iter()
            .position(|(ssrc, _)| *ssrc == packet.ssrc);
        if delivered > 0 {
            let index = known.unwrap_or_else(|| {
                if self.streams.len() >= MAX_STREAMS {
                    self.streams.clear();
                }
                self.streams.push((packet.ssrc, ReplayWindow::default()));
                self.streams.len() - 1
            });
            let window = &mut self.streams[index].1;
            if let Some(number) = window.guess(packet.sequence) {
                window.accept(number);
            }
            return None;
        }
        // Probes of a browser's bandwidth estimation bring nothing: they are padding alone, or packets sent
        // again that had come.
        if packet.padding || self.resend >> packet.payload_type & 1 == 1 {
            return None;
        }
        let seen = known.is_some_and(|index| {
            let window = &self.streams[index].1;
            window
                .guess(packet.sequence)
                .is_none_or(|number| !window.is_fresh(number))
        });
        Some(if seen {
            DropReason::Replay
        } else {
            DropReason::BadSrtp
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16) -> RtpIdentity {
        RtpIdentity {
            ssrc: 7,
            sequence,
            payload_type: 96,
            padding: false,
        }
    }

    #[test]
    fn what_was_delivered_once_is_a_replay_the_next_time() {
        let mut untaken = Untaken::default();
        assert_eq!(untaken.account(packet(10), 0), Some(DropReason::BadSrtp));
        assert_eq!(untaken.account(packet(10), 1), None);
        assert_eq!(untaken.account(packet(10), 0), Some(DropReason::Replay));
        assert_eq!(untaken.account(packet(11), 0), Some(DropReason::BadSrtp));
        let other = RtpIdentity {
            ssrc: 8,
            ..packet(10)
        };
        assert_eq!(untaken.account(other, 0), Some(DropReason::BadSrtp));
    }

    #[test]
    fn probes_are_not_counted() {
        let mut untaken = Untaken::default();
        untaken.set_resend_types([97].into_iter());
        assert_eq!(
            untaken.account(
                RtpIdentity {
                    padding: true,
                    ..packet(1)
                },
                0
            ),
            None
        );
        let again = RtpIdentity {
            payload_type: 97,
            ..packet(2)
        };
        assert_eq!(untaken.account(again, 0), None);
    }

    #[test]
    fn forgers_do_not_fill_the_memory() {
        let mut untaken = Untaken::default();
        for ssrc in 0..1000 {
            untaken.account(RtpIdentity { ssrc, ..packet(1) }, 0);
        }
        assert!(untaken.streams.is_empty());
        for ssrc in 0..1000 {
            untaken.account(RtpIdentity { ssrc, ..packet(1) }, 1);
        }
        assert!(untaken.streams.len() <= MAX_STREAMS);
    }

    #[test]
    fn reads_the_clear_part() {
        assert_eq!(RtpIdentity::of(&[0x80; 11]), None);
        let read = RtpIdentity::of(&[0xa0, 0xe0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 7]).unwrap();
        assert_eq!(
            read,
            RtpIdentity {
                padding: true,
                ..packet(10)
            }
        );
    }
}

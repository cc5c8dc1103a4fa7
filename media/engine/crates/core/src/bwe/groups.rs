//! Packets sent close together are compared as one group: bursts would read as delay (GCC section 5.2, pre-filtering).

/// Packets sent within this of a group's first belong to it, µs.
const SEND_BURST_US: i64 = 5_000;
/// Packets that arrive this close while the path empties belong to it too, µs.
const ARRIVAL_BURST_US: i64 = 5_000;
const MAX_BURST_US: i64 = 100_000;

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: i64,
    last_sent: i64,
    first_arrival: i64,
    last_arrival: i64,
}

/// Differences between two groups, µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deltas {
    pub sent: i64,
    pub arrival: i64,
    /// Receiver's clock at the later group.
    pub at: i64,
}

#[derive(Debug, Default)]
pub(super) struct Groups {
    current: Option<Group>,
    previous: Option<Group>,
}

impl Groups {
    /// Add a packet, in the order of sending; the differences when it completes a group.
    pub(super) fn add(&mut self, sent: i64, arrival: i64) -> Option<Deltas> {
        let fresh = Group {
            first_sent: sent,
            last_sent: sent,
            first_arrival: arrival,
            last_arrival: arrival,
        };
        let Some(current) = &mut self.current else {
            self.current = Some(fresh);
            return None;
        };
        if sent < current.first_sent {
            return None;
        }
        if sent - current.first_sent <= SEND_BURST_US || current.is_burst(sent, arrival) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrival = current.last_arrival.max(arrival);
            return None;
        }
        let complete = *current;
        let previous = self.previous.replace(complete);
        self.current = Some(fresh);
        let previous = previous?;
        let deltas = Deltas {
            sent: complete.last_sent - previous.last_sent,
            arrival: complete.last_arrival - previous.last_arrival,
            at: complete.last_arrival,
        };
        // Reordered as a whole: tells nothing of the queue.
        (deltas.arrival >= 0).then_some(deltas)
    }
}

impl Group {
    fn is_burst(&self, sent: i64, arrival: i64) -> bool {
        let apart = arrival - self.last_arrival;
        apart - (sent - self.last_sent) < 0
            && apart <= ARRIVAL_BURST_US
            && arrival - self.first_arrival < MAX_BURST_US
    }
}

#[cfg(test)]
mod tests {
    use super::{Deltas, Groups};

    #[test]
    fn compares_groups_not_packets() {
        let mut groups = Groups::default();
        assert_eq!(groups.add(0, 100_000), None);
        assert_eq!(groups.add(3_000, 104_000), None, "same burst");
        assert_eq!(
            groups.add(33_000, 133_000),
            None,
            "first group has nothing to compare with"
        );
        let deltas = groups.add(66_000, 170_000).unwrap();
        assert_eq!(
            deltas,
            Deltas {
                sent: 30_000,
                arrival: 29_000,
                at: 133_000
            }
        );
    }

    #[test]
    fn a_queue_that_empties_is_one_group() {
        let mut groups = Groups::default();
        groups.add(0, 100_000);
        groups.add(20_000, 120_000);
        // Held up, then all at once.
        assert_eq!(groups.add(40_000, 200_000).unwrap().arrival, 20_000);
        assert_eq!(groups.add(60_000, 201_000), None);
        assert_eq!(groups.add(80_000, 202_000), None);
        let deltas = groups.add(100_000, 220_000).unwrap();
        assert_eq!(
            deltas,
            Deltas {
                sent: 60_000,
                arrival: 82_000,
                at: 202_000
            }
        );
    }
}

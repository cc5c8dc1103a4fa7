use super::Options;

/// Who sends to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    pub name: String,
    pub rooms: usize,
    pub receivers_per_room: usize,
    /// Look for the highest rate without loss too.
    pub searched: bool,
}

impl Scenario {
    pub fn receivers(&self) -> usize {
        self.rooms * self.receivers_per_room
    }

    fn one_to(receivers: usize) -> Self {
        Self {
            name: format!("1 to {receivers}"),
            rooms: 1,
            receivers_per_room: receivers,
            searched: matches!(receivers, 50 | 200 | 1_000),
        }
    }

    /// A room of three: one shows, two watch.
    fn rooms_of_three(rooms: usize) -> Self {
        Self {
            name: format!("{rooms} rooms of 3"),
            rooms,
            receivers_per_room: 2,
            searched: true,
        }
    }

    pub fn chosen(options: &Options) -> Vec<Self> {
        if options.quick && options.receivers.is_empty() && !options.rooms {
            return vec![Self::one_to(50)];
        }
        let mut chosen: Vec<Self> = options
            .receivers
            .iter()
            .copied()
            .map(Self::one_to)
            .collect();
        if chosen.is_empty() && !options.rooms {
            chosen.extend([1, 10, 50, 200, 1_000].map(Self::one_to));
            chosen.push(Self::rooms_of_three(100));
        } else if options.rooms {
            chosen.push(Self::rooms_of_three(100));
        }
        chosen
    }
}

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

    pub fn chosen(options: &Options) -> Vec<Self> {
        if options.quick {
            return vec![Self::one_to(50)];
        }
        if !options.receivers.is_empty() {
            return options
                .receivers
                .iter()
                .map(|count| Self::one_to(*count))
                .collect();
        }
        let mut all: Vec<Self> = [1, 10, 50, 200, 1_000].map(Self::one_to).into();
        // A room of three: one shows, two watch.
        all.push(Self {
            name: "100 rooms of 3".into(),
            rooms: 100,
            receivers_per_room: 2,
            searched: false,
        });
        all
    }
}

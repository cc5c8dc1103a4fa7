//! Which track a receive slot carries. Slots that carry a wanted track keep it; only the rest is dealt anew.

/// One slot of one kind.
#[derive(Debug, Clone, Copy)]
pub struct SlotView {
    /// The receiver takes this slot.
    pub enabled: bool,
    pub track: Option<usize>,
}

/// A track a receiver may have, most wanted first in the list it comes in.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub track: usize,
    /// Slot that is played in sync with the publisher's other kind, where that one has a slot.
    pub preferred: Option<usize>,
    /// A slot's present track is taken away only for a pressing one.
    pub pressing: bool,
    /// How much it is wanted; of voices, dB.
    pub rank: u64,
}

/// A pressing track gives way to one that is wanted so much more: a voice to one louder by 10 dB, twice as loud to the ear.
/// With less the voices of a debate would cut each other off at every word.
const MUCH_MORE: u64 = 10;

/// What every slot carries from now on.
#[must_use]
pub fn assign(slots: &[SlotView], wanted: &[Wanted]) -> Vec<Option<usize>> {
    let is_wanted = |track: usize| wanted.iter().any(|w| w.track == track);
    let mut result: Vec<Option<usize>> = slots
        .iter()
        .map(|slot| slot.track.filter(|track| slot.enabled && is_wanted(*track)))
        .collect();
    for (rank, want) in wanted.iter().enumerate() {
        if result.contains(&Some(want.track)) {
            continue;
        }
        let free = |slot: usize| slots[slot].enabled && result[slot].is_none();
        let preferred = want
            .preferred
            .filter(|slot| *slot < slots.len() && free(*slot));
        let slot = preferred.or_else(|| (0..slots.len()).find(|slot| free(*slot)));
        if let Some(slot) = slot {
            result[slot] = Some(want.track);
        } else if want.pressing {
            // Give up the least wanted track that is less wanted than this one.
            let weakest = wanted[rank + 1..]
                .iter()
                .rev()
                .filter(|other| {
                    !other.pressing || want.rank.saturating_sub(other.rank) >= MUCH_MORE
                })
                .find_map(|other| result.iter().position(|t| *t == Some(other.track)));
            if let Some(slot) = weakest {
                result[slot] = Some(want.track);
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(tracks: &[Option<usize>]) -> Vec<SlotView> {
        tracks
            .iter()
            .map(|track| SlotView {
                enabled: true,
                track: *track,
            })
            .collect()
    }

    fn want(track: usize) -> Wanted {
        Wanted {
            track,
            preferred: None,
            pressing: false,
            rank: 0,
        }
    }

    fn voice(track: usize, rank: u64) -> Wanted {
        Wanted {
            pressing: true,
            rank,
            ..want(track)
        }
    }

    #[test]
    fn keeps_what_is_there_and_fills_what_is_free() {
        let result = assign(&slots(&[None, Some(7), Some(9)]), &[want(3), want(7)]);
        assert_eq!(result, [Some(3), Some(7), None]);
    }

    #[test]
    fn prefers_the_slot_in_sync() {
        let first = Wanted {
            preferred: Some(2),
            ..want(5)
        };
        assert_eq!(
            assign(&slots(&[None, None, None]), &[first]),
            [None, None, Some(5)]
        );
    }

    #[test]
    fn only_a_pressing_track_takes_a_slot_away() {
        let full = slots(&[Some(1), Some(2)]);
        let calm = [want(3), want(1), want(2)];
        assert_eq!(assign(&full, &calm), [Some(1), Some(2)]);
        let speaker = Wanted {
            pressing: true,
            ..want(3)
        };
        assert_eq!(
            assign(&full, &[speaker, want(1), want(2)]),
            [Some(1), Some(3)]
        );
        let others = Wanted {
            pressing: true,
            ..want(2)
        };
        assert_eq!(
            assign(&full, &[speaker, want(1), others]),
            [Some(3), Some(2)]
        );
    }

    #[test]
    fn among_those_who_speak_a_much_louder_one_is_heard() {
        let full = slots(&[Some(1), Some(2)]);
        let alike = [voice(3, 975), voice(1, 970), voice(2, 968)];
        assert_eq!(assign(&full, &alike), [Some(1), Some(2)]);
        let loud = [voice(3, 980), voice(1, 975), voice(2, 968)];
        assert_eq!(assign(&full, &loud), [Some(1), Some(3)]);
    }

    #[test]
    fn a_slot_the_receiver_refused_stays_empty() {
        let mut view = slots(&[None, None]);
        view[0].enabled = false;
        assert_eq!(assign(&view, &[want(1), want(2)]), [None, Some(1)]);
    }
}

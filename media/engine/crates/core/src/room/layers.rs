//! Which simulcast layer each video slot of a subscriber gets, by the size it is shown at and by what
//! the path carries. Audio always goes first: its bitrate is taken off before video is looked at.

/// A layer of a track as measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerView {
    /// bit/s over the last second; 0 when nothing comes.
    pub bitrate: u64,
    /// Pixels of a picture; 0 when not known.
    pub pixels: u64,
}

/// One video slot, the most important first in the list.
#[derive(Debug, Clone)]
pub struct VideoView {
    pub layers: Vec<LayerView>,
    /// Pixels it is shown at; None when the receiver did not say.
    pub shown: Option<u64>,
    /// Layer it has now; None when paused.
    pub current: Option<usize>,
}

/// A layer of at least this share of the shown pixels is as good as one larger.
const ENOUGH: f64 = 0.7;
/// Headroom asked for before a layer is changed, so that it does not swing.
const UP_MARGIN: f64 = 1.2;
/// Overrun tolerated before a layer is lowered: the estimate itself swings.
const DOWN_MARGIN: f64 = 0.9;

/// The layer for every slot; None is paused. `budget` is bit/s for all video, None without an estimate; `beside` is sent on
/// top of it all the same.
/// The first slot never goes below its lowest layer: a still picture helps nobody.
#[must_use]
pub fn choose(videos: &[VideoView], budget: Option<u64>, beside: u64) -> Vec<Option<usize>> {
    let mut rest = budget.map_or(f64::INFINITY, |b| b as f64);
    // The lowest layer for everybody first, then raise in order of importance.
    let mut chosen: Vec<Option<usize>> = Vec::with_capacity(videos.len());
    for (rank, video) in videos.iter().enumerate() {
        let Some((lowest, cost)) = active(video).next() else {
            // Nothing comes (yet): stay where it is.
            chosen.push(Some(
                video
                    .current
                    .unwrap_or(0)
                    .min(video.layers.len().saturating_sub(1)),
            ));
            continue;
        };
        let margin = if video.current.is_some() {
            DOWN_MARGIN
        } else {
            UP_MARGIN
        };
        if video.shown == Some(0) || (rank > 0 && cost * margin > rest) {
            chosen.push(None);
        } else {
            rest -= cost;
            chosen.push(Some(lowest));
        }
    }
    // No picture is stopped for its headers, but none is raised into their share either.
    rest -= beside as f64;
    for (video, choice) in videos.iter().zip(&mut chosen) {
        let Some(base) = *choice else { continue };
        let base_cost = video.layers.get(base).map_or(0.0, |l| l.bitrate as f64);
        let ceiling = ceiling(video);
        let raised = active(video).rfind(|(layer, cost)| {
            // A change is for good, up or down: its key frame comes on top of what the path carries already, and of a
            // path that has just become narrower the queue is full.
            let margin = if video.current == Some(*layer) {
                DOWN_MARGIN
            } else {
                UP_MARGIN
            };
            *layer > base && *layer <= ceiling && cost * margin - base_cost <= rest
        });
        if let Some((layer, cost)) = raised {
            rest -= cost - base_cost;
            *choice = Some(layer);
        }
    }
    chosen
}

/// Layers that send, lowest first, with their bitrates.
fn active(video: &VideoView) -> impl DoubleEndedIterator<Item = (usize, f64)> + '_ {
    video
        .layers
        .iter()
        .enumerate()
        .filter(|(_, layer)| layer.bitrate > 0)
        .map(|(index, layer)| (index, layer.bitrate as f64))
}

/// The smallest layer that is large enough for where it is shown, sent or not, else the largest.
#[must_use]
pub fn desired(layers: &[LayerView], shown: Option<u64>) -> usize {
    let large_enough = |layer: &LayerView| {
        shown.is_some_and(|shown| layer.pixels > 0 && layer.pixels as f64 >= shown as f64 * ENOUGH)
    };
    let found = layers.iter().position(large_enough);
    found.unwrap_or(layers.len().saturating_sub(1))
}

/// The highest active layer worth raising to: the smallest that is large enough, else the largest.
fn ceiling(video: &VideoView) -> usize {
    let wanted = desired(&video.layers, video.shown);
    let mut layers = active(video).map(|(layer, _)| layer);
    let above = layers.find(|layer| *layer >= wanted);
    above.unwrap_or_else(|| active(video).next_back().map_or(0, |(layer, _)| layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(current: Option<usize>, shown: Option<u64>) -> VideoView {
        let layer = |bitrate, pixels| LayerView { bitrate, pixels };
        VideoView {
            layers: vec![
                layer(150_000, 320 * 180),
                layer(500_000, 640 * 360),
                layer(1_500_000, 1280 * 720),
            ],
            shown,
            current,
        }
    }

    #[test]
    fn follows_the_size_it_is_shown_at() {
        let pick = |shown| choose(&[video(None, Some(shown))], None, 0)[0];
        assert_eq!(pick(300 * 160), Some(0));
        assert_eq!(pick(640 * 360), Some(1));
        assert_eq!(pick(1920 * 1080), Some(2));
        assert_eq!(pick(0), None);
    }

    #[test]
    fn follows_the_budget_with_hysteresis() {
        let pick = |current, budget| choose(&[video(current, None)], Some(budget), 0)[0];
        assert_eq!(pick(Some(0), 1_600_000), Some(1), "no headroom to raise");
        assert_eq!(pick(Some(0), 1_900_000), Some(2));
        assert_eq!(
            pick(Some(2), 1_400_000),
            Some(2),
            "a little over is tolerated"
        );
        assert_eq!(pick(Some(2), 1_000_000), Some(1));
        assert_eq!(
            pick(Some(2), 50_000),
            Some(0),
            "the first video never stops"
        );
    }

    #[test]
    fn what_is_lowered_is_lowered_with_room_for_its_key_frame() {
        let pick = |current, budget| choose(&[video(current, None)], Some(budget), 0)[0];
        assert_eq!(pick(Some(2), 550_000), Some(0));
        assert_eq!(pick(Some(1), 550_000), Some(1), "it has its key frame");
        assert_eq!(pick(Some(2), 620_000), Some(1));
    }

    #[test]
    fn the_less_important_video_goes_first() {
        let both = [video(Some(2), None), video(Some(2), None)];
        assert_eq!(choose(&both, Some(2_200_000), 0), [Some(2), Some(1)]);
        assert_eq!(choose(&both, Some(2_000_000), 0), [Some(2), Some(0)]);
        assert_eq!(choose(&both, Some(200_000), 0), [Some(0), None]);
    }

    #[test]
    fn what_is_desired_does_not_depend_on_what_is_sent() {
        let mut view = video(None, Some(1280 * 720));
        view.layers[2].bitrate = 0;
        assert_eq!(desired(&view.layers, view.shown), 2);
        assert_eq!(
            choose(&[view.clone()], None, 0),
            [Some(1)],
            "the best there is"
        );
        view.shown = Some(640 * 360);
        view.layers[1].bitrate = 0;
        view.layers[2].bitrate = 1_500_000;
        assert_eq!(desired(&view.layers, view.shown), 1);
        assert_eq!(choose(&[view], None, 0), [Some(2)]);
    }

    #[test]
    fn what_is_sent_beside_keeps_pictures_low_but_stops_none() {
        let both = [video(Some(1), None), video(Some(0), None)];
        assert_eq!(choose(&both, Some(700_000), 0), [Some(1), Some(0)]);
        assert_eq!(choose(&both, Some(700_000), 200_000), [Some(0), Some(0)]);
        assert_eq!(choose(&both, Some(320_000), 200_000), [Some(0), Some(0)]);
    }

    #[test]
    fn a_track_that_does_not_send_yet_stays() {
        let mut silent = video(Some(2), None);
        for layer in &mut silent.layers {
            layer.bitrate = 0;
        }
        assert_eq!(choose(&[silent], Some(10_000), 0), [Some(2)]);
    }
}

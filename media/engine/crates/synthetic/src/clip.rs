//! Media that was encoded beforehand. Every frame is known by its bytes, so that a receiver needs no decoder to tell
//! which frame arrived and whether it is whole.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// One encoding of a clip. Its first frame is a key frame, and the only one.
#[derive(Debug, Clone)]
pub struct Layer {
    /// With a rid it is sent beside the others (simulcast, RFC 8853); without, instead of them.
    pub rid: Option<String>,
    /// Bits per second.
    pub bitrate: u64,
    pub interval: Duration,
    pub frames: Vec<Arc<[u8]>>,
}

/// A loop of frames in one or several encodings, lowest bitrate first.
#[derive(Debug, Clone)]
pub struct Clip {
    pub video: bool,
    pub layers: Vec<Layer>,
}

impl Clip {
    pub fn simulcast(&self) -> bool {
        self.layers.iter().any(|layer| layer.rid.is_some())
    }
}

/// Which frame it is: clip, layer, place in the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameId {
    pub clip: usize,
    pub layer: usize,
    pub index: usize,
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[derive(Debug, Default)]
pub struct Library {
    clips: Vec<Arc<Clip>>,
    known: HashMap<u64, FrameId>,
}

impl Library {
    /// Frames with the same bytes cannot be told apart and are known as none.
    pub fn add(&mut self, clip: Clip) -> usize {
        let number = self.clips.len();
        let mut twice = Vec::new();
        for (layer, encoding) in clip.layers.iter().enumerate() {
            for (index, frame) in encoding.frames.iter().enumerate() {
                let id = FrameId {
                    clip: number,
                    layer,
                    index,
                };
                let key = digest(frame);
                if self.known.insert(key, id).is_some() {
                    twice.push(key);
                }
            }
        }
        for key in twice {
            self.known.remove(&key);
        }
        self.clips.push(Arc::new(clip));
        number
    }

    pub fn clip(&self, number: usize) -> Option<Arc<Clip>> {
        self.clips.get(number).cloned()
    }

    pub fn identify(&self, bytes: &[u8]) -> Option<FrameId> {
        self.known.get(&digest(bytes)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(frames: &[&[u8]]) -> Clip {
        Clip {
            video: true,
            layers: vec![Layer {
                rid: None,
                bitrate: 1,
                interval: Duration::from_millis(33),
                frames: frames.iter().map(|f| Arc::from(*f)).collect(),
            }],
        }
    }

    #[test]
    fn a_frame_is_known_by_its_bytes_and_a_damaged_one_is_not() {
        let mut library = Library::default();
        library.add(clip(&[b"one", b"two"]));
        let second = library.add(clip(&[b"three"]));
        let id = library.identify(b"three").unwrap();
        assert_eq!((id.clip, id.index), (second, 0));
        assert_eq!(library.identify(b"two").unwrap().index, 1);
        assert_eq!(library.identify(b"tvo"), None);
    }

    #[test]
    fn frames_that_are_the_same_are_not_guessed_between() {
        let mut library = Library::default();
        library.add(clip(&[b"same", b"same", b"other"]));
        assert_eq!(library.identify(b"same"), None);
        assert!(library.identify(b"other").is_some());
    }
}

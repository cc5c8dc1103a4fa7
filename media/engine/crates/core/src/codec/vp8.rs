//! VP8 payload descriptor (RFC 7741 section 4.2): reading it, and rewriting picture numbers in place.

/// Fields of a payload descriptor and where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// Bytes before the VP8 payload.
    pub len: u8,
    /// Start of a VP8 partition (S).
    pub start: bool,
    pub partition: u8,
    pub picture_id: Option<u16>,
    /// The picture id takes two bytes (15 bits).
    pub long_picture_id: bool,
    pub tl0_picture_index: Option<u8>,
    pub temporal_layer: Option<u8>,
    /// Layer sync (Y).
    pub layer_sync: bool,
}

impl Descriptor {
    /// `None` when the payload is too short for what its flags announce.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let _ = payload;
        todo!()
    }
}

/// New values for the fields a descriptor already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    pub picture_id: u16,
    pub tl0_picture_index: u8,
}

impl Rewrite {
    /// Overwrite picture id and TL0PICIDX in a copied payload, where present; the length stays.
    pub fn apply(&self, descriptor: &Descriptor, payload: &mut [u8]) {
        let _ = (descriptor, payload);
        todo!()
    }
}

/// Whether the payload begins a key frame.
#[must_use]
pub fn starts_key_frame(payload: &[u8]) -> bool {
    let _ = payload;
    todo!()
}

/// Whether the payload begins a key frame.
#[must_use]
pub fn starts_key_frame(payload: &[u8]) -> bool {
    let _ = payload;
    todo!()
}

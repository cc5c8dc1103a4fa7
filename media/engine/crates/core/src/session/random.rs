//! Random values of sessions, from the crypto library's generator.

/// A random number. SSRCs and first sequence numbers must not be guessed or collide (RFC 3550 §8).
pub fn random_u32() -> u32 {
    let mut bytes = [0; 4];
    // Filling from the system's generator does not fail on a running system; zero would still work.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u32::from_be_bytes(bytes)
}

pub fn random_u64() -> u64 {
    u64::from(random_u32()) << 32 | u64::from(random_u32())
}

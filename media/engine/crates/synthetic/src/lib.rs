//! Synthetic peers for load and impairment runs: real ICE, DTLS, SRTP, NACK, RTX, PLI and transport-wide feedback (str0m
//! as the client), with media that was encoded beforehand, so that hundreds of them fit on one core.
//!
//! One thread drives all of them. What was received is written down frame by frame and judged elsewhere.

mod clip;
mod fleet;
mod receive;
mod record;
mod send;
mod transport;
mod vp8;

pub use clip::{Clip, Layer};
pub use fleet::{Fleet, FleetError};

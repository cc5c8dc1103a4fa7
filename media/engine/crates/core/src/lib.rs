//! The sans-IO packet engine: takes bytes and `now`, returns outputs. No socket, no clock, no thread.

pub mod bwe;
pub mod codec;
pub mod egress;
pub mod packet;
pub mod room;
pub mod session;
pub mod srtp;

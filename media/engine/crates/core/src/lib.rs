//! The sans-IO packet engine: takes bytes and `now`, returns outputs. No socket, no clock, no thread.

pub mod api;
pub mod bwe;
pub mod codec;
pub mod counters;
pub mod egress;
pub mod output;
pub mod packet;
pub mod room;
pub mod routes;
pub mod session;
pub mod srtp;
pub mod worker;

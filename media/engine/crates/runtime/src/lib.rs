//! Threads, sockets and timers around `engine_core`.

pub mod net;

//! Threads, sockets and timers around `engine_core`.

pub mod config;
pub mod engine;
pub mod events;
pub mod metrics;
pub mod net;
pub mod poller;
pub mod sink;
mod tcp;
mod thread;

pub use config::EngineConfig;
pub use engine::Engine;
pub use engine_core::api;

/// The engine's version, its WebRTC library's and its crypto backend, for logs and health pages.
#[must_use]
pub fn version() -> String {
    format!("{} (str0m 0.25, aws-lc-rs)", env!("CARGO_PKG_VERSION"))
}

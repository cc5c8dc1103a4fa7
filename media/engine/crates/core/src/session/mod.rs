//! One session per transport: the publish side on str0m, the subscribe side on our own RTP.

pub mod answer;
pub mod config;
pub mod link;
pub mod profile;
pub mod publish;
pub(crate) mod random;
pub mod sdp;
pub mod state;
pub mod subscribe;
pub mod table;
pub mod untaken;

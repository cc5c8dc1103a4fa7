//! From a publisher's packet to the bytes each subscriber gets.

pub mod cache;
pub mod munger;
pub mod rtx;
pub mod slot;
pub mod sr;

//! The block pipeline: a block becomes a proof, its published data and a new stored state.

pub mod data;
pub mod events;
pub mod files;

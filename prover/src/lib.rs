//! The block pipeline: a block becomes a proof, its published data and a new stored state.
//!
//! [`prove::prove_block`] proves a block on a state in memory. [`pipeline::prove_and_commit`] works on a store
//! and on files. Both report progress as [`events`].

mod batch;
pub mod cache;
pub mod data;
mod diagnose;
mod engine;
pub mod error;
pub mod events;
pub mod files;
mod graph;
pub mod options;
pub mod pipeline;
pub mod plonk;
pub mod prove;

//! The block pipeline: a block becomes a proof, its published data and a new stored state.
//!
//! [`prove::prove_block`] proves a block on a state in memory. [`pipeline::prove_and_commit`] works on a store
//! and on files. Both report progress as [`events`].

mod batch;
pub mod bound;
pub mod cache;
pub mod calibration;
pub mod cost;
mod diagnose;
pub mod error;
pub mod estimate;
pub mod events;
pub mod files;
pub mod folders;
mod graph;
mod inbox;
pub mod kept;
mod limits;
mod list;
pub mod machine;
pub mod measure;
pub mod options;
pub mod pipeline;
pub mod plonk;
pub mod prove;
mod queue;
mod rejected;
mod restore;
mod scheduler;
pub mod service;
mod space;
mod spans;
mod steps;
pub mod stop;

pub use enfold_verifier::data;

//! The block pipeline: a block becomes a proof, its published data and a new stored state.
//!
//! [`prove::prove_block`] proves a block on a state in memory. [`pipeline::prove_and_commit`] works on a store
//! and on files. Both report progress as [`events`].
//!
//! ```
//! use enfold_fixtures::world::{World, WorldSpec};
//! use enfold_prover::cache::circuits;
//! use enfold_prover::events::ignore;
//! use enfold_prover::options::ProveOptions;
//! use enfold_prover::prove::prove_block;
//! use enfold_state::profile::ProfileId;
//!
//! // Sixteen accounts and a block of five transfers among them.
//! let mut world = World::new(WorldSpec::default());
//! let block = world.block(5);
//!
//! // Built when the first block needs them: seconds for `Test`, whose proofs can be forged, and longer for `Standard`.
//! let circuits = circuits(ProfileId::Test);
//! let proven = prove_block(circuits, world.ledger(), &block, &ProveOptions::default(), &ignore)?;
//! assert_eq!(proven.statement.transactions, 5);
//! assert_eq!(proven.statement.previous_root, world.ledger().root());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub mod job;
pub mod journal;
pub mod kept;
mod limits;
mod list;
pub mod machine;
pub mod measure;
pub mod options;
mod pace;
pub mod pipeline;
pub mod plonk;
pub mod prove;
mod queue;
mod rejected;
mod resume;
mod scheduler;
pub mod service;
mod space;
mod spans;
mod steps;
pub mod stop;

//! From transactions to batch witnesses: legs, lanes, the plan, the tree's versions, chain states.
//!
//! ```
//! use enfold_fixtures::world::{World, WorldSpec};
//! use enfold_state::chain::state_root;
//! use enfold_state::executor::execute;
//! use enfold_state::profile::ProfileId;
//! use enfold_witness::{check_block, witness_block};
//!
//! // Sixteen accounts and a block of twenty transfers among them.
//! let mut world = World::new(WorldSpec::default());
//! let block = world.block(20);
//! let execution = execute(world.ledger(), &block)?;
//!
//! let profile = ProfileId::Test.profile();
//! let witness = witness_block(profile, world.ledger(), &block, &execution)?;
//!
//! // The circuits' native twin: every batch keeps the rules, each begins where the last one ended.
//! check_block(profile, &witness)?;
//! let root = state_root(witness.after.tree_root, witness.counts.digest());
//! assert_eq!(root, world.ledger().clone().apply(&execution)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod batch;
pub mod check;
pub mod credit;
pub mod debit;
mod error;
mod kind;
pub mod lanes;
mod legs;
pub mod logup;
mod paths;
pub mod plan;
#[cfg(feature = "toy")]
pub mod relay;
pub mod siblings;
mod slots;
pub mod step;
pub mod versions;
pub mod whole;
pub mod witness;

pub use check::{CheckError, check_block};
pub use plan::{Plan, PlanReport};
pub use witness::{BlockWitness, WitnessError, witness_block};

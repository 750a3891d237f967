//! From transactions to batch witnesses: legs, lanes, the plan, the tree's versions, chain states.

pub mod batch;
pub mod check;
mod credit;
pub mod debit;
mod error;
mod kind;
pub mod lanes;
mod legs;
pub mod logup;
mod paths;
pub mod plan;
pub mod siblings;
mod slots;
pub mod step;
pub mod versions;
pub mod whole;
pub mod witness;

pub use enfold_state::profile;

pub use check::{CheckError, check_block};
pub use plan::{Plan, PlanReport};
pub use witness::{BlockWitness, WitnessError, witness_block};

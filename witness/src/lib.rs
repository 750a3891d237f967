//! From transactions to batch witnesses: legs, lanes, the plan, the tree's versions, chain states.

pub mod batch;
pub mod profile;

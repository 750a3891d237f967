//! Carrying a real chain's transfers over: CSV rows become blocks of signed transactions over one
//! genesis.
//!
//! An address becomes a key that is derived from a seed; anyone who knows the seed has all the keys, so
//! such a chain is for replaying history and holds nothing of value.

pub mod build;
pub mod keys;
pub mod rows;
pub mod scale;

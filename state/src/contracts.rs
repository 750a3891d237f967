//! Contracts: what their leaves hold and the laws that change it.
//!
//! A contract's work in a block is map and reduce. Its leaf is opened once, however many requests there are: its *law*
//! takes the sums of them, and says at which *rate* each is answered. A *settle* function answers one request at that rate, and
//! needs no leaf. So all requests of a block commute: what each gets, and the leaf after the block, follow from the
//! set of requests and not from their order.
//!
//! Laws and settle functions are written once, over [`Ints`](ints::Ints): native integers are one implementor, a circuit's
//! targets another.
//!
//! | module | |
//! |---|---|
//! | [`ints`] | the operations, and what each checks |
//! | [`native`] | their implementor on `u64` |
//! | [`books`] | the only writer of a leaf's holdings and of what it issued |
//! | [`settle`] | answers to single requests |
//! | [`pool`] | the pool: record, law, creation |
//! | [`clear`] | which orders of a block a pool serves |
//! | [`refusal`] | why a request is left out |

pub mod books;
#[cfg(feature = "node")]
pub mod clear;
pub mod ints;
pub mod native;
pub mod pool;
pub mod refusal;
pub mod settle;

use crate::leaf::{ACCOUNT_SHARDS, Asset, LeafIndex, SHARD_DEPTH, issued_asset};

/// The first position of contracts and their objects.
pub const FIRST: u32 = (ACCOUNT_SHARDS as u32) << SHARD_DEPTH;

/// The asset `2^31 + 2 c + which` that a contract issues, c being its number, counted from [`FIRST`]. Nobody else
/// issues it.
///
/// # Panics
/// If the position is not one of contracts, or `which` is not 0 or 1.
pub const fn issued(contract: LeafIndex, which: u32) -> Asset {
    assert!(contract.0 >= FIRST && contract.0 < 2 * FIRST && which < 2, "a contract's position, and 0 or 1");
    issued_asset(contract.0 - FIRST, which)
}

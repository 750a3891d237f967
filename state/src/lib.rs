//! The native specification of enfold: field, hash, keys and signatures, leaves, transactions,
//! messages, the state tree, the executor and the store. Nothing here knows of circuits.
//!
//! Without the feature `node` there are the records, their files, and what checks a receipt, an account proof or a
//! signature: all that a verifier needs, on the caller's thread. The feature adds what a node has besides: the ledger,
//! the executor, rebuilding and searching, on all threads (rayon). `store` adds the database.

pub mod account_proof;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod block;
pub mod chain;
pub mod codec;
pub mod credit;
pub mod debit;
pub mod ecgfp5;
#[cfg(feature = "node")]
pub mod execution;
#[cfg(feature = "node")]
pub mod executor;
pub mod field;
pub mod hash;
pub mod json;
pub mod key_file;
pub mod keys;
pub mod kind;
pub mod leaf;
#[cfg(feature = "node")]
pub mod ledger;
pub mod legs;
pub mod message;
#[cfg(feature = "node")]
pub mod overlay;
pub mod profile;
#[cfg(feature = "node")]
pub mod rebuild;
pub mod receipt;
pub mod rule;
#[cfg(feature = "store")]
pub mod store;
pub mod system;
mod threads;
pub mod transaction;
#[cfg(feature = "node")]
pub mod tree;
#[cfg(feature = "store")]
pub mod unfinished;
pub mod wide;
#[cfg(feature = "node")]
pub mod writes;

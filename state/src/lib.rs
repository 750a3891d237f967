//! The native specification of enfold: field, hash, keys and signatures, leaves, transactions,
//! messages, the state tree, the executor and the store. Nothing here knows of circuits.

pub mod account_proof;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod block;
pub mod chain;
pub mod codec;
pub mod credit;
pub mod debit;
pub mod ecgfp5;
pub mod execution;
pub mod executor;
pub mod field;
pub mod hash;
pub mod json;
pub mod key_file;
pub mod keys;
pub mod kind;
pub mod leaf;
pub mod ledger;
pub mod legs;
pub mod message;
pub mod nonce;
pub mod overlay;
pub mod owner;
pub mod ranges;
pub mod rebuild;
pub mod receipt;
mod reserved;
pub mod rule;
pub mod shards;
#[cfg(feature = "store")]
pub mod store;
pub mod system;
pub mod transaction;
pub mod tree;
#[cfg(feature = "store")]
pub mod unfinished;
pub mod wide;
pub mod writes;

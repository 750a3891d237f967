//! The native specification of enfold: field, hash, keys and signatures, leaves, transactions,
//! messages, the state tree, the executor and the store. Nothing here knows of circuits.

pub mod chain;
pub mod field;
pub mod hash;
pub mod keys;
pub mod leaf;
pub mod message;
pub mod transaction;

//! The native specification of enfold: field, hash, keys and signatures, leaves, transactions,
//! messages, the state tree, the executor and the store. Nothing here knows of circuits.
//!
//! Without the feature `node` there are the records, their files, and what checks a receipt, an account proof or a
//! signature: all that a verifier needs, on the caller's thread. The feature adds what a node has besides: the ledger,
//! the executor, rebuilding and searching, on all threads (rayon). `store` adds the database.
//!
//! A block is executed on a [`Ledger`](ledger::Ledger), the state in memory:
//!
//! ```
//! use enfold_state::block::{Block, Genesis, GenesisLeaf};
//! use enfold_state::executor::execute;
//! use enfold_state::keys::SecretKey;
//! use enfold_state::leaf::LeafIndex;
//! use enfold_state::ledger::Ledger;
//! use enfold_state::message::Op;
//! use enfold_state::nonce::Nonce;
//! use enfold_state::transaction::{NO_END, Transaction};
//! use rand::rngs::OsRng;
//!
//! let [alice, bob] = [SecretKey::random(&mut OsRng), SecretKey::random(&mut OsRng)];
//! let leaf = GenesisLeaf { address: alice.address(), asset: 0, balance: 100 };
//! let genesis = Genesis { chain_id: 1, time: 1_700_000_000, shards: 1, leaves: vec![leaf], contracts: vec![] };
//! let mut ledger = Ledger::from_genesis(&genesis)?;
//!
//! let transfer = Transaction {
//!     op: Op::Transfer,
//!     chain_id: 1,
//!     from: LeafIndex(0),
//!     nonce: Nonce::default(),
//!     to_address: bob.address(),
//!     asset: 0,
//!     amount: 30,
//!     fee: 0,
//!     memo: 0,
//!     target: 0,
//!     valid_until: NO_END,
//! };
//! let transactions = vec![alice.sign_transaction(transfer)];
//! let block = Block { chain_id: 1, number: 1, time: 1_700_000_012, fees: vec![], transactions };
//! let execution = execute(&ledger, &block)?;
//! assert!(execution.rejections.is_empty());
//!
//! // Executing changed nothing. This does:
//! ledger.apply(&execution)?;
//! let leaf = ledger.find(&bob.address(), 0).and_then(|index| ledger.leaf(index));
//! assert_eq!(leaf.map(|leaf| leaf.balance), Some(30));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod account_proof;
#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod block;
#[cfg(feature = "node")]
pub mod by_leaf;
pub mod chain;
pub mod codec;
#[cfg(feature = "node")]
pub mod contents;
pub mod contracts;
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
mod named;
pub mod nonce;
#[cfg(feature = "node")]
pub mod overlay;
pub mod owner;
pub mod profile;
pub mod ranges;
#[cfg(feature = "node")]
pub mod rebuild;
pub mod receipt;
pub mod record;
#[cfg(feature = "node")]
pub(crate) mod registry;
#[cfg(feature = "toy")]
pub mod relay;
mod reserved;
pub mod rule;
#[cfg(feature = "node")]
pub mod shards;
pub mod signer;
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

//! What can go wrong with a store.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Circuits, WITHOUT_RECORDS};
use crate::codec::Malformed;
use crate::hash::{Digest, DigestError};
use crate::leaf::LeafIndex;
use crate::ledger::{ApplyError, GenesisError};
use crate::overlay::RollBackError;
use crate::system::words;

/// A store that cannot be made, opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is a store already.
    #[error("expected no store at {path}, got one")]
    Exists {
        /// The store's file.
        path: PathBuf,
    },
    /// There is no store.
    #[error("{path}: expected the store of a data directory, got no file; `enfold init` makes one")]
    Missing {
        /// Where its file would be.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path}: expected the store of a data directory, got a file of another kind")]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or another part of this one, has the store open.
    #[error("expected to be alone with the store {path}, but it is open elsewhere")]
    Locked {
        /// The store's file.
        path: PathBuf,
    },
    /// The process that had the store open has closed it.
    #[error("expected {path} to be open, but it was closed meanwhile")]
    Closed {
        /// The store's file.
        path: PathBuf,
    },
    /// Written by another version of the program.
    #[error("{path}: expected schema version {WITHOUT_RECORDS} or {expected}, got {got}: {}", schema_advice(*got))]
    Schema {
        /// The store's file.
        path: PathBuf,
        /// The newest version that is understood.
        expected: u64,
        /// The store's version.
        got: u64,
    },
    /// The store's blocks are proven by other circuits.
    #[error(
        "{path}: expected circuits of profile number {} with the key {}, got {} with {}",
        expected.profile, expected.key, got.profile, got.key
    )]
    Circuits {
        /// The store's file.
        path: PathBuf,
        /// The store's.
        expected: Circuits,
        /// Those that were to prove a block.
        got: Circuits,
    },
    /// The system refuses to read or write.
    #[error("{path}: {}", words(source))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is damaged, or the database fails otherwise.
    #[error("{path}: {source}")]
    Database {
        /// The store's file.
        path: PathBuf,
        /// What the database says.
        source: Box<redb::Error>,
    },
    /// The file is damaged where the database does not expect it.
    #[error("{path}: expected an undamaged store, got one that cannot be read")]
    Damaged {
        /// The store's file.
        path: PathBuf,
    },
    /// A number that every store has is missing or out of its range.
    #[error("{path}: expected {name} in its range, got {}", got.map_or("none".to_owned(), |got| got.to_string()))]
    Meta {
        /// The store's file.
        path: PathBuf,
        /// The number's name.
        name: &'static str,
        /// What is there.
        got: Option<u64>,
    },
    /// The leaves leave a gap.
    #[error("{path}: expected leaf {expected}, got leaf {got}")]
    LeafGap {
        /// The store's file.
        path: PathBuf,
        /// The index that should follow.
        expected: u64,
        /// The index that does.
        got: LeafIndex,
    },
    /// A leaf where contracts are, or a record where accounts are.
    #[error(
        "{path}: expected leaves below index 2^29 and records of contracts from there on, got a {what} at {got}"
    )]
    Misplaced {
        /// The store's file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// Its index.
        got: LeafIndex,
    },
    /// What is stored for a contract is no record of one.
    #[error("{path}: record {index}: {source}")]
    Record {
        /// The store's file.
        path: PathBuf,
        /// The record's index.
        index: LeafIndex,
        /// What is wrong.
        source: Malformed,
    },
    /// A stored digest is not canonical.
    #[error("{path}: {source}")]
    Digest {
        /// The store's file.
        path: PathBuf,
        /// What is wrong.
        source: DigestError,
    },
    /// A part of the tree's nodes is missing, or is there though the tree does not reach so far.
    #[error(
        "{path}: expected the nodes of {expected:?}, got those of {got:?} (height, number; none is the end)"
    )]
    NodeGap {
        /// The store's file.
        path: PathBuf,
        /// Height and number of the tile that should follow.
        expected: Option<(u32, u32)>,
        /// Those of the one that does.
        got: Option<(u32, u32)>,
    },
    /// A stored node is not the hash of what is below it.
    #[error("{path}: expected {expected} at position {index} of level {level}, got {got}")]
    Node {
        /// The store's file.
        path: PathBuf,
        /// The node's level: 0 is the leaves'.
        level: usize,
        /// Its position on the level.
        index: u32,
        /// The hash of the leaf or of the two nodes below.
        expected: Digest,
        /// The stored digest.
        got: Digest,
    },
    /// The leaves on disk do not give the root on disk.
    #[error("{path}: expected the root {}, got {got}", expected.map_or("of the last block".to_owned(), |root| root.to_string()))]
    StoredRoot {
        /// The store's file.
        path: PathBuf,
        /// The stored root of the last block; `None` if it is missing.
        expected: Option<Digest>,
        /// The leaves' root.
        got: Digest,
    },
    /// A chain cannot start with this genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The block does not follow the stored state.
    #[error("the block does not follow the stored state: {0}")]
    Follow(#[from] ApplyError),
    /// Blocks are staged, and have to be committed or taken back first.
    #[error(
        "expected no staged block before block {got} is committed directly, got {staged} of them, block {first} first"
    )]
    Staged {
        /// Count of staged blocks.
        staged: usize,
        /// Number of the oldest one.
        first: u32,
        /// The block that was to be committed.
        got: u32,
    },
    /// There is no staged block to commit.
    #[error("expected a staged block after block {height}, got none")]
    NothingStaged {
        /// Number of the last committed block.
        height: u32,
    },
    /// Committed blocks, and blocks that were never staged, cannot be taken back.
    #[error(transparent)]
    RollBack(#[from] RollBackError),
    /// The block leads to another root than the one it was proven for.
    #[error("expected the new root {expected}, got {got}")]
    NewRoot {
        /// The root that was asked for.
        expected: Digest,
        /// The root that the writes lead to.
        got: Digest,
    },
}

impl StoreError {
    /// Whether the stored data are damaged, and not the machine or the program at fault.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. }
            | Self::Meta { .. }
            | Self::LeafGap { .. }
            | Self::Misplaced { .. }
            | Self::Record { .. }
            | Self::Digest { .. }
            | Self::NodeGap { .. }
            | Self::Node { .. }
            | Self::StoredRoot { .. } => true,
            // A truncated file.
            Self::Io { source, .. } => source.kind() == ErrorKind::UnexpectedEof,
            Self::Database { source, .. } => matches!(
                **source,
                redb::Error::Corrupted(_)
                    | redb::Error::TableDoesNotExist(_)
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TypeDefinitionChanged { .. }
                    | redb::Error::TableIsMultimap(_)
                    | redb::Error::TableIsNotMultimap(_)
            ),
            _ => false,
        }
    }
}

fn schema_advice(got: u64) -> &'static str {
    if got < WITHOUT_RECORDS {
        "it is older, of a chain that cannot be continued; start a new one with `enfold init`"
    } else {
        "it is newer; use the version of the program that wrote it"
    }
}

pub(super) fn io_at(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::Io { path: path.to_owned(), source }
}

/// Sorts a database error into ours.
pub(super) fn failed(path: &Path, error: redb::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen => StoreError::Locked { path },
        // So redb calls a file that does not start as its own do.
        redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => StoreError::NotAStore { path },
        redb::Error::Io(source) => StoreError::Io { path, source },
        source => StoreError::Database { path, source: Box::new(source) },
    }
}

//! A committed state for readers: out of the file, or from the process that has it open for writing.
//!
//! A stream of a state is a line of JSON, the [`Head`], then each leaf (index, nonces, asset, balance, address as four
//! integers: 56 bytes), each record (index, bytes of its binary form, and these), each tile of nodes (its key and [`TILE_BYTES`]
//! bytes) and each root from genesis on (four integers), in their order, all little-endian. How many leaves, records and roots
//! there are follows from the head, how many tiles from the leaves and records.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Weak;

use redb::Database;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::error::{StoreError, io_at};
use super::file::StoreFile;
use super::tables::{StoredDigest, StoredLeaf};
use super::tiles::{self, TILE_BYTES, TileKey};
use super::view::{Loading, Nodes, Numbers, View, assemble, digest};
use super::{Circuits, FILE_NAME, expect_file};
use crate::hash::Digest;
use crate::leaf::{MAX_ACCOUNTS, MAX_CONTRACTS};
use crate::ledger::{Chain, Ledger};
use crate::record;

/// Longest head, in bytes.
const HEAD_LIMIT: u64 = 1 << 16;
/// Bytes of a leaf in a stream.
const LEAF_BYTES: usize = 56;
/// Most bytes of a record in a stream.
const RECORD_LIMIT: usize = 4 + 8 * record::MAX_LEN;

/// What a state is, in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The chain.
    pub chain: Chain,
    /// Number of the last committed block; 0 after genesis.
    pub height: u32,
    /// Its time, in seconds since 1970.
    #[serde(with = "crate::ranges::time")]
    pub time: u32,
    /// Root after it.
    pub root: Digest,
    /// Count of leaves of accounts.
    pub leaves: u64,
    /// Count of records of contracts and their objects; an older prover has none.
    #[serde(default)]
    pub records: u64,
    /// The circuits that prove its blocks, if that was said.
    pub circuits: Option<Circuits>,
    /// Blocks whose proving has begun and that are not committed, ascending.
    pub under_way: Vec<u32>,
}

impl Head {
    /// Of the store in `dir`, which is opened as for [`Snapshot::open`].
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = expect_file(dir)?;
        Self::of(&StoreFile::open_read_only(path.clone())?.view()?, &path)
    }

    fn of(view: &View, path: &Path) -> Result<Self, StoreError> {
        let Numbers { chain, height, time, root, leaves, records } = view.numbers()?;
        let Some(root) = root else {
            // The reader of all of it checks the root.
            return Err(StoreError::Damaged { path: path.to_owned() });
        };
        let under_way = view.journals()?.into_iter().filter(|&number| number > height).collect();
        Ok(Self { chain, height, time, root, leaves, records, circuits: view.circuits()?, under_way })
    }
}

/// A committed state.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    ledger: Ledger,
    circuits: Option<Circuits>,
    /// Of each block, from genesis on.
    roots: Vec<Digest>,
}

impl Snapshot {
    /// Reads the store in `dir`. Nothing is written, so it may be on a read-only mount, and any number can read at a
    /// time.
    ///
    /// # Errors
    /// If there is no store, or a process has it open for writing ([`StoreError::Locked`]), or it is of another version or
    /// damaged.
    pub fn open(dir: &Path, check: Check) -> Result<Self, StoreError> {
        let path = expect_file(dir)?;
        // The view ends with the file.
        let file = StoreFile::open_read_only(path.clone())?;
        let view = file.view()?;
        let ledger = view.load(check)?;
        Ok(Self { ledger, circuits: view.circuits()?, roots: view.roots()?, path })
    }

    /// Reads what [`Shared::send`] sends of the store in `dir`, and checks it as [`Snapshot::open`] does.
    ///
    /// # Errors
    /// If the stream ends early or its parts do not fit.
    pub fn receive(dir: &Path, from: impl Read, check: Check) -> Result<Self, StoreError> {
        let path = dir.join(FILE_NAME);
        let mut from = BufReader::with_capacity(1 << 16, from);
        let head = read_head(&mut from).map_err(io_at(&path))?;
        if head.leaves > MAX_ACCOUNTS as u64 || head.records > MAX_CONTRACTS as u64 {
            return Err(io_at(&path)(ErrorKind::InvalidData.into()));
        }
        let mut contents = Loading::new(&path, head.leaves.min(1 << 16));
        for _ in 0..head.leaves {
            let mut bytes = [0; LEAF_BYTES];
            from.read_exact(&mut bytes).map_err(io_at(&path))?;
            let (index, leaf) = from_bytes(&bytes);
            contents.push(index, leaf)?;
        }
        for _ in 0..head.records {
            let mut prefix = [0; 8];
            from.read_exact(&mut prefix).map_err(io_at(&path))?;
            let [index, len] = [0, 1].map(|at| u32::from_le_bytes(prefix.as_chunks().0[at]));
            let mut bytes = vec![0; RECORD_LIMIT.min(len as usize)];
            from.read_exact(&mut bytes).map_err(io_at(&path))?;
            contents.push_record(index, &bytes)?;
        }
        let counts = contents.counts();
        let mut nodes = Nodes::new(&path, &counts);
        for _ in tiles::keys(&counts) {
            let (mut key, mut tile) = ([0; 4], [0; TILE_BYTES]);
            from.read_exact(&mut key).and_then(|()| from.read_exact(&mut tile)).map_err(io_at(&path))?;
            nodes.push(TileKey(u32::from_le_bytes(key)), &tile)?;
        }
        let Head { chain, height, time, root, leaves, records, circuits, .. } = head;
        let mut roots = Vec::new();
        for _ in 0..=height {
            let mut words = [0; 4];
            for word in &mut words {
                let mut bytes = [0; 8];
                from.read_exact(&mut bytes).map_err(io_at(&path))?;
                *word = u64::from_le_bytes(bytes);
            }
            roots.push(digest(&path, words)?);
        }
        let numbers = Numbers { chain, height, time, root: Some(root), leaves, records };
        let ledger = assemble(&path, check, numbers, contents, nodes)?;
        Ok(Self { path, ledger, circuits, roots })
    }

    /// The state.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The circuits that prove its blocks, if that was said.
    pub fn circuits(&self) -> Option<Circuits> {
        self.circuits
    }

    /// The root after a block, 0 for genesis; `None` if the block is not there yet.
    pub fn root_at(&self, number: u32) -> Option<Digest> {
        self.roots.get(number as usize).copied()
    }

    /// The directory that the store is in.
    pub fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }
}

/// Reads a line with a [`Head`].
///
/// # Errors
/// If it cannot be read or is not one.
pub fn read_head(from: &mut impl BufRead) -> io::Result<Head> {
    let mut line = Vec::new();
    from.take(HEAD_LIMIT).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}

/// An open store for other threads than the one that writes it. What they see is always committed: never a staged
/// block, never half of one.
#[derive(Clone, Debug)]
pub struct Shared {
    db: Weak<Database>,
    path: PathBuf,
}

impl Shared {
    pub(super) fn of(file: &StoreFile) -> Self {
        let (db, path) = file.share();
        Self { db, path }
    }

    fn view(&self) -> Result<View, StoreError> {
        // The view holds the database open as long as it lives.
        let db = self.db.upgrade().ok_or_else(|| StoreError::Closed { path: self.path.clone() })?;
        View::of(&db, &self.path)
    }

    /// The state as it is now, in numbers.
    ///
    /// # Errors
    /// If the store was closed, or cannot be read.
    pub fn head(&self) -> Result<Head, StoreError> {
        Head::of(&self.view()?, &self.path)
    }

    /// Writes the state as it is now, for [`Snapshot::receive`]. Blocks that are committed meanwhile make no difference to
    /// it, and do not wait for it.
    ///
    /// # Errors
    /// If the store was closed or cannot be read, or `to` does not take it.
    pub fn send(&self, to: &mut impl Write) -> Result<(), StoreError> {
        let at = io_at(&self.path);
        let view = self.view()?;
        let mut head = serde_json::to_vec(&Head::of(&view, &self.path)?).map_err(|error| at(error.into()))?;
        head.push(b'\n');
        to.write_all(&head).map_err(&at)?;
        view.each_leaf(|index, leaf| to.write_all(&to_bytes(index, leaf)).map_err(&at))?;
        view.each_record(|index, record| {
            let len = record.len() as u32;
            let prefix = [index, len].map(u32::to_le_bytes).concat();
            to.write_all(&prefix).and_then(|()| to.write_all(record)).map_err(&at)
        })?;
        view.each_tile(|key, tile| {
            to.write_all(&key.0.to_le_bytes()).and_then(|()| to.write_all(tile)).map_err(&at)
        })?;
        for root in view.roots()? {
            for word in StoredDigest::from(root) {
                to.write_all(&word.to_le_bytes()).map_err(&at)?;
            }
        }
        to.flush().map_err(at)
    }
}

fn to_bytes(index: u32, (address, first, second, asset, balance): StoredLeaf) -> [u8; LEAF_BYTES] {
    let mut bytes = [0; LEAF_BYTES];
    let (narrow, wide) = bytes.split_at_mut(16);
    for (chunk, integer) in narrow.as_chunks_mut::<4>().0.iter_mut().zip([index, first, second, asset]) {
        *chunk = integer.to_le_bytes();
    }
    let [a0, a1, a2, a3] = address;
    for (chunk, integer) in wide.as_chunks_mut::<8>().0.iter_mut().zip([balance, a0, a1, a2, a3]) {
        *chunk = integer.to_le_bytes();
    }
    bytes
}

fn from_bytes(bytes: &[u8; LEAF_BYTES]) -> (u32, StoredLeaf) {
    let (narrow, wide) = bytes.split_at(16);
    let narrow = |at: usize| u32::from_le_bytes(narrow.as_chunks().0[at]);
    let wide = |at: usize| u64::from_le_bytes(wide.as_chunks().0[at]);
    (narrow(0), ([1, 2, 3, 4].map(wide), narrow(1), narrow(2), narrow(3), wide(0)))
}

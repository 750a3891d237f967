//! Data files that lead back from a data directory's state, each held against what there is to hold it against.
//!
//! Messages carry no nonce: a transaction's nonce, and so its id, is counted back from the state over all later blocks.
//! A later data file that is not the chain's shifts it. So every file on the way is held against the proof beside it,
//! and the proof against the roots of the data directory; where no proof lies beside a file, the report says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::block::{BlockData, Place};
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_state::receipt::Search;
use enfold_state::store::Snapshot;
use enfold_state::transaction::Transaction;
use enfold_verifier::data::check_data;
use serde::Serialize;

use crate::anchor::expect;
use crate::error::{CliError, Failure, at};
use crate::files::{files_in, unreadable};
use crate::options::profile_parser;
use crate::proofs::verify_file;
use crate::records;

/// Data files do not lead back from the state.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A block's data file is missing.
    #[error("{}: expected the data files of all blocks up to {last}, block {number} is missing", path.display())]
    Missing {
        /// The data directory.
        path: PathBuf,
        /// The block.
        number: u32,
        /// The state's last block.
        last: u32,
    },
    /// Two data files of one block.
    #[error("{}: expected one data file of block {number}, got {} too", path.display(), other.display())]
    Two {
        /// One.
        path: PathBuf,
        /// The other.
        other: PathBuf,
        /// The block.
        number: u32,
    },
    /// A data file is of a block that the state does not have yet.
    #[error("{}: expected data files of blocks up to {last}, the last one here, got block {got}", path.display())]
    After {
        /// The data directory.
        path: PathBuf,
        /// The state's last block.
        last: u32,
        /// The file's.
        got: u32,
    },
    /// The data directory lacks the root of one of its blocks.
    #[error("{}: expected the state root after block {number}, found none", path.display())]
    Root {
        /// The data directory.
        path: PathBuf,
        /// The block.
        number: u32,
    },
}

impl Failure for WalkError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing_block_data",
            Self::Two { .. } | Self::After { .. } => "other_block_data",
            Self::Root { .. } => "missing_root",
        }
    }
}

/// The profile of proofs beside data files.
#[derive(Debug, Args)]
pub struct BesideArgs {
    /// Profile that proofs beside data files must have.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    pub profile: ProfileId,
}

/// A data file, read once.
#[derive(Debug)]
pub struct DataFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub data: BlockData,
}

/// Data files by block number.
#[derive(Debug)]
pub struct DataFiles(BTreeMap<u32, DataFile>);

impl DataFiles {
    /// Reads data files, and those in .data of folders, each once.
    ///
    /// # Errors
    /// If one cannot be read, or two are of one block.
    pub fn read(given: &[PathBuf]) -> Result<Self, CliError> {
        let mut paths = BTreeMap::new();
        for path in given {
            let found = if path.is_dir() { files_in(path, "data")? } else { vec![path.clone()] };
            for path in found {
                // Two names of one file are no two files. What is not there is said when it is read.
                let real = path.canonicalize().unwrap_or_else(|_| path.clone());
                paths.entry(real).or_insert(path);
            }
        }
        let mut files = BTreeMap::new();
        for path in paths.into_values() {
            let data: BlockData = records::read(&path)?;
            let number = data.number;
            if let Some(DataFile { path: other, .. }) = files.get(&number) {
                return Err(WalkError::Two { path, other: PathBuf::clone(other), number }.into());
            }
            files.insert(number, DataFile { path, data });
        }
        Ok(Self(files))
    }

    /// Whether there are files of blocks before this one.
    pub fn any_before(&self, number: u32) -> bool {
        self.0.range(..number).next().is_some()
    }
}

/// A block on the way back.
#[derive(Debug)]
pub struct Step<'a> {
    /// Its data file.
    pub file: &'a DataFile,
    /// The proof beside it, which states the data's `E` and the data directory's roots.
    pub proof: Option<PathBuf>,
    /// Its transactions, each with the place of its transfer, in the order of the data.
    pub transactions: Vec<(Place, Transaction)>,
}

/// The way back from a state's last block.
#[derive(Debug)]
pub struct Walk<'a> {
    state: &'a Snapshot,
    files: &'a DataFiles,
    profile: ProfileId,
    search: Search<'a>,
    compared: bool,
    not_compared: BTreeSet<u32>,
}

impl<'a> Walk<'a> {
    /// A walk that begins at the state's last block.
    ///
    /// # Errors
    /// If a file is of a later block.
    pub fn new(state: &'a Snapshot, files: &'a DataFiles, profile: ProfileId) -> Result<Self, WalkError> {
        let search = Search::new(state.ledger());
        let last = search.number();
        if let Some((&got, _)) = files.0.range(last.saturating_add(1)..).next() {
            return Err(WalkError::After { path: state.dir().to_owned(), last, got });
        }
        Ok(Self { state, files, profile, search, compared: false, not_compared: BTreeSet::new() })
    }

    /// Goes one block back. `None` if there is no file of it.
    ///
    /// # Errors
    /// If the data are not those of the state's chain, or the proof beside them is another block's or does not hold.
    pub fn back(&mut self) -> Result<Option<Step<'a>>, CliError> {
        let number = self.search.number();
        let Some(file) = self.files.0.get(&number) else { return Ok(None) };
        let transactions = self.search.transactions(&file.data).map_err(at(&file.path))?;
        let proof = self.proof_beside(file)?;
        if proof.is_some() {
            self.compared = true;
        } else {
            self.not_compared.insert(number);
        }
        Ok(Some(Step { file, proof, transactions }))
    }

    /// The block that comes next; 0 if there is none left.
    pub fn number(&self) -> u32 {
        self.search.number()
    }

    /// What the files of the walk so far were held against.
    pub fn compared(self) -> Compared {
        let Self { compared, not_compared, profile, .. } = self;
        Compared { forgeable: compared.then(|| profile.forgeable()), not_compared }
    }

    /// The proof of a data file, if it lies beside it. It must commit to the data, and to the data directory's states
    /// before and after.
    fn proof_beside(&self, file: &DataFile) -> Result<Option<PathBuf>, CliError> {
        let DataFile { path, data } = file;
        let Some(proof) = proof_of(path)? else { return Ok(None) };
        let statement = verify_file(&proof, self.profile)?;
        check_data(data, &statement).map_err(at(path))?;
        let (before, after) = (self.root_at(data.number.saturating_sub(1))?, self.root_at(data.number)?);
        expect(&proof, "previous root", Some(before), statement.previous_root)?;
        expect(&proof, "new root", Some(after), statement.new_root)?;
        Ok(Some(proof))
    }

    fn root_at(&self, number: u32) -> Result<Digest, WalkError> {
        let root = self.state.root_at(number);
        root.ok_or_else(|| WalkError::Root { path: self.state.dir().to_owned(), number })
    }
}

/// The name of the proof beside a data file, if anything has it, be it a link that leads nowhere.
fn proof_of(data: &Path) -> Result<Option<PathBuf>, CliError> {
    if data.extension().is_none_or(|extension| extension != "data") {
        return Ok(None);
    }
    let proof = data.with_extension("");
    match fs::symlink_metadata(&proof) {
        Ok(_) => Ok(Some(proof)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(unreadable(&proof)(source).into()),
    }
}

/// What data files were held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Whether anybody can make proofs of the profile; `None` if no proof lies beside any of the files.
    pub forgeable: Option<bool>,
    /// The blocks with no proof beside their data files, ascending.
    pub not_compared: BTreeSet<u32>,
}

/// As lines of a report.
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.forgeable == Some(true) {
            writeln!(f, "proofs of this profile can be forged")?;
        }
        if self.not_compared.is_empty() {
            return Ok(());
        }
        let (noun, file) = match self.not_compared.len() {
            1 => ("block", "the data file"),
            _ => ("blocks", "the data files"),
        };
        let blocks = Ranges(&self.not_compared);
        writeln!(
            f,
            "not compared: no proof beside {file} of {noun} {blocks}; nonces and ids are only as good as these files"
        )
    }
}

/// Numbers, those in a row as `first-last`.
struct Ranges<'a>(&'a BTreeSet<u32>);

impl fmt::Display for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &number in self.0 {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => ranges.push((number, number)),
            }
        }
        for (at, (first, last)) in ranges.into_iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            write!(f, "{first}")?;
            if last != first {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        let text = |numbers: &[u32]| Ranges(&numbers.iter().copied().collect()).to_string();
        assert_eq!(text(&[3]), "3");
        assert_eq!(text(&[9, 1, 2, 3, 5, 6]), "1-3, 5-6, 9");
    }
}

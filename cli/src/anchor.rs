//! What a proven statement is held against, so that it says something about a chain that one knows.
//!
//! A block proof says that some state leads to some other. Whose states these are, only somebody can say who knows one
//! of them: by its root, or by the genesis that it came from.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::block::Genesis;
use enfold_state::hash::Digest;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::statement::chain::ChainStatement;
use serde::Serialize;

use crate::error::{CliError, Failure, at};
use crate::exit::Exit;
use crate::proofs::{link_blocks, verify_folder};
use crate::records;

/// What is expected of a block.
#[derive(Debug, Args)]
pub struct ExpectArgs {
    /// The state root that the block must start from.
    #[arg(long, value_name = "HEX")]
    expect_prev_root: Option<Digest>,
    /// The state root that the block must lead to.
    #[arg(long, value_name = "HEX")]
    expect_root: Option<Digest>,
    /// The chain that the block must be of.
    #[arg(long, value_name = "N")]
    expect_chain_id: Option<u64>,
    /// The number that the block must have.
    #[arg(long, value_name = "N")]
    expect_number: Option<u32>,
    /// The genesis that the chain must start with, binary or JSON.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

/// A folder of proofs that leads from a genesis to a block, and on from there.
#[derive(Debug, Args)]
pub struct BackArgs {
    /// A folder with the proofs of all blocks from --genesis to this one, and of any later ones.
    #[arg(long, value_name = "DIR", requires = "genesis")]
    chain: Option<PathBuf>,
    /// The state root that the last block of --chain must lead to; the folder must hold the proofs up to it.
    #[arg(long, value_name = "HEX", requires = "chain")]
    expect_last_root: Option<Digest>,
}

/// Something that a statement's roots were held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchoredTo {
    /// The genesis in a file: the previous root comes from it.
    Genesis,
    /// A previous root that was expected.
    PreviousRoot,
    /// A new root that was expected.
    Root,
    /// The root that was expected at the end of a chain of proofs, which has the block in it.
    LastRoot,
}

/// All that a statement was held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Anchor {
    /// What its roots were held against.
    anchored_to: Vec<AnchoredTo>,
    /// Whether the chain's id is one that was expected, or the genesis's.
    chain_id_checked: bool,
    #[serde(skip)]
    chain_id: u64,
}

/// Where a block, or several in a row, begin and end.
struct Ends {
    chain_id: u64,
    first: u32,
    last: u32,
    first_time: u32,
    previous_root: Digest,
    new_root: Digest,
}

impl Ends {
    const fn of(block: &BlockStatement) -> Self {
        let &BlockStatement { chain_id, block_number: number, time, previous_root, new_root, .. } = block;
        Self { chain_id, first: number, last: number, first_time: time, previous_root, new_root }
    }

    const fn of_chain(chain: &ChainStatement) -> Self {
        let &ChainStatement { chain_id, first_block: first, last_block: last, first_time, .. } = chain;
        let (previous_root, new_root) = (chain.first_root, chain.last_root);
        Self { chain_id, first, last, first_time, previous_root, new_root }
    }
}

impl ExpectArgs {
    /// Holds a block against what is expected of it.
    ///
    /// # Errors
    /// If it is something else, or the genesis cannot be read.
    pub fn check(&self, path: &Path, block: &BlockStatement) -> Result<Anchor, CliError> {
        self.check_ends(path, &Ends::of(block))
    }

    /// Holds blocks in a row against what is expected: the previous root is the first one's, new root and number are
    /// the last one's.
    ///
    /// # Errors
    /// As [`ExpectArgs::check`].
    pub fn check_chain(&self, path: &Path, chain: &ChainStatement) -> Result<Anchor, CliError> {
        self.check_ends(path, &Ends::of_chain(chain))
    }

    /// [`ExpectArgs::check`], where the way back to the genesis may be in a folder.
    ///
    /// # Errors
    /// As [`ExpectArgs::check`], or if the folder's proofs do not hold or do not lead to the block.
    pub fn check_back(
        &self,
        path: &Path,
        block: &BlockStatement,
        back: &BackArgs,
    ) -> Result<Anchor, CliError> {
        let Some(folder) = &back.chain else { return self.check(path, block) };
        let mut blocks = verify_folder(folder, block.profile)?;
        blocks.retain(|(before, _)| before != block);
        blocks.push((*block, path.to_owned()));
        blocks.sort_by_key(|(statement, _)| statement.block_number);
        let chain = link_blocks(folder, &blocks)?;
        self.expect_genesis(folder, &Ends::of_chain(&chain))?;
        self.expect_ends(path, &Ends::of(block))?;
        expect(folder, "last root", back.expect_last_root, chain.last_root)?;
        let mut anchor = self.anchor(block.chain_id);
        anchor.anchored_to.extend(back.expect_last_root.map(|_| AnchoredTo::LastRoot));
        Ok(anchor)
    }

    fn check_ends(&self, path: &Path, ends: &Ends) -> Result<Anchor, CliError> {
        self.expect_ends(path, ends)?;
        self.expect_genesis(path, ends)?;
        Ok(self.anchor(ends.chain_id))
    }

    fn expect_ends(&self, path: &Path, ends: &Ends) -> Result<(), CliError> {
        expect(path, "chain id", self.expect_chain_id, ends.chain_id)?;
        expect(path, "block number", self.expect_number, ends.last)?;
        expect(path, "previous root", self.expect_prev_root, ends.previous_root)?;
        expect(path, "new root", self.expect_root, ends.new_root)
    }

    /// What was given, all of which holds once it was checked.
    fn anchor(&self, chain_id: u64) -> Anchor {
        let to = [
            (self.genesis.is_some(), AnchoredTo::Genesis),
            (self.expect_prev_root.is_some(), AnchoredTo::PreviousRoot),
            (self.expect_root.is_some(), AnchoredTo::Root),
        ];
        Anchor {
            anchored_to: to.into_iter().filter_map(|(given, to)| given.then_some(to)).collect(),
            chain_id_checked: self.genesis.is_some() || self.expect_chain_id.is_some(),
            chain_id,
        }
    }

    /// Holds the first block against the genesis, if one is given.
    fn expect_genesis(&self, path: &Path, ends: &Ends) -> Result<(), CliError> {
        let Some(file) = &self.genesis else { return Ok(()) };
        let genesis: Genesis = records::read(file)?;
        let ledger = Ledger::from_genesis(&genesis).map_err(at(file))?;
        expect(path, "chain id", Some(ledger.chain_id()), ends.chain_id)?;
        expect(path, "first block", Some(1), ends.first)?;
        expect(path, "previous root", Some(ledger.root()), ends.previous_root)?;
        if ends.first_time < genesis.time {
            return Err(UnexpectedError {
                path: path.to_owned(),
                field: "time",
                expected: format!("of at least {}, that of the genesis", genesis.time),
                got: ends.first_time.to_string(),
            }
            .into());
        }
        Ok(())
    }
}

impl Anchor {
    /// Of a block of which nothing is known.
    pub const fn none(chain_id: u64) -> Self {
        Self { anchored_to: Vec::new(), chain_id_checked: false, chain_id }
    }

    /// Whether a state root of the block is known, or follows from one that is: the new one, or else the previous one.
    /// What is known of a new root says nothing of the previous one: many states lead to one.
    pub fn reaches(&self, new: bool) -> bool {
        let before = |to: &AnchoredTo| matches!(to, AnchoredTo::Genesis | AnchoredTo::PreviousRoot);
        self.anchored_to.iter().any(|to| before(to) || new && *to == AnchoredTo::Root)
    }

    /// A line on what is to be done where nothing is known of either root.
    pub const fn advice(&self) -> &'static str {
        if self.anchored_to.is_empty() { UNANCHORED } else { "" }
    }

    /// The chain, in a headline, where it was not checked.
    pub const fn chain(&self) -> UncheckedChain {
        UncheckedChain(if self.chain_id_checked { None } else { Some(self.chain_id) })
    }
}

/// As the end of a sentence on a block.
impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |to| self.anchored_to.contains(&to);
        f.write_str(match (has(AnchoredTo::Genesis), has(AnchoredTo::PreviousRoot)) {
            (true, _) => "from this genesis",
            (false, true) => "from the expected previous root",
            (false, false) if has(AnchoredTo::Root) => "with the previous root unchecked",
            (false, false) => "with both state roots unchecked",
        })?;
        f.write_str(if has(AnchoredTo::Root) { ", to the expected root" } else { "" })?;
        f.write_str(if has(AnchoredTo::LastRoot) { ", in a chain to the expected last root" } else { "" })?;
        write!(f, "{}", self.chain())
    }
}

/// A chain that nothing says is the right one.
#[derive(Clone, Copy, Debug)]
pub struct UncheckedChain(Option<u64>);

impl fmt::Display for UncheckedChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |chain_id| write!(f, ", chain {chain_id} unchecked"))
    }
}

/// A line on what is to be done where nothing is known of a root.
pub const UNANCHORED: &str =
    "Nothing shows that this is a state of your chain: expect a root that you know, or give the genesis.\n";

/// What a verdict has to say of its profile, if that is a weak one.
#[derive(Clone, Copy, Debug)]
pub struct Forgeable(pub ProfileId);

impl fmt::Display for Forgeable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.forgeable() {
            write!(f, " by profile {}, whose proofs can be forged,", self.0)
        } else {
            Ok(())
        }
    }
}

/// A proof holds, or a data file is whole, but says something else than it should.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected {field} {expected}, got {got}", path.display())]
pub struct UnexpectedError {
    /// The file.
    pub path: PathBuf,
    /// What is different.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What is there.
    pub got: String,
}

impl Failure for UnexpectedError {
    fn exit(&self) -> Exit {
        Exit::ProofInvalid
    }

    fn kind(&self) -> &'static str {
        "unexpected"
    }
}

/// Holds one thing against what is expected of it, if anything is.
///
/// # Errors
/// If they are different.
pub fn expect<T: PartialEq + fmt::Display>(
    path: &Path,
    field: &'static str,
    expected: Option<T>,
    got: T,
) -> Result<(), CliError> {
    match expected {
        Some(expected) if expected != got => Err(UnexpectedError {
            path: path.to_owned(),
            field,
            expected: expected.to_string(),
            got: got.to_string(),
        }
        .into()),
        _ => Ok(()),
    }
}

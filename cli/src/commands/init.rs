//! `enfold init`: starts a data directory.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::block::Genesis;
use enfold_state::hash::Digest;
use enfold_state::store::Store;
use serde::Serialize;

use crate::error::CliError;
use crate::output::{Outcome, count};
use crate::records;

/// Options of `enfold init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enfold init --data state --genesis chain/genesis.bin")]
pub struct InitArgs {
    /// The data directory, which must not hold a state yet.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The genesis, binary or JSON.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
}

#[derive(Serialize)]
struct Report<'a> {
    data: &'a Path,
    chain_id: u32,
    leaves: usize,
    root: Digest,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaves = count(self.leaves, "leaf", "leaves");
        writeln!(f, "chain {} starts in {} with {leaves}", self.chain_id, self.data.display())?;
        writeln!(f, "state root {}", self.root)
    }
}

impl InitArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the genesis cannot be read or is invalid, or there is a state already.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let genesis: Genesis = records::read(&self.genesis)?;
        let store = Store::create(&self.data, &genesis)?;
        let ledger = store.ledger();
        Outcome::of(&Report {
            data: &self.data,
            chain_id: ledger.chain_id(),
            leaves: ledger.len(),
            root: ledger.root(),
        })
    }
}

//! `enfold init`: starts a data directory.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_prover::bound::circuits_of;
use enfold_state::block::Genesis;
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_state::store::Store;
use serde::Serialize;

use crate::error::CliError;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::proofs::ProfileText;
use crate::records;
use crate::text::{TimeText, leaves_text};

/// Options of `enfold init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Profile and verifier key are fixed in the data directory, which refuses blocks of another profile.

Examples:
  enfold init --data state --genesis chain/genesis.bin
  enfold init --data state --genesis chain/genesis.bin --profile test")]
pub struct InitArgs {
    /// The data directory; must not hold a state yet.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The genesis, binary or JSON.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// Profile that its blocks will be proven with; cannot be changed later.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
}

#[derive(Serialize)]
struct Report<'a> {
    data: &'a Path,
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    time: u32,
    shards: u32,
    leaves: usize,
    contracts: usize,
    root: Digest,
    profile: ProfileId,
    forgeable: bool,
    /// Digest of the key that its block proofs are verified with.
    key: Digest,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaves = leaves_text(self.leaves, self.contracts);
        writeln!(f, "chain {} starts in {} with {leaves}", self.chain_id, self.data.display())?;
        writeln!(f, "time       {}", TimeText(self.time))?;
        writeln!(f, "shards     {}", self.shards)?;
        writeln!(f, "state root {}", self.root)?;
        writeln!(f, "profile    {}", ProfileText(self.profile))
    }
}

impl InitArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the genesis cannot be read or is invalid, or there is a state already.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let genesis: Genesis = records::read(&self.genesis)?;
        let store = Store::create_for(&self.data, &genesis, circuits_of(self.profile))?;
        let ledger = store.ledger();
        Outcome::of(&Report {
            data: &self.data,
            chain_id: ledger.chain_id(),
            time: ledger.time(),
            shards: ledger.chain().shards,
            leaves: ledger.len(),
            contracts: ledger.records().len(),
            root: ledger.root(),
            profile: self.profile,
            forgeable: self.profile.forgeable(),
            key: circuits_of(self.profile).key,
        })
    }
}

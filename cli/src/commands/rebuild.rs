//! `enfold rebuild`: the state from published data alone.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_prover::pipeline::data_path;
use enfold_state::block::Genesis;
use enfold_state::hash::Digest;
use enfold_state::ledger::Ledger;
use enfold_state::rebuild::{rebuild, replay};
use enfold_state::store::Store;
use enfold_state::writes::Writes;
use enfold_witness::profile::ProfileId;
use serde::Serialize;

use crate::args::profile_parser;
use crate::error::CliError;
use crate::output::{Outcome, count};
use crate::proofs::{read_data, verify_file};
use crate::records;

/// Options of `enfold rebuild`.
#[derive(Debug, Args)]
#[command(after_help = "\
Verifies each proof, checks that PROOF.data holds the messages that the proof commits to, and applies them,
in the order given. No transaction and no signature is needed.

Examples:
  enfold rebuild --genesis chain/genesis.bin block-1.proof block-2.proof
  enfold rebuild --genesis chain/genesis.bin --data copy block-1.proof")]
pub struct RebuildArgs {
    /// The genesis, binary or JSON.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// The proofs, block after block; the data of each is in PROOF.data.
    #[arg(value_name = "PROOF", required = true)]
    proofs: Vec<PathBuf>,
    /// The profile that the proofs must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// Start a data directory with the state that was rebuilt.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    chain_id: u32,
    height: u32,
    leaves: usize,
    root: Digest,
    messages: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Path>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks = count(self.height as usize, "block", "blocks");
        let messages = count(self.messages, "message", "messages");
        writeln!(f, "rebuilt the state of chain {} after {blocks} from {messages}", self.chain_id)?;
        writeln!(f, "leaves      {}", self.leaves)?;
        writeln!(f, "state root  {} (as the last proof states)", self.root)?;
        match self.data {
            Some(data) => writeln!(f, "written to  {}", data.display()),
            None => Ok(()),
        }
    }
}

/// A block that was rebuilt.
struct Step {
    number: u32,
    previous_root: Digest,
    writes: Writes,
    root: Digest,
}

impl RebuildArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a proof does not hold, or its data do not lead to its root.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let genesis: Genesis = records::read(&self.genesis)?;
        let mut ledger = Ledger::from_genesis(&genesis)
            .map_err(|source| CliError::Genesis { path: self.genesis.clone(), source: Box::new(source) })?;
        let mut steps = Vec::new();
        let mut messages = 0;
        for proof in &self.proofs {
            let statement = verify_file(proof, self.profile)?;
            let path = data_path(proof);
            let data = read_data(&path, &statement)?;
            let fail = |source| CliError::Rebuild { path: path.clone(), source: Box::new(source) };
            let (previous_root, root) = (statement.previous_root, statement.new_root);
            if self.data.is_some() {
                let writes = replay(&ledger, &data.emitted).map_err(fail)?;
                steps.push(Step { number: data.number, previous_root, writes, root });
            }
            rebuild(&mut ledger, &data, previous_root, root).map_err(fail)?;
            messages += statement.messages as usize;
        }
        if let Some(path) = &self.data {
            let mut store = Store::create(path, &genesis)?;
            for Step { number, previous_root, writes, root } in steps {
                store.commit_writes(number, previous_root, &writes, root)?;
            }
        }
        Outcome::of(&Report {
            chain_id: ledger.chain_id(),
            height: ledger.height(),
            leaves: ledger.len(),
            root: ledger.root(),
            messages,
            data: self.data.as_deref(),
        })
    }
}

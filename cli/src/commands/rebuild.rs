//! `enfold rebuild`: the state from published data alone.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_prover::bound::circuits_of;
use enfold_prover::pipeline::data_path;
use enfold_state::block::Genesis;
use enfold_state::hash::Digest;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_state::rebuild::{rebuild, replay};
use enfold_state::store::Store;
use enfold_state::writes::Writes;
use enfold_verifier::statement::BlockStatement;
use serde::Serialize;

use crate::anchor::expect;
use crate::error::{CliError, at};
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::proofs::{ProfileText, link_blocks, read_data, verify_files, verify_folder};
use crate::records;
use crate::text::{TimeText, count};

/// Options of `enfold rebuild`.
#[derive(Debug, Args)]
#[command(after_help = "\
Verifies each proof, checks that its data file, PROOF.data, holds the messages that the proof
commits to, and applies them in the order of the block numbers. Transactions and signatures are
not needed.

Examples:
  enfold rebuild --genesis chain/genesis.bin block-1.proof block-2.proof
  enfold rebuild --genesis chain/genesis.bin --chain proofs --expect-root 77a0...
  enfold rebuild --genesis chain/genesis.bin --data copy block-1.proof")]
pub struct RebuildArgs {
    /// The genesis, binary or JSON.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// The proofs, in any order; the data file of each is PROOF.data.
    #[arg(value_name = "PROOF", required_unless_present = "chain")]
    proofs: Vec<PathBuf>,
    /// A folder whose .proof files are all read.
    #[arg(long, value_name = "DIR", conflicts_with = "proofs")]
    chain: Option<PathBuf>,
    /// The profile that the proofs must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// The state root that the last block must lead to.
    #[arg(long, value_name = "HEX")]
    expect_root: Option<Digest>,
    /// Create a data directory of this profile with the rebuilt state.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    time: u32,
    height: u32,
    leaves: usize,
    contracts: usize,
    root: Digest,
    messages: usize,
    profile: ProfileId,
    forgeable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Path>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks = count(self.height as usize, "block", "blocks");
        let messages = count(self.messages, "message", "messages");
        write!(f, "rebuilt the state of chain {} after {blocks} from {messages}", self.chain_id)?;
        writeln!(f, "{}", if self.forgeable { ", by proofs that can be forged" } else { "" })?;
        writeln!(f, "time        {}", TimeText(self.time))?;
        writeln!(f, "leaves      {}", self.leaves)?;
        if self.contracts > 0 {
            writeln!(f, "contracts   {}", self.contracts)?;
        }
        writeln!(f, "state root  {} (as the last proof states)", self.root)?;
        writeln!(f, "profile     {}", ProfileText(self.profile))?;
        match self.data {
            Some(data) => writeln!(f, "written to  {}", data.display()),
            None => Ok(()),
        }
    }
}

/// A block that was rebuilt.
struct Step {
    number: u32,
    time: u32,
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
        let mut ledger = Ledger::from_genesis(&genesis).map_err(at(&self.genesis))?;
        let mut steps = Vec::new();
        let mut messages = 0;
        let blocks = match &self.chain {
            Some(folder) => verify_folder(folder, self.profile)?,
            None => verify_files(self.proofs.clone(), self.profile)?,
        };
        if let (Some(folder), true) = (&self.chain, blocks.is_empty()) {
            link_blocks(folder, &blocks)?;
        }
        for (statement, proof) in &blocks {
            let path = data_path(proof);
            let data = read_data(&path, statement)?;
            let fail = at(&path);
            let &BlockStatement { time, previous_root, new_root: root, .. } = statement;
            if self.data.is_some() {
                let writes = replay(&ledger, &data, time).map_err(&fail)?;
                steps.push(Step { number: data.number, time, previous_root, writes, root });
            }
            rebuild(&mut ledger, &data, time, previous_root, root).map_err(&fail)?;
            messages += statement.messages as usize;
        }
        if let Some((_, last)) = blocks.last() {
            expect(last, "new root", self.expect_root, ledger.root())?;
        }
        if let Some(path) = &self.data {
            let mut store = Store::create_for(path, &genesis, circuits_of(self.profile))?;
            for Step { number, time, previous_root, writes, root } in steps {
                store.commit_writes(number, time, previous_root, &writes, root)?;
            }
        }
        Outcome::of(&Report {
            chain_id: ledger.chain_id(),
            time: ledger.time(),
            height: ledger.height(),
            leaves: ledger.len(),
            contracts: ledger.records().len(),
            root: ledger.root(),
            messages,
            profile: self.profile,
            forgeable: self.profile.forgeable(),
            data: self.data.as_deref(),
        })
    }
}

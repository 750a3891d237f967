//! `enfold status`: where a data directory is, and what its prover does.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::hash::Digest;
use enfold_state::ledger::Chain;
use enfold_state::profile::ProfileId;
use enfold_state::store::{Circuits, Head};
use serde::Serialize;

use crate::error::CliError;
use crate::output::Outcome;
use crate::reading::{self, Activity};
use crate::text::{TimeText, grouped, leaves_text};

/// Options of `enfold status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Shows committed blocks: those that are proven, written and applied. If a prover is running, it is
asked; otherwise the data directory is read. Nothing is written.

Examples:
  enfold status --data state
  enfold status --data state --format json")]
pub struct StatusArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[derive(Serialize)]
struct Report<'a> {
    data: &'a Path,
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    /// How many shards new accounts are spread over.
    shards: u32,
    height: u32,
    /// Of the last block, in seconds since 1970.
    time: u32,
    root: Digest,
    leaves: u64,
    contracts: u64,
    circuits: Option<Circuits>,
    under_way: Vec<u32>,
    /// The prover that has the directory open.
    prover: Option<Activity>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { chain_id, height, time, root, leaves, contracts, circuits, ref under_way, .. } = self;
        let leaves = leaves_text(leaves as usize, contracts as usize);
        writeln!(f, "{} is at block {height} of chain {chain_id}, {leaves}", self.data.display())?;
        writeln!(f, "time       {}", TimeText(time))?;
        writeln!(f, "state root {root}")?;
        if let Some(Circuits { profile, key }) = circuits {
            let name = ProfileId::from_number(profile.into());
            let name = name.map_or_else(|| format!("number {profile}"), |profile| profile.to_string());
            writeln!(f, "profile {name}, key {key}")?;
        }
        for number in under_way {
            writeln!(f, "block {number} is started and not yet applied")?;
        }
        let Some(Activity { process, profile, doing, proofs_made, proofs }) = &self.prover else {
            return writeln!(f, "no prover is running");
        };
        write!(f, "process {process} has it open, profile {profile}: {doing}")?;
        match proofs {
            0 => writeln!(f),
            proofs => writeln!(f, ", {} of {} proofs", grouped(*proofs_made as u64), grouped(*proofs as u64)),
        }
    }
}

impl StatusArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the data directory cannot be read.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let (head, prover) = reading::head(&self.data)?;
        let Head {
            chain: Chain { id: chain_id, shards },
            height,
            time,
            root,
            leaves,
            records,
            circuits,
            under_way,
        } = head;
        Outcome::of(&Report {
            data: &self.data,
            chain_id,
            shards,
            height,
            time,
            root,
            leaves,
            contracts: records,
            circuits,
            under_way,
            prover,
        })
    }
}

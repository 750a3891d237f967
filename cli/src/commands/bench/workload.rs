//! `enfold bench workload`: batches and proven seconds of different blocks, by lanes and by whole transactions.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use enfold_benches::results::Results;
use enfold_benches::workload::{Batching, ProofCosts, WorkloadReport};
use enfold_circuits::circuit_set::Circuit;
use enfold_fixtures::workload::Workload;
use enfold_prover::cache::{build_circuits, circuits};
use enfold_prover::machine::Machine;
use enfold_state::block::Block;
use enfold_state::leaf::TREE_DEPTH;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use serde::Serialize;

use crate::error::{CliError, at};
use crate::import::build::{Options, build};
use crate::import::{keys, read_rows};
use crate::options::{GENESIS_TIME, profile_parser};
use crate::output::Outcome;
use crate::progress::Progress;
use crate::text::{count, duration, grouped};

/// Options of `enfold bench workload`.
#[derive(Debug, Args)]
#[command(after_help = "\
enfold batches by lanes. The textbook batches whole transactions: strictly, with no account twice
in a batch, or commutatively, with several credits of one account allowed. A batch of whole
transactions holds as many as a circuit of the same rows has room for; fees are ignored there, in
its favour. Blocks are executed and batched, not proven: proven seconds are the numbers of batch,
lift, fold and block proofs times the time of one of each alone on all threads, which is measured
first.

Examples:
  enfold bench workload
  enfold bench workload --workload star --workload zipf:1.1 --txs 10000 --profile test
  enfold bench workload --csv transfers.csv --block 4369999 --format json")]
pub struct WorkloadArgs {
    /// Who pays whom: uniform, zipf:SKEW, star, one-sender or bursts; may be repeated [default: all of them, zipf
    /// with 0.6, 0.9 and 1.1; none with --csv].
    #[arg(long, value_name = "NAME")]
    workload: Vec<Workload>,
    /// CSV file with a real chain's transfers, as `enfold import` reads it.
    #[arg(long, value_name = "FILE", requires = "block")]
    csv: Option<PathBuf>,
    /// Number of a block in the CSV file; may be repeated.
    #[arg(long, value_name = "B", requires = "csv")]
    block: Vec<u64>,
    /// Transfers in each generated block.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    txs: u32,
    /// Accounts in the state of generated blocks.
    #[arg(long, value_name = "A", default_value_t = 1 << 16, value_parser = clap::value_parser!(u32).range(1..1 << TREE_DEPTH))]
    accounts: u32,
    /// Profile.
    #[arg(long, value_name = "PROFILE", default_value = "standard", value_parser = profile_parser())]
    profile: ProfileId,
    /// Runs to measure the cost of proofs; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Seed for keys and transactions.
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    commit: &'static str,
    profile: ProfileId,
    seed: u64,
    threads: usize,
    runs: u16,
    costs_s: ProofCosts,
    workloads: Vec<WorkloadReport>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |seconds: f64| duration(Duration::from_secs_f64(seconds));
        let ProofCosts { batch, lift, fold, block } = self.costs_s;
        let threads = count(self.threads, "thread", "threads");
        writeln!(
            f,
            "profile {}; a proof alone on {threads}, measured, median of {}:",
            self.profile, self.runs
        )?;
        let [batch, lift, fold, block] = [batch, lift, fold, block].map(time);
        writeln!(f, "batch {batch}, lift {lift}, fold {fold}, block {block}\n")?;
        writeln!(
            f,
            "{:<20} {:>9} {:>21} {:>21} {:>21}",
            "", "", "lanes", "whole, strict", "whole, commutative"
        )?;
        write!(f, "{:<20} {:>9}", "block", "transfers")?;
        for _ in 0..3 {
            write!(f, " {:>10} {:>10}", "batches", "proven in")?;
        }
        writeln!(f)?;
        for workload in &self.workloads {
            write!(f, "{:<20} {:>9}", workload.name, grouped(workload.transfers as u64))?;
            for Batching { proofs, proven_s } in [workload.lanes, workload.strict, workload.commutative] {
                write!(f, " {:>10} {:>10}", grouped(proofs.batches as u64), time(proven_s))?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "\nProven in: all proofs of the block one after the other, at the costs above; not proven here."
        )
    }
}

impl WorkloadArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the CSV file cannot be read, or the costs cannot be measured.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let imported = self.imported()?;
        let progress = Progress::new(self.profile);
        let observe = |event: &_| progress.observe(event);
        let circuits = circuits(self.profile);
        build_circuits(circuits, Circuit::all(), &observe)?;
        let costs = ProofCosts::measure(circuits, self.runs.into(), self.seed, &|_| ())?;
        let report = |name: String, ledger: &Ledger, block: &Block| {
            WorkloadReport::of(name, self.profile, &costs, ledger, block).map_err(CliError::from)
        };
        let mut workloads = Vec::new();
        let generated = match (self.workload.is_empty(), self.csv.is_some()) {
            (true, true) => &[][..],
            (true, false) => &Workload::ALL,
            (false, _) => &self.workload,
        };
        for workload in generated {
            let (ledger, block) = workload.make(self.accounts, self.txs as usize, self.seed);
            workloads.push(report(workload.to_string(), &ledger, &block)?);
        }
        for (name, ledger, block) in &imported {
            workloads.push(report(name.clone(), ledger, block)?);
        }
        Outcome::of(&Report {
            machine: Machine::this(),
            commit: Results::COMMIT,
            profile: self.profile,
            seed: self.seed,
            threads: rayon::current_num_threads(),
            runs: self.runs,
            costs_s: costs,
            workloads,
        })
    }

    /// The blocks of the CSV file, each on a genesis of its own.
    fn imported(&self) -> Result<Vec<(String, Ledger, Block)>, CliError> {
        let Some(csv) = &self.csv else { return Ok(Vec::new()) };
        let rows = read_rows(csv)?;
        let import = |&number: &u64| {
            let options = Options {
                blocks: &[number],
                seed: keys::DEFAULT_SEED,
                chain_id: 1,
                genesis_time: GENESIS_TIME,
                shards: 1,
                fee: 1,
            };
            let imported = build(&rows, &options).map_err(at(csv))?;
            let ledger = Ledger::from_genesis(&imported.genesis).map_err(at(csv))?;
            let block = imported.blocks.into_iter().next().unwrap_or_default();
            Ok((format!("block {number}"), ledger, block))
        };
        self.block.iter().map(import).collect()
    }
}

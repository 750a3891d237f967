//! `enfold bench block`: how many transfers a second are proven.

use std::fmt;
use std::time::Duration;

use clap::Args;
use enfold_circuits::circuit_set::Circuit;
use enfold_fixtures::workload::Workload;
use enfold_prover::cache::{build_circuits, circuits};
use enfold_prover::measure::{BlockMeasurement, measure_block};
use enfold_prover::options::ProveOptions;
use enfold_state::leaf::TREE_DEPTH;
use enfold_state::profile::ProfileId;
use serde::Serialize;

use super::WorkloadError;
use crate::error::CliError;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::progress::Progress;
use crate::text::{count, duration, grouped, milliseconds};

/// Options of `enfold bench block`.
#[derive(Debug, Args)]
#[command(after_help = "\
Generates a block from the seed and proves it as `enfold prove` does, from the transactions to a
verified proof. Accounts, signatures and circuits are made before the clock starts.

Examples:
  enfold bench block --txs 4096 --format json
  enfold bench block --txs 200 --profile test --workload zipf:0.9 --runs 5")]
pub struct BlockArgs {
    /// Transfers in the block.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    txs: u32,
    /// Profile.
    #[arg(long, value_name = "PROFILE", default_value = "standard", value_parser = profile_parser())]
    profile: ProfileId,
    /// Number of runs; the median is reported.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Accounts in the state.
    #[arg(long, value_name = "A", default_value_t = 1 << 16, value_parser = clap::value_parser!(u32).range(1..1 << TREE_DEPTH))]
    accounts: u32,
    /// Who pays whom: uniform, zipf:SKEW, star, one-sender or bursts.
    #[arg(long, value_name = "NAME", default_value = "uniform")]
    workload: Workload,
    /// Proofs to run concurrently [default: threads / 8 but at least 2 (1 on one thread), fewer if memory is short].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: Option<u16>,
    /// Seed for keys and transactions.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

#[derive(Serialize)]
struct Report {
    workload: String,
    accounts: u32,
    seed: u64,
    /// Building or loading the circuits, which is not part of the measured time.
    circuits_ms: f64,
    /// Circuits that had a set-up on disk.
    circuits_loaded: usize,
    #[serde(flatten)]
    measured: BlockMeasurement,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |seconds: f64| duration(Duration::from_secs_f64(seconds));
        let BlockMeasurement { machine, stages, .. } = &self.measured;
        let BlockMeasurement { profile, transfers, batches, threads, in_flight, .. } = self.measured;
        let transfers = count(transfers, "transfer", "transfers");
        let (workload, batches) = (&self.workload, count(batches, "batch", "batches"));
        let accounts = count(self.accounts as usize, "account", "accounts");
        writeln!(f, "{transfers} ({workload}) on {accounts}, profile {profile}, {batches}")?;
        let cpu = machine.cpu.as_deref().unwrap_or("unknown processor");
        let (cores, threads) = (count(machine.cores, "core", "cores"), count(threads, "thread", "threads"));
        let in_flight = count(in_flight, "proof", "proofs");
        writeln!(f, "{cpu}, {cores}; {threads}, {in_flight} concurrently")?;
        let BlockMeasurement { seconds, transfers_per_s, transfers_per_s_per_core, .. } = self.measured;
        writeln!(f, "\nproven in {}, median of {}", time(seconds), self.measured.runs_s.len())?;
        writeln!(f, "{transfers_per_s:.1} transfers per second, {transfers_per_s_per_core:.1} per core\n")?;
        for stage in stages {
            write!(f, "  {:<10}{:>8}  {:>5.1} %", stage.stage, time(stage.seconds), 100.0 * stage.share)?;
            match stage.proofs {
                0 => writeln!(f)?,
                proofs => {
                    writeln!(f, "  {} of {}", count(proofs, "proof", "proofs"), time(stage.proof_s))?;
                }
            }
        }
        if let Some(bytes) = self.measured.peak_memory_bytes {
            writeln!(f, "\npeak memory {} MB, circuits included", grouped(bytes / 1_000_000))?;
        }
        Ok(())
    }
}

impl BlockArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the circuits cannot be built or the block cannot be proven.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let progress = Progress::new(self.profile);
        let observe = |event: &_| progress.observe(event);
        let circuits = circuits(self.profile);
        build_circuits(circuits, Circuit::all(), &observe)?;
        let (ledger, block) = self.workload.make(self.accounts, self.txs as usize, self.seed);
        let options = ProveOptions { in_flight: self.in_flight.map(usize::from), ..ProveOptions::default() };
        let measured = measure_block(circuits, &ledger, &block, &options, self.runs.into(), &observe)
            .map_err(WorkloadError::of(self.workload))?;
        let (circuits_time, circuits_loaded) = progress.circuits();
        Outcome::of(&Report {
            workload: self.workload.to_string(),
            accounts: self.accounts,
            seed: self.seed,
            circuits_ms: milliseconds(circuits_time),
            circuits_loaded,
            measured,
        })
    }
}

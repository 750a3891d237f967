//! `enfold bench latency`: time to proof and throughput by block size.

use clap::Args;
use enfold_benches::sweep::latency;

use super::sweep::{Sweep, SweepArgs, cores};
use crate::error::CliError;
use crate::output::Outcome;

/// Options of `enfold bench latency`.
#[derive(Debug, Args)]
#[command(after_help = "\
Small blocks are proven sooner, large ones with more transfers per second: each size is measured
on all cores, from the transactions to the proof. What is not measured, and --continue, are as for
enfold bench scaling; with --continue, both can write to the same folder, one after the other.

Examples:
  enfold bench latency --out latency
  enfold bench latency --txs 100,400,1600 --profile test --accounts 1000 --out latency")]
pub struct LatencyArgs {
    /// Transfers in each block.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "64,256,700,1400",
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    txs: Vec<u32>,
    /// What is proven, and where results go.
    #[command(flatten)]
    sweep: SweepArgs,
}

impl LatencyArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a point cannot be measured.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let sizes: Vec<usize> = self.txs.iter().map(|&txs| txs as usize).collect();
        let mut sweep = Sweep::new(&self.sweep)?;
        sweep.points(&latency(cores(), &sizes))?;
        sweep.finish()
    }
}

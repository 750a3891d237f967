//! `enfold bench`: measurements on this machine, one file each.

use std::error::Error;
use std::fmt::Display;

use clap::{Args, Subcommand};

use crate::error::{CliError, Failure};
use crate::exit::Exit;
use crate::output::Outcome;

pub mod block;
pub mod calibrate;
pub mod compare;
pub mod engine;
pub mod latency;
pub mod parallelism;
pub mod scaling;
mod sweep;
pub mod witness;
pub mod workload;

/// A benchmark's block does not go through, which is a fault of the program.
#[derive(Debug, thiserror::Error)]
#[error("workload {workload}: {source}")]
struct WorkloadError<E: Error + 'static> {
    workload: String,
    source: E,
}

impl<E: Error + 'static> WorkloadError<E> {
    /// Puts the workload in front of what is wrong with its block.
    fn of(workload: impl Display) -> impl Fn(E) -> Self {
        move |source| Self { workload: workload.to_string(), source }
    }
}

impl<E: Error + Send + Sync + 'static> Failure for WorkloadError<E> {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "benchmark"
    }
}

/// Options of `enfold bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enfold bench engine --profile test --runs 5
  enfold bench block --txs 4096 --format json
  enfold bench calibrate --out calibration.json
  enfold bench parallelism --csv transfers.csv
  enfold bench scaling --cores 1,2 --weak --out scaling
  enfold bench witness --accounts 262144 --txs 30000 --format json
  enfold bench workload --txs 20000")]
pub struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    benchmark: Benchmark,
}

/// The benchmarks.
#[derive(Debug, Subcommand)]
enum Benchmark {
    /// Batches that the blocks of a real chain take, with and without double entry.
    Parallelism(parallelism::ParallelismArgs),
    /// Cost of proofs on this machine, for `enfold plan`.
    Calibrate(calibrate::CalibrateArgs),
    /// The proving engine against stock plonky2, on a debit batch.
    Engine(engine::EngineArgs),
    /// A whole block: execution, witnesses and all proofs.
    Block(block::BlockArgs),
    /// Throughput by cores, concurrent proofs and batch size, with plots.
    Scaling(scaling::ScalingArgs),
    /// Time to proof and throughput by block size, with plots.
    Latency(latency::LatencyArgs),
    /// Results of several machines in one set of plots.
    Compare(compare::CompareArgs),
    /// Everything before the proofs: execution, plan, tree, batch witnesses.
    Witness(witness::WitnessArgs),
    /// Batches and proven seconds of different blocks, by lanes and by whole transactions.
    Workload(workload::WorkloadArgs),
}

impl BenchArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the benchmark cannot run.
    pub fn run(&self) -> Result<Outcome, CliError> {
        match &self.benchmark {
            Benchmark::Parallelism(args) => args.run(),
            Benchmark::Calibrate(args) => args.run(),
            Benchmark::Engine(args) => args.run(),
            Benchmark::Block(args) => args.run(),
            Benchmark::Scaling(args) => args.run(),
            Benchmark::Latency(args) => args.run(),
            Benchmark::Compare(args) => args.run(),
            Benchmark::Witness(args) => args.run(),
            Benchmark::Workload(args) => args.run(),
        }
    }
}

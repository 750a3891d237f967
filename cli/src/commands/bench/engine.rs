//! `enfold bench engine`: the proving engine against stock plonky2.

use std::fmt;
use std::time::Duration;

use clap::Args;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::plonk::measure::{Runs, Subject, median};
use enfold_prover::plonk::{ProofPhase, Work};
use enfold_state::profile::{BatchId, ProfileId};
use serde::Serialize;
use tracing::info;

use crate::error::CliError;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::text::{duration, grouped, milliseconds};

/// Options of `enfold bench engine`.
#[derive(Debug, Args)]
#[command(after_help = "\
Proves one circuit and witness in turns with the engine, and with stock plonky2 and the engine at a
rate that plonky2 can prove at, on all threads and on one, and reports medians. Memory is the most
that a proof adds to the process. Every proof is verified by plonky2's own verifier, outside the
measured time.

Examples:
  enfold bench engine --format json
  enfold bench engine --profile test --runs 9")]
pub struct EngineArgs {
    /// Profile whose debit circuit is proven.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// Proofs of each kind to measure.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Skip stock plonky2 with its own Poseidon, which takes a second circuit of the same rows.
    #[arg(long)]
    without_poseidon: bool,
    /// Skip the measurement on one thread.
    #[arg(long)]
    all_threads_only: bool,
}

#[derive(Serialize)]
struct Report {
    profile: ProfileId,
    circuit: &'static str,
    rows: usize,
    /// The parameters in use.
    fri: FriReport,
    /// Those that plonky2 is compared at.
    stock_fri: FriReport,
    runs: u16,
    work: WorkReport,
    measured: Vec<RunsReport>,
}

/// What FRI's cost depends on.
#[derive(Serialize)]
struct FriReport {
    rate_bits: usize,
    queries: usize,
}

impl fmt::Display for FriReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate 1/{}, {} queries", 1_u64 << self.rate_bits, self.queries)
    }
}

#[derive(Serialize)]
struct WorkReport {
    permutations: u64,
    butterflies: u64,
    multiplications: u64,
}

#[derive(Serialize)]
struct RunsReport {
    threads: usize,
    stock_ms: f64,
    /// The engine with stock's parameters.
    engine_at_stock_ms: f64,
    /// The engine with the parameters in use.
    engine_ms: f64,
    /// Both with stock's parameters.
    ratio: f64,
    /// Stock's time to the engine's, each with its own.
    ratio_in_use: f64,
    rows_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_poseidon_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_poseidon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine_bytes: Option<u64>,
    phases_ms: Vec<PhaseReport>,
    /// The witness's part of a proof, from 0 to 1.
    witness_share: f64,
    floor_ms: FloorReport,
    floor_ratio: f64,
    all_stock_ms: Vec<f64>,
    all_engine_at_stock_ms: Vec<f64>,
    all_engine_ms: Vec<f64>,
}

#[derive(Serialize)]
struct PhaseReport {
    phase: &'static str,
    ms: f64,
}

#[derive(Serialize)]
struct FloorReport {
    permutations: f64,
    butterflies: f64,
    multiplications: f64,
    total: f64,
}

fn quotient(a: Duration, b: Duration) -> f64 {
    rounded(a.as_secs_f64() / b.as_secs_f64())
}

fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

impl RunsReport {
    fn of(runs: &Runs, rows: usize) -> Self {
        let [stock, twin, engine, poseidon] =
            [&runs.stock, &runs.twin, &runs.engine, &runs.stock_poseidon].map(|times| median(times));
        let asked = !runs.stock_poseidon.is_empty();
        let all = |times: &[Duration]| times.iter().copied().map(milliseconds).collect();
        let floor = &runs.floor;
        Self {
            threads: runs.threads,
            stock_ms: milliseconds(stock),
            engine_at_stock_ms: milliseconds(twin),
            engine_ms: milliseconds(engine),
            ratio: quotient(stock, twin),
            ratio_in_use: quotient(stock, engine),
            rows_per_s: (rows as f64 / engine.as_secs_f64()).round(),
            stock_poseidon_ms: asked.then(|| milliseconds(poseidon)),
            ratio_poseidon: asked.then(|| quotient(poseidon, twin)),
            stock_bytes: runs.stock_bytes,
            engine_bytes: runs.engine_bytes,
            witness_share: runs
                .phases
                .iter()
                .find(|(phase, _)| *phase == ProofPhase::Witness)
                .map_or(0.0, |&(_, time)| quotient(time, engine)),
            phases_ms: runs
                .phases
                .iter()
                .map(|&(phase, time)| PhaseReport { phase: phase.name(), ms: milliseconds(time) })
                .collect(),
            floor_ms: FloorReport {
                permutations: rounded(floor.permutations * 1e3),
                butterflies: rounded(floor.butterflies * 1e3),
                multiplications: rounded(floor.multiplications * 1e3),
                total: rounded(floor.total() * 1e3),
            },
            floor_ratio: rounded(engine.as_secs_f64() / floor.total()),
            all_stock_ms: all(&runs.stock),
            all_engine_at_stock_ms: all(&runs.twin),
            all_engine_ms: all(&runs.engine),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |ms: f64| duration(Duration::from_secs_f64(ms / 1e3));
        writeln!(f, "{} of profile {}, {} rows", self.circuit, self.profile, grouped(self.rows as u64))?;
        writeln!(f, "in use {}; beside stock plonky2 {}", self.fri, self.stock_fri)?;
        for runs in &self.measured {
            let threads = runs.threads;
            writeln!(f, "\nthreads {threads}, medians of {}", self.runs)?;
            writeln!(f, "  stock plonky2  {}", time(runs.stock_ms))?;
            if let (Some(ms), Some(ratio)) = (runs.stock_poseidon_ms, runs.ratio_poseidon) {
                writeln!(f, "  with Poseidon  {}, {ratio:.2} times the engine's time", time(ms))?;
            }
            let rows = grouped(runs.rows_per_s as u64);
            let beside = time(runs.engine_at_stock_ms);
            writeln!(f, "  engine beside  {beside}, {:.2} times as fast", runs.ratio)?;
            let in_use = time(runs.engine_ms);
            writeln!(
                f,
                "  engine in use  {in_use}, {:.2} times as fast, {rows} rows a second",
                runs.ratio_in_use
            )?;
            if let (Some(stock), Some(engine)) = (runs.stock_bytes, runs.engine_bytes) {
                let [stock, engine] = [stock, engine].map(|bytes| grouped(bytes / 1_000_000));
                writeln!(f, "  memory         {engine} MB, stock {stock} MB")?;
            }
            for PhaseReport { phase, ms } in &runs.phases_ms {
                writeln!(f, "    {phase:<20}{}", time(*ms))?;
            }
            let (floor, ratio) = (time(runs.floor_ms.total), runs.floor_ratio);
            writeln!(f, "  bare kernels   {floor}; the engine takes {ratio:.2} times that")?;
        }
        Ok(())
    }
}

impl EngineArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a proof fails.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let paths = self.profile.profile().shape(BatchId::DebitWide).paths();
        let mut world = World::new(WorldSpec { accounts: 4 * paths, ..WorldSpec::default() });
        let block = world.block(2 * paths);
        info!("building the circuit");
        let subject = Subject::new(self.profile, world.ledger(), &block, !self.without_poseidon)?;
        let [fri, stock_fri] = subject.rates().map(|(rate_bits, queries)| FriReport { rate_bits, queries });
        let Work { permutations, butterflies, multiplications } = subject.work()?;

        let all = rayon::current_num_threads();
        let mut counts = vec![all];
        if all > 1 && !self.all_threads_only {
            counts.push(1);
        }
        let mut measured = Vec::with_capacity(counts.len());
        for threads in counts {
            let seen = |run| info!("threads {threads}: run {} of {}", run + 1, self.runs);
            let runs = subject.run(self.runs.into(), threads, &seen)?;
            measured.push(RunsReport::of(&runs, subject.rows()));
        }
        Outcome::of(&Report {
            profile: subject.profile(),
            circuit: subject.circuit(),
            rows: subject.rows(),
            fri,
            stock_fri,
            runs: self.runs,
            work: WorkReport { permutations, butterflies, multiplications },
            measured,
        })
    }
}

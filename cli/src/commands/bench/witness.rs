//! `enfold bench witness`: how fast blocks become batch witnesses.

use std::fmt;
use std::time::Instant;

use clap::Args;
use enfold_fixtures::workload::Workload;
use enfold_state::block::{Block, Genesis, GenesisLeaf};
use enfold_state::executor::{ExecuteError, Signatures, execute, execute_checked};
use enfold_state::hash::Digest;
use enfold_state::hash::batch::nodes_into;
use enfold_state::leaf::{Leaf, TREE_DEPTH};
use enfold_state::ledger::{ApplyError, Chain, Ledger};
use enfold_state::profile::ProfileId;
use enfold_state::store::{self, Check, Store};
use enfold_witness::plan::Plan;
use enfold_witness::witness::{Stage, WitnessError, witness_observed};
use serde::Serialize;

use super::WorkloadError;
use crate::error::{CliError, ThreadsError};
use crate::files::temporary_folder;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::text::{count, grouped};

/// Options of `enfold bench witness`.
#[derive(Debug, Args)]
#[command(after_help = "\
Generates each workload from the seed and checks its signatures once. Everything else then runs
--rounds times on each number of threads, and medians are reported. `whole` is everything but the
signatures; `ratio` compares it with the time of the same number of packed hashes alone.

Examples:
  enfold bench witness --accounts 1048576 --txs 200000 --format json
  enfold bench witness --workload uniform --workload zipf:1.1 --cores 1,2,4")]
pub struct WitnessArgs {
    /// Accounts in the state.
    #[arg(long, value_name = "A", default_value_t = 1 << 16, value_parser = clap::value_parser!(u32).range(1..1 << TREE_DEPTH))]
    accounts: u32,
    /// Transfers in the block.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    txs: u32,
    /// Who pays whom: uniform, zipf:SKEW, star, one-sender or bursts; may be repeated [default: all of them,
    /// zipf with 0.6, 0.9 and 1.1].
    #[arg(long, value_name = "NAME")]
    workload: Vec<Workload>,
    /// Profile.
    #[arg(long, value_name = "PROFILE", default_value = "standard", value_parser = profile_parser())]
    profile: ProfileId,
    /// Number of rounds.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Numbers of cores, each with one thread [default: one, and all].
    #[arg(long, value_name = "C,...", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    cores: Vec<u16>,
    /// Seed for keys and transactions.
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
}

/// A benchmark's own block does not go through, which is a fault of the program.
#[derive(Debug, thiserror::Error)]
pub enum WitnessBenchError {
    /// It cannot be executed.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// It has no witness.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// It does not fit its ledger.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

#[derive(Serialize)]
struct Report {
    profile: ProfileId,
    accounts: u32,
    txs: u32,
    rounds: u32,
    threads: usize,
    /// Of the first workload, on the last number of threads.
    whole_tx_per_s: f64,
    /// Of the first workload, on the last number of threads.
    execute_plan_tx_per_s: f64,
    /// Of the first workload.
    hashes_per_transfer: f64,
    /// Of the first workload, on the last number of threads.
    ratio: f64,
    /// Of leaves, nodes and lookup in memory.
    state_bytes: usize,
    store: StoreReport,
    workloads: Vec<WorkloadReport>,
}

/// The first workload's state on disk, in the system's folder for temporary files.
#[derive(Serialize)]
struct StoreReport {
    create_seconds: f64,
    /// One durable transaction with the block's leaves, nodes and root.
    commit_seconds: f64,
    open_seconds: f64,
    /// With all leaves and nodes hashed again.
    open_full_check_seconds: f64,
    file_bytes: u64,
}

#[derive(Serialize)]
struct WorkloadReport {
    workload: String,
    batches: usize,
    lower_bound: usize,
    hashes_per_transfer: f64,
    signatures_tx_per_s: f64,
    runs: Vec<Run>,
}

/// Medians on one number of threads.
#[derive(Serialize)]
struct Run {
    threads: usize,
    stages: Vec<StageReport>,
    execute_plan_tx_per_s: f64,
    whole_seconds: f64,
    whole_tx_per_s: f64,
    /// As many packed hashes as the whole took, and nothing else.
    bare_hash_seconds: f64,
    /// The whole in bare times.
    ratio: f64,
}

#[derive(Serialize)]
struct StageReport {
    stage: &'static str,
    seconds: f64,
    tx_per_s: f64,
    hashes: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |rate: f64| grouped(rate as u64);
        write!(
            f,
            "{} on {}, ",
            count(self.txs as usize, "transfer", "transfers"),
            grouped(self.accounts.into())
        )?;
        writeln!(f, "profile {}, transfers a second", self.profile)?;
        let store = &self.store;
        writeln!(
            f,
            "state: {:.0} MB in memory, {:.0} MB on disk; create {:.2} s, commit {:.2} s, open {:.2} s, {:.2} s with a \
             full check",
            self.state_bytes as f64 / 1e6,
            store.file_bytes as f64 / 1e6,
            store.create_seconds,
            store.commit_seconds,
            store.open_seconds,
            store.open_full_check_seconds
        )?;
        for workload in &self.workloads {
            writeln!(
                f,
                "\n{}: {}, bound {}, {:.1} hashes a transfer, signatures {}",
                workload.workload,
                count(workload.batches, "batch", "batches"),
                workload.lower_bound,
                workload.hashes_per_transfer,
                rate(workload.signatures_tx_per_s)
            )?;
            for run in &workload.runs {
                write!(f, "  {}:", count(run.threads, "thread", "threads"))?;
                for stage in &run.stages {
                    write!(f, " {} {},", stage.stage, rate(stage.tx_per_s))?;
                }
                writeln!(
                    f,
                    " execute and plan {}, whole {}, {:.2} times its bare hashes",
                    rate(run.execute_plan_tx_per_s),
                    rate(run.whole_tx_per_s),
                    run.ratio
                )?;
            }
        }
        Ok(())
    }
}

impl WitnessArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let workloads: Vec<_> =
            self.workloads().iter().map(|&workload| self.measure(workload)).collect::<Result<_, _>>()?;
        let (state_bytes, store) = self.measure_store()?;
        let first = &workloads[0];
        let run = &first.runs[first.runs.len() - 1];
        Outcome::of(&Report {
            profile: self.profile,
            accounts: self.accounts,
            txs: self.txs,
            rounds: self.rounds,
            threads: run.threads,
            whole_tx_per_s: run.whole_tx_per_s,
            execute_plan_tx_per_s: run.execute_plan_tx_per_s,
            hashes_per_transfer: first.hashes_per_transfer,
            ratio: run.ratio,
            state_bytes,
            store,
            workloads,
        })
    }

    fn workloads(&self) -> &[Workload] {
        if self.workload.is_empty() { &Workload::ALL } else { &self.workload }
    }

    fn threads(&self) -> Vec<usize> {
        let mut threads: Vec<usize> = self.cores.iter().map(|&cores| cores.into()).collect();
        if threads.is_empty() {
            threads = vec![1, rayon::current_num_threads()];
        }
        threads.dedup();
        threads
    }

    /// Makes, writes and opens a store of the first workload's state.
    fn measure_store(&self) -> Result<(usize, StoreReport), CliError> {
        let (ledger, block) = self.workloads()[0].make(self.accounts, self.txs as usize, self.seed);
        let failed = WorkloadError::<WitnessBenchError>::of(self.workloads()[0]);
        let execution = execute(&ledger, &block).map_err(|error| failed(error.into()))?;
        let leaf =
            |leaf: &Leaf| GenesisLeaf { address: leaf.address, asset: leaf.asset, balance: leaf.balance };
        let leaves = ledger.leaves().iter().map(leaf).collect();
        let Chain { id: chain_id, shards } = ledger.chain();
        let genesis = Genesis { chain_id, time: ledger.time(), shards, leaves, contracts: vec![] };
        let state_bytes = ledger.memory();
        let prepared = ledger.prepare(block.number, block.time, ledger.root(), &execution.writes);
        let prepared = prepared.map_err(|error| failed(error.into()))?;
        drop(ledger);
        let dir = temporary_folder()?;

        let mut clock = Instant::now();
        let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();
        let mut store = Store::create(dir.path(), &genesis)?;
        let create_seconds = lap();
        store.commit(&prepared, prepared.root())?;
        let commit_seconds = lap();
        drop(store);
        let file_bytes = std::fs::metadata(dir.path().join(store::FILE_NAME)).map_or(0, |found| found.len());
        lap();
        drop(Store::open(dir.path())?);
        let open_seconds = lap();
        drop(Store::open_checked(dir.path(), Check::Full)?);
        let open_full_check_seconds = lap();
        let report =
            StoreReport { create_seconds, commit_seconds, open_seconds, open_full_check_seconds, file_bytes };
        Ok((state_bytes, report))
    }

    fn measure(&self, workload: Workload) -> Result<WorkloadReport, CliError> {
        let (ledger, block) = workload.make(self.accounts, self.txs as usize, self.seed);
        let start = Instant::now();
        let signatures = Signatures::check(&block.transactions);
        let signatures_tx_per_s = self.per_second(start.elapsed().as_secs_f64());
        let case = Case { profile: self.profile, ledger, block, signatures };

        let mut runs = Vec::new();
        let mut figures = Figures::default();
        for threads in self.threads() {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(ThreadsError)?;
            let rounds = (0..self.rounds).map(|_| pool.install(|| case.round()));
            let rounds: Vec<Round> = rounds.collect::<Result<_, _>>().map_err(WorkloadError::of(workload))?;
            runs.push(self.summary(threads, &rounds));
            figures = rounds.into_iter().next().map(|round| round.figures).unwrap_or_default();
        }
        Ok(WorkloadReport {
            workload: workload.to_string(),
            batches: figures.batches,
            lower_bound: figures.lower_bound,
            hashes_per_transfer: figures.hashes as f64 / f64::from(self.txs),
            signatures_tx_per_s,
            runs,
        })
    }

    fn per_second(&self, seconds: f64) -> f64 {
        f64::from(self.txs) / seconds
    }

    fn summary(&self, threads: usize, rounds: &[Round]) -> Run {
        let stages: Vec<_> = (0..rounds[0].stages.len())
            .map(|stage| {
                let (name, _, hashes) = rounds[0].stages[stage];
                let seconds = median(rounds.iter().map(|round| round.stages[stage].1));
                StageReport { stage: name, seconds, tx_per_s: self.per_second(seconds), hashes }
            })
            .collect();
        let whole_seconds = median(rounds.iter().map(Round::whole));
        let first_two = |round: &Round| round.stages[..2].iter().map(|stage| stage.1).sum();
        Run {
            threads,
            stages,
            execute_plan_tx_per_s: self.per_second(median(rounds.iter().map(first_two))),
            whole_seconds,
            whole_tx_per_s: self.per_second(whole_seconds),
            bare_hash_seconds: median(rounds.iter().map(|round| round.bare)),
            ratio: median(rounds.iter().map(|round| round.whole() / round.bare)),
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A block that is ready to be executed.
struct Case {
    profile: ProfileId,
    ledger: Ledger,
    block: Block,
    signatures: Signatures,
}

/// What was measured once.
struct Round {
    /// Name, seconds and hashes of each stage: execution and plan first.
    stages: Vec<(&'static str, f64, usize)>,
    /// Seconds of as many bare hashes.
    bare: f64,
    figures: Figures,
}

/// What is the same in every round.
#[derive(Default)]
struct Figures {
    hashes: usize,
    batches: usize,
    lower_bound: usize,
}

impl Round {
    fn whole(&self) -> f64 {
        self.stages.iter().map(|stage| stage.1).sum()
    }
}

impl Case {
    fn round(&self) -> Result<Round, WitnessBenchError> {
        let Self { ledger, block, .. } = self;
        let profile = self.profile.profile();
        let mut stages = Vec::new();
        let mut clock = Instant::now();
        let mut lap = |name, hashes| {
            stages.push((name, clock.elapsed().as_secs_f64(), hashes));
            clock = Instant::now();
        };
        let execution = execute_checked(ledger, block, &self.signatures)?;
        lap("execute", 0);
        let plan = Plan::new(profile, &execution);
        lap("plan", 0);
        let mut done = |stage: Stage, hashes| lap(stage.name(), hashes);
        let witness = witness_observed(profile, ledger, block, &execution, plan, &mut done)?;
        // What follows the batches: the nodes put together for the ledger, and the writes held against its state.
        lap("state", 0);
        let report = witness.plan.report(profile);
        let hashes = stages.iter().map(|stage| stage.2).sum();
        let figures = Figures { hashes, batches: report.batches(), lower_bound: report.lower_bound() };
        Ok(Round { stages, bare: bare_hashes(witness.prepared()?.root(), hashes), figures })
    }
}

/// Seconds of this many packed hashes of nodes on the threads at hand.
fn bare_hashes(start: Digest, hashes: usize) -> f64 {
    // Little enough memory to stay in a cache; hashed again and again.
    let mut nodes = vec![start; (1 << 12).min(hashes.max(1))];
    let mut left = hashes;
    let clock = Instant::now();
    while left > 0 {
        let before = nodes.clone();
        let length = nodes.len().min(left);
        nodes_into(&mut nodes[..length], |at| [before[at], before[before.len() - 1 - at]]);
        left -= length;
    }
    std::hint::black_box(&nodes);
    clock.elapsed().as_secs_f64()
}

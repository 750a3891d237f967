//! How fast blocks are proven on this machine: the whole pipeline, and where its time goes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use enfold_circuits::circuit_set::CircuitSet;
use enfold_state::block::Block;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use serde::{Deserialize, Serialize};

use crate::error::ProveError;
use crate::events::{Event, Observer};
use crate::job::{Job, Stage};
use crate::machine::{Machine, peak_memory, reset_peak_memory};
use crate::options::ProveOptions;
use crate::prove::{ProvenBlock, Timings, prove_block};

/// How fast blocks of one sort are proven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockMeasurement {
    /// The circuits' profile.
    pub profile: ProfileId,
    /// Transfers that are proven.
    pub transfers: usize,
    /// Batch proofs of the block.
    pub batches: usize,
    /// The machine.
    pub machine: Machine,
    /// Threads of the pool.
    pub threads: usize,
    /// Proofs that run concurrently, at most.
    pub in_flight: usize,
    /// Seconds of each run from the block to its verified proof, in order.
    pub runs_s: Vec<f64>,
    /// The median of the runs; with an even number of them the lower middle one. What follows is of this run.
    pub seconds: f64,
    /// Proven transfers a second.
    pub transfers_per_s: f64,
    /// The same for each core that was used.
    pub transfers_per_s_per_core: f64,
    /// Where the time went, in the order of the pipeline.
    pub stages: Vec<StageMeasurement>,
    /// The most memory that the process held during the runs, circuits included, in bytes; `None` where the
    /// system does not say.
    pub peak_memory_bytes: Option<u64>,
}

/// A stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageMeasurement {
    /// `execute`, `witness`, `batch`, `lift`, `fold`, `block` or `verify`.
    pub stage: String,
    /// Proofs that it made.
    pub proofs: usize,
    /// Its part of the run. While several proofs run concurrently, each counts as an equal part of that time, so
    /// the stages' seconds sum up to the run's, but for moments without a proof.
    pub seconds: f64,
    /// Its part of the run, from 0 to 1.
    pub share: f64,
    /// Mean seconds from the beginning to the end of one of its proofs; 0 without proofs.
    pub proof_s: f64,
}

/// Proves a block `runs` times, at least once, on a state that stays as it is. Building the circuits is not measured, but
/// for its memory if they are not there already.
///
/// # Errors
/// If the block cannot be proven, or has an invalid transaction.
pub fn measure_block(
    circuits: &CircuitSet,
    ledger: &Ledger,
    block: &Block,
    options: &ProveOptions,
    runs: usize,
    observer: Observer<'_>,
) -> Result<BlockMeasurement, ProveError> {
    let options = ProveOptions { strict: true, ..*options };
    reset_peak_memory();
    let mut proven = Vec::new();
    let mut in_flight = 0;
    for _ in 0..runs.max(1) {
        let shares = Mutex::new(Shares::default());
        let observe = |event: &Event| {
            let mut shares = shares.lock().unwrap_or_else(PoisonError::into_inner);
            shares.observe(event);
            drop(shares);
            observer(event);
        };
        let block = prove_block(circuits, ledger, block, &options, &observe)?;
        let shares = shares.into_inner().unwrap_or_else(PoisonError::into_inner);
        in_flight = shares.in_flight;
        proven.push((block, shares));
    }
    let peak_memory_bytes = peak_memory();
    let runs_s = proven.iter().map(|(block, _)| block.timings.total().as_secs_f64()).collect();
    proven.sort_by_key(|(block, _)| block.timings.total());
    let (ProvenBlock { report, timings, statement, .. }, shares) = &proven[(proven.len() - 1) / 2];
    let machine = Machine::this();
    let threads = options.threads.unwrap_or_else(rayon::current_num_threads);
    let (transfers, seconds) = (statement.transactions as usize, timings.total().as_secs_f64());
    let transfers_per_s = transfers as f64 / seconds;
    Ok(BlockMeasurement {
        profile: circuits.id(),
        transfers,
        batches: report.batches(),
        transfers_per_s_per_core: transfers_per_s / threads.min(machine.cores) as f64,
        machine,
        threads,
        in_flight,
        runs_s,
        seconds,
        transfers_per_s,
        stages: stages(timings, shares),
        peak_memory_bytes,
    })
}

fn stages(timings: &Timings, shares: &Shares) -> Vec<StageMeasurement> {
    let total = timings.total().as_secs_f64();
    let stage = |name: &str, proofs, elapsed: Duration, sum: Duration| StageMeasurement {
        stage: name.to_owned(),
        proofs,
        seconds: elapsed.as_secs_f64(),
        share: elapsed.as_secs_f64() / total,
        proof_s: if proofs == 0 { 0.0 } else { sum.as_secs_f64() / proofs as f64 },
    };
    let alone = |name, elapsed| stage(name, 0, elapsed, Duration::ZERO);
    let jobs = Stage::ALL.map(|of| {
        let (proofs, sum) = timings.of_stage(of);
        stage(of.name(), proofs, shares.of_stage(of), sum)
    });
    let mut all = vec![alone("execute", timings.execute), alone("witness", timings.witness)];
    all.extend(jobs);
    all.push(alone("verify", timings.verify));
    all
}

/// Time divided among the running proofs.
#[derive(Debug, Default)]
struct Shares {
    in_flight: usize,
    running: Vec<Job>,
    /// The last time that a proof was begun or made.
    last: Option<Instant>,
    stages: BTreeMap<Stage, Duration>,
}

impl Shares {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::Proving { in_flight, .. } => self.in_flight = *in_flight,
            Event::Started { job } => {
                self.advance(Instant::now());
                self.running.push(*job);
            }
            Event::Finished { job, .. } => {
                self.advance(Instant::now());
                self.running.retain(|running| running != job);
            }
            _ => {}
        }
    }

    /// Divides the time since the last change.
    fn advance(&mut self, now: Instant) {
        let elapsed = self.last.replace(now).map_or(Duration::ZERO, |last| now - last);
        for job in &self.running {
            *self.stages.entry(job.stage()).or_default() += elapsed / self.running.len() as u32;
        }
    }

    fn of_stage(&self, stage: Stage) -> Duration {
        self.stages.get(&stage).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use enfold_fixtures::workload::Workload;
    use enfold_state::kind::FamilyId;

    use super::*;
    use crate::cache::circuits;
    use crate::events::ignore;

    #[test]
    fn time_is_divided_among_running_proofs() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let [lift, fold] = [Job::Lift { number: 0, family: FamilyId::Large }, Job::Fold { number: 0 }];
        let mut shares = Shares::default();
        shares.advance(start);
        shares.running.push(lift);
        shares.advance(start + second);
        shares.running.push(fold);
        shares.advance(start + 3 * second);
        shares.running.clear();
        shares.advance(start + 9 * second);
        assert_eq!(shares.of_stage(Stage::Lift), 2 * second);
        assert_eq!(shares.of_stage(Stage::Fold), second);
        assert_eq!(shares.of_stage(Stage::Block), Duration::ZERO);
    }

    #[test]
    fn stages_sum_up_to_the_run() {
        let circuits = circuits(ProfileId::Test);
        let (ledger, block) = Workload::Uniform.make(64, 60, 1);
        let options = ProveOptions { threads: Some(2), ..ProveOptions::default() };
        let measured = measure_block(circuits, &ledger, &block, &options, 2, &ignore).unwrap();
        assert_eq!((measured.transfers, measured.threads, measured.runs_s.len()), (60, 2, 2));
        assert!(measured.in_flight >= 1);
        assert!(measured.runs_s.contains(&measured.seconds));
        let proofs: Vec<_> = measured.stages.iter().map(|stage| stage.proofs).collect();
        assert_eq!(proofs[2], measured.batches);
        assert!(proofs[3] >= proofs[2] / 3 && proofs[4] >= 1 && proofs[5] == 1, "{proofs:?}");
        let sum: f64 = measured.stages.iter().map(|stage| stage.seconds).sum();
        let share: f64 = measured.stages.iter().map(|stage| stage.share).sum();
        assert!(sum <= measured.seconds && (share - sum / measured.seconds).abs() < 1e-9);
        assert!(
            measured.stages.iter().all(|stage| (stage.proof_s > 0.0) == (stage.proofs > 0)),
            "{measured:?}"
        );
    }

    #[test]
    fn invalid_blocks_are_not_measured() {
        let circuits = circuits(ProfileId::Test);
        let (ledger, mut block) = Workload::Uniform.make(8, 3, 1);
        block.transactions[0].transaction.amount += 1;
        let error = measure_block(circuits, &ledger, &block, &ProveOptions::default(), 1, &ignore);
        assert!(matches!(error, Err(ProveError::Rejected(_))), "{error:?}");
    }
}

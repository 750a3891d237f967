//! The engine against stock plonky2 on a debit batch.

use std::time::{Duration, Instant};

use enfold_circuits::backend::{Backend, Stock};
use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::config::{D, EnfoldConfig, F, Proof};
use enfold_circuits::fill::FillError;
use enfold_circuits::params::{FamilyParams, Params, stock};
use enfold_circuits::recursion::BuildError;
use enfold_state::block::Block;
use enfold_state::executor::{ExecuteError, execute};
use enfold_state::hash::Digest;
use enfold_state::ledger::Ledger;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::witness::{WitnessError, witness_block};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::PoseidonGoldilocksConfig;

use super::floor::{Floor, Work};
use super::phases::ProofPhase;
use super::{Engine, EngineError, Kernels};
use crate::machine::{peak_memory, reset_peak_memory, resident_memory};

/// The circuit that is measured.
const BATCH: BatchId = BatchId::DebitWide;

/// No measurement.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The block cannot be executed on the state.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The execution does not fit the state.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The block has no batch of the kind that is measured.
    #[error("the block has no {} batch", BATCH.name())]
    NoBatch,
    /// The circuit cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The witness does not fit the circuit.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// The engine gave no proof.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Stock plonky2 gave no proof.
    #[error("stock plonky2: {0}")]
    Stock(#[source] anyhow::Error),
    /// The stock verifier refused a proof.
    #[error("stock verifier: {0}")]
    Refused(#[source] anyhow::Error),
    /// No thread pool of this size.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// A batch circuit with inputs, and its twin with parameters that plonky2 can prove with.
#[derive(Debug)]
pub struct Subject {
    profile: ProfileId,
    circuit: BatchCircuit,
    twin: BatchCircuit,
    inputs: PartialWitness<F>,
    poseidon: Option<CircuitData<F, PoseidonGoldilocksConfig, D>>,
}

/// Runs on one number of threads.
#[derive(Clone, Debug)]
pub struct Runs {
    /// Threads.
    pub threads: usize,
    /// Stock plonky2 on the twin, witness included, in order.
    pub stock: Vec<Duration>,
    /// The engine on the twin, witness included, in order.
    pub twin: Vec<Duration>,
    /// The engine with the parameters in use, witness included, in order.
    pub engine: Vec<Duration>,
    /// Stock plonky2 with its own Poseidon, on the same rows; empty if not asked for.
    pub stock_poseidon: Vec<Duration>,
    /// The most bytes that a proof of stock plonky2 added to what the process held before it; `None` where the
    /// system does not say.
    pub stock_bytes: Option<u64>,
    /// The same for the engine with the parameters in use, matrices that it keeps for the next proof included.
    pub engine_bytes: Option<u64>,
    /// Medians of the engine's phases with the parameters in use, in order.
    pub phases: Vec<(ProofPhase, Duration)>,
    /// The least time with the parameters in use.
    pub floor: Floor,
}

/// The median of some times; zero of none.
pub fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => Duration::ZERO,
        even if even % 2 == 0 => (sorted[middle - 1] + sorted[middle]) / 2,
        _ => sorted[middle],
    }
}

impl Subject {
    /// Builds the profile's debit circuit and its twin, and inputs for both from the first such batch of a block.
    /// `poseidon` builds the twin once more, with plonky2's own hash in its commitments.
    ///
    /// # Errors
    /// If the block has no such batch, or the circuits cannot be built.
    pub fn new(
        profile: ProfileId,
        ledger: &Ledger,
        block: &Block,
        poseidon: bool,
    ) -> Result<Self, MeasureError> {
        let execution = execute(ledger, block)?;
        let witness = witness_block(profile.profile(), ledger, block, &execution)?;
        let batch = witness.batches.iter().find(|batch| batch.batch == BATCH).ok_or(MeasureError::NoBatch)?;
        let FamilyParams { config, degree_bits, .. } = Params::of(profile).of_batch(BATCH).clone();
        let build = |backend: &dyn Backend, config| {
            BatchCircuit::build_with(backend, profile.profile(), BATCH, config, degree_bits)
        };
        let circuit = build(&Kernels::default(), &config)?;
        let inputs = circuit.fill(batch, Digest::ZERO)?;
        let stock = stock(&config);
        let twin = build(&Stock, &stock)?;
        let poseidon =
            poseidon.then(|| BatchCircuit::build_for(profile.profile(), BATCH, &stock, degree_bits));
        Ok(Self { profile, circuit, twin, inputs, poseidon })
    }

    /// The profile.
    pub fn profile(&self) -> ProfileId {
        self.profile
    }

    /// The circuit's name.
    pub fn circuit(&self) -> &'static str {
        BATCH.name()
    }

    /// log2 of the inverse rate and number of FRI's queries, of the circuit and of its twin.
    pub fn rates(&self) -> [(usize, usize); 2] {
        [&self.circuit, &self.twin].map(|circuit| {
            let fri = &circuit.data.common.config.fri_config;
            (fri.rate_bits, fri.num_query_rounds)
        })
    }

    /// Rows of the circuit.
    pub fn rows(&self) -> usize {
        self.circuit.data.common.degree()
    }

    /// What a proof with the parameters in use computes at the least.
    ///
    /// # Errors
    /// If the engine does not provide for the circuit.
    pub fn work(&self) -> Result<Work, MeasureError> {
        Ok(Engine::new(&self.circuit.data)?.work())
    }

    /// Proves `runs` times with the engine, and its twin with the engine and with stock plonky2, alternating. Every proof is verified by the
    /// stock verifier, outside the measured time.
    ///
    /// # Errors
    /// If a proof fails or is refused.
    pub fn run(&self, runs: usize, threads: usize, seen: &dyn Fn(usize)) -> Result<Runs, MeasureError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let (data, twin) = (&self.circuit.data, &self.twin.data);
        let (engine, twin_engine) = (Engine::new(data)?, Engine::new(twin)?);
        let mut report = Runs {
            threads,
            stock: Vec::new(),
            twin: Vec::new(),
            engine: Vec::new(),
            stock_poseidon: Vec::new(),
            stock_bytes: None,
            engine_bytes: None,
            phases: Vec::new(),
            floor: pool.install(|| engine.work().floor()),
        };
        let mut phases = Vec::new();
        for run in 0..runs {
            seen(run);
            let inputs = || self.inputs.clone();
            // The engine first: what plonky2's proof leaves behind must not pass for the engine's.
            let ((proof, parts), elapsed, bytes) =
                time(&pool, inputs(), |inputs| Ok(engine.prove_timed(inputs)?))?;
            report.engine.push(elapsed);
            report.engine_bytes = report.engine_bytes.max(bytes);
            phases.push(parts);
            verify(data, proof)?;
            let (proof, elapsed, _) = time(&pool, inputs(), |inputs| Ok(twin_engine.prove(inputs)?))?;
            report.twin.push(elapsed);
            verify(twin, proof)?;
            let (proof, elapsed, bytes) =
                time(&pool, inputs(), |inputs| twin.prove(inputs).map_err(MeasureError::Stock))?;
            report.stock.push(elapsed);
            report.stock_bytes = report.stock_bytes.max(bytes);
            verify(twin, proof)?;
            if let Some(data) = &self.poseidon {
                let (proof, elapsed, _) =
                    time(&pool, inputs(), |inputs| data.prove(inputs).map_err(MeasureError::Stock))?;
                report.stock_poseidon.push(elapsed);
                data.verify(proof).map_err(MeasureError::Refused)?;
            }
        }
        if let Some(first) = phases.first() {
            let part = |i: usize| median(&phases.iter().map(|run| run[i].1).collect::<Vec<_>>());
            report.phases = first.iter().enumerate().map(|(i, &(phase, _))| (phase, part(i))).collect();
        }
        Ok(report)
    }
}

fn verify(data: &CircuitData<F, EnfoldConfig, D>, proof: Proof) -> Result<(), MeasureError> {
    data.verify(proof).map_err(MeasureError::Refused)
}

/// What proves the inputs, its time, and the most bytes that it added to what the process held.
fn time<T: Send>(
    pool: &rayon::ThreadPool,
    inputs: PartialWitness<F>,
    prove: impl FnOnce(PartialWitness<F>) -> Result<T, MeasureError> + Send,
) -> Result<(T, Duration, Option<u64>), MeasureError> {
    pool.install(|| {
        let held = resident_memory().filter(|_| reset_peak_memory());
        let start = Instant::now();
        let proven = prove(inputs)?;
        let elapsed = start.elapsed();
        let added = held.zip(peak_memory()).map(|(held, peak)| peak.saturating_sub(held));
        Ok((proven, elapsed, added))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let of =
            |seconds: &[u64]| median(&seconds.iter().map(|&s| Duration::from_secs(s)).collect::<Vec<_>>());
        assert_eq!(of(&[]), Duration::ZERO);
        assert_eq!(of(&[5]), Duration::from_secs(5));
        assert_eq!(of(&[9, 1, 5]), Duration::from_secs(5));
        assert_eq!(of(&[9, 1, 5, 2]), Duration::from_millis(3500));
    }
}

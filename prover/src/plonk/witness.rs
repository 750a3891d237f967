//! Witness generation: a circuit's generators, run in parallel where many are ready.
//!
//! plonky2 runs one generator after the other. Here those that wait are run in rounds: all of a round on the
//! values known before it, in parallel, and then their values are entered one by one. A round's generators belong to
//! different places of the circuit, one a path for instance, so rounds are wide. Where only a few are left,
//! along one long chain, they run one after the other.

use std::collections::BTreeMap;

use enfold_circuits::config::{CircuitData, D, F};
use plonky2::iop::generator::GeneratedValues;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_data::ProverOnlyCircuitData;
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;

use super::error::EngineError;

/// Generators that are worth a round in parallel.
const WIDE: usize = 64;
/// Generators of a task.
const TASK: usize = 8;
/// Generators whose values are held at a time.
const WINDOW: usize = 1 << 12;

/// Which classes of connected targets have generators that wait for them: one bit a class. Most have none, and
/// need no look at plonky2's map.
#[derive(Debug)]
pub(super) struct Watched(Vec<u64>);

impl Watched {
    pub(super) fn new<C: GenericConfig<D, F = F>>(prover: &ProverOnlyCircuitData<F, C, D>) -> Self {
        let mut bits = vec![0; prover.representative_map.len().div_ceil(64)];
        for &class in prover.generator_indices_by_watches.keys() {
            bits[class / 64] |= 1 << (class % 64);
        }
        Self(bits)
    }

    fn contains(&self, class: usize) -> bool {
        self.0[class / 64] >> (class % 64) & 1 == 1
    }
}

/// Generators that wait for their turn.
struct Queue<'a> {
    watched: &'a Watched,
    watchers: &'a BTreeMap<usize, Vec<usize>>,
    done: Vec<bool>,
    /// Whether a generator is in `next`.
    queued: Vec<bool>,
    next: Vec<usize>,
    left: usize,
}

impl Queue<'_> {
    /// Enters values, and queues the generators that waited for them.
    fn enter(
        &mut self,
        witness: &mut PartitionWitness<'_, F>,
        values: impl Iterator<Item = (Target, F)>,
    ) -> Result<(), EngineError> {
        for (target, value) in values {
            let new = witness.set_target_returning_rep(target, value).map_err(EngineError::Witness)?;
            let Some(class) = new.filter(|&class| self.watched.contains(class)) else { continue };
            for &generator in self.watchers.get(&class).into_iter().flatten() {
                if !self.done[generator] && !self.queued[generator] {
                    self.queued[generator] = true;
                    self.next.push(generator);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, generator: usize) {
        self.done[generator] = true;
        self.left -= 1;
    }
}

/// The witness with these inputs.
///
/// # Errors
/// If two values for one target differ, or a generator has not all of its inputs, or refuses them.
pub(super) fn generate<'a>(
    data: &'a CircuitData,
    watched: &Watched,
    inputs: PartialWitness<F>,
) -> Result<PartitionWitness<'a, F>, EngineError> {
    let prover = &data.prover_only;
    let (num_wires, degree) = (data.common.config.num_wires, data.common.degree());
    let mut witness = PartitionWitness::new(num_wires, degree, &prover.representative_map);
    for (target, value) in inputs.target_values {
        witness.set_target(target, value).map_err(EngineError::Witness)?;
    }
    let generators = &prover.generators;
    let mut queue = Queue {
        watched,
        watchers: &prover.generator_indices_by_watches,
        done: vec![false; generators.len()],
        queued: vec![true; generators.len()],
        next: (0..generators.len()).collect(),
        left: generators.len(),
    };
    while !queue.next.is_empty() {
        let round = std::mem::take(&mut queue.next);
        let wide = round.len() >= WIDE && rayon::current_num_threads() > 1;
        for window in round.chunks(if wide { WINDOW } else { 1 }) {
            window.iter().for_each(|&generator| queue.queued[generator] = false);
            let run = |generators_here: &[usize]| {
                let mut values = GeneratedValues::empty();
                let finished: Vec<usize> = generators_here
                    .iter()
                    .copied()
                    .filter(|&generator| {
                        !queue.done[generator] && generators[generator].0.run(&witness, &mut values)
                    })
                    .collect();
                (finished, values.target_values)
            };
            let outputs: Vec<_> =
                if wide { window.par_chunks(TASK).map(run).collect() } else { vec![run(window)] };
            for (finished, values) in outputs {
                finished.into_iter().for_each(|generator| queue.finish(generator));
                queue.enter(&mut witness, values.into_iter())?;
            }
        }
    }
    match queue.left {
        0 => Ok(witness),
        generators => Err(EngineError::Unfinished { generators }),
    }
}

//! Witness generation: a circuit's generators, run in parallel where many are ready.
//!
//! plonky2 runs one generator after the other, and looks up for each value who waits for it. The first witness of a
//! circuit is made like that, in rounds: all generators of a round on the values known before it. Which generator
//! runs in which round does not depend on the values, so it is recorded, and every further witness runs the
//! recorded rounds without looking anything up. A round's generators belong to different places of the circuit, one
//! a path for instance, so most rounds are wide and run in parallel: first all generators, which sort their values
//! by place, then all places. Where a few generators are left, along one long chain, they run one after the other.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use enfold_circuits::config::{CircuitData, D, F};
use plonky2::iop::generator::{GeneratedValues, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_data::ProverOnlyCircuitData;
use plonky2::plonk::config::GenericConfig;
use rayon::prelude::*;

use super::buffers::Buffers;
use super::error::EngineError;
use super::output::{Output, class, enter};

/// Generators that are worth a round in parallel.
const WIDE: usize = 64;
/// Generators of a task, at most. Some take a thousand times as long as others, so there are many tasks a thread.
const TASK: usize = 64;
/// Inputs of a task.
const INPUTS: usize = 1 << 12;
/// Generators whose values are held at a time.
const WINDOW: usize = 1 << 13;

/// What a circuit's witnesses have in common.
#[derive(Debug)]
pub(super) struct Generation {
    watched: Watched,
    schedule: OnceLock<Schedule>,
    /// Where the memory for values is from.
    buffers: Arc<Buffers>,
}

impl Generation {
    pub(super) fn new<C: GenericConfig<D, F = F>>(
        prover: &ProverOnlyCircuitData<F, C, D>,
        buffers: Arc<Buffers>,
    ) -> Self {
        Self { watched: Watched::new(prover), schedule: OnceLock::new(), buffers }
    }

    /// The witness with these inputs.
    ///
    /// # Errors
    /// If two values for one target differ, or a generator has not all of its inputs, or refuses them.
    pub(super) fn witness<'a>(
        &self,
        data: &'a CircuitData,
        inputs: &PartialWitness<F>,
    ) -> Result<PartitionWitness<'a, F>, EngineError> {
        if let Some(schedule) = self.schedule.get() {
            // Whatever is wrong, the queue finds it again and says what it is.
            let start = self.start(data, inputs)?;
            if let Some(witness) = self.buffers.with_outputs(|outputs| schedule.run(data, start, outputs)) {
                return Ok(witness);
            }
        }
        let (witness, schedule) = Queue::new(data, &self.watched).run(data, self.start(data, inputs)?)?;
        self.schedule.get_or_init(|| schedule);
        Ok(witness)
    }

    /// A witness that has the inputs.
    fn start<'a>(
        &self,
        data: &'a CircuitData,
        inputs: &PartialWitness<F>,
    ) -> Result<PartitionWitness<'a, F>, EngineError> {
        let representative_map = &data.prover_only.representative_map;
        let values = self.buffers.values(representative_map.len());
        let (num_wires, degree) = (data.common.config.num_wires, data.common.degree());
        let mut witness = PartitionWitness { values, representative_map, num_wires, degree };
        let inputs: Vec<_> = inputs.target_values.iter().map(|(&target, &value)| (target, value)).collect();
        let outputs: Vec<_> = inputs.par_chunks(INPUTS).map(|inputs| Output::of(&witness, inputs)).collect();
        if !enter(&outputs, &mut witness.values) {
            // Two inputs of one class differ; whichever is there, the other is refused now.
            for (target, value) in inputs {
                witness.set_target(target, value).map_err(EngineError::Witness)?;
            }
        }
        Ok(witness)
    }
}

/// Generators in an order in which each has its inputs.
#[derive(Debug, Default)]
struct Schedule(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// In any order.
    Wide(Vec<usize>),
    /// One after the other.
    Chain(Vec<usize>),
}

impl Schedule {
    fn push(&mut self, round: &[usize]) {
        match (self.0.last_mut(), round.len() >= WIDE) {
            (_, true) => self.0.push(Step::Wide(round.to_vec())),
            (Some(Step::Chain(chain)), false) => chain.extend(round),
            (_, false) => self.0.push(Step::Chain(round.to_vec())),
        }
    }

    /// `None` if a generator does not run, or if two values for one target differ. `outputs` is memory.
    fn run<'a>(
        &self,
        data: &'a CircuitData,
        mut witness: PartitionWitness<'a, F>,
        outputs: &mut Vec<Output>,
    ) -> Option<PartitionWitness<'a, F>> {
        let generators = &data.prover_only.generators;
        for step in &self.0 {
            match step {
                Step::Wide(round) => {
                    for window in round.chunks(WINDOW) {
                        run_wide(generators, window, &mut witness, outputs)?;
                    }
                }
                Step::Chain(chain) => {
                    let mut values = GeneratedValues::empty();
                    for &generator in chain {
                        generators[generator].0.run(&witness, &mut values).then_some(())?;
                        for (target, value) in values.target_values.drain(..) {
                            witness.set_target(target, value).ok()?;
                        }
                    }
                }
            }
        }
        Some(witness)
    }
}

/// Runs generators that do not wait for one another. `outputs` is memory for their values.
fn run_wide(
    generators: &[WitnessGeneratorRef<F, D>],
    round: &[usize],
    witness: &mut PartitionWitness<'_, F>,
    outputs: &mut Vec<Output>,
) -> Option<()> {
    let task = round.len().div_ceil(16 * rayon::current_num_threads()).clamp(1, TASK);
    let tasks = round.len().div_ceil(task);
    if outputs.len() < tasks {
        outputs.resize_with(tasks, Output::default);
    }
    let outputs = &mut outputs[..tasks];
    let known = &*witness;
    let run = |(output, round): (&mut Output, &[usize])| {
        output.clear();
        let mut values = GeneratedValues::empty();
        for &generator in round {
            if !generators[generator].0.run(known, &mut values) {
                return false;
            }
            for (target, value) in values.target_values.drain(..) {
                output.push(class(known, target), value);
            }
        }
        output.sort();
        true
    };
    outputs.par_iter_mut().zip(round.par_chunks(task)).all(run).then_some(())?;
    enter(outputs, &mut witness.values).then_some(())
}

/// Which classes of connected targets have generators that wait for them: one bit a class. Most have none, and
/// need no look at plonky2's map.
#[derive(Debug)]
struct Watched(Vec<u64>);

impl Watched {
    fn new<C: GenericConfig<D, F = F>>(prover: &ProverOnlyCircuitData<F, C, D>) -> Self {
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

impl<'a> Queue<'a> {
    fn new(data: &'a CircuitData, watched: &'a Watched) -> Self {
        let count = data.prover_only.generators.len();
        Self {
            watched,
            watchers: &data.prover_only.generator_indices_by_watches,
            done: vec![false; count],
            queued: vec![true; count],
            next: (0..count).collect(),
            left: count,
        }
    }

    /// Runs all generators, and records when.
    fn run<'w>(
        mut self,
        data: &'w CircuitData,
        mut witness: PartitionWitness<'w, F>,
    ) -> Result<(PartitionWitness<'w, F>, Schedule), EngineError> {
        let generators = &data.prover_only.generators;
        let mut schedule = Schedule::default();
        while !self.next.is_empty() {
            let round = std::mem::take(&mut self.next);
            round.iter().for_each(|&generator| self.queued[generator] = false);
            let mut values = GeneratedValues::empty();
            let runs = |&generator: &usize| {
                !self.done[generator] && generators[generator].0.run(&witness, &mut values)
            };
            let finished: Vec<usize> = round.into_iter().filter(runs).collect();
            finished.iter().for_each(|&generator| self.done[generator] = true);
            self.left -= finished.len();
            self.enter(&mut witness, values.target_values)?;
            schedule.push(&finished);
        }
        match self.left {
            0 => Ok((witness, schedule)),
            generators => Err(EngineError::Unfinished { generators }),
        }
    }

    /// Enters values, and queues the generators that waited for them.
    fn enter(
        &mut self,
        witness: &mut PartitionWitness<'_, F>,
        values: Vec<(Target, F)>,
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
}

//! Values that generators give, sorted by the place where they go, so that all places are entered in parallel.

use std::ops::Range;

use enfold_circuits::config::F;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartitionWitness;
use rayon::prelude::*;

/// Classes of a place, log2. Their values are entered by one task.
const PLACE_BITS: usize = 15;

/// Values that a task's generators gave, and where they go.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Each with its class's number in its place.
    values: Vec<(u32, F)>,
    /// Neighbours of one place: the place, and where they are in `values`. By place, once the task is done.
    runs: Vec<(u32, Range<u32>)>,
}

impl Output {
    /// Values for these targets.
    pub(super) fn of(witness: &PartitionWitness<'_, F>, values: &[(Target, F)]) -> Self {
        let mut output = Self::default();
        for &(target, value) in values {
            output.push(class(witness, target), value);
        }
        output.sort();
        output
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.runs.clear();
    }

    /// Most values of a generator are of one row, so runs are long.
    pub(super) fn push(&mut self, class: usize, value: F) {
        let at = self.values.len() as u32;
        let place = (class >> PLACE_BITS) as u32;
        self.values.push(((class & ((1 << PLACE_BITS) - 1)) as u32, value));
        match self.runs.last_mut() {
            Some((last, run)) if *last == place => run.end = at + 1,
            _ => self.runs.push((place, at..at + 1)),
        }
    }

    pub(super) fn sort(&mut self) {
        self.runs.sort_unstable_by_key(|(place, _)| *place);
    }

    /// What goes to a place.
    fn of_place(&self, place: u32) -> impl Iterator<Item = &(u32, F)> {
        let first = self.runs.partition_point(|(other, _)| *other < place);
        let runs = self.runs[first..].iter().take_while(move |(other, _)| *other == place);
        runs.flat_map(|(_, run)| &self.values[run.start as usize..run.end as usize])
    }
}

/// The class of connected targets that a target is in.
pub(super) fn class(witness: &PartitionWitness<'_, F>, target: Target) -> usize {
    witness.representative_map[target.index(witness.num_wires, witness.degree)]
}

/// Enters values; `false` if two for one class differ.
pub(super) fn enter(outputs: &[Output], values: &mut [Option<F>]) -> bool {
    let of_place = |(place, known): (usize, &mut [Option<F>])| {
        let mut new = outputs.iter().flat_map(|output| output.of_place(place as u32));
        new.all(|&(class, value)| *known[class as usize].get_or_insert(value) == value)
    };
    values.par_chunks_mut(1 << PLACE_BITS).enumerate().all(of_place)
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;

    use super::*;

    #[test]
    fn outputs_are_found_by_place() {
        let mut output = Output::default();
        for _ in 0..2 {
            output.clear();
            let classes = [(2, 7), (2, 8), (0, 5), (2, 7), (3, 0), (0, 6)];
            for (at, (place, class)) in classes.into_iter().enumerate() {
                output.push((place << PLACE_BITS) + class, F::from_canonical_usize(at));
            }
            output.sort();
            let of = |place| {
                let mut all: Vec<_> =
                    output.of_place(place).map(|&(class, value)| (class, value.0)).collect();
                all.sort_unstable();
                all
            };
            assert_eq!(of(0), [(5, 2), (6, 5)]);
            assert_eq!(of(1), []);
            assert_eq!(of(2), [(7, 0), (7, 3), (8, 1)]);
            assert_eq!(of(3), [(0, 4)]);
            assert_eq!(of(4), []);
        }
    }
}

//! Gate constraints on packed points.

use std::ops::Range;

use enfold_circuits::config::{CommonCircuitData, D, F};
use enfold_circuits::for_each_gate;
use enfold_circuits::gates::arith::{Arith, RingArith};
use enfold_circuits::gates::poseidon2::Poseidon2Gate;
use enfold_circuits::gates::row::RowGate;
use enfold_state::hash::WIDTH;
use p3_field::{PackedValue, PrimeCharacteristicRing};
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

use super::combine::Weights;
use super::domain::Domain;
use super::error::{EngineError, Feature};
use super::extend::Extension;
use super::field::{G, LANES, P, from_kernel, to_kernel};
use super::point::{Point, Values};
use super::recursive::RecursiveGate;
use super::sums::{self, Poseidon2Sums};

/// What plonky2 puts in a row's selectors of the other groups.
const UNUSED_SELECTOR: u64 = u32::MAX as u64;

/// The gates of a circuit that have constraints and a selector that some row turns on, by degree.
#[derive(Debug)]
pub(super) struct Gates {
    gates: Vec<Gate>,
    /// Selectors before the gates' constants.
    selectors: usize,
}

/// A gate, and what turns it on.
#[derive(Debug)]
struct Gate {
    kernel: Kernel,
    /// Of its constraints in the wires, without the filter.
    degree: usize,
    constraints: usize,
    /// The selector of its group.
    selector: usize,
    /// Values of that selector that turn it off: those of the group's other gates, and of rows of other groups.
    off: Vec<G>,
    /// Its place among those whose sums are [extended](super::extend).
    extended: Option<usize>,
}

/// How a gate's constraints are evaluated.
#[derive(Clone, Debug)]
enum Kernel {
    /// Operations `c_0 a b + c_1 c = d`.
    Arithmetic { operations: usize },
    /// Wires equal to the gate's constants.
    Constant { constants: usize },
    /// Wires equal to the hash of the public inputs.
    PublicInput,
    /// Packed.
    Row {
        /// Gives the constraints.
        evaluate: fn(&Point<'_>, &mut Values<'_>),
        /// Its multiplications.
        multiplications: fn() -> usize,
        /// Of the constraints.
        degree: usize,
    },
    /// The permutation; its sums are computed [as such](super::sums), where they are all that is asked for.
    Poseidon2,
    /// One of plonky2's for verifiers in circuits, packed.
    Recursive(RecursiveGate),
    /// plonky2's own evaluation.
    Stock(GateRef<F, D>),
}

fn evaluate_row<T: RowGate>(point: &Point<'_>, out: &mut Values<'_>) {
    T::constraints(&mut RingArith::<P>::default(), point, out);
}

/// Arithmetic that counts multiplications.
#[derive(Default)]
struct Count(usize);

impl Arith for Count {
    type V = ();

    fn constant(&mut self, _k: F) {}

    fn add(&mut self, _a: (), _b: ()) {}

    fn sub(&mut self, _a: (), _b: ()) {}

    fn mul(&mut self, _a: (), _b: ()) {
        self.0 += 1;
    }

    fn mul_add(&mut self, _a: (), _b: (), _c: ()) {
        self.0 += 1;
    }

    fn mul_sub(&mut self, _a: (), _b: (), _c: ()) {
        self.0 += 1;
    }

    fn scale(&mut self, _k: F, _a: ()) {
        self.0 += 1;
    }

    fn scale_add(&mut self, _k: F, _a: (), _c: ()) {
        self.0 += 1;
    }

    fn triple(&mut self, _a: ()) {}

    fn partial_layer(&mut self, _state: &mut [(); WIDTH]) {}
}

fn count_row<T: RowGate>() -> usize {
    let mut count = Count::default();
    T::constraints(&mut count, &(), &mut Vec::new());
    count.0
}

impl Kernel {
    fn of(gate: &GateRef<F, D>) -> Self {
        let any = gate.0.as_any();
        macro_rules! look_up {
            ($($gate:ty),+) => {
                $(if any.is::<$gate>() {
                    return Self::Row {
                        evaluate: evaluate_row::<$gate>,
                        multiplications: count_row::<$gate>,
                        degree: <$gate as RowGate>::DEGREE,
                    };
                })+
            };
        }
        if any.is::<Poseidon2Gate>() {
            return Self::Poseidon2;
        }
        for_each_gate!(look_up! {});
        if any.is::<PublicInputGate>() {
            Self::PublicInput
        } else if let Some(gate) = any.downcast_ref::<ArithmeticGate>() {
            Self::Arithmetic { operations: gate.num_ops }
        } else if any.is::<ConstantGate>() {
            Self::Constant { constants: gate.0.num_constraints() }
        } else {
            RecursiveGate::of(gate).map_or_else(|| Self::Stock(gate.clone()), Self::Recursive)
        }
    }

    /// Of the constraints, where plonky2 is told a [higher](RowGate::SORTING_DEGREE) one.
    fn degree(&self) -> Option<usize> {
        match *self {
            Self::Row { degree, .. } => Some(degree),
            Self::Poseidon2 => Some(Poseidon2Gate::DEGREE),
            _ => None,
        }
    }

    /// Multiplications at a point, without filters and sums; `None` where plonky2 evaluates.
    fn multiplications(&self) -> Option<usize> {
        match self {
            Self::Row { multiplications, .. } => Some(multiplications()),
            Self::Poseidon2 => Some(sums::MULTIPLICATIONS),
            Self::Arithmetic { operations } => Some(3 * operations),
            Self::Constant { .. } | Self::PublicInput => Some(0),
            Self::Recursive(gate) => {
                let mut count = Count::default();
                gate.constraints(&mut count, &(), &mut Vec::new());
                Some(count.0)
            }
            Self::Stock(_) => None,
        }
    }

    #[inline]
    fn evaluate(&self, point: &Point<'_>, stock: &mut StockPoint, out: &mut Values<'_>) {
        match self {
            Self::Arithmetic { operations } => {
                for wires in point.wires.as_chunks::<4>().0.iter().take(*operations) {
                    let [a, b, c, d] = *wires;
                    out.push(d - (point.constants[0] * a * b + point.constants[1] * c));
                }
            }
            Self::Constant { constants } => {
                for (&constant, &wire) in point.constants.iter().zip(point.wires).take(*constants) {
                    out.push(constant - wire);
                }
            }
            Self::PublicInput => {
                for (&element, &wire) in point.public_inputs_hash.elements.iter().zip(point.wires) {
                    out.push(wire - P::from(to_kernel(element)));
                }
            }
            Self::Row { evaluate, .. } => evaluate(point, out),
            Self::Poseidon2 => evaluate_row::<Poseidon2Gate>(point, out),
            Self::Recursive(gate) => gate.constraints(&mut RingArith::<P>::default(), point, out),
            Self::Stock(gate) => {
                stock.fill(point);
                let vars = EvaluationVarsBaseBatch::new(
                    LANES,
                    &stock.constants,
                    &stock.wires,
                    point.public_inputs_hash,
                );
                for values in gate.0.eval_unfiltered_base_batch(vars).chunks_exact(LANES) {
                    out.push(P::from_fn(|lane| to_kernel(values[lane])));
                }
            }
        }
    }
}

/// Space for a gate at a point.
#[derive(Debug)]
pub(super) struct GateSpace {
    values: Vec<P>,
    stock: StockPoint,
}

impl GateSpace {
    /// For gates of at most so many constraints.
    pub(super) fn new(constraints: usize) -> Self {
        Self { values: vec![P::ZERO; constraints], stock: StockPoint::default() }
    }
}

/// A packed point in plonky2's form.
#[derive(Debug, Default)]
struct StockPoint {
    filled: bool,
    wires: Vec<F>,
    constants: Vec<F>,
}

impl StockPoint {
    fn fill(&mut self, point: &Point<'_>) {
        if !std::mem::replace(&mut self.filled, true) {
            unpack(point.wires, &mut self.wires);
            unpack(point.constants, &mut self.constants);
        }
    }
}

fn unpack(from: &[P], to: &mut Vec<F>) {
    to.clear();
    to.extend(from.iter().flat_map(|value| value.as_slice()).map(|&element| from_kernel(element)));
}

impl Gate {
    /// One where the gate is in use, up to a factor, and zero where another one is.
    #[inline(always)]
    fn filter(&self, constants: &[P]) -> P {
        let selector = constants[self.selector];
        self.off.iter().fold(P::ONE, |product, &off| product * (P::from(off) - selector))
    }

    /// Whether it is less work to compute the sums of its constraints, one a challenge, on as many blocks as their
    /// degree and to extend them than to compute its constraints on all blocks.
    fn is_worth_extending(&self, domain: &Domain, challenges: usize) -> bool {
        let blocks = 1 << domain.quotient_bits;
        if self.degree == 0 || self.degree >= blocks {
            return false;
        }
        // Its sums are less work than its constraints on any number of blocks.
        if matches!(self.kernel, Kernel::Poseidon2) {
            return true;
        }
        let Some(multiplications) = self.kernel.multiplications() else { return true };
        // In multiplications, for each of the trace's rows. Where it was measured, a product in a sum took half as
        // long, and a butterfly four times as long, with all that is moved and mapped between the transforms.
        let filters = self.constraints;
        let saved = (blocks - self.degree) * multiplications + blocks * filters;
        let sums = self.degree * challenges * self.constraints / 2;
        let transforms = 4 * challenges * blocks * domain.degree_bits / 2;
        saved > sums + transforms
    }

    /// Terms of the sum for a challenge.
    fn terms(&self) -> usize {
        match self.kernel {
            Kernel::Poseidon2 => sums::TERMS,
            _ => self.constraints,
        }
    }

    /// The sums of its constraints, one a challenge.
    #[inline(always)]
    fn sum(&self, point: &Point<'_>, alphas: &Alphas, space: &mut GateSpace, sums: &mut [P]) {
        if matches!(self.kernel, Kernel::Poseidon2) {
            return alphas.poseidon2.fill(point, sums);
        }
        let values = &mut space.values[..self.constraints];
        self.kernel.evaluate(point, &mut space.stock, &mut Values::new(values));
        sums.fill(P::ZERO);
        alphas.powers.add(values, sums);
    }
}

/// Gates of one degree whose sums are extended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// The blocks that their sums are computed on.
    pub(super) known: usize,
    /// Their places among those that are extended.
    pub(super) places: Range<usize>,
}

impl Gates {
    /// `constants` are the circuit's selectors and whatever follows them. A selector that is off on all rows is a
    /// constant polynomial, and the filters of its gates are zero everywhere.
    ///
    /// # Errors
    /// If the circuit's selectors are not those that its gates give.
    pub(super) fn new(
        common: &CommonCircuitData,
        constants: &[PolynomialCoeffs<F>],
        domain: &Domain,
    ) -> Result<Self, EngineError> {
        let degrees: Vec<usize> = common.gates.iter().map(|gate| gate.0.degree()).collect();
        let groups = groups(&degrees, common.quotient_degree_factor + 1);
        // plonky2's record of the groups has private fields, so the two are compared by what they print.
        let indices: Vec<usize> =
            groups.iter().enumerate().flat_map(|(i, group)| group.clone().map(move |_| i)).collect();
        let expected = format!("SelectorsInfo {{ selector_indices: {indices:?}, groups: {groups:?} }}");
        if expected != format!("{:?}", common.selectors_info) {
            return Err(EngineError::Unsupported { feature: Feature::Selectors });
        }
        let unused = Some(UNUSED_SELECTOR).filter(|_| groups.len() > 1);
        let gate = |(number, (gate, &selector)): (usize, (&GateRef<F, D>, &usize))| {
            let others = groups[selector].clone().filter(|&other| other != number).map(|other| other as u64);
            let kernel = Kernel::of(gate);
            Gate {
                degree: kernel.degree().unwrap_or(gate.0.degree()),
                kernel,
                constraints: gate.0.num_constraints(),
                selector,
                off: unused.into_iter().chain(others).map(G::new).collect(),
                extended: None,
            }
        };
        let gates = common.gates.iter().zip(&indices).enumerate().map(gate);
        let is_off = |selector: usize| {
            constants[selector].coeffs.split_first().is_some_and(|(first, others)| {
                first.to_canonical_u64() == UNUSED_SELECTOR && others.iter().all(Field::is_zero)
            })
        };
        let mut gates: Vec<Gate> =
            gates.filter(|gate| gate.constraints > 0 && !is_off(gate.selector)).collect();
        gates.sort_by_key(|gate| gate.degree);
        let worth =
            gates.iter_mut().filter(|gate| gate.is_worth_extending(domain, common.config.num_challenges));
        worth.enumerate().for_each(|(place, gate)| gate.extended = Some(place));
        Ok(Self { gates, selectors: groups.len() })
    }

    /// Constraints of the gate that has the most among those whose sums are not extended.
    pub(super) fn unextended_constraints(&self) -> usize {
        let unextended = self.gates.iter().filter(|gate| gate.extended.is_none());
        unextended.map(|gate| gate.constraints).max().unwrap_or(0)
    }

    /// The gates whose sums are extended, by degree.
    pub(super) fn classes(&self) -> Vec<Class> {
        let extended: Vec<_> =
            self.gates.iter().filter_map(|gate| gate.extended.map(|_| gate.degree)).collect();
        let mut end = 0;
        let class = |degrees: &[usize]| {
            let places = end..end + degrees.len();
            end = places.end;
            Class { known: degrees[0], places }
        };
        extended.chunk_by(|a, b| a == b).map(class).collect()
    }

    /// Multiplications of all gates, filters included, on so many blocks, for each of the trace's rows; those inside
    /// gates that plonky2 evaluates are not known.
    pub(super) fn multiplications(&self, blocks: usize, challenges: usize) -> usize {
        let of = |gate: &Gate| {
            let inside = gate.kernel.multiplications().unwrap_or(0);
            if gate.extended.is_some() {
                let extension = Extension::multiplications(gate.degree, blocks);
                gate.degree * (inside + challenges * gate.terms()) + challenges * (extension + blocks)
            } else {
                blocks * (inside + gate.constraints)
            }
        };
        self.gates.iter().map(of).sum()
    }

    /// From the powers of each challenge, one for each constraint of the gate that has the most.
    pub(super) fn alphas(&self, powers: Vec<&[G]>) -> Alphas {
        let has_poseidon2 = self.gates.iter().any(|gate| matches!(gate.kernel, Kernel::Poseidon2));
        let poseidon2 = if has_poseidon2 { Poseidon2Sums::new(&powers) } else { Poseidon2Sums::default() };
        Alphas { count: powers.len(), powers: Weights::new(powers), poseidon2 }
    }

    /// Adds all gates' constraints at a point on a block, each gate's times its filter.
    #[inline(always)]
    pub(super) fn add(
        &self,
        point: &Point<'_>,
        block: usize,
        alphas: &Alphas,
        space: &mut GateSpace,
        sums: Sums<'_>,
    ) {
        space.stock.filled = false;
        let inner = Point { constants: &point.constants[self.selectors..], ..*point };
        let count = alphas.count;
        for gate in &self.gates {
            let filter = gate.filter(point.constants);
            let extended = gate.extended.map(|place| place * count..(place + 1) * count);
            let Some(extended) = extended else {
                let values = &mut space.values[..gate.constraints];
                gate.kernel.evaluate(&inner, &mut space.stock, &mut Values::new(values));
                for (sum, &value) in sums.constraints.iter_mut().zip(&*values) {
                    *sum += filter * value;
                }
                continue;
            };
            let extended = &mut sums.extended[extended];
            if block < gate.degree {
                gate.sum(&inner, alphas, space, extended);
            }
            for (total, &sum) in sums.totals.iter_mut().zip(&*extended) {
                *total += filter * sum;
            }
        }
    }
}

/// What constraints are multiplied with.
#[derive(Debug)]
pub(super) struct Alphas {
    count: usize,
    /// For each challenge its powers.
    powers: Weights,
    /// Of a circuit without the gate there are none.
    poseidon2: Poseidon2Sums,
}

/// What gates' constraints are added to.
#[derive(Debug)]
pub(super) struct Sums<'a> {
    /// Constraint by constraint, times the filters.
    pub(super) constraints: &'a mut [P],
    /// For each gate that is extended, and each alpha, the sum of its constraints times alpha's powers, without the
    /// filter: found here on blocks behind those that it is computed on, put here on these.
    pub(super) extended: &'a mut [P],
    /// For each alpha the sums of all gates that are extended, times the filters.
    pub(super) totals: &'a mut [P],
}

/// Gates in their order, cut into groups so that `group size + highest degree` stays within `max_degree`; one
/// group, if all fit in one.
fn groups(degrees: &[usize], max_degree: usize) -> Vec<Range<usize>> {
    let count = degrees.len();
    let highest = degrees.last().copied().unwrap_or(0);
    let mut groups = Vec::new();
    if highest + count <= max_degree + 1 {
        groups.push(0..count);
    } else {
        let mut start = 0;
        while start < count {
            let size =
                degrees[start..].iter().zip(0..).take_while(|&(degree, size)| size + degree < max_degree);
            // A gate of too high a degree makes no progress; plonky2 refuses to build such a circuit.
            let size = size.count().max(1);
            groups.push(start..start + size);
            start += size;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::array::from_fn;

    use enfold_circuits::batch::BatchCircuit;
    use enfold_circuits::config::EnfoldConfig;
    use enfold_circuits::gates::curve::CurveGate;
    use enfold_circuits::gates::own_gates;
    use enfold_circuits::params::{FamilyParams, Params, stock};
    use enfold_state::kind::{BatchId, KindId};
    use enfold_state::profile::ProfileId;
    use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
    use plonky2::gates::base_sum::BaseSumGate;
    use plonky2::gates::coset_interpolation::CosetInterpolationGate;
    use plonky2::gates::exponentiation::ExponentiationGate;
    use plonky2::gates::multiplication_extension::MulExtensionGate;
    use plonky2::gates::random_access::RandomAccessGate;
    use plonky2::gates::reducing::ReducingGate;
    use plonky2::gates::reducing_extension::ReducingExtensionGate;
    use plonky2::hash::hash_types::HashOut;
    use plonky2::plonk::circuit_data::CircuitConfig;
    use rand::{RngCore, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::field::powers;
    use super::*;

    fn interpolation(bits: usize, degree: usize) -> CosetInterpolationGate<F, D> {
        let mut gate = CosetInterpolationGate::new(bits);
        gate.degree = degree;
        gate
    }

    /// All gates that have kernels, at several sizes.
    fn gates() -> Vec<GateRef<F, D>> {
        let config = CircuitConfig::standard_recursion_config();
        let mut gates = own_gates();
        gates.extend([
            GateRef::new(ArithmeticGate::new_from_config(&config)),
            GateRef::new(ConstantGate::new(2)),
            GateRef::new(PublicInputGate),
            GateRef::new(ArithmeticExtensionGate::new_from_config(&config)),
            GateRef::new(MulExtensionGate::new_from_config(&config)),
        ]);
        gates.extend([1, 2, 43].map(|count| GateRef::new(ReducingGate::new(count))));
        gates.extend([1, 2, 32].map(|count| GateRef::new(ReducingExtensionGate::new(count))));
        gates.extend([1, 3, 4].map(|bits| GateRef::new(RandomAccessGate::new_from_config(&config, bits))));
        gates.extend([1, 5, 63].map(|bits| GateRef::new(BaseSumGate::<2>::new(bits))));
        let interpolations = [(1, 2), (2, 2), (3, 3), (3, 8), (4, 6), (4, 16)];
        gates.extend(interpolations.map(|(bits, degree)| GateRef::new(interpolation(bits, degree))));
        gates
    }

    /// The values of a gate's constraints at a point.
    fn values(kernel: &Kernel, constraints: usize, point: &Point<'_>) -> Vec<P> {
        let mut values = vec![P::ZERO; constraints];
        kernel.evaluate(point, &mut StockPoint::default(), &mut Values::new(&mut values));
        values
    }

    #[test]
    fn kernels_give_the_values_of_plonky2() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let mut random = || P::from_fn(|_| G::from_u64(rng.next_u64()));
        for gate in gates() {
            let kernel = Kernel::of(&gate);
            let id = gate.0.id();
            assert!(!matches!(kernel, Kernel::Stock(_)), "{id} has no kernel");
            let wires: Vec<P> = (0..gate.0.num_wires()).map(|_| random()).collect();
            let constants: Vec<P> = (0..gate.0.num_constants()).map(|_| random()).collect();
            let public_inputs_hash =
                &HashOut { elements: [1, 2, 3, u64::MAX - 5].map(F::from_noncanonical_u64) };
            let point = Point { wires: &wires, constants: &constants, public_inputs_hash };
            let count = gate.0.num_constraints();
            let expected = values(&Kernel::Stock(gate.clone()), count, &point);
            assert_eq!(values(&kernel, count, &point), expected, "{id}");
        }
    }

    #[test]
    fn sums_are_those_of_the_constraints() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for gate in gates() {
            let mut random = || G::from_u64(rng.next_u64());
            let kernel = Kernel::of(&gate);
            let constraints = gate.0.num_constraints();
            let powers: [Vec<G>; 3] = from_fn(|_| powers(random(), random(), constraints));
            let mut random = || P::from_fn(|_| G::from_u64(rng.next_u64()));
            let wires: Vec<P> = (0..gate.0.num_wires()).map(|_| random()).collect();
            let constants: Vec<P> = (0..gate.0.num_constants()).map(|_| random()).collect();
            let public_inputs_hash = &HashOut::ZERO;
            let point = Point { wires: &wires, constants: &constants, public_inputs_hash };
            let values = values(&kernel, constraints, &point);
            let id = gate.0.id();
            let gate = Gate {
                kernel,
                degree: gate.0.degree(),
                constraints,
                selector: 0,
                off: vec![],
                extended: None,
            };
            let gates = Gates { gates: vec![gate], selectors: 0 };
            let alphas = gates.alphas(powers.iter().map(Vec::as_slice).collect());
            let mut sums = [P::ZERO; 3];
            gates.gates[0].sum(&point, &alphas, &mut GateSpace::new(constraints), &mut sums);
            for (sum, powers) in sums.into_iter().zip(&powers) {
                let expected: P = values.iter().zip(powers).map(|(&value, &power)| value * power).sum();
                assert_eq!(sum, expected, "{id}");
            }
        }
    }

    /// Circuits without signatures turn the curve's selector off, and are the only ones that do.
    #[test]
    fn gates_of_selectors_that_are_off_are_left_out() {
        let params = Params::of(ProfileId::Test);
        for id in BatchId::ALL {
            let FamilyParams { config, degree_bits, .. } = params.of_batch(id);
            let batch = BatchCircuit::build_for::<EnfoldConfig>(
                ProfileId::Test.profile(),
                id,
                &stock(config),
                *degree_bits,
            );
            let domain = Domain::new(*degree_bits, 3, 3);
            let constants = &batch.prover_only.constants_sigmas_commitment.polynomials;
            let gates = Gates::new(&batch.common, constants, &domain).unwrap();
            let constrained = batch.common.gates.iter().filter(|gate| gate.0.num_constraints() > 0);
            let left_out = if id.kind() == KindId::Debit { 0 } else { 2 };
            assert_eq!(gates.gates.len(), constrained.count() - left_out, "{id:?}");
            let has_curve = gates.gates.iter().any(|gate| gate.degree == CurveGate::DEGREE);
            assert_eq!(has_curve, left_out == 0, "{id:?}");
        }
    }

    #[test]
    fn other_gates_are_left_to_plonky2() {
        for gate in [
            GateRef::new(ExponentiationGate::new_from_config(&CircuitConfig::standard_recursion_config())),
            GateRef::new(RandomAccessGate::new_from_config(&CircuitConfig::standard_recursion_config(), 5)),
            GateRef::new(BaseSumGate::<4>::new(5)),
        ] {
            assert!(matches!(Kernel::of(&gate), Kernel::Stock(_)), "{}", gate.0.id());
        }
    }
}

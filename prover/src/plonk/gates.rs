//! Gate constraints on packed points.

use std::ops::Range;

use enfold_circuits::config::{CommonCircuitData, D, F};
use enfold_circuits::gates::arith::{Arith, RingArith};
use enfold_circuits::gates::curve::CurveGate;
use enfold_circuits::gates::logup::LogUpGate;
use enfold_circuits::gates::path::PathGate;
use enfold_circuits::gates::poseidon2::Poseidon2Gate;
use enfold_circuits::gates::range::RangeGate;
use enfold_circuits::gates::row::{Constraints, Row, RowGate};
use enfold_circuits::gates::select::SelectGate;
use enfold_circuits::gates::signature::SignatureGate;
use enfold_state::hash::WIDTH;
use p3_field::{PackedValue, PrimeCharacteristicRing};
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;

use super::error::{EngineError, Feature};
use super::field::{G, LANES, P, from_kernel, to_kernel};

/// What plonky2 puts in a row's selectors of the other groups.
const UNUSED_SELECTOR: u64 = u32::MAX as u64;

/// All gates of a circuit, and which selector turns each on.
#[derive(Debug)]
pub(super) struct Gates {
    kernels: Vec<Kernel>,
    /// Gates that share a selector.
    groups: Vec<Range<usize>>,
    /// Constraints of all gates.
    constraints: usize,
}

/// How a gate's constraints are evaluated.
#[derive(Clone, Debug)]
enum Kernel {
    /// No constraints.
    Noop,
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
        /// Multiplications without those by the filter.
        multiplications: fn() -> usize,
    },
    /// plonky2's own evaluation.
    Stock(GateRef<F, D>),
}

/// What constraints are about: the values at one packed point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'a> {
    /// All wires.
    pub(super) wires: &'a [P],
    /// Selectors, then the gates' constants.
    pub(super) constants: &'a [P],
    /// Hash of the public inputs.
    pub(super) public_inputs_hash: &'a HashOut<F>,
}

impl Row<P> for Point<'_> {
    #[inline(always)]
    fn wire(&self, column: usize) -> P {
        self.wires[column]
    }

    #[inline(always)]
    fn constant(&self, index: usize) -> P {
        self.constants[index]
    }
}

/// The values of a gate's constraints, in their order. The filter comes later: then nothing waits for anything.
#[derive(Debug)]
struct Values<'a>(std::slice::IterMut<'a, P>);

impl Values<'_> {
    #[inline(always)]
    fn push(&mut self, value: P) {
        if let Some(place) = self.0.next() {
            *place = value;
        }
    }
}

impl Constraints<P> for Values<'_> {
    #[inline(always)]
    fn zero(&mut self, _name: &'static str, value: P) {
        self.push(value);
    }
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
            ($($gate:ty),+ $(,)?) => {
                $(if any.is::<$gate>() {
                    return Self::Row {
                        evaluate: evaluate_row::<$gate>,
                        multiplications: count_row::<$gate>,
                    };
                })+
            };
        }
        look_up! {
            Poseidon2Gate,
            RangeGate,
            PathGate,
            SelectGate,
            LogUpGate,
            CurveGate,
            SignatureGate,
        }
        if any.is::<NoopGate>() {
            Self::Noop
        } else if any.is::<PublicInputGate>() {
            Self::PublicInput
        } else if let Some(gate) = any.downcast_ref::<ArithmeticGate>() {
            Self::Arithmetic { operations: gate.num_ops }
        } else if any.is::<ConstantGate>() {
            Self::Constant { constants: gate.0.num_constraints() }
        } else {
            Self::Stock(gate.clone())
        }
    }

    #[inline]
    fn evaluate(&self, point: &Point<'_>, stock: &mut StockPoint, out: &mut Values<'_>) {
        match self {
            Self::Noop => {}
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

/// A packed point in plonky2's form.
#[derive(Debug, Default)]
pub(super) struct StockPoint {
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

impl Gates {
    /// # Errors
    /// If the circuit's selectors are not those that its gates give.
    pub(super) fn new(common: &CommonCircuitData) -> Result<Self, EngineError> {
        let degrees: Vec<usize> = common.gates.iter().map(|gate| gate.0.degree()).collect();
        let groups = groups(&degrees, common.quotient_degree_factor + 1);
        // plonky2's record of the groups has private fields, so the two are compared by what they print.
        let indices: Vec<usize> =
            groups.iter().enumerate().flat_map(|(i, group)| group.clone().map(move |_| i)).collect();
        let expected = format!("SelectorsInfo {{ selector_indices: {indices:?}, groups: {groups:?} }}");
        if expected != format!("{:?}", common.selectors_info) {
            return Err(EngineError::Unsupported { feature: Feature::Selectors });
        }
        let constraints = common.gates.iter().map(|gate| gate.0.num_constraints()).sum();
        Ok(Self { kernels: common.gates.iter().map(Kernel::of).collect(), groups, constraints })
    }

    /// Multiplications at a point, filters included; those inside gates that plonky2 evaluates are not known.
    pub(super) fn multiplications(&self) -> usize {
        let inside = |kernel: &Kernel| match kernel {
            Kernel::Row { multiplications, .. } => multiplications(),
            Kernel::Arithmetic { operations } => 3 * operations,
            Kernel::Noop | Kernel::Constant { .. } | Kernel::PublicInput | Kernel::Stock(_) => 0,
        };
        self.kernels.iter().map(inside).sum::<usize>() + self.constraints
    }

    /// Adds all gates' constraints at a point, each gate's times its filter, to `sums`. `values` is space for
    /// those of one gate.
    pub(super) fn add_constraints(
        &self,
        point: &Point<'_>,
        stock: &mut StockPoint,
        values: &mut [P],
        sums: &mut [P],
    ) {
        stock.filled = false;
        let selectors = self.groups.len();
        let inner = Point { constants: &point.constants[selectors..], ..*point };
        for (group, &selector) in self.groups.iter().zip(point.constants) {
            for gate in group.clone() {
                if matches!(self.kernels[gate], Kernel::Noop) {
                    continue;
                }
                let difference = |value: u64| P::from(G::new(value)) - selector;
                let mut filter = if selectors > 1 { difference(UNUSED_SELECTOR) } else { P::ONE };
                for other in group.clone().filter(|&other| other != gate) {
                    filter *= difference(other as u64);
                }
                let mut out = Values(values.iter_mut());
                self.kernels[gate].evaluate(&inner, stock, &mut out);
                let unused = out.0.len();
                let values = &values[..values.len() - unused];
                for (sum, &value) in sums.iter_mut().zip(values) {
                    *sum += filter * value;
                }
            }
        }
    }
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

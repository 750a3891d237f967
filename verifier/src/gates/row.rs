//! Gates whose constraints concern one row, and the generator that fills such a row.
//!
//! A gate implements [`RowGate`]; [`impl_gate!`](crate::impl_gate) makes plonky2's `Gate` of it.

use std::fmt::Debug;
use std::marker::PhantomData;

use anyhow::Result;
use plonky2::field::extension::Extendable;
use plonky2::field::packed::PackedField;
use plonky2::field::types::Field;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::wire::Wire;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::{EvaluationTargets, EvaluationVars, EvaluationVarsBasePacked};
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::arith::Arith;
use crate::field::F;

/// The values on a row.
pub trait Row<V> {
    /// The wire in this column.
    fn wire(&self, column: usize) -> V;

    /// The gate constant with this index.
    fn constant(&self, index: usize) -> V;

    /// The `N` wires from this column on.
    #[inline(always)]
    fn wires<const N: usize>(&self, first: usize) -> [V; N] {
        std::array::from_fn(|i| self.wire(first + i))
    }
}

/// Where a gate's constraints go: values that must be zero.
pub trait Constraints<V> {
    /// Requires `value = 0`. The name says what is required; several constraints may share one.
    fn zero(&mut self, name: &'static str, value: V);
}

/// A gate without parameters whose constraints concern one row.
pub trait RowGate: Clone + Copy + Debug + Default + Send + Sync + 'static {
    /// Identifies the gate in circuits and in reports.
    const NAME: &'static str;
    /// Columns in use.
    const WIRES: usize;
    /// Gate constants in use.
    const CONSTANTS: usize = 0;
    /// The highest degree of a constraint.
    const DEGREE: usize;
    /// The degree that plonky2 is told, at least [`RowGate::DEGREE`]. plonky2 sorts a circuit's gates by it and then by
    /// name, and gates in a row share a selector as long as their number and this degree allow. A selector that a circuit
    /// turns on nowhere costs its proofs nothing, so gates that circuits do without together should share one.
    const SORTING_DEGREE: usize = Self::DEGREE;
    /// How many constraints [`RowGate::constraints`] gives.
    const CONSTRAINTS: usize;
    /// Whether the row is filled by [`RowGate::fill`]. Otherwise the caller fills it.
    const FILLS: bool = true;

    /// Gives the gate's constraints, always the same ones in the same order.
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>);

    /// The columns that must be known before the row is filled.
    fn inputs() -> Vec<usize> {
        Vec::new()
    }

    /// Computes the other columns from the inputs.
    ///
    /// # Errors
    /// If the inputs admit no values, or a column is already known to hold another value.
    fn fill(_row: &mut RowFiller<'_, '_>) -> Result<()> {
        Ok(())
    }
}

/// Read and write access to one row during witness generation.
#[derive(Debug)]
pub struct RowFiller<'a, 'w> {
    row: usize,
    constants: &'a [F],
    witness: &'a PartitionWitness<'w, F>,
    out: &'a mut GeneratedValues<F>,
}

impl RowFiller<'_, '_> {
    /// An input column's value.
    pub fn get(&self, column: usize) -> F {
        self.witness.get_wire(Wire { row: self.row, column })
    }

    /// The values of the `N` input columns from this one on.
    pub fn get_array<const N: usize>(&self, first: usize) -> [F; N] {
        std::array::from_fn(|i| self.get(first + i))
    }

    /// A gate constant.
    pub fn constant(&self, index: usize) -> F {
        self.constants[index]
    }

    /// Sets a column.
    ///
    /// # Errors
    /// If it was set to another value before.
    pub fn set(&mut self, column: usize, value: F) -> Result<()> {
        self.out.set_wire(Wire { row: self.row, column }, value)
    }

    /// Sets the columns from this one on.
    ///
    /// # Errors
    /// If one was set to another value before.
    pub fn set_all(&mut self, first: usize, values: &[F]) -> Result<()> {
        values.iter().enumerate().try_for_each(|(i, &value)| self.set(first + i, value))
    }
}

/// Fills one row of a [`RowGate`].
#[derive(Clone, Debug, Default)]
pub struct RowGenerator<G> {
    row: usize,
    constants: Vec<F>,
    gate: PhantomData<G>,
}

impl<G: RowGate> RowGenerator<G> {
    /// The generator of the gate's row, as plonky2 wants it: none if the gate does not fill.
    pub fn for_row<const D: usize>(row: usize, constants: &[F]) -> Vec<WitnessGeneratorRef<F, D>>
    where
        F: Extendable<D>,
    {
        if !G::FILLS {
            return Vec::new();
        }
        let constants = constants[..G::CONSTANTS].to_vec();
        let generator = Self { row, constants, gate: PhantomData };
        vec![WitnessGeneratorRef::new(SimpleGenerator::<F, D>::adapter(generator))]
    }
}

impl<G: RowGate, const D: usize> SimpleGenerator<F, D> for RowGenerator<G>
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        format!("{}Generator", G::NAME)
    }

    fn dependencies(&self) -> Vec<Target> {
        G::inputs().into_iter().map(|column| Target::wire(self.row, column)).collect()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        G::fill(&mut RowFiller { row: self.row, constants: &self.constants, witness, out })
    }

    fn serialize(&self, dst: &mut Vec<u8>, _common: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        self.constants.iter().try_for_each(|k| dst.write_field(*k))
    }

    fn deserialize(src: &mut Buffer, _common: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let row = src.read_usize()?;
        let constants = (0..G::CONSTANTS).map(|_| src.read_field()).collect::<IoResult<Vec<F>>>()?;
        Ok(Self { row, constants, gate: PhantomData })
    }
}

/// The names of a gate's constraints, in order; the `i`-th of several with one name gets `[i]`.
pub fn constraint_names<G: RowGate>() -> Vec<String> {
    let mut names = Names::default();
    G::constraints(&mut NoArith, &(), &mut names);
    let names = names.0;
    let count = |of: &[&str], name| of.iter().filter(|&&n| n == name).count();
    let number = |(i, &name): (usize, &&'static str)| match count(&names, name) {
        1 => name.to_owned(),
        _ => format!("{name}[{}]", count(&names[..i], name)),
    };
    names.iter().enumerate().map(number).collect()
}

#[derive(Default)]
struct Names(Vec<&'static str>);

impl Constraints<()> for Names {
    fn zero(&mut self, name: &'static str, _value: ()) {
        self.0.push(name);
    }
}

impl Row<()> for () {
    fn wire(&self, _column: usize) {}

    fn constant(&self, _index: usize) {}
}

/// Arithmetic that computes nothing, for [`constraint_names`].
struct NoArith;

impl Arith for NoArith {
    type V = ();

    fn constant(&mut self, _k: F) {}

    fn add(&mut self, _a: (), _b: ()) {}

    fn sub(&mut self, _a: (), _b: ()) {}

    fn mul(&mut self, _a: (), _b: ()) {}

    fn mul_add(&mut self, _a: (), _b: (), _c: ()) {}

    fn mul_sub(&mut self, _a: (), _b: (), _c: ()) {}

    fn scale(&mut self, _k: F, _a: ()) {}

    fn scale_add(&mut self, _k: F, _a: (), _c: ()) {}
}

impl<P: PackedField<Scalar = F>> Row<P> for EvaluationVarsBasePacked<'_, P> {
    #[inline(always)]
    fn wire(&self, column: usize) -> P {
        self.local_wires[column]
    }

    #[inline(always)]
    fn constant(&self, index: usize) -> P {
        self.local_constants[index]
    }
}

impl<P: PackedField<Scalar = F>> Constraints<P> for StridedConstraintConsumer<'_, P> {
    #[inline(always)]
    fn zero(&mut self, _name: &'static str, value: P) {
        self.one(value);
    }
}

impl<const D: usize> Row<<F as Extendable<D>>::Extension> for EvaluationVars<'_, F, D>
where
    F: Extendable<D>,
{
    fn wire(&self, column: usize) -> <F as Extendable<D>>::Extension {
        self.local_wires[column]
    }

    fn constant(&self, index: usize) -> <F as Extendable<D>>::Extension {
        self.local_constants[index]
    }
}

impl<const D: usize> Row<ExtensionTarget<D>> for EvaluationTargets<'_, D> {
    fn wire(&self, column: usize) -> ExtensionTarget<D> {
        self.local_wires[column]
    }

    fn constant(&self, index: usize) -> ExtensionTarget<D> {
        self.local_constants[index]
    }
}

impl<V> Constraints<V> for Vec<V> {
    fn zero(&mut self, _name: &'static str, value: V) {
        self.push(value);
    }
}

/// Wires that hold one value each on a row given as a slice, for evaluating constraints natively.
#[derive(Clone, Copy, Debug)]
pub struct SliceRow<'a> {
    /// The gate's wires.
    pub wires: &'a [F],
    /// The gate's constants.
    pub constants: &'a [F],
}

impl Row<F> for SliceRow<'_> {
    fn wire(&self, column: usize) -> F {
        self.wires.get(column).copied().unwrap_or(F::ZERO)
    }

    fn constant(&self, index: usize) -> F {
        self.constants[index]
    }
}

/// Makes plonky2's `Gate` of a type that implements [`RowGate`].
#[macro_export]
macro_rules! impl_gate {
    ($gate:ty) => {
        impl<const D: usize> plonky2::gates::gate::Gate<$crate::field::F, D> for $gate
        where
            $crate::field::F: plonky2::field::extension::Extendable<D>,
        {
            fn id(&self) -> String {
                <Self as $crate::gates::row::RowGate>::NAME.to_owned()
            }

            fn serialize(
                &self,
                _dst: &mut Vec<u8>,
                _common: &plonky2::plonk::circuit_data::CommonCircuitData<$crate::field::F, D>,
            ) -> plonky2::util::serialization::IoResult<()> {
                Ok(())
            }

            fn deserialize(
                _src: &mut plonky2::util::serialization::Buffer,
                _common: &plonky2::plonk::circuit_data::CommonCircuitData<$crate::field::F, D>,
            ) -> plonky2::util::serialization::IoResult<Self> {
                Ok(<Self as Default>::default())
            }

            fn eval_unfiltered(
                &self,
                vars: plonky2::plonk::vars::EvaluationVars<$crate::field::F, D>,
            ) -> Vec<<$crate::field::F as plonky2::field::extension::Extendable<D>>::Extension> {
                let mut out = Vec::with_capacity(<Self as $crate::gates::row::RowGate>::CONSTRAINTS);
                <Self as $crate::gates::row::RowGate>::constraints(
                    &mut $crate::gates::arith::ExtensionArith::<D>,
                    &vars,
                    &mut out,
                );
                out
            }

            fn eval_unfiltered_base_one(
                &self,
                _vars: plonky2::plonk::vars::EvaluationVarsBase<$crate::field::F>,
                _out: plonky2::gates::util::StridedConstraintConsumer<$crate::field::F>,
            ) {
                unreachable!("the packed evaluation is used")
            }

            fn eval_unfiltered_base_batch(
                &self,
                vars: plonky2::plonk::vars::EvaluationVarsBaseBatch<$crate::field::F>,
            ) -> Vec<$crate::field::F> {
                plonky2::gates::packed_util::PackedEvaluableBase::<$crate::field::F, D>
                                                            ::eval_unfiltered_base_batch_packed(self, vars)
            }

            fn eval_unfiltered_circuit(
                &self,
                builder: &mut plonky2::plonk::circuit_builder::CircuitBuilder<$crate::field::F, D>,
                vars: plonky2::plonk::vars::EvaluationTargets<D>,
            ) -> Vec<plonky2::iop::ext_target::ExtensionTarget<D>> {
                let mut out = Vec::with_capacity(<Self as $crate::gates::row::RowGate>::CONSTRAINTS);
                <Self as $crate::gates::row::RowGate>::constraints(
                    &mut $crate::gates::arith::CircuitArith { builder },
                    &vars,
                    &mut out,
                );
                out
            }

            fn generators(
                &self,
                row: usize,
                local_constants: &[$crate::field::F],
            ) -> Vec<plonky2::iop::generator::WitnessGeneratorRef<$crate::field::F, D>> {
                $crate::gates::row::RowGenerator::<Self>::for_row(row, local_constants)
            }

            fn num_wires(&self) -> usize {
                <Self as $crate::gates::row::RowGate>::WIRES
            }

            fn num_constants(&self) -> usize {
                <Self as $crate::gates::row::RowGate>::CONSTANTS
            }

            fn degree(&self) -> usize {
                const {
                    assert!(
                        <Self as $crate::gates::row::RowGate>::SORTING_DEGREE
                            >= <Self as $crate::gates::row::RowGate>::DEGREE
                    )
                };
                <Self as $crate::gates::row::RowGate>::SORTING_DEGREE
            }

            fn num_constraints(&self) -> usize {
                <Self as $crate::gates::row::RowGate>::CONSTRAINTS
            }
        }

        impl<const D: usize> plonky2::gates::packed_util::PackedEvaluableBase<$crate::field::F, D>
            for $gate
        where
            $crate::field::F: plonky2::field::extension::Extendable<D>,
        {
            fn eval_unfiltered_base_packed<P>(
                &self,
                vars: plonky2::plonk::vars::EvaluationVarsBasePacked<P>,
                mut out: plonky2::gates::util::StridedConstraintConsumer<P>,
            ) where
                P: plonky2::field::packed::PackedField<Scalar = $crate::field::F>,
            {
                <Self as $crate::gates::row::RowGate>::constraints(
                    &mut $crate::gates::arith::BaseArith::<P>::default(),
                    &vars,
                    &mut out,
                );
            }
        }
    };
}

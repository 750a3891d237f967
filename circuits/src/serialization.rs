//! Which generators circuits consist of, so that a circuit can be stored and read back.
//!
//! A generator's place in the list is its tag in the stored form: append, never reorder.

use plonky2::field::extension::Extendable;
use plonky2::gadgets::arithmetic::EqualityGenerator;
use plonky2::gadgets::arithmetic_extension::QuotientGeneratorExtension;
use plonky2::gadgets::range_check::LowHighGenerator;
use plonky2::gadgets::split_base::BaseSumGenerator;
use plonky2::gadgets::split_join::{SplitGenerator, WireSplitGenerator};
use plonky2::gates::arithmetic_base::ArithmeticBaseGenerator;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGenerator;
use plonky2::gates::base_sum::BaseSplitGenerator;
use plonky2::gates::coset_interpolation::InterpolationGenerator;
use plonky2::gates::exponentiation::ExponentiationGenerator;
use plonky2::gates::multiplication_extension::MulExtensionGenerator;
use plonky2::gates::random_access::RandomAccessGenerator;
use plonky2::gates::reducing::ReducingGenerator;
use plonky2::gates::reducing_extension::ReducingGenerator as ReducingExtensionGenerator;
use plonky2::iop::generator::{ConstantGenerator, CopyGenerator, NonzeroTestGenerator, RandomValueGenerator};
use plonky2::util::serialization::WitnessGeneratorSerializer;
use plonky2::util::serialization::gate_serialization::log; // named by the macros below
use plonky2::{get_generator_tag_impl, impl_generator_serializer, read_generator_impl};

pub use enfold_verifier::serialization::Gates;

use crate::config::F;
use crate::gadgets::schnorr::SchnorrGenerator;
use crate::gates::logup::LogUpGate;
use crate::gates::path::PathGate;
use crate::gates::poseidon2::Poseidon2Gate;
use crate::gates::range::RangeGate;
use crate::gates::row::RowGenerator;
use crate::gates::select::SelectGenerator;

/// The generators of all circuits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Generators;

impl<const D: usize> WitnessGeneratorSerializer<F, D> for Generators
where
    F: Extendable<D>,
{
    impl_generator_serializer! {
        Generators,
        ArithmeticBaseGenerator<F, D>,
        ArithmeticExtensionGenerator<F, D>,
        BaseSplitGenerator<2>,
        BaseSumGenerator<2>,
        ConstantGenerator<F>,
        CopyGenerator,
        EqualityGenerator,
        ExponentiationGenerator<F, D>,
        InterpolationGenerator<F, D>,
        LowHighGenerator,
        MulExtensionGenerator<F, D>,
        NonzeroTestGenerator,
        QuotientGeneratorExtension<D>,
        RandomAccessGenerator<F, D>,
        RandomValueGenerator,
        ReducingGenerator<D>,
        ReducingExtensionGenerator<D>,
        SplitGenerator,
        WireSplitGenerator,
        RowGenerator<Poseidon2Gate>,
        RowGenerator<RangeGate>,
        RowGenerator<PathGate>,
        SelectGenerator,
        RowGenerator<LogUpGate>,
        SchnorrGenerator
    }
}

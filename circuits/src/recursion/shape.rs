//! The shape that lift and fold share, so that fold can verify both with one verifier.

use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::plonk::circuit_data::CircuitConfig;

use super::BuildError;
use crate::backend::{Backend, Built};
use crate::config::{Builder, CommonCircuitData, D, F};
use crate::gates::poseidon2::Poseidon2Gate;

/// FRI's folding arity in all circuits, as `ConstantArityBits` of the profiles says.
const FRI_ARITY_BITS: usize = 4;

/// All gates that a circuit with this configuration uses to verify proofs whose Merkle caps have this height, but for
/// `CosetInterpolationGate`: plonky2 keeps its constructor to itself, and there is no verifying FRI without it.
pub fn recursion_gates(config: &CircuitConfig, cap_height: usize) -> Vec<GateRef<F, D>> {
    let mut gates = vec![
        GateRef::new(NoopGate),
        GateRef::new(ConstantGate::new(config.num_constants)),
        GateRef::new(PublicInputGate),
        GateRef::new(ArithmeticGate::new_from_config(config)),
        GateRef::new(ArithmeticExtensionGate::<D>::new_from_config(config)),
        GateRef::new(MulExtensionGate::<D>::new_from_config(config)),
        GateRef::new(BaseSumGate::<2>::new_from_config::<F>(config)),
        GateRef::new(ReducingGate::<D>::new(ReducingGate::<D>::max_coeffs_len(
            config.num_wires,
            config.num_routed_wires,
        ))),
        GateRef::new(ReducingExtensionGate::<D>::new(ReducingExtensionGate::<D>::max_coeffs_len(
            config.num_wires,
            config.num_routed_wires,
        ))),
        GateRef::new(RandomAccessGate::<F, D>::new_from_config(config, FRI_ARITY_BITS)),
        GateRef::new(Poseidon2Gate),
    ];
    if cap_height != FRI_ARITY_BITS && cap_height != 0 {
        gates.push(GateRef::new(RandomAccessGate::<F, D>::new_from_config(config, cap_height)));
    }
    gates
}

/// How full a recursion circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecursionSize {
    /// Rows in use, short of constants and the public inputs' hash.
    pub rows: usize,
    /// log2 of all rows.
    pub degree_bits: usize,
}

/// Fixes the gate set to what verifying such `children` takes, pads to `2^degree_bits` rows and builds.
///
/// # Errors
/// If the rows do not fit, or the backend refuses the circuit.
pub fn fix_shape(
    backend: &dyn Backend,
    mut builder: Builder,
    circuit: &'static str,
    children: &CommonCircuitData,
    degree_bits: usize,
) -> Result<(Built, RecursionSize), BuildError> {
    let rows = builder.num_gates();
    for gate in recursion_gates(&builder.config, children.config.fri_config.cap_height) {
        builder.add_gate_to_gate_set(gate);
    }
    // One row above half is enough: plonky2 pads to the next power of two.
    while builder.num_gates() <= 1 << (degree_bits - 1) {
        builder.add_gate(NoopGate, vec![]);
    }
    let built = backend.build(builder).map_err(|source| BuildError::Backend { circuit, source })?;
    let got = built.data.common.degree_bits();
    if got != degree_bits {
        return Err(BuildError::Degree { circuit, expected: degree_bits, got });
    }
    Ok((built, RecursionSize { rows, degree_bits }))
}

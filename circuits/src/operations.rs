//! Operations of plonky2's own gates that share a row. What a circuit does not use of the last such row stays idle.

use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::random_access::RandomAccessGate;

use crate::config::{D, F};

/// The columns of the operation that a column belongs to; `None` where a row is one operation as a whole.
pub(crate) fn operation(gate: &GateRef<F, D>, column: usize) -> Option<Vec<usize>> {
    let gate = gate.0.as_any();
    // Two factors, an addend and the result; and the same without an addend.
    let wires = if gate.is::<ArithmeticGate>() {
        4
    } else if gate.is::<ArithmeticExtensionGate<D>>() {
        4 * D
    } else if gate.is::<MulExtensionGate<D>>() {
        3 * D
    } else {
        return random_access(gate.downcast_ref()?, column);
    };
    let first = column - column % wires;
    Some((first..first + wires).collect())
}

/// A copy of the access: index, claimed element and list, and then, after all copies' and some constants, its bits.
fn random_access(gate: &RandomAccessGate<F, D>, column: usize) -> Option<Vec<usize>> {
    let (bits, routed) = (gate.bits, 2 + (1 << gate.bits));
    let first_bit = routed * gate.num_copies + gate.num_extra_constants;
    let copy = match column {
        column if column < routed * gate.num_copies => column / routed,
        column if column >= first_bit => (column - first_bit) / bits,
        _ => return None,
    };
    Some(
        (copy * routed..(copy + 1) * routed)
            .chain(first_bit + copy * bits..first_bit + (copy + 1) * bits)
            .collect(),
    )
}

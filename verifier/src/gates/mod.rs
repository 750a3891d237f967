//! Custom gates. Each is a file: a table of its wires, its constraints (written once, see [`arith`]), and
//! how its row is filled.

pub mod arith;
pub mod curve;
mod digits;
pub mod exit;
pub mod key;
pub mod logup;
pub mod path;
pub mod poseidon2;
pub mod quintic;
pub mod range;
pub mod row;
pub mod select;
pub mod signature;
pub mod split;

use plonky2::gates::gate::GateRef;

use crate::field::{D, F};

/// Calls a macro with what is in its braces and all gates of enfold behind it. The order is that of the gates'
/// numbers in stored circuits.
#[macro_export]
macro_rules! for_each_gate {
    ($callback:ident! { $($before:tt)* }) => {
        $callback! {
            $($before)*
            $crate::gates::poseidon2::Poseidon2Gate,
            $crate::gates::range::RangeGate,
            $crate::gates::path::PathGate,
            $crate::gates::select::SelectGate,
            $crate::gates::logup::LogUpGate,
            $crate::gates::curve::CurveGate,
            $crate::gates::signature::SignatureGate
        }
    };
}

/// All gates of enfold.
pub fn own_gates() -> Vec<GateRef<F, D>> {
    macro_rules! list {
        ($($gate:path),+) => {
            vec![$(GateRef::new($gate)),+]
        };
    }
    for_each_gate!(list! {})
}

/// The names of a gate's constraints, in order. plonky2's own gates have numbers for names.
pub fn constraint_names(gate: &GateRef<F, D>) -> Vec<String> {
    let any = gate.0.as_any();
    macro_rules! look_up {
        ($($gate:ty),+) => {
            $(if any.is::<$gate>() {
                return row::constraint_names::<$gate>();
            })+
        };
    }
    for_each_gate!(look_up! {});
    (0..gate.0.num_constraints()).map(|index| format!("constraint {index}")).collect()
}

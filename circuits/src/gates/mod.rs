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

use crate::config::{D, F};

/// The names of a gate's constraints, in order. plonky2's own gates have numbers for names.
pub fn constraint_names(gate: &GateRef<F, D>) -> Vec<String> {
    let any = gate.0.as_any();
    macro_rules! look_up {
        ($($gate:ty),+ $(,)?) => {
            $(if any.is::<$gate>() {
                return row::constraint_names::<$gate>();
            })+
        };
    }
    look_up! {
        poseidon2::Poseidon2Gate,
        range::RangeGate,
        path::PathGate,
        select::SelectGate,
        logup::LogUpGate,
        curve::CurveGate,
        signature::SignatureGate,
    }
    (0..gate.0.num_constraints()).map(|index| format!("constraint {index}")).collect()
}

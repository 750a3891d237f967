//! Custom gates. Each is a file: a table of its wires, its constraints (written once, see [`arith`]), and
//! how its row is filled.

pub mod arith;
mod digits;
pub mod path;
pub mod poseidon2;
pub mod range;
pub mod row;
pub mod select;

//! The tables of `enfold inspect circuits`.

use std::fmt;

use enfold_circuits::report::{CircuitReport, ProfileReport};

use crate::text::grouped;

/// Measures in tables.
pub struct MeasuresText<'a>(pub &'a ProfileReport);

impl fmt::Display for MeasuresText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(measures) = self;
        writeln!(
            f,
            "\nrows of a transfer between leaves without other legs, with a fee: {:.1} of batch circuits",
            measures.rows_per_transfer
        )?;
        writeln!(f, "cells of it: {}", grouped(measures.cells_per_transfer.round() as u64))?;
        writeln!(f, "rows of a signature: {}", measures.signature_rows)?;
        writeln!(f, "\n  {:<12} {:>8} {:>8} {:>7} {:>13}  digest", "circuit", "rows", "of", "full", "cells")?;
        for CircuitReport { name, rows, degree, fill, cells, digest, .. } in &measures.circuits {
            let [rows, degree, cells] = [*rows as u64, *degree as u64, *cells].map(grouped);
            write!(f, "  {name:<12} {rows:>8} {degree:>8} {:>6.1}% {cells:>13}  ", 100.0 * fill)?;
            match digest {
                Some(digest) => writeln!(f, "{digest}")?,
                None => writeln!(f, "not pinned")?,
            }
        }
        writeln!(
            f,
            "\n  {:<12} {:>9} {:>6} {:>6} {:>12} {:>9} {:>7} {:>7}",
            "circuit", "constants", "routed", "wires", "permutation", "quotient", "degree", "inputs"
        )?;
        for CircuitReport { name, columns, constraint_degree, public_inputs, .. } in &measures.circuits {
            writeln!(
                f,
                "  {name:<12} {:>9} {:>6} {:>6} {:>12} {:>9} {constraint_degree:>7} {public_inputs:>7}",
                columns.constants, columns.sigmas, columns.wires, columns.permutation, columns.quotient
            )?;
        }
        writeln!(f, "  (columns; the highest degree of a gate; public inputs)")?;
        for CircuitReport { name, gates, parts, shape, .. } in &measures.circuits {
            if shape.is_some() {
                writeln!(f, "\n{name:<32} {:>8} {:>9}", "rows", "per leg")?;
            } else {
                writeln!(f, "\n{name}")?;
            }
            for part in parts {
                let (name, rows) = (part.part.label(), grouped(part.rows as u64));
                writeln!(f, "  {name:<30} {rows:>8} {:>9.3}", part.rows_per_leg)?;
            }
            for gate in gates {
                writeln!(f, "  gate {:<25} {:>8}", gate.gate, grouped(gate.rows as u64))?;
            }
        }
        Ok(())
    }
}

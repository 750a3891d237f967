//! What the rows of a batch circuit are for, counted while it is laid out: no circuit has to be built to know.

use serde::{Deserialize, Serialize};

use crate::config::Builder;
use crate::gadgets::schnorr;
use crate::gates::curve::{self, CurveGate};
use crate::gates::logup::LogUpGate;
use crate::gates::path::PathGate;
use crate::gates::poseidon2::Poseidon2Gate;
use crate::gates::range::RangeGate;
use crate::gates::row::RowGate;
use crate::gates::select::SelectGate;
use crate::gates::signature::SignatureGate;
use crate::public_inputs::BatchPublicInputs;

/// What a row is for. A part's rows have the same gates in every batch circuit, in fixed proportions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Signatures: walk, key, split, exit, challenge and address.
    Signature,
    /// Nodes from a leaf to the window's root, before and after.
    Path,
    /// Leaf digests, before and after.
    Leaves,
    /// Digest of the messages.
    Messages,
    /// LogUp terms.
    Logup,
    /// Leaf indices from the bits of their paths, and the ranges that those rows have room for.
    Indices,
    /// Range checks.
    Ranges,
    /// Selections between digests.
    Selects,
    /// Everything that plonky2's arithmetic rows do: balances, flags, packing.
    Arithmetic,
    /// Context, challenges, chain states, and the way from the window's root to the state root.
    State,
    /// Hash of the public inputs.
    PublicInputs,
    /// Constants.
    Constants,
}

/// Rows that hash the public inputs, besides the one that holds the hash.
const PUBLIC_INPUT_HASHES: usize = BatchPublicInputs::LEN.div_ceil(8);

impl Part {
    /// All parts.
    pub const ALL: [Self; 12] = [
        Self::Signature,
        Self::Path,
        Self::Leaves,
        Self::Messages,
        Self::Logup,
        Self::Indices,
        Self::Ranges,
        Self::Selects,
        Self::Arithmetic,
        Self::State,
        Self::PublicInputs,
        Self::Constants,
    ];

    /// The part's name in tables.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Signature => "signature, key and address",
            Self::Path => "path",
            Self::Leaves => "leaf hashes",
            Self::Messages => "message hashes",
            Self::Logup => "LogUp",
            Self::Indices => "index bits, small ranges",
            Self::Ranges => "ranges",
            Self::Selects => "selections",
            Self::Arithmetic => "arithmetic",
            Self::State => "chain state",
            Self::PublicInputs => "public inputs",
            Self::Constants => "constants",
        }
    }

    /// Whether the part's rows grow with the legs and paths of the circuit.
    pub const fn per_leg(self) -> bool {
        !matches!(self, Self::State | Self::PublicInputs | Self::Constants)
    }

    /// The gates of the part's rows: name, and rows of the gate in each unit of the part.
    pub const fn gates(self) -> &'static [(&'static str, usize)] {
        match self {
            Self::Signature => &[
                (CurveGate::NAME, curve::ROWS),
                (SignatureGate::NAME, 1),
                (Poseidon2Gate::NAME, schnorr::ROWS - curve::ROWS - 1),
            ],
            Self::Path | Self::Leaves | Self::Messages | Self::State => &[(Poseidon2Gate::NAME, 1)],
            Self::Logup => &[(LogUpGate::NAME, 1)],
            Self::Indices => &[(PathGate::NAME, 1)],
            Self::Ranges => &[(RangeGate::NAME, 1)],
            Self::Selects => &[(SelectGate::NAME, 1)],
            Self::Arithmetic => &[("ArithmeticGate", 1)],
            Self::PublicInputs => &[(Poseidon2Gate::NAME, PUBLIC_INPUT_HASHES), ("PublicInputGate", 1)],
            Self::Constants => &[("ConstantGate", 1)],
        }
    }
}

/// Rows by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCount([usize; Part::ALL.len()]);

impl RowCount {
    /// Rows of a part.
    pub const fn of(&self, part: Part) -> usize {
        self.0[part as usize]
    }

    /// Rows of all parts: all rows of the circuit but those that fill it up.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Rows that do not grow with legs and paths.
    pub fn fixed(&self) -> usize {
        Part::ALL.into_iter().filter(|part| !part.per_leg()).map(|part| self.of(part)).sum()
    }

    /// Rows by gate, most first; gates without rows are left out.
    pub fn by_gate(&self) -> Vec<(&'static str, usize)> {
        let mut gates: Vec<(&'static str, usize)> = Vec::new();
        for part in Part::ALL {
            let unit: usize = part.gates().iter().map(|gate| gate.1).sum();
            for &(name, weight) in part.gates() {
                let rows = self.of(part) / unit * weight;
                match gates.iter_mut().find(|gate| gate.0 == name) {
                    Some(gate) => gate.1 += rows,
                    None => gates.push((name, rows)),
                }
            }
        }
        gates.retain(|gate| gate.1 > 0);
        gates.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        gates
    }

    /// Adds rows to a part.
    pub(crate) fn add(&mut self, part: Part, rows: usize) {
        self.0[part as usize] += rows;
    }

    /// Counts the rows that `lay` adds as a part's.
    pub(crate) fn measure<R>(
        &mut self,
        part: Part,
        builder: &mut Builder,
        lay: impl FnOnce(&mut Builder) -> R,
    ) -> R {
        let before = builder.num_gates();
        let result = lay(builder);
        self.add(part, builder.num_gates() - before);
        result
    }

    /// Counts what [`Builder::build`] adds to a circuit that is laid out, and takes as arithmetic what no other
    /// part has.
    pub(crate) fn finish(&mut self, builder: &mut Builder, constants: usize) {
        let laid = builder.num_gates();
        self.add(Part::Arithmetic, laid - self.total());
        self.add(Part::PublicInputs, PUBLIC_INPUT_HASHES + 1);
        self.add(Part::Constants, constants.div_ceil(builder.config.num_constants));
    }
}

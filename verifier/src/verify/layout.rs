//! Where everything is in an uncompressed proof, from the circuit's shape alone.

use enfold_state::field::from_canonical;
use plonky2::hash::hash_types::NUM_HASH_OUT_ELTS;

use super::VerifyError;
use crate::config::{CommonCircuitData, D};

/// A run of one kind of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// This many field elements of 8 bytes.
    Elements(usize),
    /// One byte: the siblings in a Merkle path.
    PathLength(u8),
    /// 8 bytes: the number of public inputs.
    InputCount(u64),
}

impl Part {
    const fn len(self) -> usize {
        match self {
            Self::Elements(count) => 8 * count,
            Self::PathLength(_) => 1,
            Self::InputCount(_) => 8,
        }
    }
}

/// The parts of a proof, in order.
#[derive(Clone, Debug)]
pub struct Layout {
    parts: Vec<Part>,
    len: usize,
}

impl Layout {
    /// The layout of the proofs of circuits with these common data. It follows plonky2 1.1.0,
    /// `util/serialization/mod.rs`, `write_proof_with_public_inputs`; circuits with lookup tables or zero
    /// knowledge are not covered.
    ///
    /// # Panics
    /// If they have.
    pub fn of(common: &CommonCircuitData) -> Self {
        assert!(common.num_lookup_polys == 0 && !common.fri_params.hiding, "a shape that is not covered");
        let (config, fri) = (&common.config, &common.fri_params);
        let challenges = config.num_challenges;
        let preprocessed = common.num_constants + config.num_routed_wires;
        let permutation = challenges * (1 + common.num_partial_products);
        let quotient = challenges * common.quotient_degree_factor;
        let cap = NUM_HASH_OUT_ELTS << fri.config.cap_height;

        let mut parts = vec![Part::Elements(3 * cap)];
        // All polynomials at zeta, the Z polynomials at g zeta too.
        let openings = preprocessed + config.num_wires + permutation + challenges + quotient;
        parts.push(Part::Elements(D * openings));
        parts.push(Part::Elements(cap * fri.reduction_arity_bits.len()));
        for _ in 0..fri.config.num_query_rounds {
            let mut height = fri.lde_bits() - fri.config.cap_height;
            for leaf in [preprocessed, config.num_wires, permutation, quotient] {
                opening(&mut parts, leaf, height);
            }
            for &arity_bits in &fri.reduction_arity_bits {
                height -= arity_bits;
                opening(&mut parts, D << arity_bits, height);
            }
        }
        parts.push(Part::Elements(D * fri.final_poly_len()));
        parts.push(Part::Elements(1));
        parts.push(Part::InputCount(common.num_public_inputs as u64));
        parts.push(Part::Elements(common.num_public_inputs));
        let len = parts.iter().map(|part| part.len()).sum();
        Self { parts, len }
    }

    /// Bytes of a proof.
    #[expect(clippy::len_without_is_empty, reason = "no proof is empty")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Offsets of the lengths of all Merkle paths.
    pub fn path_lengths(&self) -> Vec<usize> {
        let mut at = 0;
        let mut offsets = Vec::new();
        for part in &self.parts {
            if matches!(part, Part::PathLength(_)) {
                offsets.push(at);
            }
            at += part.len();
        }
        offsets
    }

    /// Checks every limb and every inner length.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), VerifyError> {
        let mut rest = bytes;
        for &part in &self.parts {
            let start = bytes.len() - rest.len();
            let Some((run, after)) = rest.split_at_checked(part.len()) else {
                return Err(VerifyError::FileLength { expected: self.len as u64, got: bytes.len() as u64 });
            };
            rest = after;
            match part {
                Part::Elements(_) => {
                    for (i, limb) in run.as_chunks::<8>().0.iter().enumerate() {
                        let got = u64::from_le_bytes(*limb);
                        if from_canonical(got).is_none() {
                            return Err(VerifyError::NotCanonical { at: start + 8 * i, got });
                        }
                    }
                }
                Part::PathLength(expected) => same(start, u64::from(expected), u64::from(run[0]))?,
                Part::InputCount(expected) => {
                    let got = run.as_chunks::<8>().0.iter().fold(0, |_, limb| u64::from_le_bytes(*limb));
                    same(start, expected, got)?;
                }
            }
        }
        Ok(())
    }
}

/// A leaf and its Merkle path.
fn opening(parts: &mut Vec<Part>, leaf: usize, height: usize) {
    let length = u8::try_from(height).expect("FRI domains have fewer than 2^255 points");
    parts.push(Part::Elements(leaf));
    parts.push(Part::PathLength(length));
    parts.push(Part::Elements(NUM_HASH_OUT_ELTS * height));
}

fn same(at: usize, expected: u64, got: u64) -> Result<(), VerifyError> {
    if got == expected { Ok(()) } else { Err(VerifyError::InnerLength { at, expected, got }) }
}

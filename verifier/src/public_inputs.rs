//! The public inputs that every batch, lift and fold proof has: 16 elements,
//! `set (4), ctx (4), before (4), after (4)`.

use enfold_state::field::{from_canonical, to_u64};
use enfold_state::hash::{DIGEST_LEN, Digest};
use plonky2::field::types::{Field, PrimeField64};

use crate::field::F;

/// Elements of the public inputs.
pub const BATCH_PUBLIC_INPUTS_LEN: usize = 4 * DIGEST_LEN;

/// What a batch, lift or fold proof says: under `ctx`, the chain state goes from `before` to `after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPublicInputs {
    /// Digest of the keys that fold accepts. Free in batch and lift proofs; fold and block pin it.
    pub set: Digest,
    /// Context of the block, [`enfold_state::chain::context`].
    pub ctx: Digest,
    /// Digest of the chain state before.
    pub before: Digest,
    /// Digest of the chain state after.
    pub after: Digest,
}

/// The public inputs of a proof had another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {} public inputs, got {got}", BATCH_PUBLIC_INPUTS_LEN)]
pub struct PublicInputsLength {
    /// The length.
    pub got: usize,
}

impl BatchPublicInputs {
    /// Elements of the record.
    pub const LEN: usize = BATCH_PUBLIC_INPUTS_LEN;

    /// The record, as plonky2 holds it.
    pub fn elements(&self) -> [F; Self::LEN] {
        let mut record = [F::ZERO; Self::LEN];
        let digests = [self.set, self.ctx, self.before, self.after];
        for (element, value) in record.iter_mut().zip(digests.iter().flat_map(|digest| digest.0)) {
            *element = F::from_canonical_u64(to_u64(value));
        }
        record
    }

    /// Reads the record back.
    ///
    /// # Errors
    /// If the length is another.
    pub fn from_elements(record: &[F]) -> Result<Self, PublicInputsLength> {
        if record.len() != Self::LEN {
            return Err(PublicInputsLength { got: record.len() });
        }
        let digest = |index: usize| {
            Digest(std::array::from_fn(|i| {
                let integer = record[index * DIGEST_LEN + i].to_canonical_u64();
                from_canonical(integer).expect("a canonical integer is below the order")
            }))
        };
        Ok(Self { set: digest(0), ctx: digest(1), before: digest(2), after: digest(3) })
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::field::reduce;

    use super::*;

    #[test]
    fn elements_round_trip() {
        let digest = |first: u64| Digest([first, first + 1, first + 2, u64::MAX].map(reduce));
        let inputs =
            BatchPublicInputs { set: digest(1), ctx: digest(10), before: digest(20), after: digest(30) };
        let record = inputs.elements();
        assert_eq!(BatchPublicInputs::from_elements(&record), Ok(inputs));
        assert_eq!(record[4].to_canonical_u64(), 10);
        let short = BatchPublicInputs::from_elements(&record[1..]);
        assert_eq!(short, Err(PublicInputsLength { got: 15 }));
    }
}

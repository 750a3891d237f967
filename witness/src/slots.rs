//! The message slots of a batch's native twin.

use enfold_state::chain::Quadratic;
use enfold_state::field::{F, ONE, ZERO};
use enfold_state::hash::{Digest, MessageSponge, Side};
use enfold_state::kind::KindId;
use enfold_state::message::Message;

use crate::error::StepError;
use crate::logup::{Challenges, add, batch_inverse};

/// The message slots of a batch, live or not, in order.
pub(crate) struct Slots {
    challenges: Challenges,
    emitted: MessageSponge,
    consumed: MessageSponge,
    denominators: Vec<Quadratic>,
    /// 1 for a flagged message that is emitted, -1 for one that is consumed, 0 for one without a flag.
    weights: Vec<F>,
    /// Emitted messages that are flagged.
    count: usize,
    /// Transactions of the slots.
    pub transactions: usize,
}

/// What the slots add up to.
pub(crate) struct Totals {
    /// The flagged messages that are emitted.
    pub emitted: MessageSponge,
    /// Those that are consumed.
    pub consumed: MessageSponge,
    /// Sum of the emitted messages' terms less those of the consumed.
    pub sum: Quadratic,
    /// How many are emitted.
    pub count: usize,
}

impl Slots {
    pub(crate) fn new(seed: Digest, kind: KindId) -> Self {
        Self {
            challenges: Challenges::new(seed),
            emitted: MessageSponge::new(kind.number(), Side::Emit),
            consumed: MessageSponge::new(kind.number(), Side::Consume),
            denominators: Vec::new(),
            weights: Vec::new(),
            count: 0,
            transactions: 0,
        }
    }

    /// A slot that emits. Only a flagged message enters the digest and the sum.
    pub(crate) fn emit(&mut self, message: [F; Message::LEN], flag: bool) {
        if flag {
            self.emitted.absorb(message);
            self.count += 1;
        }
        self.push(message, if flag { ONE } else { ZERO });
    }

    /// A slot that consumes.
    pub(crate) fn consume(&mut self, message: [F; Message::LEN], flag: bool) {
        if flag {
            self.consumed.absorb(message);
        }
        self.push(message, if flag { -ONE } else { ZERO });
    }

    fn push(&mut self, message: [F; Message::LEN], weight: F) {
        self.denominators.push(self.challenges.denominator(message));
        self.weights.push(weight);
    }

    /// Every slot, flagged or not, must have an inverse.
    pub(crate) fn finish(self) -> Result<Totals, StepError> {
        let Some(inverses) = batch_inverse(&self.denominators) else {
            let slot = self.denominators.iter().position(|&d| d == [ZERO; 2]).unwrap_or_default();
            return Err(StepError::Denominator { slot });
        };
        let terms = inverses.iter().zip(&self.weights);
        let sum =
            terms.fold([ZERO; 2], |sum, (inverse, &weight)| add(sum, inverse.map(|part| weight * part)));
        Ok(Totals { emitted: self.emitted, consumed: self.consumed, sum, count: self.count })
    }
}

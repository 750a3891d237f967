//! The relay: the native twin of the circuits `relay_wide` and `relay_deep`.

use enfold_state::chain::BlockId;
use enfold_state::executor::Execution;
use enfold_state::hash::Digest;
use enfold_state::kind::KindId;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::legs::Legs;
use enfold_state::message::{Message, Op};
use enfold_state::nonce::NonceKey;
use enfold_state::relay::{ADDRESS, Relay, RelayLeg};
use enfold_state::rule::Rule;
use rayon::prelude::*;

use crate::error::{StepError, WitnessError};
use crate::kind::{At, BatchKind, Source};
use crate::slots::Slots;

/// A leaf of the relay with one or more legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayPath {
    /// The leaf's position in the state tree; inside the batch's window.
    pub index: LeafIndex,
    /// The leaf before its first leg here.
    pub leaf: Leaf,
    /// Exactly as many as the circuit has; live ones first, then `None`.
    pub legs: Vec<Option<RelayLeg>>,
}

impl BatchKind for Relay {
    const CREATES: bool = false;

    type Slot = Option<RelayLeg>;
    type Path = RelayPath;

    fn leaves(execution: &Execution) -> impl IndexedParallelIterator<Item = LeafIndex> {
        execution.calls[KindId::Relay].par_iter().map(|call| call.leaf)
    }

    fn leg(source: &Source<'_>, position: usize) -> Result<RelayLeg, WitnessError> {
        let call = &source.execution.calls[KindId::Relay][position];
        Ok(RelayLeg { put: call.message, payee: call.payee })
    }

    fn check_emitted(source: &Source<'_>, position: usize, got: &[Message]) -> Result<(), WitnessError> {
        let call = &source.execution.calls[KindId::Relay][position];
        if source.execution.credits.get(call.messages.clone()) != Some(got) {
            return Err(WitnessError::Messages { position: call.position });
        }
        Ok(())
    }

    fn slot(source: &Source<'_>, position: usize) -> Result<Option<RelayLeg>, WitnessError> {
        Self::leg(source, position).map(Some)
    }

    fn padding(_: &BlockId, _: LeafIndex, _: &Leaf) -> Option<RelayLeg> {
        None
    }

    fn path(index: LeafIndex, before: Option<Leaf>, legs: Vec<Option<RelayLeg>>) -> Option<RelayPath> {
        Some(RelayPath { index, leaf: before?, legs })
    }

    fn index(path: &RelayPath) -> LeafIndex {
        path.index
    }

    fn slots(path: &RelayPath) -> &[Option<RelayLeg>] {
        &path.legs
    }

    fn is_live(slot: &Option<RelayLeg>) -> bool {
        slot.is_some()
    }

    fn opened(path: &RelayPath) -> Digest {
        path.leaf.digest()
    }

    fn before(_: usize, path: &RelayPath) -> Result<Leaf, StepError> {
        Ok(path.leaf)
    }

    fn creates(_: &RelayPath) -> bool {
        false
    }

    fn step(
        block: &BlockId,
        at: At,
        leaf: &Leaf,
        slot: &Option<RelayLeg>,
        messages: &mut Slots,
    ) -> Result<Leaf, StepError> {
        let At { path, leg, index } = at;
        let breaks = |rule| StepError::Rule { path, leg, rule };
        let given = slot.unwrap_or_else(|| padding_leg(index, leaf));
        let after = match slot {
            Some(given) => Self::apply(block, index, Some(leaf), given).map_err(breaks)?,
            // The leaf is the relay's in padding too.
            None if leaf.address != ADDRESS => {
                return Err(breaks(Rule::Receiver { expected: leaf.address, got: ADDRESS }));
            }
            None => *leaf,
        };
        messages.consume(given.put.elements(), slot.is_some());
        messages.emit(given.payout().elements(), slot.is_some());
        Ok(after)
    }
}

/// Padding slot: nothing, from leaf 0 to leaf 0.
fn padding_leg(to: LeafIndex, leaf: &Leaf) -> RelayLeg {
    let put = Message {
        op: Op::Put,
        asset: leaf.asset,
        from: LeafIndex(0),
        nonce_key: NonceKey::First,
        to,
        amount: 0,
        memo: 0,
        to_address: Digest::ZERO,
    };
    RelayLeg { put, payee: LeafIndex(0) }
}

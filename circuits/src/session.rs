//! What a batch's paths share while they are constrained, one after the other.

use enfold_state::hash::Digest;
use enfold_state::kind::KindId;
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_state::message::Op;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use crate::config::Builder;
use crate::constraint::{Constrain, define};
use crate::fill::{Fill, FillError};
use crate::gadgets::chain::{ChainStateTargets, QuadraticTarget};
use crate::gadgets::logup::{LogUpTargets, Side};
use crate::gadgets::merkle::ClimbTargets;
use crate::gadgets::message::{MessageSpongeTargets, MessageTargets};
use crate::gadgets::range::RangePool;
use crate::gadgets::schnorr::Signatures;
use crate::gadgets::select::Selects;
use crate::rows::{Part, RowCount};

/// A leaf's position and the way from there to the window's root.
#[derive(Clone, Debug)]
pub struct PositionTargets {
    /// The leaf index.
    pub index: Target,
    /// The way up inside the window.
    pub climb: ClimbTargets,
}

impl PositionTargets {
    pub(crate) fn fill(
        &self,
        fill: &mut Fill,
        window: u32,
        index: LeafIndex,
        siblings: &[Digest],
    ) -> Result<(), FillError> {
        let got = index.0 >> self.climb.bits.len();
        if got != window {
            return Err(FillError::Window { expected: window, got });
        }
        fill.number(self.index, index.0);
        fill.climb(&self.climb, index.0, siblings)
    }
}

/// What a batch's paths share while they are constrained, one after the other.
pub(crate) struct Session<'b> {
    pub builder: &'b mut Builder,
    pub ranges: RangePool,
    pub selects: Selects,
    pub signatures: Signatures,
    pub rows: RowCount,
    /// The context's.
    pub chain_id: Target,
    kind: KindId,
    top_bits: Vec<BoolTarget>,
    window_depth: usize,
    logup: LogUpTargets,
    emitted: MessageSpongeTargets,
    consumed: MessageSpongeTargets,
    counts: Counts,
    /// The window's root before the first path and after the last.
    roots: Option<(HashOutTarget, HashOutTarget)>,
}

/// What a batch counts.
#[derive(Clone, Copy, Debug)]
struct Counts {
    transactions: Target,
    /// Emitted messages that do not count as a transaction.
    others: Target,
}

/// What the paths of a batch leave behind.
pub(crate) struct Outcome {
    pub rows: RowCount,
    /// The window's roots before the first path and after the last.
    pub roots: [HashOutTarget; 2],
    /// Digests of the messages.
    pub emitted: HashOutTarget,
    pub consumed: HashOutTarget,
    pub sum: QuadraticTarget,
    pub transactions: Target,
    pub messages: Target,
}

impl<'b> Session<'b> {
    /// Begins with the paths of a batch.
    pub fn new(
        builder: &'b mut Builder,
        rows: RowCount,
        kind: KindId,
        chain_id: Target,
        challenges: (QuadraticTarget, QuadraticTarget),
        before: &ChainStateTargets,
        top: &ClimbTargets,
    ) -> Self {
        let emitted = MessageSpongeTargets::new(builder);
        let others = if kind.emits() {
            let others = builder.sub(before.messages, before.transactions);
            define("batch: other messages before are messages less transactions", others)
        } else {
            before.messages
        };
        Self {
            builder,
            ranges: RangePool::default(),
            selects: Selects::default(),
            signatures: Signatures::default(),
            rows,
            chain_id,
            kind,
            top_bits: top.bits.clone(),
            window_depth: TREE_DEPTH - top.bits.len(),
            logup: LogUpTargets::new(challenges, before.sum),
            emitted,
            consumed: emitted,
            counts: Counts { transactions: before.transactions, others },
            roots: None,
        }
    }

    /// A position in the window: the index is bound to the path's bits and the window's.
    pub fn position(&mut self) -> PositionTargets {
        let index = self.builder.add_virtual_target();
        let climb = ClimbTargets::new(self.builder, self.window_depth);
        let mut bits = climb.bits.iter().chain(&self.top_bits);
        let bits: [BoolTarget; TREE_DEPTH] =
            std::array::from_fn(|_| *bits.next().expect("window and top have the tree's depth together"));
        let ranges = &mut self.ranges;
        self.rows.measure(Part::Indices, self.builder, |builder| ranges.path(builder, index, &bits));
        PositionTargets { index, climb }
    }

    /// Requires `old` at the position under the current window root, and puts `new` there.
    pub fn replace(&mut self, position: &PositionTargets, old: HashOutTarget, new: HashOutTarget) {
        let climb = &position.climb;
        let (old_root, new_root) = self.rows.measure(Part::Path, self.builder, |builder| {
            (climb.root(builder, old), climb.root(builder, new))
        });
        let first = match self.roots {
            None => old_root,
            Some((first, current)) => {
                let name = "batch: a path opens the root that the path before it left";
                self.builder.require_equal_hashes(name, old_root, current);
                first
            }
        };
        self.roots = Some((first, new_root));
    }

    /// Emits a leg's messages. Each is a message of a LogUp row; a flag, which becomes boolean, says whether it counts and
    /// is absorbed.
    pub fn emit<const N: usize>(&mut self, slots: [(Op, MessageTargets, Target); N]) {
        for (op, _, flag) in slots {
            assert_eq!(op.emitter(), self.kind, "the kind that emits a message is the op's");
            let Counts { transactions, others } = self.counts;
            if op.is_signed() {
                let transactions = self.builder.add(transactions, flag);
                self.counts.transactions = define("batch: transactions", transactions);
            } else {
                self.counts.others = define("batch: other messages", self.builder.add(others, flag));
            }
        }
        for (_, message, flag) in slots {
            self.emitted = self.message(Side::Emit, self.emitted, message, flag);
        }
    }

    /// A slot that consumes a message.
    pub fn consume(&mut self, message: MessageTargets, flag: Target) {
        assert!(self.kind.consumes(), "a kind that consumes");
        self.consumed = self.message(Side::Consume, self.consumed, message, flag);
    }

    fn message(
        &mut self,
        side: Side,
        sponge: MessageSpongeTargets,
        message: MessageTargets,
        flag: Target,
    ) -> MessageSpongeTargets {
        let logup = &mut self.logup;
        self.rows.measure(Part::Logup, self.builder, |builder| logup.push(builder, side, message, flag));
        let absorbed =
            self.rows.measure(Part::Messages, self.builder, |builder| sponge.permuted(builder, message));
        sponge.absorb(self.builder, &mut self.selects, absorbed, flag)
    }

    /// Lays out what was collected.
    pub fn finish(self) -> Outcome {
        let Self { builder, ranges, selects, signatures, mut rows, logup, counts, .. } = self;
        let Counts { transactions, others } = counts;
        let messages = if self.kind.emits() {
            let messages = builder.add(transactions, others);
            define("batch: messages after are transactions and other messages", messages)
        } else {
            others
        };
        signatures.finish(builder);
        ranges.finish(builder, &mut rows);
        rows.add(Part::Selects, selects.finish(builder));
        let sum = rows.measure(Part::Logup, builder, |builder| logup.finish(builder));
        let (first, last) = self.roots.expect("a batch has a path");
        Outcome {
            rows,
            roots: [first, last],
            emitted: self.emitted.digest(),
            consumed: self.consumed.digest(),
            sum,
            transactions,
            messages,
        }
    }
}

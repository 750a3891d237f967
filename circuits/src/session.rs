//! What a batch's paths share while they are constrained, one after the other.

use enfold_state::hash::{Digest, Side};
use enfold_state::kind::KindId;
use enfold_state::leaf::{LeafIndex, SHARD_DEPTH, TREE_DEPTH};
use enfold_state::message::Op;
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use crate::config::{Builder, F};
use crate::constraint::{Constrain, define};
use crate::fill::{Fill, FillError};
use crate::gadgets::chain::{BlockIdTargets, ChainStateTargets, QuadraticTarget};
use crate::gadgets::counts::CountsTargets;
use crate::gadgets::logup::LogUpTargets;
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
    pub block: BlockIdTargets,
    kind: KindId,
    top_bits: Vec<BoolTarget>,
    window_depth: usize,
    logup: LogUpTargets,
    emitted: MessageSpongeTargets,
    consumed: MessageSpongeTargets,
    totals: Totals,
    /// Digest of the shards' counts after the block.
    counts_digest: HashOutTarget,
    /// The counts, once a path can create a leaf.
    counts: Option<OpenCounts>,
    /// The window's root before the first path and after the last.
    roots: Option<(HashOutTarget, HashOutTarget)>,
}

/// What a batch counts.
#[derive(Clone, Copy, Debug)]
struct Totals {
    transactions: Target,
    /// Emitted messages that do not count as a transaction.
    others: Target,
    /// New leaves.
    created: Target,
}

/// The shards' counts after the block, opened.
#[derive(Clone, Copy, Debug)]
struct OpenCounts {
    counts: CountsTargets,
    /// The last position of the window's shard that is taken after the block.
    last: Target,
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
    pub created: Target,
    /// The shards' counts, if the kind can create leaves.
    pub counts: Option<CountsTargets>,
}

impl<'b> Session<'b> {
    /// Begins with the paths of a batch.
    pub fn new(
        builder: &'b mut Builder,
        rows: RowCount,
        kind: KindId,
        block: BlockIdTargets,
        challenges: (QuadraticTarget, QuadraticTarget),
        before: &ChainStateTargets,
        top: &ClimbTargets,
    ) -> Self {
        let [emitted, consumed] =
            [Side::Emit, Side::Consume].map(|side| MessageSpongeTargets::new(builder, kind, side));
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
            block,
            kind,
            top_bits: top.bits.clone(),
            window_depth: TREE_DEPTH - top.bits.len(),
            logup: LogUpTargets::new(challenges, before.sum),
            emitted,
            consumed,
            totals: Totals { transactions: before.transactions, others, created: before.created },
            counts_digest: before.counts,
            counts: None,
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

    /// Creates a leaf at a position if `empty`, which is boolean, is 1: one of an account, and below the count that its shard
    /// has after the block. So, since a block's shards grow by as many leaves as it creates, no position is left out.
    pub fn create(&mut self, position: &PositionTargets, empty: Target) {
        let OpenCounts { last, .. } = self.open_counts();
        let builder = &mut *self.builder;
        self.totals.created = define("batch: new leaves", builder.add(self.totals.created, empty));
        let room =
            define("batch: positions that are taken behind a path's", builder.sub(last, position.index));
        let room = define("batch: of a new leaf's", builder.mul(empty, room));
        self.ranges.index("batch: a new leaf is below the count of its shard", room);
    }

    /// Opens the counts, and picks that of the window's shard.
    fn open_counts(&mut self) -> OpenCounts {
        if let Some(open) = self.counts {
            return open;
        }
        let builder = &mut *self.builder;
        let counts = CountsTargets::new(builder);
        let digest = self.rows.measure(Part::State, builder, |builder| counts.digest(builder));
        builder.require_equal_hashes("batch: counts are those after the block", digest, self.counts_digest);

        // The shard's number is the index's bits above those of a position, all of them bits of the window.
        let below = SHARD_DEPTH.checked_sub(self.window_depth).expect("a window is part of a shard");
        let (&top, bits) = self.top_bits[below..].split_last().expect("a shard's number has six bits");
        builder.require_zero("batch: leaves are created in shards of accounts", top.target);
        let count = counts.of_account_shard(builder, &mut self.selects, bits);
        let shard = bits.iter().rev().map(|bit| bit.target).reduce(|high, bit| {
            let shard = builder.mul_const_add(F::TWO, high, bit);
            define("batch: shard of the window", shard)
        });
        let shard = shard.expect("shards of accounts have a number");
        let first = F::from_canonical_u64(1 << SHARD_DEPTH);
        let end = define("batch: end of the shard's leaves", builder.mul_const_add(first, shard, count));
        let one = builder.one();
        let last = define("batch: last of the shard's leaves", builder.sub(end, one));
        *self.counts.insert(OpenCounts { counts, last })
    }

    /// Emits a leg's messages. Each is a message of a LogUp row; a flag, which becomes boolean, says whether it counts and
    /// is absorbed.
    pub fn emit<const N: usize>(&mut self, slots: [(Op, MessageTargets, Target); N]) {
        for (op, _, flag) in slots {
            assert_eq!(op.emitter(), self.kind, "the kind that emits a message is the op's");
            let Totals { transactions, others, .. } = self.totals;
            if op.is_signed() {
                let transactions = self.builder.add(transactions, flag);
                self.totals.transactions = define("batch: transactions", transactions);
            } else {
                self.totals.others = define("batch: other messages", self.builder.add(others, flag));
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
        let Self { builder, ranges, selects, signatures, mut rows, logup, totals, counts, .. } = self;
        let Totals { transactions, others, created } = totals;
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
            created,
            counts: counts.map(|open| open.counts),
        }
    }
}

//! What can be wrong with a witness, and with what it is made from.

use enfold_state::chain::{ChainState, Phase};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::ledger::ApplyError;
use enfold_state::rule::Rule;

use enfold_state::profile::BatchId;

/// A batch witness breaks a rule of its circuit. `path` and `leg` count from 0 within the batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what each expected and got is")]
pub enum StepError {
    #[error("paths: expected those of {expected}, got another kind", expected = expected.name())]
    Kind { expected: BatchId },
    #[error("paths: expected {expected}, got {got}")]
    Paths { expected: usize, got: usize },
    #[error("path {path}: expected {expected} legs, got {got}")]
    Legs { path: usize, expected: usize, got: usize },
    #[error("siblings: expected {} paths of {} levels, got {} of {}", expected.0, expected.1, got.0, got.1)]
    Siblings { expected: (usize, usize), got: (usize, usize) },
    #[error("expected {expected} siblings above the window, got {got}")]
    TopSiblings { expected: usize, got: usize },
    #[error("expected a window below 2^{expected_bits}, got {got}")]
    WindowRange { expected_bits: usize, got: u32 },
    #[error("phase before: expected {expected:?}, got {got:?}")]
    Phase { expected: Phase, got: Phase },
    #[error("root before the batch: expected {expected}, climbed to {got}")]
    RootBefore { expected: Digest, got: Digest },
    #[error("path {path}: expected leaf {index} in window {expected}, got window {got}")]
    Window { path: usize, index: LeafIndex, expected: u32, got: u32 },
    #[error("path {path}: expected the window's root {expected}, leaf {index} opens {got}")]
    Opening { path: usize, index: LeafIndex, expected: Digest, got: Digest },
    #[error("path {path} leg {leg}: expected live legs first, got a live one after padding")]
    LiveOrder { path: usize, leg: usize },
    #[error("path {path} leg {leg}: {rule}")]
    Rule { path: usize, leg: usize, rule: Rule },
    #[error("path {path} leg {leg}: expected an amount of 1 to 2^62, got {got}")]
    Amount { path: usize, leg: usize, got: u64 },
    #[error("path {path} leg {leg}: expected a fee below 2^62, got {got}")]
    Fee { path: usize, leg: usize, got: u64 },
    #[error("counts after the block: expected the digest {expected}, got {got}")]
    Counts { expected: Digest, got: Digest },
    #[error("expected a window of a shard below {expected}, got shard {got}")]
    Shard { expected: usize, got: usize },
    #[error("path {path}: expected a new leaf below the count of its shard, got {index}")]
    Beyond { path: usize, index: LeafIndex },
    #[error("path {path}: expected a message for the empty leaf {index}")]
    EmptyPadding { path: usize, index: LeafIndex },
    #[error("message slot {slot}: expected a message other than the one at gamma")]
    Denominator { slot: usize },
    #[error("expected counts below 2^32")]
    Counter,
    #[error("state after the batch: expected {expected:?}, got {got:?}")]
    After { expected: Box<ChainState>, got: Box<ChainState> },
}

/// An execution that its ledger does not bear out. The executor gives none such.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// Nothing was executed; such a block has no proof.
    #[error("expected at least one debit, got none")]
    Empty,
    /// The execution was made from another state.
    #[error("expected an execution from the root {expected}, got one from {got}")]
    PreviousRoot {
        /// The ledger's root.
        expected: Digest,
        /// The execution's.
        got: Digest,
    },
    /// The execution's writes do not follow the state.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A path over an empty position, of a kind that has none such.
    #[error("leaf {index}: expected a leaf, got an empty position")]
    MissingLeaf {
        /// The position.
        index: LeafIndex,
    },
    /// A leg breaks a rule of its circuit: its row could not be proven.
    #[error("batch {batch}: {source}")]
    Rule {
        /// Number of the batch.
        batch: usize,
        /// The rule.
        source: Box<StepError>,
    },
    /// An accepted transaction is not in the block.
    #[error("expected an accepted transaction of the block, got position {position}")]
    Position {
        /// Its place.
        position: usize,
    },
    /// A transaction's messages are not the ones that its leg emits.
    #[error("transaction {position}: expected the messages of what was signed, got others")]
    Messages {
        /// The transaction's place in the block.
        position: usize,
    },
    /// The execution writes a contract's record, and no kind of batches does.
    #[error("leaf {index}: expected no contract to change, as no batch changes one, got a change")]
    Record {
        /// The record's index.
        index: LeafIndex,
    },
    /// The batches leave a leaf in another state than the execution says.
    #[error("leaf {index}: expected {expected:?} after the block, got {got:?}")]
    Write {
        /// The leaf.
        index: LeafIndex,
        /// By the execution; `None` if it says nothing of the leaf.
        expected: Option<Box<Leaf>>,
        /// By the batches; `None` if they do not touch it.
        got: Option<Box<Leaf>>,
    },
    /// The LogUp argument has no term for a message. Happens with probability about `2^-100`.
    #[error("batch {batch}: expected messages other than the one at gamma")]
    Denominator {
        /// Number of the batch.
        batch: usize,
    },
    /// More than `2^32 - 1` transactions or messages.
    #[error("expected fewer than 2^32 {what}, got {got}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
    },
}

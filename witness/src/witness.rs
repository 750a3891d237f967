//! From an executed block to one witness for each batch circuit.
//!
//! Leaf values come first: they follow from the plan alone. Then the tree's versions are hashed, level by level, and
//! the batches' message digests; these give the chains `E` and `C`, the seed and the LogUp sums. Every step but the
//! running ones (leaves of a lane, chains, chain states) is parallel.

use enfold_state::block::Block;
use enfold_state::chain::{ChainState, Phase, link_consumed, link_emitted, seed};
use enfold_state::executor::Execution;
use enfold_state::hash::batch::message_digests;
use enfold_state::hash::{Digest, MessageSponge};
use enfold_state::keys::padding_key;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::{Message, Op};
use enfold_state::transaction::{SignedTransaction, Transaction};
use rayon::prelude::*;

use crate::batch::{BatchWitness, CreditPath, DebitLeg, DebitPath, Paths};
use crate::legs::{Draft, draft};
use crate::logup::{self, Challenges, add, subtract};
use crate::plan::Plan;
use crate::profile::Profile;
use crate::siblings::Siblings;
use crate::step::StepError;
use crate::versions::Versions;

/// A block with the witness of each of its batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockWitness {
    /// Chain that the block is for.
    pub chain_id: u32,
    /// The block's number.
    pub number: u32,
    /// The block's seed.
    pub seed: Digest,
    /// Chain state in which the block starts.
    pub before: ChainState,
    /// Chain state in which it ends.
    pub after: ChainState,
    /// The batches, in the order in which they are chained; at least one.
    pub batches: Vec<BatchWitness>,
    /// The emitted messages of each debit batch, in the order of its digest.
    pub emitted: Vec<Vec<Message>>,
    /// The plan that the batches follow.
    pub plan: Plan,
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
    /// A leaf is debited that does not exist.
    #[error("debit of leaf {index}: expected a leaf, got an empty position")]
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
    /// The batches leave a leaf in another state than the execution says.
    #[error("leaf {index}: expected {expected:?} after the block, got {got:?}")]
    Write {
        /// The leaf.
        index: LeafIndex,
        /// By the execution; `None` if it says nothing of the leaf.
        expected: Option<Leaf>,
        /// By the batches; `None` if they do not touch it.
        got: Option<Leaf>,
    },
    /// A message lies where the LogUp argument has no term. Happens with probability about `2^-100`.
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

/// The witnesses of an executed block.
///
/// # Errors
/// If the execution was not made from this ledger.
pub fn witness_block(
    profile: &Profile,
    ledger: &Ledger,
    block: &Block,
    execution: &Execution,
) -> Result<BlockWitness, WitnessError> {
    let plan = Plan::new(profile, execution);
    witness_plan(profile, ledger, block, execution, plan)
}

/// The witnesses of an executed block that was planned before.
///
/// # Errors
/// If the execution was not made from this ledger.
///
/// # Panics
/// If the plan was not made from this execution for this profile.
pub fn witness_plan(
    profile: &Profile,
    ledger: &Ledger,
    block: &Block,
    execution: &Execution,
    plan: Plan,
) -> Result<BlockWitness, WitnessError> {
    witness_observed(profile, ledger, block, execution, plan, &mut |_, _| ())
}

/// A part of the work on a block's witnesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Every leaf's contents before and after each batch.
    Values,
    /// Leaf digests and the tree's versions.
    Tree,
    /// Digests of messages, chain states, the seed.
    Chains,
    /// The sums of the LogUp argument.
    Sums,
    /// The batches' witnesses, put together; signatures of padding legs.
    Batches,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 5] = [Self::Values, Self::Tree, Self::Chains, Self::Sums, Self::Batches];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Tree => "tree",
            Self::Chains => "chains",
            Self::Sums => "sums",
            Self::Batches => "batches",
        }
    }
}

/// [`witness_plan`] that tells when each stage is done and how many permutations it took. (Not counted are the few
/// of chain links, the seed and padding.)
///
/// # Errors
/// If the execution was not made from this ledger.
///
/// # Panics
/// If the plan was not made from this execution for this profile.
pub fn witness_observed(
    profile: &Profile,
    ledger: &Ledger,
    block: &Block,
    execution: &Execution,
    plan: Plan,
    done: &mut dyn FnMut(Stage, usize),
) -> Result<BlockWitness, WitnessError> {
    if execution.debits.is_empty() {
        return Err(WitnessError::Empty);
    }
    if execution.previous_root != ledger.root() {
        return Err(WitnessError::PreviousRoot { expected: ledger.root(), got: execution.previous_root });
    }
    // Values.
    let drafts = draft(ledger, &block.transactions, execution, &plan)?;
    done(Stage::Values, 0);
    // Hashes.
    let versions = hash_versions(ledger, &drafts);
    done(Stage::Tree, versions.len() + versions.hashes());
    // Chains.
    let before = ChainState::start(ledger.root(), Digest::ZERO);
    let (seed, mut states) = chain(ledger, block, &drafts, &versions, before)?;
    done(Stage::Chains, drafts.iter().map(|draft| draft.messages.len()).sum());
    // Sums.
    sum_up(seed, &drafts, &mut states)?;
    done(Stage::Sums, 0);
    // Batches.
    let context = Context { profile, block, seed, execution, versions: &versions };
    // Debit batches, which are more work, stand together: who takes many takes more than a share.
    let batches = drafts.par_iter().enumerate().with_max_len(4);
    let batches = batches.map(|(i, draft)| context.batch(i, draft, states[i], states[i + 1])).collect();
    done(Stage::Batches, 0);
    let debits = drafts.into_iter().filter(|draft| draft.phase == Phase::Debit);
    let emitted = debits.map(|draft| draft.messages).collect();
    let after = states[states.len() - 1];
    Ok(BlockWitness {
        chain_id: block.chain_id,
        number: block.number,
        seed,
        before,
        after,
        batches,
        emitted,
        plan,
    })
}

/// The versions of the tree that the batches make.
fn hash_versions(ledger: &Ledger, drafts: &[Draft<'_>]) -> Versions {
    let paths: Vec<_> = drafts.iter().flat_map(|draft| &draft.paths).collect();
    let mut digests = vec![Digest::ZERO; paths.len()];
    Leaf::digests_into(&mut digests, |path| paths[path].after);
    let updates: Vec<_> = paths.par_iter().map(|path| path.index).zip(digests).collect();
    let groups: Vec<_> = drafts.iter().map(|draft| draft.paths.len()).collect();
    Versions::new(ledger.tree(), &updates, &groups)
}

/// The seed, and the chain states before the first and after each batch, their sums still zero.
fn chain(
    ledger: &Ledger,
    block: &Block,
    drafts: &[Draft<'_>],
    versions: &Versions,
    before: ChainState,
) -> Result<(Digest, Vec<ChainState>), WitnessError> {
    let lists: Vec<_> = drafts.iter().map(|draft| draft.messages.as_slice()).collect();
    let digests = message_digests(&lists, Message::elements);
    let mut states = vec![before];
    let mut state = before;
    for ((number, draft), digest) in (1..).zip(drafts).zip(digests) {
        state.root = versions.root_after(number);
        state.phase = draft.phase;
        if draft.phase == Phase::Debit {
            state.emitted = link_emitted(state.emitted, digest);
            state.transactions = count("transactions", state.transactions, draft.transactions)?;
            state.messages = count("messages", state.messages, draft.messages.len())?;
        } else {
            state.consumed = link_consumed(state.consumed, digest);
        }
        states.push(state);
    }
    let seed = seed(block.chain_id, block.number, ledger.root(), state.emitted, state.consumed);
    Ok((seed, states))
}

/// Fills in the sums of the LogUp argument.
fn sum_up(seed: Digest, drafts: &[Draft<'_>], states: &mut [ChainState]) -> Result<(), WitnessError> {
    let challenges = Challenges::new(seed);
    let sums: Vec<_> = drafts.par_iter().map(|draft| logup::sum(&challenges, &draft.messages)).collect();
    let mut sum = states[0].sum;
    for (batch, (term, draft)) in sums.into_iter().zip(drafts).enumerate() {
        let term = term.ok_or(WitnessError::Denominator { batch })?;
        sum = if draft.phase == Phase::Debit { add(sum, term) } else { subtract(sum, term) };
        states[batch + 1].sum = sum;
    }
    Ok(())
}

fn count(what: &'static str, so_far: u32, more: usize) -> Result<u32, WitnessError> {
    let got = so_far as usize + more;
    u32::try_from(got).map_err(|_| WitnessError::Count { what, got })
}

/// The digest of a batch's messages.
pub fn message_digest(messages: &[Message]) -> Digest {
    let mut sponge = MessageSponge::default();
    messages.iter().for_each(|message| sponge.absorb(message.elements()));
    sponge.digest()
}

/// `E` of a block: the chain over the emitted messages of its debit batches.
pub fn emitted_chain(emitted: &[Vec<Message>]) -> Digest {
    let lists: Vec<_> = emitted.iter().map(Vec::as_slice).collect();
    message_digests(&lists, Message::elements).into_iter().fold(Digest::ZERO, link_emitted)
}

/// What the witnesses of all batches need.
struct Context<'a> {
    profile: &'a Profile,
    block: &'a Block,
    seed: Digest,
    execution: &'a Execution,
    versions: &'a Versions,
}

impl Context<'_> {
    fn batch(&self, number: usize, draft: &Draft<'_>, before: ChainState, after: ChainState) -> BatchWitness {
        let mut walk = self.versions.paths(number);
        // The levels above the window are the same for all paths.
        let top =
            walk.clone().step().map_or_else(Vec::new, |(path, _)| path[self.profile.window_depth..].to_vec());
        let paths = if draft.phase == Phase::Debit {
            Paths::Debit(self.debit_paths(draft))
        } else {
            Paths::Credit(self.credit_paths(draft))
        };
        let depth = self.profile.window_depth;
        let paths_in_all = self.profile.shape(draft.plan.batch).paths();
        let mut siblings = Siblings::with_capacity(depth, paths_in_all, self.versions.fresh(number, depth));
        while let Some((path, fresh)) = walk.step() {
            siblings.push_fresh(&path[..depth], fresh.min(depth));
        }
        // Padding paths open the last leaf again.
        siblings.repeat_last(paths_in_all - siblings.len());
        BatchWitness {
            batch: draft.plan.batch,
            chain_id: self.block.chain_id,
            seed: self.seed,
            before,
            after,
            window: draft.plan.window,
            top_siblings: top,
            siblings,
            paths,
        }
    }

    /// Live paths, then copies of the last one's leaf as it is then, with padding legs.
    fn debit_paths(&self, draft: &Draft<'_>) -> Vec<DebitPath> {
        let shape = self.profile.shape(draft.plan.batch);
        let live = draft.plan.paths.iter().zip(&draft.paths).zip(shape.legs());
        // The legs' messages stand in the order of the legs.
        let mut messages = draft.messages.as_slice();
        let mut paths: Vec<_> = live
            .filter_map(|((planned, path), count)| {
                let mut legs = Vec::with_capacity(count);
                for &at in &draft.order[planned.legs.clone()] {
                    legs.push(self.live_leg(at, &mut messages));
                }
                if legs.len() < count {
                    legs.resize(count, padding_leg(self.block.chain_id, path.index, &path.after));
                }
                Some(DebitPath { index: path.index, leaf: path.before?, legs })
            })
            .collect();
        let live = paths.len();
        if let (true, Some(last), Some(path)) =
            (live < shape.paths(), draft.paths.last(), paths.last().cloned())
        {
            let leg = padding_leg(self.block.chain_id, last.index, &last.after);
            let padding =
                |count| DebitPath { legs: vec![leg.clone(); count], leaf: last.after, ..path.clone() };
            paths.extend(shape.legs().skip(live).map(padding));
        }
        paths
    }

    /// A leg whose messages are the next ones.
    fn live_leg(&self, at: usize, messages: &mut &[Message]) -> DebitLeg {
        let debit = &self.execution.debits[at];
        let signed = self.block.transactions[debit.position];
        let (own, rest) = messages.split_at(debit.messages.len());
        *messages = rest;
        let (fee_to, collector) = own.get(1).map_or_else(Default::default, |fee| (fee.to, fee.to_address));
        DebitLeg { live: true, signed, to: own[0].to, fee_to, collector }
    }

    /// Live paths, then copies of the last one's leaf as it is then, without messages.
    fn credit_paths(&self, draft: &Draft<'_>) -> Vec<CreditPath> {
        let shape = self.profile.shape(draft.plan.batch);
        let live = draft.plan.paths.iter().zip(&draft.paths).zip(shape.legs());
        // The legs' messages stand in the order of the legs.
        let mut next = draft.messages.iter().copied();
        let mut paths: Vec<_> = live
            .map(|((planned, path), count)| {
                let mut messages = Vec::with_capacity(count);
                messages.extend(next.by_ref().take(planned.legs.len()).map(Some));
                messages.resize(count, None);
                CreditPath { index: path.index, leaf: path.before, messages }
            })
            .collect();
        let live = paths.len();
        if let (true, Some(last), Some(path)) =
            (live < shape.paths(), draft.paths.last(), paths.last().cloned())
        {
            let leaf = Some(last.after);
            let padding = |count| CreditPath { messages: vec![None; count], leaf, ..path.clone() };
            paths.extend(shape.legs().skip(live).map(padding));
        }
        paths
    }
}

/// A leg that is not live: the padding key signs a transaction that fits the leaf.
fn padding_leg(chain_id: u32, from: LeafIndex, leaf: &Leaf) -> DebitLeg {
    let signed = padding_transaction(chain_id, from, leaf);
    DebitLeg { live: false, signed, to: LeafIndex(0), fee_to: LeafIndex(0), collector: Digest::ZERO }
}

/// The transaction of a padding leg. Its key owns nothing, so it debits nothing outside a padding leg either.
pub fn padding_transaction(chain_id: u32, from: LeafIndex, leaf: &Leaf) -> SignedTransaction {
    padding_key().sign_transaction(Transaction {
        op: Op::Transfer,
        chain_id,
        from,
        nonce: leaf.nonce,
        to_address: Digest::ZERO,
        asset: leaf.asset,
        amount: 1,
        fee: 0,
        memo: 0,
    })
}

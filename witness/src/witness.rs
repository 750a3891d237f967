//! From an executed block to one witness for each batch circuit.
//!
//! Leaf values come first: they follow from the plan alone. Then the tree's versions are hashed, level by level, and
//! the batches' message digests; these give the chains `E` and `C`, the seed and the LogUp sums. Every step but the
//! running ones (leaves of a lane, chains, chain states) is parallel.

use enfold_state::block::{Block, Emitted};
use enfold_state::chain::{BlockId, ChainState, Commitments, empty_queue, link_consumed, link_emitted, seed};
use enfold_state::executor::Execution;
use enfold_state::hash::batch::message_digests;
use enfold_state::hash::{Digest, MessageSponge, Side};
use enfold_state::leaf::Leaf;
use enfold_state::ledger::{ApplyError, Ledger, Prepared};
use enfold_state::message::Message;
use enfold_state::shards::Counts;
use rayon::prelude::*;

use crate::batch::BatchWitness;
pub use crate::error::WitnessError;
use crate::kind::Source;
use crate::legs::{Draft, DraftPath, draft};
use crate::logup::{self, Challenges, add, subtract};
use crate::paths::{Paths, Registered, Visitor, visit};
use crate::plan::Plan;
use crate::siblings::Siblings;
use crate::versions::Versions;
use enfold_state::profile::{BatchShape, Profile};

/// A block with the witness of each of its batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockWitness {
    /// Which block.
    pub block: BlockId,
    /// How many leaves each shard had before the block.
    pub counts_before: Counts,
    /// How many it has after the block.
    pub counts: Counts,
    /// The block's seed.
    pub seed: Digest,
    /// Chain state in which the block starts.
    pub before: ChainState,
    /// Chain state in which it ends.
    pub after: ChainState,
    /// The batches, in the order in which they are chained; at least one.
    pub batches: Vec<BatchWitness>,
    /// The messages of each batch that can emit, in the order of its digest.
    pub emitted: Vec<Emitted>,
    /// The plan that the batches follow.
    pub plan: Plan,
    prepared: Result<Prepared, ApplyError>,
}

impl BlockWitness {
    /// What the block writes, and the nodes over it, which the witness has hashed: for [`Ledger::adopt`] or a store.
    ///
    /// # Errors
    /// If the writes do not follow the state. The executor makes none such; a witness of them is one that circuits refuse.
    pub fn prepared(&self) -> Result<&Prepared, ApplyError> {
        self.prepared.as_ref().map_err(Clone::clone)
    }

    /// [`Self::prepared`] alone.
    ///
    /// # Errors
    /// As [`Self::prepared`].
    pub fn into_prepared(self) -> Result<Prepared, ApplyError> {
        self.prepared
    }
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
    let source = Source { block: execution.block, transactions: &block.transactions, execution };
    let (counts_before, counts) = (ledger.counts(), counts_after(ledger, execution));
    let drafts = draft(ledger, source, &plan)?;
    done(Stage::Values, 0);
    // Hashes.
    let versions = hash_versions(ledger, &drafts);
    done(Stage::Tree, versions.len() + versions.hashes());
    // Chains.
    let before = ChainState::start(ledger.tree().root(), empty_queue(), counts.digest());
    let (seed, mut states) = chain(ledger, &source.block, &drafts, &versions, before)?;
    done(Stage::Chains, drafts.iter().map(|draft| draft.emitted.len() + draft.consumed.len()).sum());
    // Sums.
    sum_up(seed, &drafts, &mut states)?;
    done(Stage::Sums, 0);
    // Batches.
    let context = Context { profile, source, seed, counts, versions: &versions };
    // Debit batches, which are more work, are next to each other: a thread that takes many takes more than its share.
    let batches = drafts.par_iter().enumerate().with_max_len(4);
    let batches = batches.map(|(i, draft)| context.batch(i, draft, states[i], states[i + 1]));
    let batches = batches.collect::<Result<_, _>>()?;
    done(Stage::Batches, 0);
    let emitting = drafts.into_iter().filter(|draft| draft.kind().emits());
    let emitted = emitting.map(|draft| Emitted { kind: draft.kind(), messages: draft.emitted }).collect();
    let after = states[states.len() - 1];
    let nodes = versions.update().over(execution.writes.indices());
    let prepared = ledger.prepare_hashed(execution, nodes);
    Ok(BlockWitness {
        block: execution.block,
        counts_before,
        counts,
        seed,
        before,
        after,
        batches,
        emitted,
        plan,
        prepared,
    })
}

/// How many leaves or records each shard has after a block.
fn counts_after(ledger: &Ledger, execution: &Execution) -> Counts {
    let before = ledger.counts();
    let mut counts = before;
    for index in execution.writes.indices().filter(|&index| !before.holds(index)) {
        if let Some(count) = counts.0.get_mut(index.shard()) {
            *count += 1;
        }
    }
    counts
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
    block: &BlockId,
    drafts: &[Draft<'_>],
    versions: &Versions,
    before: ChainState,
) -> Result<(Digest, Vec<ChainState>), WitnessError> {
    let sides = |draft: &'_ Draft<'_>| {
        let kind = draft.kind();
        [kind.emits(), kind.consumes()]
    };
    let list = |draft: &'_ Draft<'_>, side| MessageSponge::new(draft.kind().number(), side);
    let lists: Vec<_> = drafts
        .iter()
        .flat_map(|draft| {
            let emitted = (list(draft, Side::Emit), draft.emitted.as_slice());
            let consumed = (list(draft, Side::Consume), draft.consumed.as_slice());
            [emitted, consumed].into_iter().zip(sides(draft))
        })
        .filter_map(|(list, has)| has.then_some(list))
        .collect();
    let mut digests = message_digests(&lists, Message::elements).into_iter();
    let mut digest = || digests.next().expect("a digest for each list");
    let mut states = vec![before];
    let mut state = before;
    for (number, draft) in (1..).zip(drafts) {
        let [emits, consumes] = sides(draft);
        state.tree_root = versions.root_after(number);
        let created = draft.paths.iter().filter(|path| path.before.is_none()).count();
        state.created = count("new leaves", state.created, created)?;
        state.phase = draft.kind().phase();
        if emits {
            state.emitted = link_emitted(state.emitted, digest());
        }
        if consumes {
            state.consumed = link_consumed(state.consumed, digest());
        }
        state.transactions = count("transactions", state.transactions, draft.transactions)?;
        state.messages = count("messages", state.messages, draft.emitted.len())?;
        states.push(state);
    }
    let ChainState { emitted, consumed, queue, exits, .. } = state;
    let seed = seed(block, &Commitments { previous_root: ledger.root(), emitted, consumed, queue, exits });
    Ok((seed, states))
}

/// Fills in the sums of the LogUp argument.
fn sum_up(seed: Digest, drafts: &[Draft<'_>], states: &mut [ChainState]) -> Result<(), WitnessError> {
    let challenges = Challenges::new(seed);
    let term = |draft: &Draft<'_>| {
        let emitted = logup::sum(&challenges, &draft.emitted)?;
        Some(subtract(emitted, logup::sum(&challenges, &draft.consumed)?))
    };
    let sums: Vec<_> = drafts.par_iter().map(term).collect();
    let mut sum = states[0].sum;
    for (batch, term) in sums.into_iter().enumerate() {
        sum = add(sum, term.ok_or(WitnessError::Denominator { batch })?);
        states[batch + 1].sum = sum;
    }
    Ok(())
}

fn count(what: &'static str, so_far: u32, more: usize) -> Result<u32, WitnessError> {
    let got = so_far as usize + more;
    u32::try_from(got).map_err(|_| WitnessError::Count { what, got })
}

/// What the witnesses of all batches need.
struct Context<'a> {
    profile: &'a Profile,
    source: Source<'a>,
    seed: Digest,
    counts: Counts,
    versions: &'a Versions,
}

impl Context<'_> {
    fn batch(
        &self,
        number: usize,
        draft: &Draft<'_>,
        before: ChainState,
        after: ChainState,
    ) -> Result<BatchWitness, WitnessError> {
        let mut walk = self.versions.paths(number);
        // The levels above the window are the same for all paths.
        let top =
            walk.clone().step().map_or_else(Vec::new, |(path, _)| path[self.profile.window_depth..].to_vec());
        let shape = self.profile.shape(draft.plan.batch);
        let paths = visit(draft.kind(), PathsOf { source: &self.source, shape, draft })?;
        let depth = self.profile.window_depth;
        let paths_in_all = shape.paths();
        let mut siblings = Siblings::with_capacity(depth, paths_in_all, self.versions.fresh(number, depth));
        while let Some((path, fresh)) = walk.step() {
            siblings.push_fresh(&path[..depth], fresh.min(depth));
        }
        // Padding paths open the last leaf again.
        siblings.repeat_last(paths_in_all - siblings.len());
        Ok(BatchWitness {
            batch: draft.plan.batch,
            block: self.source.block,
            seed: self.seed,
            counts: self.counts,
            before,
            after,
            window: draft.plan.window,
            top_siblings: top,
            siblings,
            paths,
        })
    }
}

/// Makes the paths of a batch: live ones, then copies of the last one's leaf as it is then, with padding.
struct PathsOf<'a> {
    source: &'a Source<'a>,
    shape: BatchShape,
    draft: &'a Draft<'a>,
}

impl Visitor for PathsOf<'_> {
    type Output = Result<Paths, WitnessError>;

    fn visit<K: Registered>(self) -> Self::Output {
        let Self { source, shape, draft } = self;
        let padding = |path: &DraftPath| K::padding(&source.block, path.index, &path.after);
        let path =
            |index, before, slots| K::path(index, before, slots).ok_or(WitnessError::MissingLeaf { index });
        let mut paths = Vec::with_capacity(shape.paths());
        for ((planned, drafted), count) in draft.plan.paths.iter().zip(&draft.paths).zip(shape.legs()) {
            let mut slots = Vec::with_capacity(count);
            for &position in &draft.order[planned.legs.clone()] {
                slots.push(K::slot(source, position)?);
            }
            if slots.len() < count {
                slots.resize(count, padding(drafted));
            }
            paths.push(path(drafted.index, drafted.before, slots)?);
        }
        if let (true, Some(last)) = (paths.len() < shape.paths(), draft.paths.last()) {
            let slot = padding(last);
            for count in shape.legs().skip(paths.len()) {
                paths.push(path(last.index, Some(last.after), vec![slot.clone(); count])?);
            }
        }
        Ok(K::wrap(paths))
    }
}

//! The native twin of the batch circuits: what they prove, in their order, with errors that name the rule.
//!
//! It trusts nothing in a [`BatchWitness`] but the chain state before it. The rule of a leg is its kind's
//! ([`crate::debit`], [`crate::credit`]); all else is the same for all kinds.

use enfold_state::chain::{ChainState, link_consumed, link_emitted};
use enfold_state::hash::{Digest, MessageSponge, climb};
use enfold_state::leaf::{ACCOUNT_SHARDS, LeafIndex};

use crate::batch::BatchWitness;
pub use crate::error::StepError;
use crate::kind::{At, BatchKind};
use crate::logup::add;
use crate::paths::{PathsVisitor, Registered};
use crate::siblings::SiblingsWalk;
use crate::slots::Slots;
use enfold_state::profile::Profile;

/// The chain state that the batch leads to from `witness.before`, by the rules of its circuit.
///
/// # Errors
/// If the witness breaks one. The first that is found is named.
pub fn step(profile: &Profile, witness: &BatchWitness) -> Result<ChainState, StepError> {
    if witness.paths.kind() != witness.batch.kind() {
        return Err(StepError::Kind { expected: witness.batch });
    }
    witness.paths.visit(Step { profile, witness })
}

struct Step<'a> {
    profile: &'a Profile,
    witness: &'a BatchWitness,
}

impl PathsVisitor for Step<'_> {
    type Output = Result<ChainState, StepError>;

    fn visit<K: Registered>(self, paths: &[K::Path]) -> Self::Output {
        step_kind::<K>(self.profile, self.witness, paths)
    }
}

fn step_kind<K: BatchKind>(
    profile: &Profile,
    witness: &BatchWitness,
    paths: &[K::Path],
) -> Result<ChainState, StepError> {
    let before = witness.before;
    check_shape(profile, witness, paths.iter().map(|path| (K::index(path), K::slots(path).len())))?;

    // Phase: it never falls.
    let (kind, phase) = (K::ID, K::ID.phase());
    if before.phase > phase {
        return Err(StepError::Phase { expected: phase, got: before.phase });
    }

    // Counts: a kind that creates leaves opens them. Its leaves are those of accounts.
    if K::CREATES {
        let (expected, got) = (before.counts, witness.counts.digest());
        if got != expected {
            return Err(StepError::Counts { expected, got });
        }
        let shard = LeafIndex(witness.window << profile.window_depth).shard();
        if shard >= ACCOUNT_SHARDS {
            return Err(StepError::Shard { expected: ACCOUNT_SHARDS, got: shard });
        }
    }

    // Window: from its root, which all paths open, up to the state root.
    let first = paths.first().ok_or(StepError::Paths { expected: 1, got: 0 })?;
    let mut window = Window::enter(witness, K::opened(first), K::index(first))?;

    // Paths.
    let mut messages = Slots::new(witness.seed, kind);
    let mut created = 0;
    for (number, path) in paths.iter().enumerate() {
        let (index, slots) = (K::index(path), K::slots(path));
        window.open(number, K::opened(path), index)?;
        let mut leaf = K::before(number, path)?;
        if K::creates(path) {
            if !witness.counts.holds(index) {
                return Err(StepError::Beyond { path: number, index });
            }
            created += 1;
        }
        for (leg, slot) in slots.iter().enumerate() {
            if K::is_live(slot) && leg > 0 && !K::is_live(&slots[leg - 1]) {
                return Err(StepError::LiveOrder { path: number, leg });
            }
            let at = At { path: number, leg, index };
            leaf = K::step(&witness.block, at, &leaf, slot, &mut messages)?;
        }
        window.update(leaf.digest(), index);
    }

    // State after.
    let transactions = messages.transactions;
    let totals = messages.finish()?;
    let [emitted, consumed] = [totals.emitted, totals.consumed].map(MessageSponge::digest);
    Ok(ChainState {
        tree_root: window.leave(),
        emitted: if kind.emits() { link_emitted(before.emitted, emitted) } else { before.emitted },
        consumed: if kind.consumes() { link_consumed(before.consumed, consumed) } else { before.consumed },
        sum: add(before.sum, totals.sum),
        transactions: advance(before.transactions, transactions)?,
        messages: advance(before.messages, totals.count)?,
        phase,
        created: advance(before.created, created)?,
        ..before
    })
}

/// Checks a batch witness against the rules of its circuit, the state after it included.
///
/// # Errors
/// If it breaks one.
pub fn check_batch(profile: &Profile, witness: &BatchWitness) -> Result<(), StepError> {
    let got = step(profile, witness)?;
    if got != witness.after {
        return Err(StepError::After { expected: Box::new(witness.after), got: Box::new(got) });
    }
    Ok(())
}

/// What all paths have: position, number of legs.
type PathShape = (LeafIndex, usize);

/// The shape is the circuit's own: a witness of another shape cannot even be filled in.
fn check_shape(
    profile: &Profile,
    witness: &BatchWitness,
    paths: impl ExactSizeIterator<Item = PathShape>,
) -> Result<(), StepError> {
    let shape = profile.shape(witness.batch);
    let (expected, got) = (shape.paths(), paths.len());
    if got != expected {
        return Err(StepError::Paths { expected, got });
    }
    let (expected, got) =
        ((shape.paths(), profile.window_depth), (witness.siblings.len(), witness.siblings.depth()));
    if got != expected {
        return Err(StepError::Siblings { expected, got });
    }
    for (path, (index, got)) in paths.enumerate() {
        let expected = shape.legs_of(path);
        if got != expected {
            return Err(StepError::Legs { path, expected, got });
        }
        let window = index.0 >> profile.window_depth;
        if window != witness.window {
            return Err(StepError::Window { path, index, expected: witness.window, got: window });
        }
    }
    let (expected, got) = (profile.top_depth(), witness.top_siblings.len());
    if got != expected {
        return Err(StepError::TopSiblings { expected, got });
    }
    if u64::from(witness.window) >> expected != 0 {
        return Err(StepError::WindowRange { expected_bits: expected, got: witness.window });
    }
    Ok(())
}

/// The window's root as it moves along the paths.
struct Window<'a> {
    witness: &'a BatchWitness,
    walk: SiblingsWalk<'a>,
    root: Digest,
}

impl<'a> Window<'a> {
    /// Starts from the window root that the first path opens. The state root over it is the one before the batch.
    fn enter(witness: &'a BatchWitness, leaf: Digest, index: LeafIndex) -> Result<Self, StepError> {
        let walk = witness.siblings.walk();
        let root = climb(leaf, index.0, walk.clone().step().unwrap_or_default());
        let got = climb(root, witness.window, &witness.top_siblings);
        let expected = witness.before.tree_root;
        if got != expected {
            Err(StepError::RootBefore { expected, got })
        } else {
            Ok(Self { witness, walk, root })
        }
    }

    /// On the next path a leaf digest stands at its position.
    fn open(&mut self, path: usize, leaf: Digest, index: LeafIndex) -> Result<(), StepError> {
        let got = climb(leaf, index.0, self.walk.step().unwrap_or_default());
        if got != self.root {
            return Err(StepError::Opening { path, index, expected: self.root, got });
        }
        Ok(())
    }

    /// A new leaf digest takes the place of the one just opened.
    fn update(&mut self, leaf: Digest, index: LeafIndex) {
        self.root = climb(leaf, index.0, self.walk.path());
    }

    /// The state root after the batch.
    fn leave(self) -> Digest {
        climb(self.root, self.witness.window, &self.witness.top_siblings)
    }
}

/// `count + by`, in range.
fn advance(count: u32, by: usize) -> Result<u32, StepError> {
    u32::try_from(by).ok().and_then(|by| count.checked_add(by)).ok_or(StepError::Counter)
}

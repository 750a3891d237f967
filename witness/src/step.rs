//! What the native twins of the batch circuits share: the window, the message slots, the errors.
//!
//! [`crate::debit::step`] and [`crate::credit::step`] say what the batch circuits prove, in the circuits' order. They
//! trust nothing in a [`BatchWitness`] but the chain state before it.

use enfold_state::chain::{ChainState, Phase, Quadratic};
use enfold_state::field::{F, ZERO};
use enfold_state::hash::{Digest, MessageSponge};
use enfold_state::keys::SignatureError;
use enfold_state::leaf::{Address, Asset, LeafIndex};
use enfold_state::message::{Message, Op};
use enfold_state::tree::climb;

use crate::batch::BatchWitness;
use crate::logup::{Challenges, add, batch_inverse, subtract};
use crate::profile::{BatchId, Profile};
use crate::siblings::SiblingsWalk;
use crate::{credit, debit};

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
    #[error("path {path} leg {leg}: expected op {expected:?}, got {got:?}")]
    Op { path: usize, leg: usize, expected: Op, got: Op },
    #[error("path {path} leg {leg}: expected chain {expected}, got {got}")]
    ChainId { path: usize, leg: usize, expected: u32, got: u32 },
    #[error("path {path} leg {leg}: expected leaf {expected}, got {got}")]
    Index { path: usize, leg: usize, expected: LeafIndex, got: LeafIndex },
    #[error("path {path} leg {leg}: expected nonce {expected}, got {got}")]
    Nonce { path: usize, leg: usize, expected: u32, got: u32 },
    #[error("path {path} leg {leg}: expected asset {expected}, got {got}")]
    Asset { path: usize, leg: usize, expected: Asset, got: Asset },
    #[error("path {path} leg {leg}: expected address {expected}, got {got}")]
    Address { path: usize, leg: usize, expected: Address, got: Address },
    #[error("path {path} leg {leg}: {source}")]
    Signature { path: usize, leg: usize, source: SignatureError },
    #[error("path {path} leg {leg}: expected an amount of 1 to 2^62, got {got}")]
    Amount { path: usize, leg: usize, got: u64 },
    #[error("path {path} leg {leg}: expected a fee below 2^62, got {got}")]
    Fee { path: usize, leg: usize, got: u64 },
    #[error("path {path} leg {leg}: expected a balance of 0 to 2^62 - 1, got {got}")]
    Balance { path: usize, leg: usize, got: i128 },
    #[error("path {path} leg {leg}: expected a nonce below 2^32 - 1, got {got}")]
    NonceRange { path: usize, leg: usize, got: u32 },
    #[error("path {path}: expected a message for the empty leaf {index}")]
    EmptyPadding { path: usize, index: LeafIndex },
    #[error("message slot {slot}: expected a message other than the one at gamma")]
    Denominator { slot: usize },
    #[error("expected counts below 2^32")]
    Counter,
    #[error("state after the batch: expected {expected:?}, got {got:?}")]
    After { expected: Box<ChainState>, got: Box<ChainState> },
}

/// The chain state that the batch leads to from `witness.before`, by the rules of its circuit.
///
/// # Errors
/// If the witness breaks one.
pub fn step(profile: &Profile, witness: &BatchWitness) -> Result<ChainState, StepError> {
    match witness.batch {
        BatchId::DebitMany | BatchId::DebitFew => debit::step(profile, witness),
        BatchId::CreditMany | BatchId::CreditFew => credit::step(profile, witness),
    }
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
pub(crate) type PathShape = (LeafIndex, usize);

/// The shape is the circuit's own: a witness of another shape cannot even be filled in.
pub(crate) fn check_shape(
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
pub(crate) struct Window<'a> {
    witness: &'a BatchWitness,
    walk: SiblingsWalk<'a>,
    root: Digest,
}

impl<'a> Window<'a> {
    /// Starts from the window root that the first path opens. The state root over it is the one before the batch.
    pub(crate) fn enter(
        witness: &'a BatchWitness,
        leaf: Digest,
        index: LeafIndex,
    ) -> Result<Self, StepError> {
        let walk = witness.siblings.walk();
        let root = climb(leaf, index.0, walk.clone().step().unwrap_or_default());
        let got = climb(root, witness.window, &witness.top_siblings);
        let expected = witness.before.root;
        if got != expected {
            Err(StepError::RootBefore { expected, got })
        } else {
            Ok(Self { witness, walk, root })
        }
    }

    /// On the next path a leaf digest stands at its position.
    pub(crate) fn open(&mut self, path: usize, leaf: Digest, index: LeafIndex) -> Result<(), StepError> {
        let got = climb(leaf, index.0, self.walk.step().unwrap_or_default());
        if got != self.root {
            return Err(StepError::Opening { path, index, expected: self.root, got });
        }
        Ok(())
    }

    /// A new leaf digest takes the place of the one just opened.
    pub(crate) fn update(&mut self, leaf: Digest, index: LeafIndex) {
        self.root = climb(leaf, index.0, self.walk.path());
    }

    /// The state root after the batch.
    pub(crate) fn leave(self) -> Digest {
        climb(self.root, self.witness.window, &self.witness.top_siblings)
    }
}

/// The message slots of a batch, live or not, in order.
pub(crate) struct Slots {
    challenges: Challenges,
    sponge: MessageSponge,
    denominators: Vec<Quadratic>,
    flags: Vec<bool>,
}

/// What the slots add up to.
pub(crate) struct Totals {
    /// Digest of the flagged messages.
    pub digest: Digest,
    /// Sum of the flagged messages' terms.
    pub sum: Quadratic,
    /// How many are flagged.
    pub count: usize,
}

impl Slots {
    pub(crate) fn new(seed: Digest) -> Self {
        let challenges = Challenges::new(seed);
        Self { challenges, sponge: MessageSponge::default(), denominators: Vec::new(), flags: Vec::new() }
    }

    /// One slot. Only a flagged message enters the digest and the sum.
    pub(crate) fn push(&mut self, message: [F; Message::LEN], flag: bool) {
        if flag {
            self.sponge.absorb(message);
        }
        self.denominators.push(self.challenges.denominator(message));
        self.flags.push(flag);
    }

    /// Every slot, flagged or not, must have an inverse.
    pub(crate) fn finish(self) -> Result<Totals, StepError> {
        let Some(inverses) = batch_inverse(&self.denominators) else {
            let slot = self.denominators.iter().position(|&d| d == [ZERO; 2]).unwrap_or_default();
            return Err(StepError::Denominator { slot });
        };
        let live = inverses.iter().zip(&self.flags).filter(|&(_, &flag)| flag);
        let sum = live.fold([ZERO; 2], |sum, (&inverse, _)| add(sum, inverse));
        let count = self.flags.iter().filter(|&&flag| flag).count();
        Ok(Totals { digest: self.sponge.digest(), sum, count })
    }
}

/// `count + by`, in range.
pub(crate) fn advance(count: u32, by: usize) -> Result<u32, StepError> {
    u32::try_from(by).ok().and_then(|by| count.checked_add(by)).ok_or(StepError::Counter)
}

/// `sum` minus the terms of consumed messages.
pub(crate) fn consume(sum: Quadratic, totals: &Totals) -> Quadratic {
    subtract(sum, totals.sum)
}

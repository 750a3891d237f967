//! Profiles: names, batch sizes and window depth. The circuits add each profile's proof parameters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use crate::kind::BatchId;
use crate::kind::{FamilyId, PerBatch, PerFamily};
use crate::leaf::TREE_DEPTH;

/// A profile's name; its number is in the block statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u32)]
pub enum ProfileId {
    /// The smallest circuits that exercise everything. Not secure: for tests and demonstrations.
    Test = 1,
    /// Sized for throughput, at the security of `docs/security.md`.
    Standard = 2,
    /// The batches of `Standard`, with at least 80 bits of security proven: longer proofs, which take longer.
    Proven = 3,
}

impl ProfileId {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Test, Self::Standard, Self::Proven];

    /// The profile with this number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|&id| id as u64 == number)
    }

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Standard => "standard",
            Self::Proven => "proven",
        }
    }

    /// Whether anybody can make a proof of any statement within minutes.
    pub const fn forgeable(self) -> bool {
        matches!(self, Self::Test)
    }

    /// Its sizes.
    pub const fn profile(self) -> &'static Profile {
        match self {
            Self::Test => &TEST,
            Self::Standard => &STANDARD,
            Self::Proven => &PROVEN,
        }
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected profile test, standard or proven, got {got:?}")]
pub struct UnknownProfile {
    /// The name.
    pub got: String,
}

impl FromStr for ProfileId {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL
            .into_iter()
            .find(|id| id.name() == name)
            .ok_or_else(|| UnknownProfile { got: name.to_owned() })
    }
}

/// The size of a batch circuit: its paths, each of which opens one leaf. Those of many legs come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchShape {
    /// Long paths.
    pub long: usize,
    /// Legs (debit) or messages (credit) of each long path.
    pub legs: usize,
    /// Paths of one leg.
    pub singles: usize,
}

impl BatchShape {
    /// Paths of one leg alone.
    pub const fn singles(singles: usize) -> Self {
        Self { long: 0, legs: 0, singles }
    }

    /// Long paths alone.
    pub const fn long(long: usize, legs: usize) -> Self {
        Self { long, legs, singles: 0 }
    }

    /// Leaves opened, each with one path.
    pub const fn paths(self) -> usize {
        self.long + self.singles
    }

    /// Legs of a full batch.
    pub const fn capacity(self) -> usize {
        self.long * self.legs + self.singles
    }

    /// Legs of the path with this number.
    pub const fn legs_of(self, path: usize) -> usize {
        if path < self.long { self.legs } else { 1 }
    }

    /// Legs of each path, in their order.
    pub fn legs(self) -> impl Iterator<Item = usize> {
        (0..self.paths()).map(move |path| self.legs_of(path))
    }
}

/// The proofs above a block's batches, and what proofs cost: by this a block's batches are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Most batch proofs that a lift proof of each family verifies.
    pub lift_arity: PerFamily<usize>,
    /// Most lift or fold proofs that a fold proof verifies.
    pub fold_arity: usize,
    /// Most lift or fold proofs that the block proof verifies.
    pub block_arity: usize,
    /// What a batch proof of each family costs, compared with [`Self::recursion_cost`]; by cells, rate and number of points
    /// (the proving crate's `circuit_cost`, which tests it).
    pub batch_cost: PerFamily<u64>,
    /// What a lift or a fold proof costs.
    pub recursion_cost: u64,
}

impl Tree {
    /// Lift proofs over consecutive batches of these families: one stands for batches of one family.
    pub fn lifts(&self, batches: impl IntoIterator<Item = FamilyId>) -> usize {
        let (mut lifts, mut last) = (0, None);
        for family in batches {
            let room = match last {
                Some((same, room)) if same == family => room,
                _ => 0,
            };
            lifts += usize::from(room == 0);
            last = Some((family, if room == 0 { self.lift_arity[family] } else { room } - 1));
        }
        lifts
    }

    /// Fold proofs over so many lift proofs. Each makes one out of `fold_arity` at most, until the block proof takes those
    /// that are left.
    pub const fn folds(&self, lifts: usize) -> usize {
        lifts.saturating_sub(self.block_arity).div_ceil(self.fold_arity - 1)
    }

    /// What the proofs of a block with these batches cost together, but for the block proof, which always costs the same.
    pub fn cost(&self, batches: impl IntoIterator<Item = FamilyId> + Clone) -> u64 {
        let own: u64 = batches.clone().into_iter().map(|family| self.batch_cost[family]).sum();
        let lifts = self.lifts(batches);
        own + (lifts + self.folds(lifts)) as u64 * self.recursion_cost
    }
}

/// A profile's sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub id: ProfileId,
    /// Levels of a window: a batch works inside one aligned window of `2^window_depth` leaves.
    pub window_depth: usize,
    /// Shapes of the batch circuits.
    pub shapes: PerBatch<BatchShape>,
    /// The proofs above the batches.
    pub tree: Tree,
}

impl Profile {
    /// The shape of one batch circuit.
    pub const fn shape(&self, batch: BatchId) -> BatchShape {
        *self.shapes.of(batch)
    }

    /// The profile whose planner uses no batches of a family: for tests and comparisons.
    #[must_use]
    pub fn without(mut self, family: FamilyId) -> Self {
        self.tree.batch_cost[family] = u64::from(u32::MAX);
        self
    }

    /// Levels from a window's root to the state root.
    pub const fn top_depth(&self) -> usize {
        TREE_DEPTH - self.window_depth
    }
}

/// Large batches fill `2^10` rows, small ones `2^9` (`enfold_circuits` tests it).
const TEST: Profile = Profile {
    id: ProfileId::Test,
    window_depth: 10,
    shapes: PerBatch::new([
        BatchShape::singles(16),
        BatchShape::long(2, 13),
        BatchShape::singles(7),
        BatchShape { long: 3, legs: 12, singles: if cfg!(feature = "toy") { 24 } else { 28 } },
        BatchShape::long(3, if cfg!(feature = "toy") { 88 } else { 100 }),
        BatchShape { long: 1, legs: 12, singles: if cfg!(feature = "toy") { 11 } else { 14 } },
        #[cfg(feature = "toy")]
        BatchShape::singles(8),
        #[cfg(feature = "toy")]
        BatchShape::long(2, 10),
    ]),
    tree: Tree {
        lift_arity: PerFamily::new([3, 4]),
        fold_arity: 3,
        block_arity: 2,
        batch_cost: PerFamily::new([161 << 10, 161 << 9]),
        recursion_cost: 171 << 13,
    },
};

/// Large batches fill `2^16` rows, small ones `2^13` (`enfold_circuits` tests it).
const STANDARD: Profile = Profile {
    id: ProfileId::Standard,
    window_depth: 24,
    shapes: PerBatch::new([
        BatchShape::singles(768),
        BatchShape::long(16, 117),
        BatchShape::singles(95),
        BatchShape { long: 12, legs: 120, singles: 1105 },
        BatchShape::long(16, 1426),
        BatchShape { long: 2, legs: 70, singles: 138 },
        #[cfg(feature = "toy")]
        BatchShape::singles(8),
        #[cfg(feature = "toy")]
        BatchShape::long(2, 10),
    ]),
    tree: Tree {
        lift_arity: PerFamily::new([5, 6]),
        fold_arity: 5,
        block_arity: 2,
        batch_cost: PerFamily::new([174 << 16, 174 << 13]),
        recursion_cost: 189 << 16,
    },
};

/// The batches of [`STANDARD`]: what they are proven with does not change their rows, but how many a proof takes.
const PROVEN: Profile = Profile {
    id: ProfileId::Proven,
    tree: Tree { lift_arity: PerFamily::new([3, 3]), fold_arity: 3, ..STANDARD.tree },
    ..STANDARD
};

//! Profiles: names, batch sizes and window depth. The circuits add each profile's proof parameters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use crate::kind::BatchId;
use crate::kind::PerBatch;
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

/// A profile's sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub id: ProfileId,
    /// Levels of a window: a batch works inside one aligned window of `2^window_depth` leaves.
    pub window_depth: usize,
    /// Shapes of the batch circuits.
    pub shapes: PerBatch<BatchShape>,
}

impl Profile {
    /// The shape of one batch circuit.
    pub const fn shape(&self, batch: BatchId) -> BatchShape {
        *self.shapes.of(batch)
    }

    /// Levels from a window's root to the state root.
    pub const fn top_depth(&self) -> usize {
        TREE_DEPTH - self.window_depth
    }
}

/// Batches fill `2^10` rows (`enfold_circuits` tests it).
const TEST: Profile = Profile {
    id: ProfileId::Test,
    window_depth: 10,
    shapes: PerBatch::new([
        BatchShape::singles(16),
        BatchShape::long(2, 13),
        BatchShape { long: 3, legs: 12, singles: if cfg!(feature = "toy") { 24 } else { 28 } },
        BatchShape::long(3, if cfg!(feature = "toy") { 88 } else { 100 }),
        #[cfg(feature = "toy")]
        BatchShape::singles(8),
        #[cfg(feature = "toy")]
        BatchShape::long(2, 10),
    ]),
};

/// Batches fill `2^16` rows (`enfold_circuits` tests it).
const STANDARD: Profile = Profile {
    id: ProfileId::Standard,
    window_depth: 24,
    shapes: PerBatch::new([
        BatchShape::singles(768),
        BatchShape::long(16, 117),
        BatchShape { long: 12, legs: 120, singles: 1105 },
        BatchShape::long(16, 1426),
        #[cfg(feature = "toy")]
        BatchShape::singles(8),
        #[cfg(feature = "toy")]
        BatchShape::long(2, 10),
    ]),
};

/// The batches of [`STANDARD`]: what they are proven with does not change their rows.
const PROVEN: Profile = Profile { id: ProfileId::Proven, ..STANDARD };

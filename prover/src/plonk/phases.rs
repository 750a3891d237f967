//! Where a proof's time went.

use std::time::{Duration, Instant};

/// A part of proving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProofPhase {
    /// The circuit's generators.
    Witness,
    /// Wires as a matrix.
    Matrix,
    /// Transform and tree of the wires.
    CommitWires,
    /// `Z` and partial products.
    Permutation,
    /// Their transform and tree.
    CommitPermutation,
    /// Constraints at all points.
    Quotient,
    /// The quotient's transform and tree.
    CommitQuotient,
    /// All polynomials at the opening points.
    Openings,
    /// The polynomial that is tested, its layers and their trees.
    Fri,
    /// The search for the nonce.
    Grinding,
    /// Paths of the queried rows.
    Queries,
}

impl ProofPhase {
    /// The phase's name, as reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Matrix => "matrix",
            Self::CommitWires => "commit_wires",
            Self::Permutation => "permutation",
            Self::CommitPermutation => "commit_permutation",
            Self::Quotient => "quotient",
            Self::CommitQuotient => "commit_quotient",
            Self::Openings => "openings",
            Self::Fri => "fri",
            Self::Grinding => "grinding",
            Self::Queries => "queries",
        }
    }
}

/// The phases of a proof, in order, each with its time.
pub type Phases = Vec<(ProofPhase, Duration)>;

/// Takes the time between phases' ends.
#[derive(Debug)]
pub(super) struct Clock {
    last: Instant,
    phases: Phases,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { last: Instant::now(), phases: Vec::new() }
    }

    /// Ends a phase.
    pub(super) fn end(&mut self, phase: ProofPhase) {
        let now = Instant::now();
        self.phases.push((phase, now - self.last));
        self.last = now;
    }

    pub(super) fn finish(self) -> Phases {
        self.phases
    }
}

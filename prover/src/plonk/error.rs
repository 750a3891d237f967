//! Why the engine gave no proof.

/// The engine gave no proof.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Two values for one target differ: the inputs break a rule of the circuit.
    #[error("no witness: {0}")]
    Witness(#[source] anyhow::Error),
    /// Generators lack inputs or refuse them: the inputs break a rule of the circuit, or are not complete.
    #[error("no witness: {generators} generators did not run")]
    Unfinished {
        /// How many.
        generators: usize,
    },
    /// A public input has no value in the witness.
    #[error("public input {index} has no value")]
    PublicInput {
        /// Its place among the public inputs.
        index: usize,
    },
    /// The witness is for a circuit of another size.
    #[error("expected a witness of {expected} values, got {got}")]
    WitnessSize {
        /// Wires and other targets of the circuit.
        expected: usize,
        /// Those of the witness.
        got: usize,
    },
    /// The circuit's key has another commitment to its constants than the kernels compute: the data are
    /// damaged.
    #[error("the circuit's key does not belong to its constants")]
    Key,
    /// The circuit uses what the engine does not provide.
    #[error("circuit uses {feature}, which the engine does not provide")]
    Unsupported {
        /// What.
        feature: Feature,
    },
    /// A challenge hit one of the few values for which there is no proof. Another witness or another public
    /// input gives other challenges.
    #[error("unlucky challenge: {0}")]
    Challenge(BadChallenge),
}

/// Something that plonky2 provides and the engine does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Lookup tables.
    Lookups,
    /// Blinded commitments.
    ZeroKnowledge,
    /// Commitments at a rate of 1, on as many points as there are rows: FRI shows nothing then.
    Rate,
    /// A quotient of a degree that is not a power of two times the rows.
    QuotientDegree,
    /// Selectors that are not those that plonky2 computes from the gates.
    Selectors,
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lookups => "lookup tables",
            Self::ZeroKnowledge => "blinded commitments",
            Self::Rate => "a rate of 1",
            Self::QuotientDegree => "a quotient of another degree",
            Self::Selectors => "other selectors",
        })
    }
}

/// A challenge for which there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadChallenge {
    /// A denominator of the permutation argument is zero.
    Permutation,
    /// The opening point is one of the points that polynomials are committed on.
    OpeningPoint,
}

impl std::fmt::Display for BadChallenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Permutation => "a denominator of the permutation argument is zero",
            Self::OpeningPoint => "the opening point lies in the domain",
        })
    }
}

//! How the program ends with an error of the circuits.

use enfold_circuits::recursion::BuildError;
use enfold_verifier::statement::chain::ChainError;
use enfold_verifier::verify::VerifyError;

use crate::error::Failure;
use crate::exit::Exit;

/// A file that is a proof of the profile, in its one form, and does not hold, is an invalid proof; any other
/// file is bad input.
impl Failure for VerifyError {
    fn exit(&self) -> Exit {
        match self {
            Self::Invalid { .. } | Self::Statement(_) | Self::StatementProfile { .. } => Exit::ProofInvalid,
            _ => Exit::BadInput,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Invalid { .. } | Self::Statement(_) | Self::StatementProfile { .. } => "proof_invalid",
            Self::Profile { .. } => "wrong_profile",
            Self::Version { .. } => "wrong_version",
            _ => "malformed_proof",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Profile { got, .. } if got.forgeable() => ", whose proofs can be forged",
            _ => "",
        }
    }
}

impl Failure for ChainError {
    fn exit(&self) -> Exit {
        match self {
            Self::Empty => Exit::BadInput,
            _ => Exit::ProofInvalid,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "no_proofs",
            _ => "chain_broken",
        }
    }
}

impl Failure for BuildError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "circuits"
    }
}

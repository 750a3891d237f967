//! How the program ends with an error of the prover. A block that is refused is bad input; a prover that fails is a
//! fault of the program or the machine.

use std::io;

use enfold_prover::bound::BoundError;
use enfold_prover::calibration::CalibrationError;
use enfold_prover::error::ProveError;
use enfold_prover::files::FileError;
use enfold_prover::folders::FolderError;
use enfold_prover::pipeline::PipelineError;
use enfold_prover::plonk::measure::MeasureError;
use enfold_state::executor::Rejection;
use enfold_verifier::data::DataError;

use crate::error::{Failure, io_exit};
use crate::exit::Exit;

impl Failure for FileError {
    fn exit(&self) -> Exit {
        match self {
            Self::Exists { .. } => Exit::BadInput,
            Self::Io { source, .. } => io_exit(source),
            Self::Differs { .. } | Self::Space { .. } => Exit::Internal,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "output_exists",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "missing_folder",
            Self::Io { .. } | Self::Differs { .. } => "write",
            Self::Space { .. } => "disk_full",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Exists { .. } => " (use --force to replace it)",
            _ => "",
        }
    }
}

impl Failure for FolderError {
    fn exit(&self) -> Exit {
        match self {
            Self::Io { source, .. } => io_exit(source),
            _ => Exit::BadInput,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Same { .. } | Self::Within { .. } => "folders_overlap",
            Self::Missing { .. } => "missing_folder",
            Self::Used { .. } => "folder_locked",
            Self::NotAFolder { .. } | Self::Io { .. } => "folder",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => " (use --create to make it)",
            _ => "",
        }
    }
}

impl Failure for BoundError {
    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            _ => Exit::BadInput,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind(),
            Self::Key { .. } => "data_key",
            Self::Profile { .. } | Self::UnknownProfile { .. } | Self::Begun { .. } => "data_profile",
        }
    }
}

impl Failure for ProveError {
    fn exit(&self) -> Exit {
        match self {
            Self::Execute(_) | Self::Rejected(_) => Exit::BadInput,
            Self::Stopped { .. } => Exit::Stopped,
            Self::Circuits(error) => error.exit(),
            _ => Exit::Internal,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Execute(error) => error.kind(),
            Self::Circuits(error) => error.kind(),
            Self::Rejected(_) => "invalid_transactions",
            Self::Stopped { .. } => "stopped",
            _ => "prove",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "; finished proofs are kept: repeat the command to resume",
            _ => "",
        }
    }

    fn rejections(&self) -> &[Rejection] {
        match self {
            Self::Execute(error) => error.rejections(),
            Self::Rejected(rejections) => rejections,
            _ => &[],
        }
    }
}

/// What a pipeline failed with; `None` where its data cannot be encoded.
fn part(error: &PipelineError) -> Option<&dyn Failure> {
    match error {
        PipelineError::Prove(error) => Some(error),
        PipelineError::Bound(error) => Some(error),
        PipelineError::File(error) => Some(error),
        PipelineError::Folders(error) => Some(error),
        PipelineError::Store(error) => Some(error),
        // As an error of a file that is read it would be bad input.
        PipelineError::Codec(_) => None,
    }
}

impl Failure for PipelineError {
    fn exit(&self) -> Exit {
        part(self).map_or(Exit::Internal, Failure::exit)
    }

    fn kind(&self) -> &'static str {
        part(self).map_or("encode", Failure::kind)
    }

    fn hint(&self) -> &'static str {
        part(self).map_or("", Failure::hint)
    }

    fn rejections(&self) -> &[Rejection] {
        part(self).map_or(&[], Failure::rejections)
    }
}

impl Failure for DataError {
    fn exit(&self) -> Exit {
        match self {
            Self::Message { .. } => Exit::BadInput,
            _ => Exit::ProofInvalid,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Message { .. } => "malformed_file",
            _ => "unexpected",
        }
    }
}

impl Failure for MeasureError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "measure"
    }
}

impl Failure for CalibrationError {
    fn kind(&self) -> &'static str {
        "calibration"
    }
}

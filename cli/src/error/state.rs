//! How the program ends with an error of the state: of records, of executing a block, of a data directory.

use enfold_state::account_proof::AccountProofError;
use enfold_state::codec::CodecError;
use enfold_state::executor::{ExecuteError, Rejection};
use enfold_state::key_file::KeyFileError;
use enfold_state::ledger::GenesisError;
use enfold_state::rebuild::RebuildError;
use enfold_state::receipt::{IssueError, ReceiptError, SearchError};
use enfold_state::store::StoreError;

use crate::error::{Failure, io_exit};
use crate::exit::Exit;

/// Of a file that is read.
impl Failure for CodecError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Version { .. } => "wrong_version",
            Self::Kind { .. } => "wrong_kind",
            Self::TooLong { .. } => "file_too_large",
            _ => "malformed_file",
        }
    }
}

impl Failure for KeyFileError {
    fn kind(&self) -> &'static str {
        "malformed_key"
    }
}

impl Failure for GenesisError {
    fn kind(&self) -> &'static str {
        "genesis"
    }
}

impl Failure for ExecuteError {
    fn kind(&self) -> &'static str {
        match self {
            Self::ChainId { .. } => "wrong_chain_id",
            Self::Number { .. } => "wrong_block_number",
            Self::Time { .. } => "block_time",
            Self::DuplicateFeePolicy { .. } | Self::FloorRange { .. } => "fee_policy",
            Self::Empty { .. } => "empty_block",
            Self::Credit { .. } => "balance_range",
        }
    }

    fn rejections(&self) -> &[Rejection] {
        match self {
            Self::Empty { rejections } => rejections,
            _ => &[],
        }
    }
}

impl Failure for RebuildError {
    fn kind(&self) -> &'static str {
        "rebuild"
    }
}

impl Failure for SearchError {
    fn kind(&self) -> &'static str {
        "other_block_data"
    }
}

impl Failure for IssueError {
    fn kind(&self) -> &'static str {
        "receipt"
    }
}

impl Failure for ReceiptError {
    fn exit(&self) -> Exit {
        match self {
            Self::Message { .. } => Exit::BadInput,
            _ => Exit::ProofInvalid,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Message { .. } => "malformed_file",
            _ => "receipt_invalid",
        }
    }
}

impl Failure for AccountProofError {
    fn exit(&self) -> Exit {
        match self {
            Self::IndexRange { .. } | Self::BalanceRange { .. } | Self::Record(_) => Exit::BadInput,
            _ => Exit::ProofInvalid,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::IndexRange { .. } | Self::BalanceRange { .. } | Self::Record(_) => "malformed_file",
            _ => "account_proof_invalid",
        }
    }
}

impl Failure for StoreError {
    fn exit(&self) -> Exit {
        match self {
            damaged if damaged.is_damage() => Exit::BadInput,
            Self::Io { source, .. } => io_exit(source),
            Self::Database { .. }
            | Self::Closed { .. }
            | Self::NewRoot { .. }
            | Self::Staged { .. }
            | Self::NothingStaged { .. }
            | Self::RollBack(_) => Exit::Internal,
            _ => Exit::BadInput,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            damaged if damaged.is_damage() => "data_damaged",
            Self::Exists { .. } => "data_exists",
            Self::Missing { .. } => "missing_data",
            Self::NotAStore { .. } => "not_a_store",
            Self::Locked { .. } => "data_locked",
            Self::Schema { .. } => "wrong_version",
            Self::Circuits { .. } => "data_profile",
            Self::Genesis(_) => "genesis",
            Self::Follow(_) => "block_does_not_follow",
            Self::NewRoot { .. } => "new_root",
            Self::Staged { .. } | Self::NothingStaged { .. } | Self::RollBack(_) => "staging",
            Self::Io { .. } | Self::Closed { .. } => "data_io",
            _ => "database",
        }
    }
}

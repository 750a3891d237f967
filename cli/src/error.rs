//! Errors of the program: one line each, with an exit code and a kind for machines.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use enfold_benches::error::BenchError;
use enfold_circuits::recursion;
use enfold_circuits::statement::chain::ChainError;
use enfold_circuits::verify::VerifyError;
use enfold_prover::bound::BoundError;
use enfold_prover::calibration::CalibrationError;
use enfold_prover::data::DataError;
use enfold_prover::error::ProveError;
use enfold_prover::files::FileError;
use enfold_prover::folders::FolderError;
use enfold_prover::pipeline::PipelineError;
use enfold_prover::plonk::measure::MeasureError;
use enfold_prover::service::Served;
use enfold_state::account_proof::AccountProofError;
use enfold_state::codec::CodecError;
use enfold_state::executor::{ExecuteError, Rejection};
use enfold_state::hash::Digest;
use enfold_state::key_file::KeyFileError;
use enfold_state::leaf::{Address, Asset, LeafIndex};
use enfold_state::ledger::GenesisError;
use enfold_state::rebuild::RebuildError;
use enfold_state::receipt::{IssueError, ReceiptError, SearchError};
use enfold_state::store::StoreError;
use enfold_state::system::words;
use enfold_witness::profile::ProfileId;

use crate::commands::bench::witness::WitnessBenchError;
use crate::commands::bundle::BundleError;
use crate::exit::Exit;
use crate::import::build::BuildError;
use crate::import::rows::RowError;
use crate::settings::SettingError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line is wrong.
    #[error("{message}")]
    Usage {
        /// What the parser says.
        message: String,
    },
    /// A file cannot be opened or read.
    #[error("{}: {}", path.display(), words(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is longer than any file of its sort.
    #[error("{}: expected at most {limit} bytes, got more", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The greatest length.
        limit: u64,
    },
    /// A folder for outputs cannot be made.
    #[error("{}: cannot make the folder: {}", path.display(), words(source))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An output cannot be written.
    #[error("{0}{hint}", hint = force_hint(.0))]
    File(Box<FileError>),
    /// A file is not a record of the expected kind.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<CodecError>,
    },
    /// A file is none that this program writes or reads.
    #[error("{}: expected a proof, a genesis, a block, a transaction, a data file, a receipt, an account proof or a key, got something else", path.display())]
    UnknownFile {
        /// The file.
        path: PathBuf,
    },
    /// A file starts like JSON and is not.
    #[error("{}: malformed JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A file is not a key.
    #[error("{}: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<KeyFileError>,
    },
    /// Others than its owner can read a key that is to sign.
    #[error("{}: expected a key that only its owner can read, got mode {mode:04o}: chmod 600 it", path.display())]
    KeyAccess {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A record cannot be written.
    #[error("cannot encode: {0}")]
    Encode(#[source] CodecError),
    /// A data directory cannot be made, opened or written.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// A data directory is of another profile or key.
    #[error(transparent)]
    Bound(Box<BoundError>),
    /// An address has no leaf of an asset.
    #[error("{}: expected a leaf of address {address} and asset {asset}, got none", path.display())]
    UnknownAccount {
        /// The data directory.
        path: PathBuf,
        /// The owner.
        address: Address,
        /// The asset.
        asset: Asset,
    },
    /// A state has no such leaf.
    #[error("{}: expected a leaf below index {expected}, got {got}", path.display())]
    UnknownLeaf {
        /// The data directory.
        path: PathBuf,
        /// Count of leaves.
        expected: usize,
        /// The index.
        got: LeafIndex,
    },
    /// A transaction is not where it was looked for.
    #[error("{}: expected transaction {id} in block {first} to {last}, got none", path.display())]
    UnknownTransaction {
        /// Where it was looked for.
        path: PathBuf,
        /// Its id.
        id: Digest,
        /// The first block that was searched.
        first: u32,
        /// The last.
        last: u32,
    },
    /// Transactions are found by counting back from the state, and a block's data are missing.
    #[error("{}: expected the data files of all blocks back from {last}, got none of block {number}", path.display())]
    MissingBlockData {
        /// The data directory.
        path: PathBuf,
        /// The block.
        number: u32,
        /// The state's last block.
        last: u32,
    },
    /// Two data files of one block.
    #[error("{}: expected one data file of block {number}, got {} too", path.display(), other.display())]
    TwoDataFiles {
        /// One.
        path: PathBuf,
        /// The other.
        other: PathBuf,
        /// The block.
        number: u32,
    },
    /// Data are not those of the chain that a state is of.
    #[error("{}: {source}", path.display())]
    Search {
        /// The data file.
        path: PathBuf,
        /// Why.
        source: Box<SearchError>,
    },
    /// No receipt can be made.
    #[error("{}: {source}", path.display())]
    Issue {
        /// The data file.
        path: PathBuf,
        /// Why.
        source: Box<IssueError>,
    },
    /// A receipt does not hold.
    #[error("{}: {source}", path.display())]
    Receipt {
        /// The receipt.
        path: PathBuf,
        /// Why.
        source: Box<ReceiptError>,
    },
    /// An account proof does not hold.
    #[error("{}: {source}", path.display())]
    AccountProof {
        /// The account proof.
        path: PathBuf,
        /// Why.
        source: Box<AccountProofError>,
    },
    /// Proofs do not follow one another.
    #[error("{}: {source}", path.display())]
    Chain {
        /// The proof that does not follow, or the folder.
        path: PathBuf,
        /// Why.
        source: Box<ChainError>,
    },
    /// Transactions cannot be in one block.
    #[error("{}: {source}", path.display())]
    Bundle {
        /// The transaction that is one too many.
        path: PathBuf,
        /// Why.
        source: BundleError,
    },
    /// The circuits give another key than the program has.
    #[error("profile {profile}, {part}: expected {expected}, got {got}")]
    KeyDiffers {
        /// The profile.
        profile: ProfileId,
        /// What differs.
        part: String,
        /// What the program has.
        expected: String,
        /// What the circuits give.
        got: String,
    },
    /// A CSV file is malformed.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: RowError,
    },
    /// The rows of a CSV file do not make a chain.
    #[error("{}: {source}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BuildError,
    },
    /// A genesis that no chain can start with.
    #[error("{}: {source}", path.display())]
    Genesis {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<GenesisError>,
    },
    /// A proof does not hold, or its file is not a proof of the profile.
    #[error("{}: {source}{}", path.display(), profile_hint(source))]
    Proof {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<VerifyError>,
    },
    /// A proof holds, or a data file is whole, but says something else than it should.
    #[error("{}: expected {field} {expected}, got {got}", path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What is different.
        field: &'static str,
        /// What was expected.
        expected: String,
        /// What is there.
        got: String,
    },
    /// Nobody has signed the transaction that a receipt is said to be for.
    #[error("{}: expected a receipt with a signature, without which it proves no transaction's id, got one without", path.display())]
    Unsigned {
        /// The receipt.
        path: PathBuf,
    },
    /// A data file does not hold the messages that a proof commits to.
    #[error("{}: {source}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<DataError>,
    },
    /// Published data do not lead to the root that the proof states.
    #[error("{}: {source}", path.display())]
    Rebuild {
        /// The data file.
        path: PathBuf,
        /// Why.
        source: Box<RebuildError>,
    },
    /// A block as a whole cannot be executed.
    #[error("{}: {source}", path.display())]
    Execute {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<ExecuteError>,
    },
    /// Something cannot be measured or drawn.
    #[error("{0}")]
    Bench(#[source] Box<BenchError>),
    /// A file holds no results, or those of another measurement.
    #[error("{}: {source}", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<BenchError>,
    },
    /// There are results already.
    #[error("{}: expected no results, got some (--continue goes on with them, --force replaces them)", path.display())]
    ResultsExist {
        /// The file.
        path: PathBuf,
    },
    /// A benchmark's block does not go through.
    #[error("workload {workload}: {source}")]
    WitnessBench {
        /// The workload.
        workload: String,
        /// Why.
        source: Box<WitnessBenchError>,
    },
    /// A benchmark's block is not proven.
    #[error("workload {workload}: {source}")]
    BlockBench {
        /// The workload.
        workload: String,
        /// Why.
        source: Box<ProveError>,
    },
    /// A block was not proven, written and applied.
    #[error("{}{source}{hint}", blamed(path, source), hint = resume_hint(source))]
    Prove {
        /// The block's file.
        path: PathBuf,
        /// Why.
        source: Box<PipelineError>,
    },
    /// The folders of a service overlap, or one is not there.
    #[error("{0}{hint}", hint = create_hint(.0))]
    Folders(#[from] FolderError),
    /// Not every block that was delivered to a service is proven.
    #[error("expected every delivered block to be proven, got {}", left_text(.0))]
    BlocksLeft(Box<Served>),
    /// The circuits do not come out as their profile says.
    #[error("{0}")]
    Circuits(#[source] recursion::BuildError),
    /// A measurement failed.
    #[error("{0}")]
    Measure(#[source] Box<MeasureError>),
    /// A setting in the environment or in the file is wrong.
    #[error("{place}: {source}")]
    Setting {
        /// The variable, or the file and line.
        place: String,
        /// What is wrong.
        source: SettingError,
        /// Whether it is in the file.
        file: bool,
    },
    /// A file is not a calibration.
    #[error("{0}")]
    Calibration(#[from] CalibrationError),
    /// A block could not be proven for a calibration.
    #[error("{0}")]
    Calibrate(#[source] Box<ProveError>),
    /// The trace cannot be written.
    #[error("{}: {}", path.display(), trace_text(source))]
    Trace {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Metrics cannot be served.
    #[error("metrics at {address}: {}", words(source))]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Two metrics have one name.
    #[error("metrics: {0}")]
    MetricNames(#[source] prometheus::Error),
    /// The system does not let signals be caught.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
    /// The program has panicked.
    #[error("the program has a fault; please report the lines above")]
    Panic,
    /// The thread pool cannot be made.
    #[error("cannot start the worker threads: {0}")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// A report does not serialise.
    #[error("cannot write the report as JSON: {0}")]
    Report(#[source] serde_json::Error),
    /// Stdout cannot be written to.
    #[error("cannot write to stdout: {}", words(source))]
    Stdout {
        /// Why.
        source: io::Error,
    },
}

impl From<FileError> for CliError {
    fn from(source: FileError) -> Self {
        Self::File(Box::new(source))
    }
}

impl From<MeasureError> for CliError {
    fn from(source: MeasureError) -> Self {
        Self::Measure(Box::new(source))
    }
}

impl From<BoundError> for CliError {
    fn from(source: BoundError) -> Self {
        match source {
            BoundError::Store(error) => error.into(),
            source => Self::Bound(Box::new(source)),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(source: StoreError) -> Self {
        Self::Store(Box::new(source))
    }
}

impl CliError {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Setting { file: false, .. } => Exit::Usage,
            Self::Trace { source, .. } => io_exit(source),
            Self::Folders(FolderError::Io { source, .. }) => io_exit(source),
            Self::BlocksLeft(_) => Exit::BlocksLeft,
            Self::Folder { source, .. } => io_exit(source),
            Self::File(error) => file_exit(error),
            Self::Store(error) => store_exit(error),
            Self::Bound(error) => bound_exit(error),
            Self::Prove { source, .. } => prove_exit(source),
            Self::Proof { source, .. } => verify_exit(source),
            Self::Data { source, .. } => match **source {
                DataError::Message { .. } => Exit::BadInput,
                _ => Exit::ProofInvalid,
            },
            Self::Receipt { source, .. } => match **source {
                ReceiptError::Message { .. } => Exit::BadInput,
                _ => Exit::ProofInvalid,
            },
            Self::AccountProof { source, .. } => match **source {
                AccountProofError::IndexRange { .. } | AccountProofError::BalanceRange { .. } => {
                    Exit::BadInput
                }
                _ => Exit::ProofInvalid,
            },
            Self::Chain { source, .. } => match **source {
                ChainError::Empty => Exit::BadInput,
                _ => Exit::ProofInvalid,
            },
            Self::Unexpected { .. } | Self::Unsigned { .. } | Self::KeyDiffers { .. } => Exit::ProofInvalid,
            Self::Circuits(_)
            | Self::Measure(_)
            | Self::WitnessBench { .. }
            | Self::Bench(_)
            | Self::BlockBench { .. }
            | Self::Panic
            | Self::Calibrate(_)
            | Self::Metrics { .. }
            | Self::MetricNames(_)
            | Self::Signals(_)
            | Self::Encode(_)
            | Self::Threads(_)
            | Self::Report(_)
            | Self::Stdout { .. } => Exit::Internal,
            _ => Exit::BadInput,
        }
    }

    /// The transactions that were left out, where that is what is wrong.
    pub fn rejections(&self) -> &[Rejection] {
        let execute = match self {
            Self::Execute { source, .. } => source.as_ref(),
            Self::Prove { source, .. } => match source.as_ref() {
                PipelineError::Prove(ProveError::Execute(error)) => error,
                PipelineError::Prove(ProveError::Rejected(rejections)) => return rejections,
                _ => return &[],
            },
            _ => return &[],
        };
        match execute {
            ExecuteError::Empty { rejections } => rejections,
            _ => &[],
        }
    }

    /// The error's name in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => "missing_file",
            Self::Read { .. } => "unreadable_file",
            Self::TooLarge { .. } => "file_too_large",
            Self::Folder { .. } => "folder",
            Self::File(error) => file_kind(error),
            Self::Malformed { source, .. } => match **source {
                CodecError::Version { .. } => "wrong_version",
                CodecError::Kind { .. } => "wrong_kind",
                CodecError::TooLong { .. } => "file_too_large",
                _ => "malformed_file",
            },
            Self::UnknownFile { .. } | Self::Json { .. } => "malformed_file",
            Self::Key { .. } => "malformed_key",
            Self::KeyAccess { .. } => "key_access",
            Self::Encode(_) => "encode",
            Self::Store(error) => store_kind(error),
            Self::Bound(error) => bound_kind(error),
            Self::UnknownAccount { .. } | Self::UnknownLeaf { .. } => "unknown_account",
            Self::UnknownTransaction { .. } => "unknown_transaction",
            Self::MissingBlockData { .. } => "missing_block_data",
            Self::TwoDataFiles { .. } | Self::Search { .. } => "other_block_data",
            Self::Issue { .. } => "receipt",
            Self::Receipt { source, .. } => match **source {
                ReceiptError::Message { .. } => "malformed_file",
                _ => "receipt_invalid",
            },
            Self::AccountProof { source, .. } => match **source {
                AccountProofError::IndexRange { .. } | AccountProofError::BalanceRange { .. } => {
                    "malformed_file"
                }
                _ => "account_proof_invalid",
            },
            Self::Chain { source, .. } => match **source {
                ChainError::Empty => "no_proofs",
                _ => "chain_broken",
            },
            Self::KeyDiffers { .. } => "key_differs",
            Self::Bundle { source, .. } => match source {
                BundleError::ChainId { .. } => "wrong_chain_id",
                BundleError::Twice { .. } | BundleError::Nonce { .. } => "bundle",
            },
            Self::Csv { .. } => "malformed_csv",
            Self::Import { .. } => "import",
            Self::Genesis { .. } => "genesis",
            Self::Proof { source, .. } => verify_kind(source),
            Self::Data { source, .. } => match **source {
                DataError::Message { .. } => "malformed_file",
                _ => "unexpected",
            },
            Self::Unexpected { .. } => "unexpected",
            Self::Unsigned { .. } => "unsigned",
            Self::Rebuild { .. } => "rebuild",
            Self::Execute { source, .. } => execute_kind(source),
            Self::Prove { source, .. } => prove_kind(source),
            Self::Folders(error) => folder_kind(error),
            Self::BlocksLeft(_) => "blocks_left",
            Self::Circuits(_) => "circuits",
            Self::Measure(_) => "measure",
            Self::Results { .. } => "results",
            Self::ResultsExist { .. } => "output_exists",
            Self::Bench(_) | Self::WitnessBench { .. } | Self::BlockBench { .. } => "benchmark",
            Self::Panic => "panic",
            Self::Setting { .. } => "setting",
            Self::Calibration(_) => "calibration",
            Self::Calibrate(_) => "prove",
            Self::Trace { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => "output_exists",
            Self::Trace { .. } => "write",
            Self::Metrics { .. } | Self::MetricNames(_) => "metrics",
            Self::Signals(_) => "signals",
            Self::Threads(_) => "threads",
            Self::Report(_) => "report",
            Self::Stdout { .. } => "stdout",
        }
    }
}

/// A file that is a proof of the profile, in its one form, and does not hold, is an invalid proof; any other
/// file is bad input.
fn verify_exit(error: &VerifyError) -> Exit {
    match error {
        VerifyError::Invalid { .. }
        | VerifyError::Statement(_)
        | VerifyError::StatementProfile { .. }
        | VerifyError::Reserved { .. } => Exit::ProofInvalid,
        _ => Exit::BadInput,
    }
}

fn verify_kind(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Invalid { .. }
        | VerifyError::Statement(_)
        | VerifyError::StatementProfile { .. }
        | VerifyError::Reserved { .. } => "proof_invalid",
        VerifyError::Profile { .. } => "wrong_profile",
        VerifyError::Version { .. } => "wrong_version",
        _ => "malformed_proof",
    }
}

/// What is to be known of a proof of another profile.
fn profile_hint(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Profile { got, .. } if got.forgeable() => ", which can be forged",
        _ => "",
    }
}

fn execute_kind(error: &ExecuteError) -> &'static str {
    match error {
        ExecuteError::ChainId { .. } => "wrong_chain_id",
        ExecuteError::Number { .. } => "wrong_block_number",
        ExecuteError::DuplicateFeePolicy { .. } | ExecuteError::FloorRange { .. } => "fee_policy",
        ExecuteError::Empty { .. } => "empty_block",
        ExecuteError::Credit { rule, .. } => rule.name(),
    }
}

/// Whether a path that was given cannot be written to, or the system fails.
fn io_exit(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory => Exit::BadInput,
        _ => Exit::Internal,
    }
}

fn force_hint(error: &FileError) -> &'static str {
    match error {
        FileError::Exists { .. } => " (--force replaces it)",
        _ => "",
    }
}

/// The block's file in front of an error that is about the block. Errors of files and of the store name their own.
fn blamed(block: &Path, error: &PipelineError) -> String {
    match error {
        PipelineError::File(_) | PipelineError::Store(StoreError::Io { .. }) => String::new(),
        PipelineError::Store(error) if error.is_damage() => String::new(),
        _ => format!("{}: ", block.display()),
    }
}

fn create_hint(error: &FolderError) -> &'static str {
    match error {
        FolderError::Missing { .. } => " (--create makes it)",
        _ => "",
    }
}

fn folder_kind(error: &FolderError) -> &'static str {
    match error {
        FolderError::Same { .. } | FolderError::Within { .. } => "folders_overlap",
        FolderError::Missing { .. } => "missing_folder",
        FolderError::Used { .. } => "folder_locked",
        FolderError::NotAFolder { .. } | FolderError::Io { .. } => "folder",
    }
}

/// What a service has left.
fn left_text(served: &Served) -> String {
    let Served { rejected, waiting, missing, unreadable, .. } = *served;
    let missing = missing.map(|missing| format!("{waiting} waiting for block {missing}"));
    let counted = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let parts = [counted(rejected, "rejected"), missing, counted(unreadable, "that could not be read")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn resume_hint(error: &PipelineError) -> &'static str {
    match error {
        PipelineError::Prove(ProveError::Stopped { .. }) => {
            "; finished proofs are kept, and the same command goes on from there"
        }
        PipelineError::File(error) => force_hint(error),
        _ => "",
    }
}

fn file_exit(error: &FileError) -> Exit {
    match error {
        FileError::Exists { .. } => Exit::BadInput,
        FileError::Io { source, .. } => io_exit(source),
        FileError::Differs { .. } | FileError::Space { .. } => Exit::Internal,
    }
}

fn file_kind(error: &FileError) -> &'static str {
    match error {
        FileError::Exists { .. } => "output_exists",
        FileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "missing_folder",
        FileError::Io { .. } | FileError::Differs { .. } => "write",
        FileError::Space { .. } => "disk_full",
    }
}

/// A block that is refused is bad input; a prover that fails is a fault of the program or the machine.
fn prove_exit(error: &PipelineError) -> Exit {
    match error {
        PipelineError::Prove(ProveError::Execute(_) | ProveError::Rejected(_)) => Exit::BadInput,
        PipelineError::Prove(ProveError::Stopped { .. }) => Exit::Stopped,
        PipelineError::File(error) => file_exit(error),
        PipelineError::Folders(FolderError::Io { source, .. }) => io_exit(source),
        PipelineError::Folders(_) => Exit::BadInput,
        PipelineError::Store(error) => store_exit(error),
        PipelineError::Bound(error) => bound_exit(error),
        PipelineError::Prove(_) | PipelineError::Circuits(_) | PipelineError::Codec(_) => Exit::Internal,
    }
}

fn prove_kind(error: &PipelineError) -> &'static str {
    match error {
        PipelineError::Prove(ProveError::Execute(error)) => execute_kind(error),
        PipelineError::Prove(ProveError::Rejected(_)) => "invalid_transactions",
        PipelineError::Prove(ProveError::Stopped { .. }) => "stopped",
        PipelineError::Prove(_) => "prove",
        PipelineError::Circuits(_) => "circuits",
        PipelineError::File(error) => file_kind(error),
        PipelineError::Folders(error) => folder_kind(error),
        PipelineError::Codec(_) => "encode",
        PipelineError::Store(error) => store_kind(error),
        PipelineError::Bound(error) => bound_kind(error),
    }
}

fn bound_exit(error: &BoundError) -> Exit {
    match error {
        BoundError::Store(error) => store_exit(error),
        _ => Exit::BadInput,
    }
}

fn bound_kind(error: &BoundError) -> &'static str {
    match error {
        BoundError::Store(error) => store_kind(error),
        BoundError::Key { .. } => "data_key",
        BoundError::Profile { .. } | BoundError::UnknownProfile { .. } | BoundError::Begun { .. } => {
            "data_profile"
        }
    }
}

fn store_exit(error: &StoreError) -> Exit {
    match error {
        damaged if damaged.is_damage() => Exit::BadInput,
        StoreError::Io { source, .. } => io_exit(source),
        StoreError::Database { .. }
        | StoreError::Closed { .. }
        | StoreError::NewRoot { .. }
        | StoreError::Staged { .. }
        | StoreError::NothingStaged { .. }
        | StoreError::RollBack(_) => Exit::Internal,
        _ => Exit::BadInput,
    }
}

fn store_kind(error: &StoreError) -> &'static str {
    match error {
        damaged if damaged.is_damage() => "data_damaged",
        StoreError::Exists { .. } => "data_exists",
        StoreError::Missing { .. } => "missing_data",
        StoreError::NotAStore { .. } => "not_a_store",
        StoreError::Locked { .. } => "data_locked",
        StoreError::Schema { .. } => "wrong_version",
        StoreError::Circuits { .. } => "data_profile",
        StoreError::Genesis(_) => "genesis",
        StoreError::Follow(_) => "block_does_not_follow",
        StoreError::NewRoot { .. } => "new_root",
        StoreError::Staged { .. } | StoreError::NothingStaged { .. } | StoreError::RollBack(_) => "staging",
        StoreError::Io { .. } | StoreError::Closed { .. } => "data_io",
        _ => "database",
    }
}

fn trace_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => "expected no file for the trace, got one".to_owned(),
        _ => words(error),
    }
}

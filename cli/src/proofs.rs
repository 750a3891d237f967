//! Proof files and the data files beside them.

use std::fmt;
use std::path::{Path, PathBuf};

use enfold_circuits::params::Params;
use enfold_circuits::security::security_bits;
use enfold_state::block::BlockData;
use enfold_state::profile::ProfileId;
use enfold_verifier::data::check_data;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::statement::chain::{ChainStatement, link};
use enfold_verifier::verify::{VerifierKey, verify_block};
use serde::Serialize;

use crate::error::{CliError, at};
use crate::files::{files_in, read_bounded};
use crate::records;
use crate::text::TimeText;

/// Longest proof file that is read, in bytes. A profile's proofs have one length, far below; this is so that a
/// proof of another profile is told from a file that is none.
pub const PROOF_LIMIT: u64 = 1 << 24;

/// Reads a proof and verifies it with the key that the program has for the profile.
///
/// # Errors
/// If the file cannot be read, is not a proof of this profile, or does not hold.
pub fn verify_file(path: &Path, profile: ProfileId) -> Result<BlockStatement, CliError> {
    let key = VerifierKey::pinned(profile);
    let bytes = read_bounded(path, PROOF_LIMIT)?;
    let statement = verify_block(key, &bytes).map_err(at(path))?;
    tracing::debug!(path = %path.display(), "verified");
    Ok(statement)
}

/// Verifies all proofs of a folder and gives their statements, by block number.
///
/// # Errors
/// If the folder or a file cannot be read, or one is not a proof of this profile that holds.
pub fn verify_folder(folder: &Path, profile: ProfileId) -> Result<Vec<(BlockStatement, PathBuf)>, CliError> {
    verify_files(files_in(folder, "proof")?, profile)
}

/// Verifies proofs and gives their statements, by block number.
///
/// # Errors
/// As [`verify_folder`].
pub fn verify_files(
    paths: Vec<PathBuf>,
    profile: ProfileId,
) -> Result<Vec<(BlockStatement, PathBuf)>, CliError> {
    let verified = paths.into_iter().map(|path| Ok((verify_file(&path, profile)?, path)));
    let mut blocks = verified.collect::<Result<Vec<_>, CliError>>()?;
    blocks.sort_by_key(|(statement, _)| statement.block_number);
    Ok(blocks)
}

/// What the blocks of a folder say together.
///
/// # Errors
/// If there is none, or one does not follow the one in front.
pub fn link_blocks(folder: &Path, blocks: &[(BlockStatement, PathBuf)]) -> Result<ChainStatement, CliError> {
    let statements: Vec<_> = blocks.iter().map(|(statement, _)| *statement).collect();
    link(&statements).map_err(|error| at(blocks.get(error.at()).map_or(folder, |(_, path)| path))(error))
}

/// Reads a data file and checks that it holds the messages that a proof commits to.
///
/// # Errors
/// If it cannot be read, is of another block, or its messages do not have the statement's `E`.
pub fn read_data(path: &Path, statement: &BlockStatement) -> Result<BlockData, CliError> {
    let data = records::read(path)?;
    check_data(&data, statement).map_err(at(path))?;
    Ok(data)
}

/// A statement in plain words.
pub struct StatementText<'a>(pub &'a BlockStatement);

impl fmt::Display for StatementText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BlockStatement { chain_id, block_number, time, transactions, messages, .. } = self.0;
        writeln!(f, "chain id            {chain_id}")?;
        writeln!(f, "block number        {block_number}")?;
        writeln!(f, "time                {}", TimeText(*time))?;
        writeln!(f, "previous state root {}", self.0.previous_root)?;
        writeln!(f, "new state root      {}", self.0.new_root)?;
        writeln!(f, "data commitment E   {}", self.0.emitted)?;
        writeln!(f, "transactions        {transactions}")?;
        writeln!(f, "messages            {messages}")?;
        writeln!(f, "L1 queue before     {}", self.0.queue_before)?;
        writeln!(f, "L1 queue after      {}", self.0.queue_after)?;
        writeln!(f, "exits               {}", self.0.exits)?;
        writeln!(f, "profile             {}", ProfileText(self.0.profile))
    }
}

/// A profile with its bits of security.
#[derive(Clone, Copy, Debug)]
pub struct ProfileText(pub ProfileId);

impl fmt::Display for ProfileText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = Bits::of(self.0);
        write!(f, "{}: {} bits of security conjectured, {} proven", self.0, bits.conjectured, bits.proven)?;
        f.write_str(if self.0.forgeable() { " (for tests only: such proofs can be forged)" } else { "" })
    }
}

/// Bits of security of a profile, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bits {
    /// With FRI as conjectured; see [`enfold_circuits::security`].
    pub conjectured: u32,
    /// With FRI as proven.
    pub proven: u32,
}

impl Bits {
    /// The bits of a profile.
    pub fn of(profile: ProfileId) -> Self {
        let bits = security_bits(&Params::of(profile));
        Self { conjectured: bits.conjectured().floor() as u32, proven: bits.proven().floor() as u32 }
    }
}

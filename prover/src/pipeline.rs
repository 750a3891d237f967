//! From a block to a proof on disk and a new stored state: nothing half done under a final name.

use std::fs;
use std::path::{Path, PathBuf};

use enfold_circuits::recursion::BuildError;
use enfold_state::block::Block;
use enfold_state::codec::{self, CodecError, Kind, Record};
use enfold_state::hash::Digest;
use enfold_state::store::{Store, StoreError};
use enfold_witness::plan::Plan;
use enfold_witness::profile::ProfileId;
use serde::{Deserialize, Serialize};

use crate::cache::circuits;
use crate::error::ProveError;
use crate::events::{Event, Observer};
use crate::files::{FileError, Staged, check_writable};
use crate::options::{ProveOptions, Workers};
use crate::prove::{PreparedBlock, ProvenBlock, prepare_block, prove_prepared};

/// Where a proof goes. Its data go beside it, see [`data_path`].
#[derive(Clone, Debug)]
pub struct Output {
    /// The proof file.
    pub proof: PathBuf,
    /// Replace files that exist.
    pub force: bool,
}

/// The data file of a proof file: the same name with `.data` at its end.
pub fn data_path(proof: &Path) -> PathBuf {
    let mut name = proof.as_os_str().to_owned();
    name.push(".data");
    name.into()
}

/// What the store keeps of a block while it is being proven: the plan, which fixes the seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The profile that it is planned for.
    pub profile: ProfileId,
    /// The state root before it.
    pub previous_root: Digest,
    /// The seed.
    pub seed: Digest,
    /// The plan.
    pub plan: Plan,
}

impl Record for Journal {
    const KIND: Kind = Kind::Journal;
    const MAX_LEN: u64 = 1 << 32;
}

impl Journal {
    fn of(prepared: &PreparedBlock) -> Self {
        let witness = &prepared.witness;
        Self {
            profile: prepared.profile,
            previous_root: witness.before.root,
            seed: witness.seed,
            plan: witness.plan.clone(),
        }
    }
}

/// Why a block was not proven, written and committed.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// It could not be proven.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The circuits could not be built.
    #[error(transparent)]
    Circuits(#[from] BuildError),
    /// Its files could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its data have no file form.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The store refuses it, or fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Proves a block on the stored state, writes its data and its proof, and then takes the block over.
///
/// The files are whole and on disk before they get their names, the data first; the block is committed
/// last. So whatever stops the process: a file under its final name is complete, and a stored state has its
/// proof. A block that fails before the commit can be proven again; files that a lost commit left behind are
/// those of a valid proof and are replaced with [`Output::force`].
///
/// # Errors
/// If a file is there already and must not be replaced, the block is invalid, or the system fails. Then the stored
/// state is as before, but for an error of the commit itself: see [`Store::commit`].
pub fn prove_and_commit(
    store: &mut Store,
    profile: ProfileId,
    block: &Block,
    output: &Output,
    options: &ProveOptions,
    observer: Observer<'_>,
) -> Result<ProvenBlock, PipelineError> {
    let Output { proof: proof_path, force } = output;
    let data_path = data_path(proof_path);
    check_writable(proof_path, *force)?;
    check_writable(&data_path, *force)?;

    let prepared = prepare_block(profile, store.ledger(), block, options, observer)?;
    store.write_journal(block.number, &codec::encode(&Journal::of(&prepared))?)?;
    let circuits = Workers::new(options)?.install(|| circuits(profile, observer))?;
    let proven = prove_prepared(circuits, prepared, options, observer)?;

    let data = codec::encode(&proven.data)?;
    let staged_data = Staged::write(&data_path, &data)?;
    let staged_proof = Staged::write(proof_path, &proven.proof)?;
    staged_data.publish(*force)?;
    if let Err(error) = staged_proof.publish(*force) {
        // Data without a proof are of no use. What they replaced, by force, is gone in any case.
        let _ = fs::remove_file(&data_path);
        return Err(error.into());
    }
    observer(&Event::Written { path: data_path, bytes: data.len() });
    observer(&Event::Written { path: proof_path.clone(), bytes: proven.proof.len() });

    let root = proven.statement.new_root;
    store.commit(&proven.execution, root)?;
    observer(&Event::Committed { number: block.number, root });
    Ok(proven)
}

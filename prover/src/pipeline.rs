//! From a block to a proof on disk and a new stored state: nothing half done under a final name.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use enfold_state::block::Block;
use enfold_state::codec::{self, CodecError};
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_state::store::{Store, StoreError};
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::VerifierKey;

use crate::bound::{BoundError, bind};
use crate::cache::{build_circuits, build_unless_stopped, circuits};
use crate::error::ProveError;
use crate::events::{Event, Observer};
use crate::files::{FileError, Staged, check_space, check_writable, holds};
use crate::folders::FolderError;
use crate::job::{Job, Reused};
use crate::journal::Journal;
use crate::kept::KeptProofs;
use crate::options::{ProveOptions, Workers};
use crate::prove::{PreparedBlock, ProvenBlock, prepare_block, prove_missing, verify_own};
use crate::space::Needs;
use crate::spans;
use crate::stop::Stop;

/// Time between two attempts to write what is finished.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Attempts of which one is told.
pub(crate) const SAY_EVERY: usize = 60;

/// Where a proof goes. Its data go beside it, see [`data_path`].
#[derive(Clone, Debug)]
pub struct Output {
    /// The proof file.
    pub proof: PathBuf,
    /// Replace existing files.
    pub force: bool,
}

/// The data file of a proof file: the same name with `.data` at its end.
pub fn data_path(proof: &Path) -> PathBuf {
    let mut name = proof.as_os_str().to_owned();
    name.push(".data");
    name.into()
}

/// Why a block was not proven, written and committed.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// It could not be proven.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The data directory is of another profile.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// Its files could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A service cannot use its folders.
    #[error(transparent)]
    Folders(#[from] FolderError),
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
/// proof. The same call resumes one that was interrupted: finished proofs are kept beside the store
/// ([`crate::kept`]) and reused if they hold, and a data or proof file of this very block counts as written.
/// The circuits are built that the missing proofs need, and none if the block proof is there.
///
/// # Errors
/// If the store is of another profile, a file is there already and must not be replaced, the block is invalid, the system fails, or a stop is
/// requested. Then the stored state is as before, but for an error of the commit itself: see [`Store::commit`].
pub fn prove_and_commit(
    store: &mut Store,
    profile: ProfileId,
    block: &Block,
    output: &Output,
    options: &ProveOptions,
    observer: Observer<'_>,
) -> Result<ProvenBlock, PipelineError> {
    bind(store, Some(profile))?;
    output.check(store.journal(block.number)?.is_some())?;
    let prepared = prepare_block(profile, store.ledger(), block, options, observer)?;
    output.check_space(store.dir(), &prepared, None)?;
    let proven = Begun::new(store, prepared, output)?.prove(options, false, observer)?;
    commit(store, &proven, observer, |store, root| store.commit(&proven.prepared, root))?;
    Ok(proven)
}

/// Takes over a block whose files are written, in the way that is given.
///
/// # Errors
/// Those of that way.
pub(crate) fn commit(
    store: &mut Store,
    proven: &ProvenBlock,
    observer: Observer<'_>,
    take_over: impl FnOnce(&mut Store, Digest) -> Result<(), StoreError>,
) -> Result<(), PipelineError> {
    let BlockStatement { block_number: number, new_root: root, .. } = proven.statement;
    let _span = spans::commit(number).entered();
    take_over(store, root)?;
    KeptProofs::clear(store.dir());
    observer(&Event::Committed { number, root });
    Ok(())
}

/// A block with its journal in the store. Until it is committed the store is free for others.
pub(crate) struct Begun {
    prepared: PreparedBlock,
    output: Output,
    kept: KeptProofs,
    written: Written,
}

impl Begun {
    /// Begins a block, or resumes it if the store has its journal.
    ///
    /// # Errors
    /// If a file is in the way, or the system fails.
    pub(crate) fn new(
        store: &mut Store,
        prepared: PreparedBlock,
        output: &Output,
    ) -> Result<Self, PipelineError> {
        let PreparedBlock { profile, ref witness, .. } = prepared;
        let number = witness.block.number;
        let journal = codec::encode(&Journal::of(&prepared))?;
        let again = store.journal(number)?.is_some_and(|begun| begun == journal);
        let written = Written::find(output, &prepared, again)?;
        if !again {
            store.write_journal(number, &journal)?;
        }
        let kept = KeptProofs::open(store.dir(), witness.seed, VerifierKey::pinned(profile).digest())?;
        Ok(Self { prepared, output: output.clone(), kept, written })
    }

    /// Makes the proofs that are missing, and writes the files. A proof that cannot be written is not given up as long as
    /// no stop is requested, if the caller is `patient` or the proof is in memory alone.
    ///
    /// # Errors
    /// If the block cannot be proven, the system fails, or a stop is requested.
    pub(crate) fn prove(
        self,
        options: &ProveOptions,
        patient: bool,
        observer: Observer<'_>,
    ) -> Result<ProvenBlock, PipelineError> {
        let Self { mut prepared, output, kept, written } = self;
        let data = codec::encode(&prepared.data())?;
        let proven = match written.proof.clone().or_else(|| kept_block(&kept, &prepared, observer)) {
            Some(proof) => {
                let proofs = prepared.jobs().len();
                let reused = Reused::all(proofs);
                observer(&Event::Resumed { reused, proofs });
                prepared.finish(proof, reused, observer)?
            }
            None => {
                let workers = Workers::new(options)?;
                let resumed = prepared.resume(&kept, &workers, observer);
                let (set, needed) = (circuits(prepared.profile), resumed.circuits());
                let built = match options.stop {
                    Some(stop) => build_unless_stopped(set, needed, &workers, stop, observer),
                    None => workers.install(|| build_circuits(set, needed, observer)).map(|()| true),
                };
                if !built.map_err(ProveError::from)? {
                    return Err(ProveError::Stopped { left: resumed.to_make().len() }.into());
                }
                prove_missing(set, prepared, resumed, Some(&kept), (options, &workers), observer)?
            }
        };
        let _span = spans::write(proven.statement.block_number).entered();
        let mut attempts = 0_usize;
        while let Err(error) = written.complete(&output, &data, &proven.proof, observer) {
            let goes_on = options.stop.map_or(patient, |stop| {
                !stop.requested() && (patient || !kept.hold(Job::Block, &proven.proof))
            });
            if !goes_on || matches!(error, FileError::Exists { .. }) {
                let kept = options.stop.is_some_and(Stop::requested) && kept.hold(Job::Block, &proven.proof);
                return Err(if kept { ProveError::Stopped { left: 0 }.into() } else { error.into() });
            }
            if attempts.is_multiple_of(SAY_EVERY) {
                observer(&Event::NotWritten { reason: error.to_string() });
            }
            attempts += 1;
            thread::sleep(WRITE_EVERY);
        }
        Ok(proven)
    }
}

/// The block proof that an earlier run has kept, if it holds.
fn kept_block(kept: &KeptProofs, prepared: &PreparedBlock, observer: Observer<'_>) -> Option<Vec<u8>> {
    let len = VerifierKey::pinned(prepared.profile).file_len();
    let read = kept.read(Job::Block, usize::try_from(len).ok()?)?.map_err(|error| error.to_string());
    let verified = read.and_then(|proof| match verify_own(&proof, prepared.statement()) {
        Ok(_) => Ok(proof),
        Err(error) => Err(error.to_string()),
    });
    verified.map_err(|reason| observer(&Event::Refused { job: Job::Block, reason })).ok()
}

impl Output {
    /// Checks, before any work, that the files can be written. Those of a run that was `begun` may be there.
    fn check(&self, begun: bool) -> Result<(), FileError> {
        for path in [&self.proof, &data_path(&self.proof)] {
            check_writable(path, self.force || begun && path.is_file())?;
        }
        Ok(())
    }

    /// Checks, before any proof is made, that there is room for what a block writes, here and in the data directory. A
    /// service puts a file of `delivered` bytes to the proof.
    pub(crate) fn check_space(
        &self,
        data: &Path,
        prepared: &PreparedBlock,
        delivered: Option<u64>,
    ) -> Result<(), PipelineError> {
        let needs = Needs::of(prepared, data, delivered)?;
        let out = self.proof.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(check_space(&[(data, needs.data), (out, needs.out)])?)
    }
}

/// Which of a block's files an interrupted run has written already.
#[derive(Debug, Default)]
struct Written {
    proof: Option<Vec<u8>>,
    data: bool,
}

impl Written {
    /// Looks for the files. One that is not of this very block is in the way, unless it may be replaced.
    fn find(output: &Output, prepared: &PreparedBlock, again: bool) -> Result<Self, PipelineError> {
        let Output { proof: proof_path, force } = output;
        let data_path = data_path(proof_path);
        let data = again && holds(&data_path, &codec::encode(&prepared.data())?);
        let len = VerifierKey::pinned(prepared.profile).file_len();
        let proof = fs::metadata(proof_path).ok().filter(|found| again && found.len() == len);
        let proof = proof.and_then(|_| fs::read(proof_path).ok());
        let proof = proof.filter(|proof| verify_own(proof, prepared.statement()).is_ok());
        if !data {
            check_writable(&data_path, *force)?;
        }
        if proof.is_none() {
            check_writable(proof_path, *force)?;
        }
        Ok(Self { proof, data })
    }

    /// Writes what is missing, the data first.
    fn complete(
        &self,
        output: &Output,
        data: &[u8],
        proof: &[u8],
        observer: Observer<'_>,
    ) -> Result<(), FileError> {
        let Output { proof: proof_path, force } = output;
        let data_path = data_path(proof_path);
        let staged = |missing: bool, path: &Path, bytes: &[u8]| {
            missing.then(|| Staged::write(path, bytes)).transpose()
        };
        let staged_data = staged(!self.data, &data_path, data)?;
        let staged_proof = staged(self.proof.is_none(), proof_path, proof)?;
        if let Some(staged) = staged_data {
            staged.publish(*force)?;
            observer(&Event::Written { path: data_path.clone(), bytes: data.len() });
        }
        if let Some(staged) = staged_proof {
            if let Err(error) = staged.publish(*force) {
                // Data without a proof are of no use. What they replaced, by force, is gone in any case.
                let _ = fs::remove_file(&data_path);
                return Err(error);
            }
            observer(&Event::Written { path: proof_path.clone(), bytes: proof.len() });
        }
        Ok(())
    }
}

//! What a service proves blocks with. All that it does with files is apart from that, so that it can be tried on chains
//! that take no time to prove.

use enfold_state::block::Block;
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_state::store::{Store, StoreError};
use enfold_verifier::statement::BlockStatement;

use crate::error::ProveError;
use crate::events::Observer;
use crate::list::Run;
use crate::options::ProveOptions;
use crate::pipeline::{Begun, Output, PipelineError, commit};
use crate::prove::{PreparedBlock, ProvenBlock, prepare_block};

/// A state, and how blocks are proven on it.
pub(crate) trait Chain: Sync {
    /// A block that was executed.
    type Prepared: Send;
    /// A block that is being proven.
    type Begun;
    /// A block whose data and proof are written.
    type Proven;

    /// The chain's number.
    fn chain_id(&self) -> u64;

    /// Number of the last committed block.
    fn height(&self) -> u32;

    /// Number of the last block, committed or staged.
    fn tip(&self) -> u32;

    /// The root after a committed block.
    fn root_at(&self, number: u32) -> Result<Option<Digest>, PipelineError>;

    /// Executes a block on the state after the last one; an inner error is the reason why the block is bad.
    fn prepare(
        &self,
        block: &Block,
        observer: Observer<'_>,
    ) -> Result<Result<Self::Prepared, String>, PipelineError>;

    /// Stages a block that was executed.
    fn stage(&mut self, prepared: &Self::Prepared) -> Result<(), PipelineError>;

    /// Checks that there is room for all that the block writes, its file of `delivered` bytes included.
    fn check_space(
        &self,
        prepared: &Self::Prepared,
        output: &Output,
        delivered: u64,
    ) -> Result<(), PipelineError>;

    /// Begins the proof of the oldest staged block.
    fn begin(&mut self, prepared: Self::Prepared, output: &Output) -> Result<Self::Begun, PipelineError>;

    /// Proves the block and writes its data and its proof. If it is `patient`, it waits where they cannot be written.
    fn prove(
        &self,
        begun: Self::Begun,
        patient: bool,
        observer: Observer<'_>,
    ) -> Result<Self::Proven, PipelineError>;

    /// What is listed of a proven block: its statement, the length of its proof, and how it was proven.
    fn record(proven: &Self::Proven) -> (BlockStatement, u64, Run);

    /// Commits the oldest staged block.
    fn commit(&mut self, proven: &Self::Proven, observer: Observer<'_>) -> Result<(), PipelineError>;

    /// Takes back what is staged.
    fn roll_back(&mut self) -> Result<(), PipelineError>;
}

/// A store with the circuits of a profile.
pub(crate) struct StoreChain<'a> {
    pub store: &'a mut Store,
    pub profile: ProfileId,
    pub options: &'a ProveOptions,
}

impl Chain for StoreChain<'_> {
    type Prepared = PreparedBlock;
    type Begun = Begun;
    type Proven = ProvenBlock;

    fn chain_id(&self) -> u64 {
        self.store.ledger().chain_id()
    }

    fn height(&self) -> u32 {
        self.store.height()
    }

    fn tip(&self) -> u32 {
        self.store.ledger().height()
    }

    fn root_at(&self, number: u32) -> Result<Option<Digest>, PipelineError> {
        Ok(self.store.root_at(number)?)
    }

    fn prepare(
        &self,
        block: &Block,
        observer: Observer<'_>,
    ) -> Result<Result<PreparedBlock, String>, PipelineError> {
        match prepare_block(self.profile, self.store.ledger(), block, self.options, observer) {
            Ok(prepared) => Ok(Ok(prepared)),
            Err(error @ (ProveError::Execute(_) | ProveError::Rejected(_))) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    fn stage(&mut self, prepared: &PreparedBlock) -> Result<(), PipelineError> {
        self.store.stage(prepared.witness.prepared().map_err(StoreError::from)?)?;
        Ok(())
    }

    fn check_space(
        &self,
        prepared: &PreparedBlock,
        output: &Output,
        delivered: u64,
    ) -> Result<(), PipelineError> {
        output.check_space(self.store.dir(), prepared, Some(delivered))
    }

    fn begin(&mut self, prepared: PreparedBlock, output: &Output) -> Result<Begun, PipelineError> {
        Begun::new(self.store, prepared, output)
    }

    fn prove(
        &self,
        begun: Begun,
        patient: bool,
        observer: Observer<'_>,
    ) -> Result<ProvenBlock, PipelineError> {
        begun.prove(self.options, patient, observer)
    }

    fn record(proven: &ProvenBlock) -> (BlockStatement, u64, Run) {
        (proven.statement, proven.proof.len() as u64, Run::of(proven))
    }

    fn commit(&mut self, proven: &ProvenBlock, observer: Observer<'_>) -> Result<(), PipelineError> {
        commit(self.store, proven, observer, Store::commit_staged)
    }

    fn roll_back(&mut self) -> Result<(), PipelineError> {
        let height = self.store.height();
        self.store.roll_back(height)?;
        Ok(())
    }
}

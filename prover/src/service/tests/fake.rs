//! A chain whose proofs are names.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use blake3::Hash;
use enfold_state::block::Block;
use enfold_state::codec;
use enfold_state::field::reduce;
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_verifier::statement::BlockStatement;

use super::{Event, PipelineError};
use crate::events::Observer;
use crate::files::{FileError, Staged, publish};
use crate::list::Run;
use crate::pipeline::{Output, data_path};
use crate::service::chain::Chain;
use crate::steps::step;

/// A block whose fee has such a floor is bad on every state.
pub const BAD_FLOOR: u64 = 1 << 40;

pub const CHAIN_ID: u64 = 1;

/// The digests of the committed blocks, in a file, and of the staged ones.
pub struct FakeChain {
    path: PathBuf,
    committed: Vec<Hash>,
    staged: Vec<Hash>,
    /// How often there is too little room from now on.
    pub short: AtomicUsize,
}

pub struct Fake {
    number: u32,
    digest: Hash,
}

pub struct Begun {
    block: Fake,
    output: Output,
}

/// The proof of a block.
pub fn proof_of(number: u32, digest: Hash) -> String {
    format!("proof of block {number} {digest}")
}

/// What it publishes.
pub fn data_of(number: u32, digest: Hash) -> String {
    format!("data of block {number} {digest}")
}

pub fn zero() -> Digest {
    Digest([0; 4].map(reduce))
}

fn root_of(digest: Hash) -> Digest {
    let bytes = digest.as_bytes();
    let word = |i: usize| reduce(u64::from_le_bytes(*bytes[8 * i..].first_chunk().unwrap()));
    Digest([0, 1, 2, 3].map(word))
}

impl FakeChain {
    pub fn open(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let committed = text.lines().map(|line| Hash::from_hex(line).unwrap()).collect();
        Self { path, committed, staged: Vec::new(), short: AtomicUsize::new(0) }
    }

    pub fn committed(&self) -> &[Hash] {
        &self.committed
    }
}

impl Chain for FakeChain {
    type Prepared = Fake;
    type Begun = Begun;
    type Proven = Fake;

    fn chain_id(&self) -> u64 {
        CHAIN_ID
    }

    fn height(&self) -> u32 {
        self.committed.len() as u32
    }

    fn tip(&self) -> u32 {
        (self.committed.len() + self.staged.len()) as u32
    }

    fn root_at(&self, number: u32) -> Result<Option<Digest>, PipelineError> {
        let place = (number as usize).checked_sub(1);
        Ok(place.and_then(|place| self.committed.get(place)).map(|&digest| root_of(digest)))
    }

    fn prepare(&self, block: &Block, _: Observer<'_>) -> Result<Result<Fake, String>, PipelineError> {
        step("prepare");
        let number = self.tip() + 1;
        assert_eq!((block.chain_id, block.number), (CHAIN_ID, number));
        if block.fees.iter().any(|fee| fee.floor >= BAD_FLOOR) {
            return Ok(Err("bad on this state".to_owned()));
        }
        let digest = blake3::hash(&codec::encode(block)?);
        Ok(Ok(Fake { number, digest }))
    }

    fn stage(&mut self, prepared: &Fake) -> Result<(), PipelineError> {
        assert_eq!(prepared.number, self.tip() + 1, "staged in order");
        self.staged.push(prepared.digest);
        Ok(())
    }

    fn check_space(&self, _: &Fake, _: &Output, _: u64) -> Result<(), PipelineError> {
        let less = |short: usize| short.checked_sub(1);
        match self.short.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => Err(FileError::Space { path: self.path.clone(), expected: 2, got: 1 }.into()),
            Err(_) => Ok(()),
        }
    }

    fn begin(&mut self, block: Fake, output: &Output) -> Result<Begun, PipelineError> {
        step("begin");
        Ok(Begun { block, output: output.clone() })
    }

    fn prove(&self, begun: Begun, _: bool, observer: Observer<'_>) -> Result<Fake, PipelineError> {
        step("prove");
        let Begun { block, output } = begun;
        // They may be there already, written by a run that was killed.
        publish(&data_path(&output.proof), data_of(block.number, block.digest).as_bytes())?;
        let proof = proof_of(block.number, block.digest);
        publish(&output.proof, proof.as_bytes())?;
        observer(&Event::Written { path: output.proof, bytes: proof.len() });
        Ok(block)
    }

    fn record(proven: &Fake) -> (BlockStatement, u64, Run) {
        let zero = zero();
        let statement = BlockStatement {
            chain_id: CHAIN_ID,
            block_number: proven.number,
            time: 1,
            previous_root: zero,
            new_root: root_of(proven.digest),
            emitted: zero,
            transactions: 0,
            messages: 0,
            queue_before: zero,
            queue_after: zero,
            exits: zero,
            profile: ProfileId::Test,
        };
        (statement, proof_of(proven.number, proven.digest).len() as u64, Run::default())
    }

    fn commit(&mut self, proven: &Fake, _: Observer<'_>) -> Result<(), PipelineError> {
        step("commit");
        assert_eq!(self.staged.first(), Some(&proven.digest));
        self.committed.push(self.staged.remove(0));
        let text: String = self.committed.iter().map(|digest| format!("{digest}\n")).collect();
        Staged::write(&self.path, text.as_bytes())?.publish(true)?;
        step("committed");
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), PipelineError> {
        self.staged.clear();
        Ok(())
    }
}

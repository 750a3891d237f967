//! Progress, as events.

use std::path::PathBuf;
use std::time::Duration;

use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_witness::plan::PlanReport;
use serde::Serialize;

use crate::job::{Job, Reused};

/// What a service has before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Files in the inbox that cannot be taken yet: not whole, not readable.
    pub inbox: usize,
    /// Blocks that are claimed and not proven, with the one at work.
    pub queued: usize,
    /// Those of them that wait for a block that has not been delivered.
    pub waiting: usize,
    /// Those whose time is too far ahead of the clock.
    pub early: usize,
    /// Files in the folder of rejected ones, those of earlier runs too.
    pub rejected: usize,
}

/// What the prover has just done or begun. Events of one job come in order; jobs overlap.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Circuits are being built: those that a block needs and no block before it did. Each is built once in a process.
    CircuitsStarted {
        /// The profile.
        profile: ProfileId,
        /// How many.
        circuits: usize,
    },
    /// The circuits are built.
    CircuitsReady {
        /// The profile.
        profile: ProfileId,
        /// How many were built.
        circuits: usize,
        /// How many of them had a set-up on disk.
        loaded: usize,
        /// Time it took.
        elapsed: Duration,
    },
    /// The block has been executed.
    Executed {
        /// Valid transactions.
        transactions: usize,
        /// Transactions that were left out.
        rejected: usize,
        /// Messages.
        messages: usize,
        /// Time it took.
        elapsed: Duration,
    },
    /// The batches' witnesses are there.
    Witnessed {
        /// Figures of the plan.
        plan: PlanReport,
        /// Time it took, planning included.
        elapsed: Duration,
    },
    /// A kept file is not the proof that its name says; that will be proven again.
    Refused {
        /// Which proof.
        job: Job,
        /// What is wrong with it.
        reason: String,
    },
    /// The block is resumed: proofs of an earlier run are there, or were refused.
    Resumed {
        /// What is there.
        reused: Reused,
        /// Proofs that the block takes.
        proofs: usize,
    },
    /// A proof could not be kept for a later run. The block is proven all the same.
    NotKept {
        /// Which proof.
        job: Job,
        /// Why.
        reason: String,
    },
    /// The proofs that are about to be made will not fit into the memory that is free.
    MemoryShort {
        /// Bytes that they take.
        expected: u64,
        /// Bytes that are free.
        got: u64,
    },
    /// Proving begins.
    Proving {
        /// Batch proofs to be made.
        batches: usize,
        /// Lift proofs to be made.
        lifts: usize,
        /// Fold proofs to be made.
        folds: usize,
        /// Proofs that run concurrently, at most.
        in_flight: usize,
    },
    /// A proof is begun.
    Started {
        /// Which.
        job: Job,
    },
    /// A proof is made.
    Finished {
        /// Which.
        job: Job,
        /// Time it took.
        elapsed: Duration,
    },
    /// A stop was requested, and the proofs that were under way are finished and kept.
    Stopped {
        /// Proofs that are left to be made.
        left: usize,
    },
    /// The block proof verifies.
    Verified {
        /// Length of the proof file in bytes.
        bytes: usize,
        /// Time that verifying took.
        elapsed: Duration,
    },
    /// A file is complete under its name.
    Written {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A block of an inbox was claimed: it is in the queue now.
    BlockClaimed {
        /// Its number.
        number: u32,
        /// Name of the file that was delivered.
        file: String,
        /// Where the block is now.
        path: PathBuf,
    },
    /// A block was delivered that is proven or in the queue already. The delivery was removed.
    BlockRepeated {
        /// Its number.
        number: u32,
        /// Name of the file that was delivered.
        file: String,
    },
    /// A file of an inbox was rejected.
    BlockRejected {
        /// Where it is now.
        path: PathBuf,
        /// Name of the file that was delivered.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of an inbox cannot be taken yet, and is looked at again. Said once, and again as long as that lasts.
    FileLeft {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Blocks wait for one that has not been delivered. Said once, and again as long as that lasts.
    BlocksWaiting {
        /// The block that is missing.
        missing: u32,
        /// Count of the blocks that wait for it.
        waiting: usize,
    },
    /// The next block's time is too far ahead of this machine's clock: it waits in the queue. Said once, and again as long as
    /// that lasts.
    BlockEarly {
        /// Its number.
        number: u32,
        /// Its time, in seconds since 1970.
        time: u32,
        /// The clock, likewise.
        clock: u64,
    },
    /// What an inbox and its queue hold has changed.
    Backlog(Backlog),
    /// The next block of the queue is about to be proven.
    BlockBegun {
        /// Its number.
        number: u32,
        /// Where it is.
        path: PathBuf,
    },
    /// A disk has too little room for what a block writes. Nothing is begun until it has.
    SpaceShort {
        /// A folder on that disk.
        path: PathBuf,
        /// Bytes that are needed.
        expected: u64,
        /// Bytes that are free.
        got: u64,
    },
    /// What is finished cannot be written. It is kept, and tried again. Said once, and again as long as that lasts.
    NotWritten {
        /// What the system says, and of which file.
        reason: String,
    },
    /// The block is part of the stored state.
    Committed {
        /// Its number.
        number: u32,
        /// The state root after it.
        root: Digest,
    },
}

/// Receives events, from any thread and from several at a time.
pub type Observer<'a> = &'a (dyn Fn(&Event) + Send + Sync);

/// Receives events and forgets them.
pub fn ignore(_: &Event) {}

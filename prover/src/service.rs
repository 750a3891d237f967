//! Proves the blocks of an inbox, one after the other, and prepares the next while one is proven.
//!
//! The next block is executed on the state of the one before, which is staged in the store, in memory alone, until its
//! proof is there.
//!
//! What a run leaves when it is cut off is a block in the folder `proving`, and beside the store its kept proofs. The
//! next run begins with it: if the block is committed, what is left is to list it and to move it to the outbox;
//! if not, it is proven from where it was.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use enfold_circuits::statement::BlockStatement;
use enfold_circuits::verify::{VerifierKey, verify_block};
use enfold_state::block::Block;
use enfold_state::executor::Rejection;
use enfold_state::ledger::Ledger;
use enfold_state::store::Store;
use enfold_witness::profile::ProfileId;
use serde::{Deserialize, Serialize};

use crate::bound::bind;
use crate::error::ProveError;
use crate::events::{Event, Observer};
use crate::files::FileError;
use crate::inbox::{Folders, Inbox, read_block};
use crate::options::ProveOptions;
use crate::pipeline::{Begun, Output, PipelineError, commit, data_path};
use crate::prove::{PreparedBlock, ProvenBlock, Reused, prepare_block};
use crate::stop::Stop;

/// Name of the list of proven blocks in the outbox: one JSON object a line.
pub const LIST: &str = "blocks.jsonl";

/// Time between two looks into an inbox that has nothing to prove.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How blocks are proven, and for how long.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// The profile.
    pub profile: ProfileId,
    /// The folders.
    pub folders: Folders,
    /// End when the inbox has nothing more to prove, instead of waiting. Files are then taken as complete.
    pub once: bool,
    /// How each block is proven; [`ProveOptions::stop`] ends the service.
    pub prove: ProveOptions,
}

/// What a service did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Served {
    /// Blocks that were proven and committed.
    pub proven: usize,
    /// Files that were rejected.
    pub rejected: usize,
    /// Blocks in the inbox that wait for one before them.
    pub waiting: usize,
    /// Whether it was stopped, and not at the end of its work.
    pub stopped: bool,
}

/// A line of the list of proven blocks.
#[derive(Debug, Serialize)]
struct Line<'a> {
    number: u32,
    /// Name that the block's file had.
    block: &'a str,
    proof: &'a Path,
    data: &'a Path,
    proof_bytes: u64,
    statement: BlockStatement,
    /// What follows is missing in the line of a block that was committed just before its run was cut off.
    #[serde(flatten)]
    run: Option<Run<'a>>,
}

#[derive(Debug, Serialize)]
struct Run<'a> {
    rejections: &'a [Rejection],
    reused: Reused,
    execute_ms: u64,
    witness_ms: u64,
    prove_ms: u64,
    verify_ms: u64,
}

/// The only part of a line that is read back.
#[derive(Deserialize)]
struct LineNumber {
    number: u32,
}

/// A block that is ready to be proven.
struct Next {
    path: PathBuf,
    prepared: PreparedBlock,
}

/// Serves until it is stopped, or with [`ServiceOptions::once`] until nothing is left to do.
///
/// # Errors
/// If the store is of another profile, or the system or the prover fails. A bad block is no error. However it ends, the store is at the last block that
/// was committed, and nothing is staged.
pub fn serve(
    store: &mut Store,
    options: &ServiceOptions,
    observer: Observer<'_>,
) -> Result<Served, PipelineError> {
    bind(store, Some(options.profile))?;
    options.folders.make()?;
    mend_list(&options.folders.outbox.join(LIST))?;
    let served = Served::default();
    let mut service = Service { store, options, observer, inbox: Inbox::default(), served };
    let ended = service.take_up().and_then(|()| service.run());
    let Service { store, served, .. } = service;
    store.roll_back(store.height())?;
    ended.map(|()| served)
}

struct Service<'a> {
    store: &'a mut Store,
    options: &'a ServiceOptions,
    observer: Observer<'a>,
    inbox: Inbox,
    served: Served,
}

impl Service<'_> {
    fn stopped(&self) -> bool {
        self.options.prove.stop.is_some_and(Stop::requested)
    }

    fn run(&mut self) -> Result<(), PipelineError> {
        let mut next = None;
        while !self.stopped() {
            if next.is_none() {
                next = self.find_next()?;
            }
            let Some(block) = next.take() else {
                if self.options.once {
                    return Ok(());
                }
                thread::sleep(LOOK_EVERY);
                continue;
            };
            next = match self.prove(block) {
                Err(PipelineError::Prove(ProveError::Stopped { .. })) => break,
                next => next?,
            };
        }
        self.served.stopped = self.stopped();
        Ok(())
    }

    /// Goes on with what a run that was cut off had begun.
    fn take_up(&mut self) -> Result<(), PipelineError> {
        for path in self.options.folders.claimed()? {
            let back = self.options.folders.inbox.join(path.file_name().unwrap_or_default());
            let number = read_block(&path).ok().map(|block| block.number);
            match number {
                Some(number) if number <= self.store.height() => self.list_late(&path, number)?,
                _ => fs::rename(&path, &back).map_err(|source| FileError::Io { path, source })?,
            }
        }
        Ok(())
    }

    /// Lists a block that is committed but was not listed.
    fn list_late(&mut self, path: &Path, number: u32) -> Result<(), PipelineError> {
        let Folders { outbox, .. } = &self.options.folders;
        let proof_path = self.options.folders.proof(number);
        let root = self.store.root_at(number)?;
        let proof = fs::read(&proof_path).unwrap_or_default();
        match verify_block(VerifierKey::pinned(self.options.profile), &proof) {
            Ok(statement) if statement.block_number == number && Some(statement.new_root) == root => {
                if last_number(&outbox.join(LIST))?.is_none_or(|last| last < number) {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    self.list(&name, &proof_path, proof.len() as u64, statement, None)?;
                }
                self.options.folders.done(path, number)?;
                Ok(())
            }
            // Another file of the same number: its block came too late.
            _ => self.reject(
                path,
                &format!("expected a block after block {}, got block {number}", self.store.height()),
            ),
        }
    }

    /// The next block, if it is there, executed and with its witnesses. What cannot be proven any more is rejected.
    fn find_next(&mut self) -> Result<Option<Next>, PipelineError> {
        let Self { store, options, inbox, observer, .. } = self;
        let mut found = Found::default();
        let next = look(&mut found, inbox, store.ledger(), options, *observer)?;
        self.settle(found, next)
    }

    /// Rejects what is bad, and stages what is next.
    fn settle(&mut self, found: Found, next: Option<Next>) -> Result<Option<Next>, PipelineError> {
        for (path, reason) in &found.bad {
            self.reject(path, reason)?;
        }
        self.served.waiting = found.waiting;
        if let Some(next) = &next {
            self.store.stage(&next.prepared.execution)?;
        }
        Ok(next)
    }

    fn reject(&mut self, path: &Path, reason: &str) -> Result<(), PipelineError> {
        let path = self.options.folders.reject(path, reason)?;
        self.served.rejected += 1;
        (self.observer)(&Event::BlockRejected { path, reason: reason.to_owned() });
        Ok(())
    }

    /// Proves a block and commits it; meanwhile looks for the one after it.
    fn prove(&mut self, next: Next) -> Result<Option<Next>, PipelineError> {
        let Next { path, prepared } = next;
        let folders = &self.options.folders;
        let number = prepared.witness.number;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let claimed = folders.claim(&path)?;
        (self.observer)(&Event::BlockBegun { number, path: claimed.clone() });
        let output = Output { proof: folders.proof(number), force: false };
        let begun = Begun::new(self.store, prepared, &output)?;
        let Self { store, options, observer, inbox, .. } = self;
        let ahead = store.ledger();
        let done = AtomicBool::new(false);
        let (proven, found) = thread::scope(|scope| {
            let found = scope.spawn(|| look_until(&done, inbox, ahead, options, *observer));
            let end = EndOfLook { done: &done, thread: found.thread().clone() };
            let proven = begun.prove(&options.prove, *observer);
            drop(end);
            (proven, found.join())
        });
        let proven = proven?;
        commit(store, &proven, *observer, Store::commit_staged)?;
        let statement = proven.statement;
        self.list(&name, &output.proof, proven.proof.len() as u64, statement, Some(run_of(&proven)))?;
        self.options.folders.done(&claimed, number)?;
        self.served.proven += 1;
        match found {
            Ok(found) => {
                let (found, next) = found?;
                self.settle(found, next)
            }
            // It only looked; a look that panicked is taken again, and panics here if it must.
            Err(_) => self.find_next(),
        }
    }

    /// Appends a line to the list, durably.
    fn list(
        &self,
        block: &str,
        proof: &Path,
        proof_bytes: u64,
        statement: BlockStatement,
        run: Option<Run<'_>>,
    ) -> Result<(), FileError> {
        let path = self.options.folders.outbox.join(LIST);
        let data = &data_path(proof);
        let line = Line { number: statement.block_number, block, proof, data, proof_bytes, statement, run };
        let append = || {
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            let mut list = OpenOptions::new().create(true).append(true).open(&path)?;
            list.write_all(&text)?;
            list.sync_all()
        };
        append().map_err(|source| FileError::Io { path, source })
    }
}

fn run_of(proven: &ProvenBlock) -> Run<'_> {
    let ms = |time: Duration| time.as_millis() as u64;
    Run {
        rejections: proven.rejections(),
        reused: proven.reused,
        execute_ms: ms(proven.timings.execute),
        witness_ms: ms(proven.timings.witness),
        prove_ms: ms(proven.timings.prove),
        verify_ms: ms(proven.timings.verify),
    }
}

/// What a look into the inbox found besides the next block.
#[derive(Debug, Default)]
struct Found {
    bad: Vec<(PathBuf, String)>,
    waiting: usize,
}

/// Ends a look when it is dropped, and so also when what goes on beside it panics.
struct EndOfLook<'a> {
    done: &'a AtomicBool,
    thread: Thread,
}

impl Drop for EndOfLook<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// Looks for the block that follows a state, and prepares it. What is known to be bad is not looked at again.
fn look(
    found: &mut Found,
    inbox: &mut Inbox,
    ledger: &Ledger,
    options: &ServiceOptions,
    observer: Observer<'_>,
) -> Result<Option<Next>, PipelineError> {
    found.waiting = 0;
    let mut next = None;
    let expected = u64::from(ledger.height()) + 1;
    for (number, path) in inbox.scan(&options.folders.inbox, options.once)? {
        if found.bad.iter().any(|(bad, _)| *bad == path) {
            continue;
        }
        match number.map(u64::from) {
            Some(number) if number > expected => found.waiting += 1,
            Some(number) if number < expected => {
                found.bad.push((path, format!("expected block {expected}, got block {number}")));
            }
            _ if next.is_some() => {
                found.bad.push((path, format!("expected one block {expected}, got another")));
            }
            _ => match prepare(&path, ledger, options, observer)? {
                Ok(prepared) => next = Some(Next { path, prepared }),
                Err(reason) => found.bad.push((path, reason)),
            },
        }
    }
    Ok(next)
}

/// [`look`] again and again, until it finds the next block or the one before is `done`.
fn look_until(
    done: &AtomicBool,
    inbox: &mut Inbox,
    ledger: &Ledger,
    options: &ServiceOptions,
    observer: Observer<'_>,
) -> Result<(Found, Option<Next>), PipelineError> {
    let mut found = Found::default();
    loop {
        let next = look(&mut found, inbox, ledger, options, observer)?;
        if next.is_some() || done.load(Ordering::SeqCst) {
            return Ok((found, next));
        }
        thread::park_timeout(LOOK_EVERY);
    }
}

/// Prepares the block in a file; an inner error is the reason why the block is bad.
fn prepare(
    path: &Path,
    ledger: &Ledger,
    options: &ServiceOptions,
    observer: Observer<'_>,
) -> Result<Result<PreparedBlock, String>, PipelineError> {
    let block: Block = match read_block(path) {
        Ok(block) => block,
        Err(error) => return Ok(Err(error.to_string())),
    };
    match prepare_block(options.profile, ledger, &block, &options.prove, observer) {
        Ok(prepared) => Ok(Ok(prepared)),
        Err(error @ (ProveError::Execute(_) | ProveError::Rejected(_))) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Cuts off the last line of a list if it is not whole.
fn mend_list(path: &Path) -> Result<(), FileError> {
    let mend = || {
        let Ok(text) = fs::read(path) else { return Ok(()) };
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        if whole == text.len() {
            return Ok(());
        }
        let list = OpenOptions::new().write(true).open(path)?;
        list.set_len(whole as u64)?;
        list.sync_all()
    };
    mend().map_err(|source| FileError::Io { path: path.to_owned(), source })
}

/// The number in the last line of a list; `None` if there is none.
fn last_number(path: &Path) -> Result<Option<u32>, FileError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|source| FileError::Io { path: path.to_owned(), source })?,
    };
    let last = text.lines().last().and_then(|line| serde_json::from_str::<LineNumber>(line).ok());
    Ok(last.map(|line| line.number))
}

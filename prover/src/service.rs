//! Proves the blocks of an inbox, one after the other, and prepares the next while one is proven.
//!
//! Blocks are files in the inbox, in either form, under any name; hidden files and those that end in `.part` or `.tmp`
//! are not looked at, so that a block can be written there and renamed. Their order is that of the block numbers in
//! them; of several with one number, the first that came and is valid is proven. A block is claimed when two looks find it
//! whole and the same: from then on it is in the queue, in the data directory, under a name of the service's own, and
//! whoever replaces or withdraws the delivered file comes too late. One whose time is more than 60 s ahead of the clock stays
//! in the queue until that has passed, unless another of its number is proven.
//!
//! The next block is executed on the state of the one before, which is staged in the store, in memory alone, until its
//! proof is there.
//!
//! A run can be cut off anywhere. Each block is in one of these places, or on its way from one to the next, and
//! then in both: the inbox, a claim, the queue, and then the outbox or the folder of rejected ones. The next run goes on from
//! there: what is committed is listed and put to its proof, what is not is proven from where it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use enfold_state::profile::ProfileId;
use enfold_state::store::Store;
use enfold_state::unfinished::remove_left_over;
use serde::Serialize;

use crate::bound::bind;
use crate::error::ProveError;
use crate::events::{Event, Observer};
use crate::files::FileError;
use crate::folders::{FolderError, Folders};
pub use crate::list::LIST;
use crate::list::{Line, Pending};
use crate::options::ProveOptions;
pub use crate::pace::Pace;
use crate::pipeline::{Output, PipelineError, SAY_EVERY, data_path};
use crate::steps::{self, step};
use crate::stop::Stop;

mod chain;
mod intake;
#[cfg(test)]
mod tests;

use chain::{Chain, StoreChain};
use intake::{Intake, Next};

/// How blocks are proven, and for how long.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// The profile.
    pub profile: ProfileId,
    /// The folders.
    pub folders: Folders,
    /// What each file or folder is that the caller uses besides, and where. None may be in one of the folders.
    pub files: Vec<(&'static str, PathBuf)>,
    /// End when there is nothing more to prove, instead of waiting.
    pub once: bool,
    /// How each block is proven; [`ProveOptions::stop`] ends the service.
    pub prove: ProveOptions,
    /// How often it looks, and for how long it lets things be.
    pub pace: Pace,
}

impl ServiceOptions {
    /// Checks that each folder has one purpose: [`Folders::check`].
    pub(crate) fn check(&self, data: &Path) -> Result<(), FolderError> {
        self.folders.check(data, &self.files)
    }
}

/// What a service did, and what it left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Served {
    /// Blocks that were proven and committed.
    pub proven: usize,
    /// Files that were rejected.
    pub rejected: usize,
    /// Deliveries of blocks that were proven or in the queue already.
    pub repeated: usize,
    /// Blocks in the queue that wait for one before them.
    pub waiting: usize,
    /// The block that they wait for.
    pub missing: Option<u32>,
    /// The next block, if its time is more than 60 s ahead of the clock.
    pub early: Option<u32>,
    /// Files that could not be read or claimed, were not whole, or went on changing.
    pub unreadable: usize,
    /// Whether it was stopped, and not at the end of its work.
    pub stopped: bool,
}

impl Served {
    /// Whether every delivered block is proven.
    pub const fn is_all(&self) -> bool {
        self.rejected == 0 && self.waiting == 0 && self.early.is_none() && self.unreadable == 0
    }
}

/// Serves until it is stopped, or with [`ServiceOptions::once`] until nothing is left to do.
///
/// # Errors
/// If the store is of another profile, or the folders overlap or another service uses them, or the system or the prover
/// fails. A bad block is no error. However it ends, the store is at the last block that was committed, and nothing is
/// staged.
pub fn serve(
    store: &mut Store,
    options: &ServiceOptions,
    observer: Observer<'_>,
) -> Result<Served, PipelineError> {
    bind(store, Some(options.profile))?;
    let data = store.dir().to_owned();
    options.check(&data)?;
    let mut chain = StoreChain { store, profile: options.profile, options: &options.prove };
    serve_chain(&mut chain, &data, options, observer)
}

fn serve_chain<C: Chain>(
    chain: &mut C,
    data: &Path,
    options: &ServiceOptions,
    observer: Observer<'_>,
) -> Result<Served, PipelineError> {
    options.folders.make()?;
    let locks = options.folders.lock()?;
    // Others may have been put there until they were taken.
    options.check(data)?;
    remove_left_over(&options.folders.outbox);
    remove_left_over(&options.folders.rejected);
    let intake = Intake::open(data, options, observer, locks)?;
    let mut service = Service { chain, options, observer, intake };
    let ended = service.take_up().and_then(|()| service.run());
    let Service { chain, intake, .. } = service;
    chain.roll_back()?;
    ended.map(|()| intake.served)
}

struct Service<'a, C: Chain> {
    chain: &'a mut C,
    options: &'a ServiceOptions,
    observer: Observer<'a>,
    intake: Intake<'a>,
}

impl<C: Chain> Service<'_, C> {
    fn stopped(&self) -> bool {
        self.options.prove.stop.is_some_and(Stop::requested)
    }

    fn run(&mut self) -> Result<(), PipelineError> {
        let (mut next, mut waited) = (None, Duration::ZERO);
        while !self.stopped() {
            if next.is_none() {
                next = match self.intake.look(&*self.chain, true) {
                    Err(PipelineError::Prove(ProveError::Stopped { .. })) => break,
                    found => found?,
                };
            }
            let Some(block) = next.take() else {
                if self.options.once && self.intake.is_quiet(waited) {
                    self.intake.end();
                    return Ok(());
                }
                // Looks are not counted: a long one has much to take in.
                let begun = Instant::now();
                self.pause();
                waited += begun.elapsed();
                continue;
            };
            waited = Duration::ZERO;
            self.chain.stage(&block.prepared)?;
            next = match self.prove(block) {
                Err(PipelineError::Prove(ProveError::Stopped { .. })) => break,
                next => next?,
            };
        }
        self.intake.served.stopped = self.stopped();
        Ok(())
    }

    fn pause(&self) {
        step("pause");
        thread::sleep(self.options.pace.look);
    }

    /// Completes the list, if a run was cut off between a commit and that.
    fn take_up(&mut self) -> Result<(), PipelineError> {
        self.intake.list_late(&*self.chain)?;
        Ok(self.intake.list.forget()?)
    }

    /// Proves a staged block and commits it; meanwhile looks for the one after it.
    fn prove(&mut self, next: Next<C::Prepared>) -> Result<Option<Next<C::Prepared>>, PipelineError> {
        let Next { entry, prepared } = next;
        let number = entry.id.number;
        let output = Output { proof: self.options.folders.proof(number), force: false };
        let queued = fs::metadata(self.intake.queue.path(entry.id));
        self.wait_for_space(&prepared, &output, queued.map_or(0, |found| found.len()))?;
        (self.observer)(&Event::BlockBegun { number, path: self.intake.queue.path(entry.id) });
        let begun = self.chain.begin(prepared, &output)?;
        let (proven, found) = self.prove_and_look(begun);
        let proven = proven?;
        let (statement, proof_bytes, run) = C::record(&proven);
        let line = Line {
            number,
            block: &entry.file,
            digest: entry.id.digest,
            proof: &output.proof,
            data: &data_path(&output.proof),
            proof_bytes,
            statement,
            run,
        };
        let pending = Pending::of(&line).map_err(|error| FileError::Io {
            path: self.options.folders.outbox.join(LIST),
            source: error.into(),
        })?;
        self.patiently(|intake| intake.list.prepare(&pending))?;
        self.chain.commit(&proven, self.observer)?;
        self.intake.served.proven += 1;
        // Even if what was kept of it is gone by now.
        self.patiently(|intake| intake.list.append(&pending))?;
        self.patiently(|intake| intake.done(&entry))?;
        self.patiently(|intake| intake.list.forget())?;
        found
    }

    /// Proves a block, and meanwhile takes in what is delivered and looks for the next one.
    #[allow(clippy::type_complexity)]
    fn prove_and_look(
        &mut self,
        begun: C::Begun,
    ) -> (Result<C::Proven, PipelineError>, Result<Option<Next<C::Prepared>>, PipelineError>) {
        let Self { chain, options, observer, intake } = self;
        let chain = &**chain;
        let done = AtomicBool::new(false);
        let hook = steps::current();
        thread::scope(|scope| {
            let look = scope.spawn(|| {
                hook.enter();
                look_until(&done, intake, chain, options.pace.look)
            });
            let end = EndOfLook { done: &done, thread: look.thread().clone() };
            let proven = chain.prove(begun, !options.once, *observer);
            drop(end);
            // It only looked; a look that panicked is taken again, and panics there if it must.
            (proven, look.join().unwrap_or(Ok(None)))
        })
    }

    /// Waits until there is room for a block, unless the service is to end.
    fn wait_for_space(
        &self,
        prepared: &C::Prepared,
        output: &Output,
        delivered: u64,
    ) -> Result<(), PipelineError> {
        let mut said = false;
        loop {
            match self.chain.check_space(prepared, output, delivered) {
                Err(PipelineError::File(FileError::Space { path, expected, got })) if !self.options.once => {
                    if !said {
                        (self.observer)(&Event::SpaceShort { path, expected, got });
                        said = true;
                    }
                }
                checked => return checked,
            }
            if self.stopped() {
                return Err(ProveError::Stopped { left: 0 }.into());
            }
            self.pause();
        }
    }

    /// Writes what must not be given up, again and again, unless the service is to end.
    fn patiently(
        &mut self,
        mut write: impl FnMut(&mut Intake<'_>) -> Result<(), FileError>,
    ) -> Result<(), PipelineError> {
        let mut attempts = 0_usize;
        while let Err(error) = write(&mut self.intake) {
            if self.stopped() {
                // The next run completes it.
                return Err(ProveError::Stopped { left: 0 }.into());
            }
            if self.options.once {
                return Err(error.into());
            }
            if attempts.is_multiple_of(SAY_EVERY) {
                (self.observer)(&Event::NotWritten { reason: error.to_string() });
            }
            attempts += 1;
            self.pause();
        }
        Ok(())
    }
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

/// Takes in what is delivered again and again, until the block at work is `done`, and finds the one after it.
fn look_until<C: Chain>(
    done: &AtomicBool,
    intake: &mut Intake<'_>,
    chain: &C,
    every: Duration,
) -> Result<Option<Next<C::Prepared>>, PipelineError> {
    let mut next = None;
    loop {
        let found = intake.look(chain, next.is_none())?;
        next = next.or(found);
        if done.load(Ordering::SeqCst) {
            return Ok(next);
        }
        thread::park_timeout(every);
    }
}

//! From the inbox to the next block: claims what is delivered, keeps it in the queue, rejects what is bad.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use blake3::Hash;
use enfold_state::executor::ExecuteError;

use crate::events::{Backlog, Event, Observer};
use crate::files::{FileError, failed, publish};
use crate::folders::{Locks, QUEUE};
use crate::inbox::{Claim, Content, Found, Inbox, Left, Wait, name_of_other};
use crate::list::List;
use crate::pipeline::PipelineError;
use crate::queue::{Delivered, Entry, Queue};
use crate::rejected::{self, Bad, numbered};
use crate::service::chain::Chain;
use crate::service::{Served, ServiceOptions};

/// Times of settling without a block that was proven after which one that is to end waits no more.
const LONGEST_WAIT: u32 = 30;

/// Seconds that a block's time may be ahead of this machine's clock when it is executed.
pub(super) const MOST_AHEAD: u64 = 60;

/// This machine's clock, in seconds since 1970.
pub(super) fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether a block's time is too far ahead by a clock.
fn is_early(time: u32, clock: u64) -> bool {
    u64::from(time) > clock.saturating_add(MOST_AHEAD)
}

/// A block that is ready to be proven.
pub(super) struct Next<P> {
    pub entry: Entry,
    pub prepared: P,
}

/// All that a service does with files besides proving.
pub(super) struct Intake<'a> {
    data: &'a Path,
    options: &'a ServiceOptions,
    observer: Observer<'a>,
    locks: Locks,
    inbox: Inbox,
    pub queue: Queue,
    pub list: List,
    pub served: Served,
    /// Blocks that are bad on the state that they were executed on. They are rejected when that is committed.
    judged: Vec<(Entry, String)>,
    /// Blocks whose time was too far ahead when they were read, with it.
    early: Vec<(Entry, u32)>,
    /// What cannot be taken yet.
    left: Vec<Left>,
    /// Since when what is left is to be taken at the next look.
    about_to: BTreeMap<PathBuf, Instant>,
    said: Said,
}

/// What was said about the backlog, and when.
#[derive(Default)]
struct Said {
    backlog: Backlog,
    left: Vec<Left>,
    /// Of what is left, that which was said.
    paths: BTreeSet<PathBuf>,
    missing: Option<u32>,
    /// The next block and its time, and when that was said.
    early: Option<(u32, u32)>,
    early_at: Option<Instant>,
    reminded: Option<Instant>,
    /// When something of the inbox or the queue last changed.
    changed: Option<Instant>,
}

impl<'a> Intake<'a> {
    /// Begins with what a run that was cut off has left.
    pub(super) fn open(
        data: &'a Path,
        options: &'a ServiceOptions,
        observer: Observer<'a>,
        locks: Locks,
    ) -> Result<Self, FileError> {
        let folders = &options.folders;
        let inbox = Inbox::open(&folders.inbox, folders.claims(), options.pace, options.prove.stop)?;
        let queue = Queue::open(data.join(QUEUE))?;
        let list = List::open(&folders.outbox, queue.dir())?;
        Ok(Self {
            data,
            options,
            observer,
            locks,
            inbox,
            queue,
            list,
            served: Served::default(),
            judged: Vec::new(),
            early: Vec::new(),
            left: Vec::new(),
            about_to: BTreeMap::new(),
            said: Said::default(),
        })
    }

    /// Lists a block that is committed but was not listed.
    pub(super) fn list_late<C: Chain>(&mut self, chain: &C) -> Result<(), PipelineError> {
        if let Some(pending) = self.list.pending()?
            && pending.number <= chain.height()
            && chain.root_at(pending.number)? == Some(pending.root)
        {
            self.list.append(&pending)?;
        }
        Ok(())
    }

    /// Takes in what is delivered, and if it is `wanted` looks for the block after the last one. It is executed when it
    /// is found. A stop ends it after any file.
    pub(super) fn look<C: Chain>(
        &mut self,
        chain: &C,
        wanted: bool,
    ) -> Result<Option<Next<C::Prepared>>, PipelineError> {
        if self.locks.are_others() {
            // They may be anything, and others again until they are taken.
            self.options.check(self.data)?;
            self.locks.renew()?;
            self.options.check(self.data)?;
        }
        self.left.clear();
        self.take_in(chain);
        for (path, error) in self.queue.look() {
            self.leave(&path, format!("cannot be looked at: {error}"));
        }
        self.settle_past(chain);
        self.find_restless();
        self.early.retain(|(entry, _)| self.queue.entries().contains(entry));
        let next = if wanted && !self.inbox.stopped() { self.next(chain)? } else { None };
        if chain.tip() == chain.height() {
            self.reject_judged();
        }
        self.report(chain);
        self.report_early(chain, wanted && next.is_none());
        Ok(next)
    }

    fn take_in<C: Chain>(&mut self, chain: &C) {
        match self.inbox.claim() {
            Ok(left) => self.left.extend(left),
            Err(error) => self.leave(&self.options.folders.inbox, format!("cannot be read: {error}")),
        }
        let (claims, unread) = self.inbox.claims();
        for (path, error) in unread {
            self.leave(&path, format!("cannot be read: {error}"));
        }
        for claim in claims {
            if self.inbox.stopped() {
                return;
            }
            if let Err(wait) = self.take(&claim, chain) {
                self.left.push(Left::new(&claim.path(), wait));
            }
        }
    }

    /// What was to be taken at the next look for too long keeps changing: as a file whose name is given to a new one again
    /// and again.
    fn find_restless(&mut self) {
        let (given, mut before) =
            (self.options.pace.settle + self.options.pace.look, mem::take(&mut self.about_to));
        for left in self.left.iter_mut().filter(|left| left.wait == Wait::NextLook) {
            let known = before.remove(&left.path);
            if known.is_some_and(|since| since.elapsed() > given) {
                left.wait = Wait::Passes("keeps changing".to_owned());
            }
            let since = known.unwrap_or_else(Instant::now);
            self.about_to.insert(left.path.clone(), since);
        }
    }

    fn leave(&mut self, path: &Path, reason: String) {
        self.left.push(Left::new(path, Wait::Passes(reason)));
    }

    /// Takes in what is claimed; an error is what it must wait for.
    fn take<C: Chain>(&mut self, claim: &Claim, chain: &C) -> Result<(), Wait> {
        let path = claim.path();
        let found = self.inbox.look_at(&path);
        let read = self.inbox.content(&path);
        match found {
            Found::Gone => {
                self.inbox.clear(claim);
                Ok(())
            }
            Found::New => Err(Wait::NextLook),
            Found::NotYet(reason) => Err(Wait::Passes(reason)),
            Found::Other(_) => {
                // It was put in the place of the file, just before that was claimed.
                self.inbox.give_back(claim)?;
                Err(Wait::NextLook)
            }
            Found::Bad(reason) => {
                let name = name_of_other(&path).map_err(failed(&path))?;
                self.reject_claim(claim, read, (&name, false), &reason)
            }
            Found::Block(delivered) => self.take_block(claim, read, &delivered, chain),
        }
    }

    fn take_block<C: Chain>(
        &mut self,
        claim: &Claim,
        read: Option<Content>,
        delivered: &Delivered,
        chain: &C,
    ) -> Result<(), Wait> {
        let id = delivered.id;
        let (expected, got) = (chain.chain_id(), delivered.block.chain_id);
        if got != expected {
            let reason = ExecuteError::ChainId { expected, got }.to_string();
            return self.reject_claim(claim, read, (&id.name(), true), &reason);
        }
        let past = id.number <= chain.height();
        let proven = past && self.list.digest(id.number) == Some(id.digest);
        if past && !proven {
            let reason = self.past(id.number, id.digest, chain.height());
            return self.reject_claim(claim, read, (&id.name(), true), &reason);
        }
        let repeated = proven || self.queue.holds(id.number, id.digest);
        if !repeated {
            self.queue.add(delivered, &claim.file)?;
        }
        self.inbox.release(claim, read)?;
        let file = claim.file.to_string_lossy().into_owned();
        if repeated {
            self.served.repeated += 1;
            self.say(&Event::BlockRepeated { number: id.number, file });
        } else {
            self.say(&Event::BlockClaimed { number: id.number, file, path: self.queue.path(id) });
        }
        Ok(())
    }

    /// Why a block comes too late.
    fn past(&self, number: u32, digest: Hash, height: u32) -> String {
        let expected = format!("expected block {}", u64::from(height) + 1);
        match self.list.digest(number) {
            Some(proven) => format!(
                "{expected}, got block {number} with digest {digest}; the one with digest {proven} is proven"
            ),
            None => format!("{expected}, got block {number}"),
        }
    }

    /// Rejects a claim, if it is still what was read, under a name. A block is `whole`.
    fn reject_claim(
        &mut self,
        claim: &Claim,
        read: Option<Content>,
        (name, whole): (&str, bool),
        reason: &str,
    ) -> Result<(), Wait> {
        self.inbox.expect_still(claim, read)?;
        let file = &claim.file.to_string_lossy();
        self.reject(Bad { path: &claim.path(), name, file, whole }, reason)?;
        self.inbox.clear(claim);
        Ok(())
    }

    fn reject_entry(&mut self, entry: &Entry, reason: &str) -> Result<(), FileError> {
        let (path, name) = (&self.queue.path(entry.id), &entry.id.name());
        self.reject(Bad { path, name, file: &entry.file, whole: true }, reason)?;
        self.queue.remove(entry)
    }

    fn reject(&mut self, bad: Bad<'_>, reason: &str) -> Result<(), FileError> {
        let path = rejected::reject(&self.options.folders.rejected, bad, reason)?;
        self.served.rejected += 1;
        let (file, reason) = (bad.file.to_owned(), reason.to_owned());
        self.say(&Event::BlockRejected { path, file, reason });
        Ok(())
    }

    /// Deals with the queue's blocks whose number is committed: the proven one goes to the outbox, others are late.
    fn settle_past<C: Chain>(&mut self, chain: &C) {
        let height = chain.height();
        let past: Vec<_> =
            self.queue.entries().iter().filter(|entry| entry.id.number <= height).cloned().collect();
        for entry in past {
            if self.inbox.stopped() {
                return;
            }
            let settled = if self.list.digest(entry.id.number) == Some(entry.id.digest) {
                self.done(&entry)
            } else {
                let reason = self.past(entry.id.number, entry.id.digest, height);
                self.reject_entry(&entry, &reason)
            };
            if let Err(error) = settled {
                self.leave(&self.queue.path(entry.id), error.to_string());
            }
        }
    }

    /// Moves a proven block to its proof. Its name there is `block-N`, or if something else has that, its own, or one
    /// that begins like it.
    pub(super) fn done(&mut self, entry: &Entry) -> Result<(), FileError> {
        let io = |source| FileError::Io { path: self.queue.path(entry.id), source };
        if let Some(bytes) = self.queue.read(entry).map_err(io)? {
            let (outbox, own) = (&self.options.folders.outbox, entry.id.name());
            let short = format!("block-{}.{}", entry.id.number, entry.id.extension());
            let others = (1..).map(|attempt| numbered(&own, attempt));
            for name in [short, own.clone()].into_iter().chain(others) {
                match publish(&outbox.join(name), &bytes) {
                    Err(FileError::Exists { .. }) => {}
                    published => {
                        published?;
                        break;
                    }
                }
            }
        }
        self.queue.remove(entry)
    }

    /// The block after the last one, executed, if it is there and not too early. One that is too early gives way to another
    /// of its number.
    fn next<C: Chain>(&mut self, chain: &C) -> Result<Option<Next<C::Prepared>>, PipelineError> {
        let expected = u64::from(chain.tip()) + 1;
        let candidates: Vec<_> = (self.queue.entries().iter())
            .filter(|entry| u64::from(entry.id.number) == expected)
            .filter(|entry| !self.is_judged(entry) && !self.is_known_early(entry))
            .cloned()
            .collect();
        for entry in candidates {
            let bytes = match self.queue.read(&entry) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                // It may be the one: no other comes before it.
                Err(error) => {
                    self.leave(&self.queue.path(entry.id), format!("cannot be read: {error}"));
                    return Ok(None);
                }
            };
            let read = Delivered::read(bytes).map_err(|error| error.to_string());
            let prepared = match read {
                Ok(read) if read.id == entry.id => {
                    if is_early(read.block.time, clock()) {
                        self.early.retain(|(known, _)| *known != entry);
                        self.early.push((entry, read.block.time));
                        continue;
                    }
                    chain.prepare(&read.block, self.observer)?
                }
                Ok(_) => Err("expected the block that the name says, got another".to_owned()),
                Err(reason) => Err(reason),
            };
            match prepared {
                Ok(prepared) => return Ok(Some(Next { entry, prepared })),
                Err(reason) => self.judged.push((entry, reason)),
            }
        }
        Ok(None)
    }

    fn is_judged(&self, entry: &Entry) -> bool {
        self.judged.iter().any(|(judged, _)| judged == entry)
    }

    /// Whether a block need not be read again: its time is still too far ahead.
    fn is_known_early(&self, entry: &Entry) -> bool {
        self.early.iter().any(|(known, time)| known == entry && is_early(*time, clock()))
    }

    /// Rejects what is bad on a state that is committed by now.
    fn reject_judged(&mut self) {
        let mut judged = mem::take(&mut self.judged);
        // Some may have been taken out of the queue.
        judged.retain(|(entry, _)| self.queue.entries().contains(entry));
        for (entry, reason) in judged {
            if self.inbox.stopped() {
                // The next run judges them again.
                return;
            }
            if let Err(error) = self.reject_entry(&entry, &reason) {
                self.leave(&self.queue.path(entry.id), error.to_string());
                self.judged.push((entry, reason));
            }
        }
    }

    /// Whether all that is left has been as it is for as long as files are given, or a service that is to end has
    /// `waited` for it for long enough.
    pub(super) fn is_quiet(&self, waited: Duration) -> bool {
        let given = self.options.pace.settle + self.options.pace.look;
        let next_look = self.left.iter().any(|left| left.wait == Wait::NextLook);
        self.left.is_empty()
            || !next_look && self.said.changed.is_some_and(|changed| changed.elapsed() > given)
            || waited > LONGEST_WAIT * given
    }

    /// Waits no more: what another look would have taken is left, too.
    pub(super) fn end(&mut self) {
        self.served.unreadable = self.left.len();
        for left in self.left.iter().filter(|left| left.wait == Wait::NextLook) {
            let reason = "has just changed".to_owned();
            self.say(&Event::FileLeft { path: left.path.clone(), reason });
        }
    }

    fn say(&self, event: &Event) {
        (self.observer)(event);
    }

    /// Says that the next block's time is too far ahead, if that is why there `is_none`; while it lasts, now and then.
    fn report_early<C: Chain>(&mut self, chain: &C, is_none: bool) {
        let next = u64::from(chain.tip()) + 1;
        let waits = |entry: &Entry| u64::from(entry.id.number) == next && self.is_known_early(entry);
        let earliest =
            self.early.iter().filter(|(entry, _)| is_none && waits(entry)).min_by_key(|early| early.1);
        let early = earliest.map(|(entry, time)| (entry.id.number, *time));
        self.served.early = early.map(|(number, _)| number);
        let remind = self.said.early_at.is_none_or(|last| last.elapsed() >= self.options.pace.remind);
        if let Some((number, time)) = early.filter(|&early| remind || self.said.early != Some(early)) {
            self.say(&Event::BlockEarly { number, time, clock: clock() });
            self.said.early_at = Some(Instant::now());
        }
        self.said.early = early;
    }

    /// Says what is new about the backlog; what lasts, now and then.
    fn report<C: Chain>(&mut self, chain: &C) {
        let mut numbers: Vec<_> = self.queue.entries().iter().map(|entry| entry.id.number).collect();
        numbers.sort_unstable();
        let mut missing = u64::from(chain.height()) + 1;
        for &number in &numbers {
            missing += u64::from(u64::from(number) == missing);
        }
        let waiting = numbers.iter().filter(|&&number| u64::from(number) > missing).count();
        let rejected = rejected::count(&self.options.folders.rejected);
        let stuck = self.left.iter().filter(|left| left.wait != Wait::NextLook).count();
        let early = self.early.iter().filter(|(entry, _)| self.is_known_early(entry)).count();
        let backlog = Backlog { inbox: stuck, queued: numbers.len(), waiting, early, rejected };
        (self.served.waiting, self.served.unreadable) = (waiting, stuck);
        let missing = u32::try_from(missing).ok().filter(|_| waiting > 0);
        self.served.missing = missing;

        let now = Instant::now();
        let remind = self.said.reminded.is_none_or(|last| now - last >= self.options.pace.remind);
        if remind || backlog != self.said.backlog {
            self.say(&Event::Backlog(backlog));
        }
        if let Some(missing) = missing.filter(|_| remind || missing != self.said.missing) {
            self.say(&Event::BlocksWaiting { missing, waiting });
        }
        let mut paths = BTreeSet::new();
        for Left { path, wait, .. } in &self.left {
            let Wait::Passes(reason) = wait else { continue };
            if remind || !self.said.paths.contains(path) {
                self.say(&Event::FileLeft { path: path.clone(), reason: reason.clone() });
            }
            paths.insert(path.clone());
        }
        self.said.paths = paths;
        if backlog != self.said.backlog || self.left != self.said.left || self.said.changed.is_none() {
            self.said.changed = Some(now);
        }
        self.said.left.clone_from(&self.left);
        (self.said.backlog, self.said.missing) = (backlog, missing);
        if remind {
            self.said.reminded = Some(now);
        }
    }
}

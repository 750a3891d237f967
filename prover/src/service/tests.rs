//! Schedules of an inbox, by the thousand: who delivers, replaces, withdraws and half-writes what, and where a run is
//! killed, is drawn at random. The chain takes no time to prove; all that the service does with files is real.

use std::fs::{self, File};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use enfold_state::block::Block;
use enfold_state::codec;
use enfold_state::profile::ProfileId;
use rand::Rng;

use super::intake::{MOST_AHEAD, clock};
use super::{LIST, Pace, Served, ServiceOptions, serve_chain};
use crate::events::{Event, Observer, ignore};
use crate::files::FileError;
use crate::folders::{CLAIMS, FolderError, Folders, QUEUE};
use crate::options::ProveOptions;
use crate::pipeline::PipelineError;
use crate::queue::Delivered;
use crate::steps::Hook;
use crate::stop::Stop;

mod fake;
mod model;

use fake::FakeChain;
use model::{Model, block};

/// Random schedules.
const SCHEDULES: u64 = 1000;

/// What a killed run ends with.
struct Killed;

/// One schedule: folders, those who use them, and what is known of it.
struct Schedule {
    dir: tempfile::TempDir,
    model: Mutex<Model>,
}

/// Where files are quick to sync, if there is such a place.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let dir = folder();
        let at = |name: &str| dir.path().join(name);
        ["data", "in", "own"].iter().for_each(|name| fs::create_dir(at(name)).unwrap());
        let model = Mutex::new(Model::new(seed, at("in"), at("own")));
        Self { dir, model }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn folders(&self) -> Folders {
        Folders { inbox: self.at("in"), outbox: self.at("out"), rejected: self.at("bad") }
    }

    fn serve(&self, settle: Duration, stop: Option<&'static Stop>) -> Result<Served, PipelineError> {
        let mut chain = FakeChain::open(self.at("data/chain"));
        self.serve_on(&mut chain, settle, stop, &ignore)
    }

    fn serve_on(
        &self,
        chain: &mut FakeChain,
        settle: Duration,
        stop: Option<&'static Stop>,
        observer: Observer<'_>,
    ) -> Result<Served, PipelineError> {
        let options = ServiceOptions {
            profile: ProfileId::Test,
            folders: self.folders(),
            files: vec![("trace", self.at("logs/trace"))],
            once: stop.is_none(),
            prove: ProveOptions { stop, ..ProveOptions::default() },
            pace: Pace { look: Duration::ZERO, settle, ..Pace::default() },
        };
        serve_chain(chain, &self.at("data"), &options, observer)
    }

    /// A run during which the others act between its steps, until it is killed or has nothing to do for a while.
    fn run(self: &Arc<Self>, settle: Duration) {
        let stop: &'static Stop = Box::leak(Box::default());
        let lifetime = {
            let mut model = self.lock();
            if model.rng.gen_bool(0.7) { model.rng.gen_range(1..400) } else { u64::MAX }
        };
        let (steps, idle) = (AtomicU64::new(0), AtomicU64::new(0));
        let schedule = Arc::clone(self);
        let act = move |name: &'static str| {
            let mut model = schedule.lock();
            let step = steps.fetch_add(1, Ordering::SeqCst);
            if step >= lifetime {
                drop(model);
                resume_unwind(Box::new(Killed));
            }
            if model.rng.gen_bool(0.1) {
                model.act();
            }
            if name == "pause" && idle.fetch_add(1, Ordering::SeqCst) > 30 || step > 3000 {
                stop.request();
            }
        };
        Hook(Some(Arc::new(act))).enter();
        let ended = catch_unwind(AssertUnwindSafe(|| self.serve(settle, Some(stop))));
        Hook(None).enter();
        match ended {
            Ok(served) => _ = served.unwrap(),
            Err(panic) if panic.is::<Killed>() => {}
            Err(panic) => resume_unwind(panic),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs of a schedule, and then what must hold.
    fn play(self: &Arc<Self>) {
        let (runs, settle) = {
            let mut model = self.lock();
            // Files are given all the time they need, or none.
            model.patient = model.rng.gen_bool(0.7);
            (
                model.rng.gen_range(1..5),
                if model.patient { Duration::from_secs(3600) } else { Duration::ZERO },
            )
        };
        for _ in 0..runs {
            self.run(settle);
        }
        self.lock().end();
        let served = self.serve(Duration::ZERO, None).unwrap();
        let again = self.serve(Duration::ZERO, None).unwrap();
        assert_eq!((again.proven, again.rejected, again.repeated), (0, 0, 0), "nothing is left");
        assert_eq!((again.waiting, again.missing), (served.waiting, served.missing));
        self.check();
    }
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn nothing_delivered_is_lost_in_any_schedule() {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from).min(8) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= SCHEDULES {
                        break;
                    }
                    let schedule = Arc::new(Schedule::new(seed));
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| schedule.play())) {
                        let text = panic.downcast_ref::<String>().map(String::as_str);
                        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
                        panic!("the schedule of seed {seed}: {text}");
                    }
                }
            });
        }
    });
}

#[test]
fn a_service_waits_for_space_and_one_that_is_to_end_does_not() {
    let schedule = Schedule::new(0);
    schedule.lock().end();
    let short = |times| {
        let chain = FakeChain::open(schedule.at("data/chain"));
        chain.short.store(times, Ordering::SeqCst);
        chain
    };
    let error = schedule.serve_on(&mut short(1), Duration::ZERO, None, &ignore).unwrap_err();
    assert!(matches!(error, PipelineError::File(FileError::Space { expected: 2, got: 1, .. })), "{error}");
    let stop: &'static Stop = Box::leak(Box::default());
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| {
        if matches!(event, Event::Written { .. }) {
            stop.request();
        }
        log.lock().unwrap().push(event.clone());
    };
    let mut chain = short(5);
    let served = schedule.serve_on(&mut chain, Duration::ZERO, Some(stop), &observe).unwrap();
    assert_eq!((served.proven, chain.committed().len()), (1, 1));
    let said = log.into_inner().unwrap();
    assert_eq!(said.iter().filter(|event| matches!(event, Event::SpaceShort { .. })).count(), 1);
}

/// Does something at each step of this name, with the number of the step.
fn at_each(step: &'static str, act: impl Fn(u64) + Send + Sync + 'static) {
    let times = AtomicU64::new(0);
    let act = move |name: &'static str| {
        if name == step {
            act(times.fetch_add(1, Ordering::SeqCst));
        }
    };
    Hook(Some(Arc::new(act))).enter();
}

#[test]
fn a_block_that_is_filled_in_is_proven_as_it_ends() {
    let schedule = Schedule::new(0);
    let path = schedule.at("in/a");
    // Of one length, and whole ones at each step.
    let parts: Vec<_> = (1..5).map(|variant| codec::encode(&block(1, variant)).unwrap()).collect();
    let last = Delivered::read(parts[3].clone()).unwrap().id.digest;
    fs::write(&path, &parts[0]).unwrap();
    at_each("pause", move |n| match parts.get(n as usize + 1) {
        Some(part) => File::options().write(true).open(&path).unwrap().write_all(part).unwrap(),
        None => assert!(n < 100, "it ends"),
    });
    let mut chain = FakeChain::open(schedule.at("data/chain"));
    let hour = Duration::from_secs(3600);
    let served = schedule.serve_on(&mut chain, hour, None, &ignore).unwrap();
    Hook(None).enter();
    assert_eq!((served.proven, served.is_all()), (1, true));
    assert_eq!(chain.committed(), [last]);
}

#[test]
fn a_file_that_grows_for_ever_is_left_and_said() {
    let schedule = Schedule::new(0);
    let path = schedule.at("in/grows");
    fs::write(&path, "no block").unwrap();
    let grow = path.clone();
    at_each("pause", move |n| {
        assert!(n < 100_000, "it ends");
        thread::sleep(Duration::from_millis(1));
        File::options().append(true).open(&grow).unwrap().write_all(b".").unwrap();
    });
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| log.lock().unwrap().push(event.clone());
    let mut chain = FakeChain::open(schedule.at("data/chain"));
    let served = schedule.serve_on(&mut chain, Duration::from_millis(10), None, &observe).unwrap();
    Hook(None).enter();
    // On a machine that stands still for long enough it is taken for what it is.
    assert_eq!(served.unreadable + served.rejected, 1);
    assert!(!served.is_all());
    let log = log.into_inner().unwrap();
    assert!(log.iter().any(|event| matches!(event, Event::FileLeft { path: left, .. } if *left == path)));
}

#[test]
fn a_block_has_a_name_whatever_is_in_the_outbox() {
    let schedule = Schedule::new(0);
    let bytes = codec::encode(&block(1, 0)).unwrap();
    fs::write(schedule.at("in/a"), &bytes).unwrap();
    let name = Delivered::read(bytes.clone()).unwrap().id.name();
    let foreign = ["block-1.bin".to_owned(), name.clone()];
    fs::create_dir(schedule.at("out")).unwrap();
    foreign.iter().for_each(|name| fs::write(schedule.at("out").join(name), "foreign").unwrap());
    assert_eq!(schedule.serve(Duration::ZERO, None).unwrap().proven, 1);
    let text = |name: &str| fs::read(schedule.at("out").join(name)).unwrap();
    foreign.iter().for_each(|name| assert_eq!(text(name), b"foreign"));
    assert_eq!(text(&name.replace(".bin", "-1.bin")), bytes);
    assert!(names(&schedule.at("data/queue")).is_empty());
}

#[test]
fn an_inbox_that_is_made_again_is_taken_again_or_given_up() {
    for taken in [false, true] {
        let schedule = Arc::new(Schedule::new(0));
        let stop: &'static Stop = Box::leak(Box::default());
        let (inbox, folders, data) = (schedule.at("in"), schedule.folders(), schedule.at("data"));
        let other = Folders { outbox: schedule.at("own"), rejected: schedule.at("data"), ..folders };
        let locks = Mutex::new(None);
        at_each("pause", move |n| match n {
            0 => {
                fs::remove_dir_all(&inbox).unwrap();
                fs::create_dir(&inbox).unwrap();
                if taken {
                    *locks.lock().unwrap() = Some(other.lock().unwrap());
                }
            }
            1 => {
                assert!(matches!(other.lock(), Err(FolderError::Used { .. })));
                fs::write(inbox.join("a"), codec::encode(&block(1, 0)).unwrap()).unwrap();
            }
            2..10 if !data.join("chain").exists() => {}
            _ => _ = stop.request(),
        });
        let ended = schedule.serve(Duration::ZERO, Some(stop));
        Hook(None).enter();
        match ended {
            Ok(served) => assert_eq!((served.proven, taken), (1, false)),
            Err(error) => {
                assert!(matches!(error, PipelineError::Folders(FolderError::Used { .. })), "{error}");
                assert!(taken);
            }
        }
    }
}

/// A folder of rejected blocks that is the inbox would feed it for ever.
#[test]
#[cfg(unix)]
fn a_folder_that_becomes_another_ends_a_service() {
    use std::os::unix::fs::symlink;
    for (folder, becomes) in [("bad", "in"), ("bad", "out"), ("out", "in"), ("out", "logs"), ("in", "logs")] {
        let schedule = Arc::new(Schedule::new(0));
        fs::create_dir(schedule.at("logs")).unwrap();
        let (stop, at): (&'static Stop, _) = (Box::leak(Box::default()), Arc::clone(&schedule));
        at_each("pause", move |n| match n {
            0 => {
                fs::write(at.at("in/a"), "no block").unwrap();
                fs::rename(at.at(folder), at.at("aside")).unwrap();
                symlink(at.at(becomes), at.at(folder)).unwrap();
            }
            1..50 => {}
            _ => _ = stop.request(),
        });
        let ended = schedule.serve(Duration::ZERO, Some(stop));
        Hook(None).enter();
        let overlap = matches!(
            ended,
            Err(PipelineError::Folders(FolderError::Same { .. } | FolderError::Within { .. }))
        );
        assert!(overlap, "{folder} becomes {becomes}: {ended:?}");
    }
}

#[test]
fn a_block_is_listed_whatever_becomes_of_the_kept_line() {
    let schedule = Schedule::new(0);
    fs::write(schedule.at("in/a"), codec::encode(&block(1, 0)).unwrap()).unwrap();
    let kept = schedule.at("data/queue/listing.json");
    at_each("commit", move |_| fs::remove_file(&kept).unwrap());
    assert_eq!(schedule.serve(Duration::ZERO, None).unwrap().proven, 1);
    Hook(None).enter();
    let list = fs::read_to_string(schedule.at("out").join(LIST)).unwrap();
    assert!(list.starts_with("{\"number\":1,") && list.lines().count() == 1, "{list}");
}

/// What was no block when it was read, and is one when it is to be rejected.
#[test]
fn a_claim_that_becomes_a_block_is_proven() {
    let schedule = Schedule::new(0);
    fs::write(schedule.at("in/a"), "no block").unwrap();
    let (inbox, whole) = (schedule.at("in"), codec::encode(&block(1, 0)).unwrap());
    // The first look finds it in the inbox, the second where it was claimed, the third asks whether it is still that.
    at_each("look", move |n| {
        if n == 2 {
            let slot = inbox.join(CLAIMS).join(&names(&inbox.join(CLAIMS))[0]);
            fs::write(slot.join("a"), &whole).unwrap();
        }
    });
    let served = schedule.serve(Duration::ZERO, None).unwrap();
    Hook(None).enter();
    assert_eq!((served.proven, served.rejected, served.is_all()), (1, 0, true));
    assert!(names(&schedule.at("bad")).is_empty());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_given_back() {
    let schedule = Schedule::new(0);
    let path = schedule.at("in/a");
    fs::write(&path, "no block").unwrap();
    let theirs = path.clone();
    at_each("claim", move |n| {
        assert_eq!(n, 0);
        fs::remove_file(&theirs).unwrap();
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("notes"), "mine").unwrap();
    });
    let served = schedule.serve(Duration::ZERO, None).unwrap();
    Hook(None).enter();
    assert_eq!((served.rejected, served.is_all()), (0, true), "folders are none of the service's");
    assert!(path.join("notes").exists() && names(&schedule.at("in").join(CLAIMS)).is_empty());
}

/// Its name is taken by then: that is said, and it is given back as soon as the name is free.
#[test]
fn what_cannot_be_given_back_is_said_with_the_reason() {
    let schedule = Schedule::new(0);
    let path = schedule.at("in/a");
    fs::write(&path, "no block").unwrap();
    let (theirs, steps) = (path.clone(), [AtomicU64::new(0), AtomicU64::new(0)]);
    let first = move |at: usize| steps[at].fetch_add(1, Ordering::SeqCst) == 0;
    let act = move |name: &'static str| match name {
        "claim" if first(0) => {
            fs::remove_file(&theirs).unwrap();
            fs::create_dir(&theirs).unwrap();
            fs::write(theirs.join("notes"), "mine").unwrap();
        }
        "claimed" if first(1) => fs::write(&theirs, "no block either").unwrap(),
        _ => {}
    };
    Hook(Some(Arc::new(act))).enter();
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| log.lock().unwrap().push(event.clone());
    let mut chain = FakeChain::open(schedule.at("data/chain"));
    let served = schedule.serve_on(&mut chain, Duration::ZERO, None, &observe).unwrap();
    Hook(None).enter();
    let expected = format!("cannot be put back as {}: ", path.display());
    let said = |event: &Event| match event {
        Event::FileLeft { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    let said: Vec<_> = log.into_inner().unwrap().iter().filter_map(said).collect();
    assert!(!said.is_empty() && said.iter().all(|said| said.starts_with(&expected)), "{said:?}");
    assert_eq!((served.rejected, served.unreadable), (0, 1));
    assert_eq!(fs::read(&path).unwrap(), b"no block either");
    fs::remove_file(&path).unwrap();
    let served = schedule.serve_on(&mut chain, Duration::ZERO, None, &ignore).unwrap();
    assert_eq!((served.rejected, served.is_all()), (0, true));
    assert!(path.join("notes").exists() && names(&schedule.at("in").join(CLAIMS)).is_empty());
}

/// A name that is given to a new file again and again, each of which is a block.
#[test]
fn a_file_that_is_replaced_for_ever_is_said() {
    let schedule = Schedule::new(0);
    let (path, bytes) = (schedule.at("in/a"), codec::encode(&block(1, 0)).unwrap());
    fs::write(&path, &bytes).unwrap();
    let (new, aside) = (path.clone(), schedule.at("aside"));
    at_each("pause", move |n| {
        thread::sleep(Duration::from_millis(1));
        // Each has a number of its own for as long as there is the one before.
        fs::write(aside.with_extension(n.to_string()), &bytes).unwrap();
        fs::rename(aside.with_extension(n.to_string()), &new).unwrap();
    });
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| log.lock().unwrap().push(event.clone());
    let mut chain = FakeChain::open(schedule.at("data/chain"));
    let served = schedule.serve_on(&mut chain, Duration::from_millis(10), None, &observe).unwrap();
    Hook(None).enter();
    assert_eq!((served.proven, served.unreadable, served.is_all()), (0, 1, false));
    let said = |event: &Event| matches!(event, Event::FileLeft { reason, .. } if reason == "keeps changing");
    assert!(log.into_inner().unwrap().iter().any(said));
}

/// What cannot be looked at is not gone.
#[test]
#[cfg(unix)]
fn a_queue_that_is_away_for_a_while_is_kept() {
    let schedule = Arc::new(Schedule::new(0));
    let bytes = |number| codec::encode(&block(number, 0)).unwrap();
    fs::write(schedule.at("in/b"), bytes(2)).unwrap();
    let (stop, at): (&'static Stop, _) = (Box::leak(Box::default()), Arc::clone(&schedule));
    let times = AtomicU64::new(0);
    at_each("pause", move |_| {
        let queued = at.at("data/queue").is_dir() && !names(&at.at("data/queue")).is_empty();
        if !queued && times.load(Ordering::SeqCst) == 0 {
            return;
        }
        match times.fetch_add(1, Ordering::SeqCst) {
            0 => {
                fs::rename(at.at("data/queue"), at.at("data/aside")).unwrap();
                fs::write(at.at("data/queue"), "").unwrap();
            }
            3 => {
                fs::remove_file(at.at("data/queue")).unwrap();
                fs::rename(at.at("data/aside"), at.at("data/queue")).unwrap();
                fs::write(at.at("in/a"), bytes(1)).unwrap();
            }
            30 => _ = stop.request(),
            _ => {}
        }
    });
    let served = schedule.serve(Duration::ZERO, Some(stop)).unwrap();
    Hook(None).enter();
    assert_eq!((served.proven, served.waiting), (2, 0));
}

#[test]
fn a_stop_is_seen_between_files() {
    let schedule = Schedule::new(0);
    let bytes = |number| codec::encode(&block(number, 0)).unwrap();
    (2..30).for_each(|number| fs::write(schedule.at("in").join(number.to_string()), bytes(number)).unwrap());
    for (step, most) in [("look", 0), ("claim", 0), ("release", 1)] {
        let stop: &'static Stop = Box::leak(Box::default());
        at_each(step, |_| _ = stop.request());
        let served = schedule.serve(Duration::ZERO, Some(stop)).unwrap();
        Hook(None).enter();
        assert!(served.stopped);
        let queued = names(&schedule.at("data/queue")).len();
        assert_eq!(queued, 2 * most, "a block and its origin, after {step}");
    }
}

/// Neither is it rejected, nor does another block of its number have to wait for it.
#[test]
fn a_block_whose_time_is_ahead_of_the_clock_waits() {
    let schedule = Schedule::new(0);
    let put = |name: &str, variant, number, time| {
        let block = Block { time, ..block(number, variant) };
        fs::write(schedule.at("in").join(name), codec::encode(&block).unwrap()).unwrap();
    };
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| log.lock().unwrap().push(event.clone());
    let said = || {
        let early = |event: &Event| matches!(event, Event::BlockEarly { .. });
        log.lock().unwrap().drain(..).filter(early).count()
    };
    let mut chain = FakeChain::open(schedule.at("data/chain"));
    put("a", 0, 1, u32::MAX);
    let served = schedule.serve_on(&mut chain, Duration::ZERO, None, &observe).unwrap();
    let early = |event: &Event| match event {
        Event::Backlog(backlog) => Some((backlog.queued, backlog.early)),
        _ => None,
    };
    assert_eq!(log.lock().unwrap().iter().filter_map(early).next_back(), Some((1, 1)));
    assert_eq!(served, Served { early: Some(1), ..Served::default() });
    assert!(!served.is_all());
    assert_eq!((names(&schedule.at("data/queue")).len(), said()), (2, 1), "a block and its origin");
    // Another one comes, and then the first is late.
    put("b", 1, 1, 1);
    let served = schedule.serve_on(&mut chain, Duration::ZERO, None, &observe).unwrap();
    assert_eq!(log.lock().unwrap().iter().filter_map(early).next_back(), Some((0, 0)));
    assert_eq!(served, Served { proven: 1, rejected: 1, ..Served::default() });
    // It is proven as soon as its time has come near enough.
    let soon = clock() + MOST_AHEAD + 2;
    put("c", 0, 2, u32::try_from(soon).unwrap());
    let stop: &'static Stop = Box::leak(Box::default());
    let until = |event: &Event| {
        observe(event);
        if matches!(event, Event::Written { .. }) {
            stop.request();
        }
    };
    said();
    let served = schedule.serve_on(&mut chain, Duration::ZERO, Some(stop), &until).unwrap();
    assert_eq!((served.proven, served.early, said()), (1, None, 1));
    assert!(clock() + MOST_AHEAD >= soon);
}

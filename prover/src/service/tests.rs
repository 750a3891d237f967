//! Schedules of an inbox, by the thousand: who delivers, replaces, withdraws and half-writes what, and where a run is
//! killed, is drawn at random. The chain takes no time to prove; all that the service does with files is real.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use enfold_witness::profile::ProfileId;
use rand::Rng;

use super::{Pace, Served, ServiceOptions, serve_chain};
use crate::events::{Event, Observer, ignore};
use crate::files::FileError;
use crate::folders::{CLAIMS, Folders, QUEUE};
use crate::options::ProveOptions;
use crate::pipeline::PipelineError;
use crate::steps::Hook;
use crate::stop::Stop;

mod fake;
mod model;

use fake::FakeChain;
use model::Model;

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

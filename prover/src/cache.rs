//! The circuits, built once in a process and kept, and their set-ups on disk.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use enfold_circuits::circuit_set::{Circuit, CircuitSet};
use enfold_circuits::recursion::BuildError;
use enfold_state::profile::ProfileId;
use tracing::Span;

use crate::events::{Event, Observer};
use crate::options::Workers;
use crate::plonk::{CircuitCache, Kernels};
use crate::spans;
use crate::stop::Stop;

static TEST: LazyLock<CircuitSet> = LazyLock::new(|| set(ProfileId::Test));
static STANDARD: LazyLock<CircuitSet> = LazyLock::new(|| set(ProfileId::Standard));
static PROVEN: LazyLock<CircuitSet> = LazyLock::new(|| set(ProfileId::Proven));

/// Where set-ups are kept between runs of the program.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Time between two looks whether circuits that another thread builds are there.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Has the set-ups of circuits kept in this folder, so that the next run of the program builds them in a part of the
/// time. Nothing is kept without this call. It has no effect on a profile whose [`circuits`] were asked for, and none after
/// the first; whether it was the first.
pub fn keep_circuits_in(folder: PathBuf) -> bool {
    FOLDER.set(folder).is_ok()
}

/// The circuits of a profile, one set in a process. What proves a block builds those that it needs; see [`build_circuits`].
pub fn circuits(profile: ProfileId) -> &'static CircuitSet {
    match profile {
        ProfileId::Test => &TEST,
        ProfileId::Standard => &STANDARD,
        ProfileId::Proven => &PROVEN,
    }
}

fn set(profile: ProfileId) -> CircuitSet {
    let cache = FOLDER.get().map(CircuitCache::new);
    CircuitSet::on_demand(cache.map_or_else(Kernels::default, Kernels::with_cache), profile)
}

/// Builds circuits that are not built yet, which takes seconds, and says so. Other calls for the same circuits wait for
/// it. Must not be called from several jobs of one thread pool at a time: one would wait for itself.
///
/// # Errors
/// As [`CircuitSet::ensure`].
pub fn build_circuits(
    set: &CircuitSet,
    circuits: impl IntoIterator<Item = Circuit>,
    observer: Observer<'_>,
) -> Result<(), BuildError> {
    told(set, circuits, observer, |circuits| Some(set.ensure(circuits))).map(drop)
}

/// [`build_circuits`] in a thread of its own, which is left behind when a stop is requested: nothing of what it does is
/// needed then. Whether the circuits are there.
///
/// # Errors
/// As [`build_circuits`].
pub(crate) fn build_unless_stopped(
    set: &'static CircuitSet,
    circuits: impl IntoIterator<Item = Circuit>,
    workers: &Workers,
    stop: &'static Stop,
    observer: Observer<'_>,
) -> Result<bool, BuildError> {
    told(set, circuits, observer, |circuits| {
        let (workers, span) = (workers.clone(), Span::current());
        let (here, there) = (circuits.clone(), circuits);
        let build = move || span.in_scope(|| workers.install(|| set.ensure(there)));
        let Ok(thread) = thread::Builder::new().name("circuits".to_owned()).spawn(build) else {
            // Without a thread it cannot be stopped, which is better than not to be built.
            return Some(set.ensure(here));
        };
        while !thread.is_finished() {
            if stop.requested() {
                return None;
            }
            thread::sleep(LOOK_EVERY);
        }
        Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Has those of the circuits built that are missing, with the events of that. `build` gives how many had a set-up on disk,
/// or nothing if it was given up. Whether all are there.
fn told(
    set: &CircuitSet,
    circuits: impl IntoIterator<Item = Circuit>,
    observer: Observer<'_>,
    build: impl FnOnce(Vec<Circuit>) -> Option<Result<usize, BuildError>>,
) -> Result<bool, BuildError> {
    let circuits: Vec<_> = circuits.into_iter().collect();
    let missing = set.missing(circuits.iter().copied()).len();
    if missing == 0 {
        // They may be there as errors.
        return set.ensure(circuits).map(|_| true);
    }
    let (start, profile) = (Instant::now(), set.id());
    observer(&Event::CircuitsStarted { profile, circuits: missing });
    let Some(built) = spans::circuits(profile).in_scope(|| build(circuits)) else { return Ok(false) };
    let (loaded, elapsed) = (built?, start.elapsed());
    observer(&Event::CircuitsReady { profile, circuits: missing, loaded, elapsed });
    Ok(true)
}

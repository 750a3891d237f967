//! The circuits, built once in a process and kept, and their set-ups on disk.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::recursion::BuildError;
use enfold_verifier::verify::PinnedSet;
use enfold_witness::profile::ProfileId;
use tracing::{Span, warn};

use crate::events::{Event, Observer};
use crate::options::Workers;
use crate::plonk::{CircuitCache, Kernels};
use crate::spans;
use crate::stop::Stop;

/// What was built, and how many of the circuits had a set-up on disk.
type Built = Result<(CircuitSet, usize), BuildError>;
type Slot = OnceLock<Built>;

static TEST: Slot = OnceLock::new();
static STANDARD: Slot = OnceLock::new();
static PROVEN: Slot = OnceLock::new();

/// Where set-ups are kept between runs of the program.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Time between two looks whether circuits that another thread builds are there.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Has the set-ups of circuits kept in this folder, so that the next run of the program builds them in a part of the
/// time. Nothing is kept without this call. It has no effect on circuits that are built already, and none after
/// the first; whether it was the first.
pub fn keep_circuits_in(folder: PathBuf) -> bool {
    FOLDER.set(folder).is_ok()
}

/// The circuits of a profile. The first call builds them, which takes seconds; other calls wait for it. Must not be
/// called from several jobs of one thread pool at a time: one would wait for itself.
///
/// # Errors
/// If the profile's parameters do not fit its circuits.
pub fn circuits(profile: ProfileId, observer: Observer<'_>) -> Result<&'static CircuitSet, BuildError> {
    reported(profile, observer, || {
        filled(profile);
        true
    });
    set(profile)
}

/// [`circuits`] in a thread of its own, which is left behind when a stop is requested: nothing of what it does is
/// needed then. `None` if that was so.
///
/// # Errors
/// As [`circuits`].
pub(crate) fn circuits_unless_stopped(
    profile: ProfileId,
    workers: &Workers,
    stop: &'static Stop,
    observer: Observer<'_>,
) -> Result<Option<&'static CircuitSet>, BuildError> {
    let built = reported(profile, observer, || {
        let (workers, span) = (workers.clone(), Span::current());
        let build = move || span.in_scope(|| workers.install(|| _ = filled(profile)));
        let Ok(thread) = thread::Builder::new().name("circuits".to_owned()).spawn(build) else {
            // Without a thread it cannot be stopped, which is better than not to be built.
            filled(profile);
            return true;
        };
        while !thread.is_finished() {
            if stop.requested() {
                return false;
            }
            thread::sleep(LOOK_EVERY);
        }
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        true
    });
    if built { set(profile).map(Some) } else { Ok(None) }
}

/// Has the circuits built by `fill`, unless they are, with the events of that; whether they are built.
fn reported(profile: ProfileId, observer: Observer<'_>, fill: impl FnOnce() -> bool) -> bool {
    if slot(profile).get().is_some() {
        return true;
    }
    let start = Instant::now();
    observer(&Event::CircuitsStarted { profile });
    let built = fill();
    if built {
        let loaded = filled(profile).as_ref().map_or(0, |(_, loaded)| *loaded);
        observer(&Event::CircuitsReady { profile, loaded, elapsed: start.elapsed() });
    }
    built
}

fn set(profile: ProfileId) -> Result<&'static CircuitSet, BuildError> {
    filled(profile).as_ref().map(|(set, _)| set).map_err(Clone::clone)
}

fn slot(profile: ProfileId) -> &'static Slot {
    match profile {
        ProfileId::Test => &TEST,
        ProfileId::Standard => &STANDARD,
        ProfileId::Proven => &PROVEN,
    }
}

/// What is built, now or before.
fn filled(profile: ProfileId) -> &'static Built {
    slot(profile).get_or_init(|| {
        spans::circuits(profile).in_scope(|| build(profile, FOLDER.get().map(CircuitCache::new)))
    })
}

/// Builds the circuits; also how many of them were loaded. What comes out of a cache must be what is pinned.
fn build(profile: ProfileId, cache: Option<CircuitCache>) -> Built {
    let Some(cache) = cache else {
        return Ok((CircuitSet::build_with(&Kernels::default(), profile)?, 0));
    };
    let renewed = cache.renewed();
    let kernels = Kernels::with_cache(cache);
    let set = CircuitSet::build_with(&kernels, profile)?;
    if kernels.loaded() == 0 || set.pinned() == PinnedSet::of(profile) {
        return Ok((set, kernels.loaded()));
    }
    warn!("the cached circuits of profile {profile} are not this program's; rebuilding them");
    drop(set);
    Ok((CircuitSet::build_with(&Kernels::with_cache(renewed), profile)?, 0))
}

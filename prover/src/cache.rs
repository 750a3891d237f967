//! The circuits, built once in a process and kept, and their set-ups on disk.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::recursion::BuildError;
use enfold_circuits::verify::PinnedSet;
use enfold_witness::profile::ProfileId;
use tracing::warn;

use crate::events::{Event, Observer};
use crate::plonk::{CircuitCache, Kernels};
use crate::spans;

type Slot = OnceLock<Result<CircuitSet, BuildError>>;

static TEST: Slot = OnceLock::new();
static STANDARD: Slot = OnceLock::new();

/// Where set-ups are kept between runs of the program.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

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
    let slot = match profile {
        ProfileId::Test => &TEST,
        ProfileId::Standard => &STANDARD,
    };
    let build = || {
        let start = Instant::now();
        observer(&Event::CircuitsStarted { profile });
        let built = spans::circuits(profile).in_scope(|| build(profile, FOLDER.get().map(CircuitCache::new)));
        let loaded = built.as_ref().map_or(0, |(_, loaded)| *loaded);
        observer(&Event::CircuitsReady { profile, loaded, elapsed: start.elapsed() });
        built.map(|(set, _)| set)
    };
    slot.get_or_init(build).as_ref().map_err(Clone::clone)
}

/// Builds the circuits; also how many of them were loaded. What comes out of a cache must be what is pinned.
fn build(profile: ProfileId, cache: Option<CircuitCache>) -> Result<(CircuitSet, usize), BuildError> {
    let Some(cache) = cache else {
        return Ok((CircuitSet::build_with(&Kernels::default(), profile)?, 0));
    };
    let renewed = cache.renewed();
    let kernels = Kernels::with_cache(cache);
    let set = CircuitSet::build_with(&kernels, profile)?;
    if kernels.loaded() == 0 || set.pinned() == PinnedSet::of(profile) {
        return Ok((set, kernels.loaded()));
    }
    warn!("the cache's circuits of profile {profile} are not those of this program; they are built anew");
    drop(set);
    Ok((CircuitSet::build_with(&Kernels::with_cache(renewed), profile)?, 0))
}

//! The circuits, built once in a process and kept.

use std::sync::OnceLock;
use std::time::Instant;

use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::recursion::BuildError;
use enfold_witness::profile::ProfileId;
use tracing::info_span;

use crate::events::{Event, Observer};
use crate::plonk::Kernels;

type Slot = OnceLock<Result<CircuitSet, BuildError>>;

static TEST: Slot = OnceLock::new();
static STANDARD: Slot = OnceLock::new();

/// The circuits of a profile. The first call builds them, which takes seconds to minutes; other calls wait for
/// it. Must not be called from several jobs of one thread pool at a time: one would wait for itself.
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
        let built = info_span!("circuits", profile = profile.name())
            .in_scope(|| CircuitSet::build_with(&Kernels::default(), profile));
        observer(&Event::CircuitsReady { profile, elapsed: start.elapsed() });
        built
    };
    slot.get_or_init(build).as_ref().map_err(Clone::clone)
}

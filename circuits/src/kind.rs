//! What a kind adds to this crate: the targets of a path, its constraints and how it is filled.

use enfold_state::for_each_kind;
use enfold_state::hash::Digest;
use enfold_state::kind::KindId;
use enfold_state::legs::Legs;
use enfold_state::profile::BatchShape;
use enfold_witness::batch::{BatchWitness, Paths};
use plonky2::hash::hash_types::HashOutTarget;

use crate::fill::{Fill, FillError, check_length};
use crate::session::{PositionTargets, Session};

/// A kind's circuits.
pub(crate) trait KindCircuit: Legs {
    /// What a path is in a witness.
    type Path;

    /// The targets of a path.
    type Targets;

    /// Constrains a path with this many slots at a position.
    fn path(session: &mut Session<'_>, position: PositionTargets, slots: usize) -> Opened<Self::Targets>;

    /// Sets a path's targets.
    ///
    /// # Errors
    /// If the path does not fit.
    fn fill(
        targets: &Self::Targets,
        fill: &mut Fill,
        window: u32,
        path: &Self::Path,
        siblings: &[Digest],
    ) -> Result<(), FillError>;
}

/// A path that is constrained, but for the opening of its leaf.
pub(crate) struct Opened<T> {
    pub targets: T,
    pub position: PositionTargets,
    /// What is at the position before the path's first leg.
    pub old: HashOutTarget,
    /// What is there after its last.
    pub new: HashOutTarget,
}

/// Constrains the paths of a batch, each of which opens the window that the one before it left.
fn constrain<K: KindCircuit>(session: &mut Session<'_>, shape: BatchShape) -> Vec<K::Targets> {
    let path = |slots| {
        let position = session.position();
        let Opened { targets, position, old, new } = K::path(session, position, slots);
        session.replace(&position, old, new);
        targets
    };
    shape.legs().map(path).collect()
}

fn fill<K: KindCircuit>(
    targets: &[K::Targets],
    fill: &mut Fill,
    witness: &BatchWitness,
    paths: &[K::Path],
) -> Result<(), FillError> {
    check_length("paths", targets.len(), paths.len())?;
    check_length("paths with siblings", targets.len(), witness.siblings.len())?;
    let mut siblings = witness.siblings.walk();
    targets.iter().zip(paths).try_for_each(|(targets, path)| {
        K::fill(targets, fill, witness.window, path, siblings.step().unwrap_or_default())
    })
}

macro_rules! paths {
    ($($(#[$doc:meta])* $kind:ident($module:ident) = $number:literal, $phase:ident,
        $($(#[$circuit_doc:meta])* $circuit:ident($name:literal, $family:ident))+;)+) => {
        /// Targets of [`Paths`].
        #[derive(Debug)]
        #[allow(private_interfaces, reason = "the targets of a kind are public, what is done with them is not")]
        pub enum PathsTargets {
            $($(#[$doc])* $kind(Vec<<enfold_state::$module::$kind as KindCircuit>::Targets>),)+
        }

        impl PathsTargets {
            /// Constrains the paths of a batch.
            pub(crate) fn constrain(session: &mut Session<'_>, kind: KindId, shape: BatchShape) -> Self {
                match kind {
                    $(KindId::$kind => Self::$kind(constrain::<enfold_state::$module::$kind>(session, shape)),)+
                }
            }

            /// Sets the targets of all paths.
            ///
            /// # Errors
            /// If the witness has paths of another kind, or another number of them.
            pub(crate) fn fill(&self, fill_in: &mut Fill, witness: &BatchWitness) -> Result<(), FillError> {
                match (self, &witness.paths) {
                    $((Self::$kind(targets), Paths::$kind(paths)) => {
                        fill::<enfold_state::$module::$kind>(targets, fill_in, witness, paths)
                    })+
                    _ => Err(FillError::Kind { expected: witness.batch }),
                }
            }
        }
    };
}

for_each_kind!(paths);

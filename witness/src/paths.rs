//! All kinds: the paths of a batch, and what is done for a kind that is known by its number or its paths only.

use enfold_state::for_each_kind;
use enfold_state::kind::KindId;

use crate::kind::BatchKind;

/// A kind of the table.
pub(crate) trait Registered: BatchKind {
    /// The paths of a batch.
    fn wrap(paths: Vec<Self::Path>) -> Paths;
}

/// What is done for a kind that is known by its number only.
pub(crate) trait Visitor {
    type Output;

    fn visit<K: Registered>(self) -> Self::Output;
}

/// What is done with paths, whatever their kind.
pub(crate) trait PathsVisitor {
    type Output;

    fn visit<K: Registered>(self, paths: &[K::Path]) -> Self::Output;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($module:ident) = $number:literal, $phase:ident,
        $($(#[$circuit_doc:meta])* $circuit:ident($name:literal, $family:ident))+;)+) => {
        /// The paths of a batch, in the order in which they are applied.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(private_interfaces, reason = "the paths of a kind are public, what is done with them is not")]
        pub enum Paths {
            $($(#[$doc])* $kind(Vec<<enfold_state::$module::$kind as BatchKind>::Path>),)+
        }

        impl Paths {
            /// The kind that they are of.
            pub const fn kind(&self) -> KindId {
                match self {
                    $(Self::$kind(_) => KindId::$kind,)+
                }
            }

            /// Does something with the paths, whatever their kind.
            pub(crate) fn visit<V: PathsVisitor>(&self, visitor: V) -> V::Output {
                match self {
                    $(Self::$kind(paths) => visitor.visit::<enfold_state::$module::$kind>(paths),)+
                }
            }
        }

        $(impl Registered for enfold_state::$module::$kind {
            fn wrap(paths: Vec<Self::Path>) -> Paths {
                Paths::$kind(paths)
            }
        })+

        /// Does something for a kind.
        pub(crate) fn visit<V: Visitor>(kind: KindId, visitor: V) -> V::Output {
            match kind {
                $(KindId::$kind => visitor.visit::<enfold_state::$module::$kind>(),)+
            }
        }
    };
}

for_each_kind!(kinds);

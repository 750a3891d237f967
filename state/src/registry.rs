//! What is done for a kind that is known by its number only: from the table of kinds to the types that implement them.

use crate::chain::Phase;
use crate::for_each_kind;
use crate::kind::KindId;
use crate::legs::Legs;

/// What is done for a kind.
pub(crate) trait Visitor {
    type Output;

    fn visit<K: Legs>(self) -> Self::Output;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($module:ident) = $number:literal, $phase:ident,
        $($(#[$circuit_doc:meta])* $circuit:ident($name:literal, $family:ident))+;)+) => {
        $(const _: () = assert!(
            <crate::$module::$kind as Legs>::ID as usize == KindId::$kind as usize,
            "a type stands under its own kind"
        );
        const _: () = assert!(
            <crate::$module::$kind as Legs>::ADDRESS.is_some() == matches!(Phase::$phase, Phase::Contract),
            "contracts alone, and all of them, have an address"
        );)+

        /// Does something for a kind.
        pub(crate) fn visit<V: Visitor>(kind: KindId, visitor: V) -> V::Output {
            match kind {
                $(KindId::$kind => visitor.visit::<crate::$module::$kind>(),)+
            }
        }
    };
}

for_each_kind!(kinds);

//! Leaving named constraints out of a circuit that is built, for the test that does so one by one
//! (`circuits/tests/removal`).
//!
//! None of this is in a build without the feature `removal`.

use std::cell::{Cell, RefCell};

use plonky2::iop::target::Target;

/// A copy constraint.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Its name; many have one name.
    pub name: String,
    /// What the place must hold.
    pub value: Target,
    /// Where.
    pub place: Target,
    /// Whether no generator fills the place.
    pub fills: bool,
}

/// What a circuit names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Copy constraints.
    pub copies: Vec<Copy>,
    /// Results of arithmetic operations.
    pub definitions: Vec<(&'static str, Target)>,
}

thread_local! {
    static OPENED: RefCell<Option<Names>> = const { RefCell::new(None) };
    static SCOPE: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Runs `build` with all named copy constraints left out, and lists them.
///
/// # Panics
/// Inside of another call.
pub fn opened<R>(build: impl FnOnce() -> R) -> (R, Names) {
    let previous = OPENED.replace(Some(Names::default()));
    assert!(previous.is_none(), "a circuit is opened inside of another");
    let result = build();
    (result, OPENED.take().expect("was set above"))
}

/// Whether this copy constraint is left out; writes it down then.
pub(crate) fn leaves_out(name: &'static str, value: Target, place: Target, fills: bool) -> bool {
    OPENED.with_borrow_mut(|opened| {
        let Some(names) = opened else { return false };
        let name = match (name, SCOPE.get()) {
            ("permutation: input" | "permutation: swap", None) => "plonky2's hashes".to_owned(),
            ("permutation: input", Some(scope)) => format!("{scope}: input"),
            ("permutation: swap", Some("node")) => "node: bit".to_owned(),
            _ => name.to_owned(),
        };
        names.copies.push(Copy { name, value, place, fills });
        true
    })
}

/// Writes a definition down.
pub(crate) fn defines(name: &'static str, target: Target) {
    OPENED.with_borrow_mut(|opened| {
        if let Some(names) = opened {
            names.definitions.push((name, target));
        }
    });
}

/// While it lives, permutations go by this name.
pub(crate) struct Scope(Option<&'static str>);

impl Scope {
    pub(crate) fn new(name: &'static str) -> Self {
        Self(SCOPE.replace(Some(name)))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        SCOPE.set(self.0);
    }
}

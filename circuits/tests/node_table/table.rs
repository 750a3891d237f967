//! A row of the node table: an inner node that the block touches, before and after the block.

use enfold_circuits::gates::arith::{Arith, RingArith};
use enfold_circuits::gates::poseidon2::Poseidon2Gate;
use enfold_circuits::gates::row::{Constraints, Row, RowGate};
use enfold_state::field::{F, ZERO};
use enfold_state::hash::{DIGEST_LEN, RATE, WIDTH};
use plonky2::field::types::Field;

/// The gate's first S-box input, behind the swap bit and its four differences.
const FIRST_SBOX: usize = Poseidon2Gate::SWAP + 1 + DIGEST_LEN;
/// S-box inputs of a permutation that have a column.
pub const SBOXES: usize = Poseidon2Gate::WIRES - FIRST_SBOX;

/// The elements of a digest.
pub type Word<V> = [V; DIGEST_LEN];

/// Columns of one permutation: a node over its children.
#[derive(Clone, Copy, Debug)]
pub struct Version<V> {
    pub children: [Word<V>; 2],
    pub parent: Word<V>,
    pub sboxes: [V; SBOXES],
}

/// All columns of a row.
#[derive(Clone, Copy, Debug)]
pub struct NodeRow<V> {
    /// Whether it counts.
    pub live: V,
    /// Which of the children the block touches.
    pub touched: [V; 2],
    /// Levels above the leaves, and position on that level.
    pub level: V,
    pub position: V,
    /// Before and after the block.
    pub versions: [Version<V>; 2],
}

const _: () = assert!(size_of::<NodeRow<F>>() == 241 * size_of::<F>(), "columns, as the page says");

/// Values that must be zero, with what is required by it.
pub struct Values<V>(pub Vec<(&'static str, V)>);

impl<V> Constraints<V> for Values<V> {
    fn zero(&mut self, name: &'static str, value: V) {
        self.0.push((name, value));
    }
}

/// The constraints of a row.
pub fn constrain<A: Arith>(a: &mut A, row: &NodeRow<A::V>, out: &mut impl Constraints<A::V>) {
    let one = a.constant(Field::ONE);
    out.zero("live is boolean", a.boolean(row.live));
    let untouched = row.touched.map(|touched| {
        out.zero("touched is boolean", a.boolean(touched));
        a.sub(one, touched)
    });
    let [old, new] = row.versions.each_ref().map(|version| version.children);
    for (side, untouched) in untouched.into_iter().enumerate() {
        for (old, new) in old[side].into_iter().zip(new[side]) {
            let change = a.sub(old, new);
            out.zero("an untouched child stays", a.mul(untouched, change));
        }
    }
    let nothing = a.mul(untouched[0], untouched[1]);
    out.zero("a live row has a touched child", a.mul(row.live, nothing));
    for (version, parent) in row.versions.iter().zip(["old parent", "new parent"]) {
        for (i, value) in permutation(a, version).into_iter().enumerate() {
            out.zero(if i < SBOXES { "S-box input" } else { parent }, value);
        }
    }
}

/// What the S-box inputs and then the parent lack, each by the columns before it: the gate's constraints.
pub fn permutation<A: Arith>(a: &mut A, version: &Version<A::V>) -> Vec<A::V> {
    let (zero, mut values) = (a.constant(Field::ZERO), Values(Vec::new()));
    Poseidon2Gate::constraints(a, &Permuted { version, zero }, &mut values);
    // Swap and its differences are zero here, and of the outputs the first four are the digest.
    let kept = values.0.into_iter().filter(|(name, _)| ["S-box input", "output"].contains(name));
    kept.map(|(_, value)| value).take(SBOXES + DIGEST_LEN).collect()
}

/// A version as a row of the gate: not swapped, and of capacity zero.
struct Permuted<'a, V> {
    version: &'a Version<V>,
    zero: V,
}

impl<V: Copy> Row<V> for Permuted<'_, V> {
    fn wire(&self, column: usize) -> V {
        const DIGEST_END: usize = WIDTH + DIGEST_LEN;
        match column {
            ..RATE => self.version.children.as_flattened()[column],
            WIDTH..DIGEST_END => self.version.parent[column - WIDTH],
            FIRST_SBOX.. => self.version.sboxes[column - FIRST_SBOX],
            _ => self.zero,
        }
    }

    fn constant(&self, _: usize) -> V {
        unreachable!("the gate has no constant")
    }
}

impl Version<F> {
    /// The node over these children. A column depends on those of earlier rounds alone, so each turn settles a round.
    pub fn new(children: [Word<F>; 2]) -> Self {
        let mut version = Self { children, parent: [ZERO; DIGEST_LEN], sboxes: [ZERO; SBOXES] };
        loop {
            let lacks = permutation(&mut RingArith::default(), &version);
            if lacks.iter().all(|&lack| lack == ZERO) {
                return version;
            }
            let columns = version.sboxes.iter_mut().chain(&mut version.parent);
            columns.zip(lacks).for_each(|(column, lack)| *column += lack);
        }
    }
}

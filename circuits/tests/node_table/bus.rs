//! A block: node rows and leaf lanes, which meet on the bus, and the roots between which they lead.

use std::collections::{BTreeMap, BTreeSet};

use enfold_circuits::gates::arith::RingArith;
use enfold_state::chain::{Quadratic, quadratic_mul};
use enfold_state::field::{F, ONE, ZERO, from_u32, reduce};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Leaf, TREE_DEPTH};
use enfold_state::tree::Tree;
use enfold_witness::logup::{Challenges, add, batch_inverse, subtract};
use rand::Rng;

use crate::table::{NodeRow, Values, Version, Word, constrain};

/// What is sent for a node, without its tag: level, position, digests before and after the block.
type Tuple = [F; 10];

/// What a leaf proof says of a leaf, before and after the block. No record is an empty position.
#[derive(Clone, Debug)]
pub struct Lane {
    pub position: u32,
    pub records: [Option<Leaf>; 2],
    pub digests: [Word<F>; 2],
}

fn digest(record: Option<Leaf>) -> Word<F> {
    record.map_or(Digest::ZERO, |leaf| leaf.digest()).0
}

impl Lane {
    pub fn new(position: u32, records: [Option<Leaf>; 2]) -> Self {
        Self { position, records, digests: records.map(digest) }
    }
}

#[derive(Clone, Debug)]
pub struct Block {
    pub rows: Vec<NodeRow<F>>,
    pub lanes: Vec<Lane>,
    pub roots: [Word<F>; 2],
}

impl Block {
    /// The rows over the nodes of a level that the lanes are for, each node once, and the roots that they come to.
    pub fn new(tree: &Tree, level: usize, lanes: Vec<Lane>) -> Self {
        let mut touched: BTreeMap<_, _> = lanes.iter().map(|lane| (lane.position, lane.digests)).collect();
        let mut rows = Vec::new();
        for level in level..TREE_DEPTH {
            let row = |&position: &u32| {
                let at = [0, 1u32].map(|side| position << 1 | side);
                let nodes = at.map(|at| touched.get(&at).copied().unwrap_or([tree.node(level, at).0; 2]));
                NodeRow {
                    live: ONE,
                    touched: at.map(|at| from_u32(touched.contains_key(&at).into())),
                    level: from_u32(level as u32 + 1),
                    position: from_u32(position),
                    versions: [0, 1].map(|version| Version::new(nodes.map(|node| node[version]))),
                }
            };
            let parents: BTreeSet<_> = touched.keys().map(|position| position >> 1).collect();
            let above: Vec<_> = parents.iter().map(row).collect();
            let digests = above.iter().map(|row| row.versions.map(|version| version.parent));
            touched = parents.into_iter().zip(digests).collect();
            rows.extend(above);
        }
        Self { rows, lanes, roots: touched[&0] }
    }

    pub fn row(&mut self, level: u32, position: u32) -> &mut NodeRow<F> {
        let at = [level, position].map(from_u32);
        self.rows.iter_mut().find(|row| [row.level, row.position] == at).expect("the node is touched")
    }

    /// All tuples with their weights: those that are sent count plus, those that are taken minus.
    fn tuples(&self) -> impl Iterator<Item = (F, Tuple)> {
        let tuple = |level, position, [old, new]: [Word<F>; 2]| {
            let mut elements = [level, position].into_iter().chain(old).chain(new);
            std::array::from_fn(|_| elements.next().expect("ten elements"))
        };
        let of_row = move |row: &NodeRow<F>| {
            let [old, new] = row.versions;
            let parent = (row.live, tuple(row.level, row.position, [old.parent, new.parent]));
            let child = |side: usize| {
                let position = row.position + row.position + from_u32(side as u32);
                let node = tuple(row.level - ONE, position, [old.children[side], new.children[side]]);
                (-row.live * row.touched[side], node)
            };
            [parent, child(0), child(1)]
        };
        let of_lane = move |lane: &Lane| (ONE, tuple(ZERO, from_u32(lane.position), lane.digests));
        let root = (-ONE, tuple(from_u32(TREE_DEPTH as u32), ZERO, self.roots));
        self.rows.iter().flat_map(of_row).chain(self.lanes.iter().map(of_lane)).chain([root])
    }

    /// The bus' sum. Elements of tuples that are off are not sent.
    pub fn sum(&self, &Challenges { alpha, gamma }: &Challenges, off: &[&str]) -> Quadratic {
        let kept = ["level", "position"].map(|name| from_u32((!off.contains(&name)).into()));
        let denominator = |(weight, mut tuple): (F, Tuple)| {
            tuple.iter_mut().zip(kept).for_each(|(element, kept)| *element *= kept);
            let horner = |sum, &element| add(quadratic_mul(sum, alpha), [element, ZERO]);
            (weight, subtract(gamma, tuple.iter().rev().fold([ZERO; 2], horner)))
        };
        let (weights, denominators): (Vec<_>, Vec<_>) = self.tuples().map(denominator).unzip();
        let inverses = batch_inverse(&denominators).expect("no tuple is at gamma");
        inverses.iter().zip(weights).fold([ZERO; 2], |sum, (term, w)| add(sum, term.map(|part| w * part)))
    }

    /// The checks that it breaks, of those that are not off, with random challenges.
    pub fn broken(&self, off: &[&'static str]) -> BTreeSet<&'static str> {
        let mut values = Values(Vec::new());
        self.rows.iter().for_each(|row| constrain(&mut RingArith::default(), row, &mut values));
        let rows = values.0.into_iter().filter(|&(_, value)| value != ZERO).map(|(name, _)| name);
        let hashed = self.lanes.iter().all(|lane| lane.digests == lane.records.map(digest));
        let balanced = self.sum(&challenges(), off) == [ZERO; 2];
        let others = [("a lane hashes its records", hashed), ("balance", balanced)];
        let others = others.into_iter().filter(|&(_, holds)| !holds).map(|(name, _)| name);
        rows.chain(others).filter(|name| !off.contains(name)).collect()
    }
}

/// Random challenges.
pub fn challenges() -> Challenges {
    let [alpha, gamma] = std::array::from_fn(|_| [(); 2].map(|()| reduce(rand::thread_rng().r#gen())));
    Challenges { alpha, gamma }
}

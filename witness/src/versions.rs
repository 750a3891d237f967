//! All versions of the tree's nodes that a block passes through: values first, hashes later.
//!
//! What each leaf becomes, and in which order, is known before any node is hashed. So the tree is not updated leaf
//! after leaf; it is hashed level after level, all versions of a level at once.
//!
//! Nobody asks for every version. The updates come in groups, the batches; roots are wanted between groups, and inside
//! a group only the siblings on each leaf's path. So consecutive updates of a group below one node are a **run**: they
//! touch nothing but what is below the node, and only the version that the last of them makes can ever be a sibling
//! or lead to a root. Each run is hashed once. A batch's updates are sorted by leaf, so its runs are about as many as
//! the nodes that it touches. The first update of a run has a new sibling on that level; the others have the
//! same. A sibling is the version that the last earlier run below the sibling made, or the node from before the block.
//! One scan for each level finds those runs; it hashes nothing.

use std::ops::Range;

use enfold_state::hash::Digest;
use enfold_state::hash::batch::nodes_into;
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_state::tree::{Tree, TreeUpdate};
use rayon::prelude::*;

/// A leaf gets a new digest.
pub type Update = (LeafIndex, Digest);

/// No run.
const NONE: u32 = u32::MAX;

/// The versions that a list of updates makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// For each level but the root's, for each of its runs: the sibling of the node.
    siblings: Vec<Vec<Digest>>,
    /// For each update: on how many levels, from the leaves' up, a run ends with it.
    heights: Vec<u8>,
    /// The groups.
    groups: Vec<Group>,
    /// Root before the first update.
    start: Digest,
    /// Nodes hashed.
    hashes: usize,
    /// The last version of each node.
    last: TreeUpdate,
}

/// A group of updates.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    /// Number of the first update.
    start: usize,
    /// Number of the first run on each level.
    runs: [u32; TREE_DEPTH],
    /// Root after the last update.
    root: Digest,
}

impl Versions {
    /// Computes the versions of a tree's nodes under the updates, which are applied in their order. `groups` are the
    /// numbers of updates of each group.
    ///
    /// # Panics
    /// If an index is not below `2^TREE_DEPTH`, the groups do not add up, or there are `2^32 - 1` updates or more.
    pub fn new(tree: &Tree, updates: &[Update], groups: &[usize]) -> Self {
        assert!(updates.iter().all(|(index, _)| index.0 >> TREE_DEPTH == 0), "leaf indices lie in the tree");
        assert_eq!(groups.iter().sum::<usize>(), updates.len(), "groups hold all updates");
        assert!(updates.len() < NONE as usize, "updates are numbered by 32 bits");
        let heights = heights(updates, groups);
        let mut runs = Runs::new(updates, &heights);
        let mut siblings = Vec::with_capacity(TREE_DEPTH);
        let mut last = Vec::with_capacity(TREE_DEPTH + 1);
        let mut hashes = 0;
        for level in 0..TREE_DEPTH {
            let Climbed { above, siblings: sibling, last: nodes } = runs.climb(tree, level, &heights);
            runs = above;
            siblings.push(sibling);
            last.push(nodes);
            hashes += runs.digests.len();
        }
        last.push(runs.digests.last().map(|&root| (0, root)).into_iter().collect());
        let groups = lay_out(tree.root(), groups, &heights, &runs.digests);
        Self { siblings, heights, groups, start: tree.root(), hashes, last: TreeUpdate::from_levels(last) }
    }

    /// Number of updates.
    pub fn len(&self) -> usize {
        self.heights.len()
    }

    /// Whether there is no update.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of nodes that were hashed.
    pub fn hashes(&self) -> usize {
        self.hashes
    }

    /// The tree's nodes after all updates, as [`Tree::update`] would give them; nothing is hashed for it.
    pub fn update(&self) -> &TreeUpdate {
        &self.last
    }

    /// The root after the first `count` groups.
    ///
    /// # Panics
    /// If `count` is greater than the number of groups.
    pub fn root_after(&self, count: usize) -> Digest {
        count.checked_sub(1).map_or(self.start, |group| self.groups[group].root)
    }

    /// Siblings below `depth` that are new to a group's paths: of the first path all, of each other one those of the
    /// levels where a run ends before it.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn fresh(&self, group: usize, depth: usize) -> usize {
        let range = self.updates_of(group);
        let ends = self.heights[range].split_last().map_or(&[][..], |(_, ends)| ends);
        depth + ends.iter().map(|&height| depth.min(height.into())).sum::<usize>()
    }

    fn updates_of(&self, group: usize) -> Range<usize> {
        let end = self.groups.get(group + 1).map_or(self.len(), |next| next.start);
        self.groups[group].start..end
    }

    /// The paths of a group's updates, in their order.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn paths(&self, group: usize) -> Walk<'_> {
        let Group { runs, .. } = self.groups[group];
        let Range { start, end } = self.updates_of(group);
        let (path, fresh) = ([Digest::ZERO; TREE_DEPTH], TREE_DEPTH);
        Walk { versions: self, next: start, end, runs, path, fresh }
    }
}

/// A walk along the updates of a group.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    versions: &'a Versions,
    next: usize,
    end: usize,
    /// On each level the next run.
    runs: [u32; TREE_DEPTH],
    path: [Digest; TREE_DEPTH],
    /// On how many levels the next update starts a run.
    fresh: usize,
}

impl Walk<'_> {
    /// The siblings on the way from the next update's leaf to the root at that moment, lowest first, and below which level
    /// they can differ from those of the update before. An update leaves its own siblings as they are, so they are
    /// the same before and after it. `None` after the last update.
    pub fn step(&mut self) -> Option<(&[Digest; TREE_DEPTH], usize)> {
        if self.next == self.end {
            return None;
        }
        let levels = self.path.iter_mut().zip(&mut self.runs).zip(&self.versions.siblings);
        for ((sibling, run), level) in levels.take(self.fresh) {
            *sibling = level[*run as usize];
            *run += 1;
        }
        let height = TREE_DEPTH.min(self.versions.heights[self.next].into());
        let fresh = std::mem::replace(&mut self.fresh, height);
        self.next += 1;
        Some((&self.path, fresh))
    }
}

/// On how many levels a run ends with each update: with the last of a group on all of them, the root's too; with
/// another on those where the next update is below another node.
fn heights(updates: &[Update], groups: &[usize]) -> Vec<u8> {
    let differ = |pair: &[Update]| (u32::BITS - (pair[0].0.0 ^ pair[1].0.0).leading_zeros()) as u8;
    let mut heights: Vec<u8> = updates.windows(2).map(differ).collect();
    heights.resize(updates.len(), 0);
    let mut end = 0;
    for &group in groups {
        end += group;
        if group > 0 {
            heights[end - 1] = TREE_DEPTH as u8 + 1;
        }
    }
    heights
}

/// The groups' first runs and last roots.
fn lay_out(start: Digest, groups: &[usize], heights: &[u8], mut roots: &[Digest]) -> Vec<Group> {
    let (mut at, mut runs, mut root) = (0, [0; TREE_DEPTH], start);
    let lay_out = |&length: &usize| {
        let first = (at, runs);
        let mut ends = [0; TREE_DEPTH + 2];
        heights[at..at + length].iter().for_each(|&height| ends[usize::from(height)] += 1);
        // On a level runs end with the updates that are higher.
        let mut higher = ends[TREE_DEPTH + 1];
        for (run, here) in runs.iter_mut().zip(&ends[1..=TREE_DEPTH]).rev() {
            higher += here;
            *run += higher;
        }
        at += length;
        if length > 0
            && let Some((&after, rest)) = roots.split_first()
        {
            (root, roots) = (after, rest);
        }
        Group { start: first.0, runs: first.1, root }
    };
    groups.iter().map(lay_out).collect()
}

/// What the runs of a level lead to.
struct Climbed {
    /// The runs of the level above.
    above: Runs,
    /// For each run its node's sibling at that moment.
    siblings: Vec<Digest>,
    /// The last version of each node, by position.
    last: Vec<(u32, Digest)>,
}

/// The runs of one level, in their order.
struct Runs {
    /// Positions of the nodes that have runs, increasing.
    positions: Vec<u32>,
    /// For each run the number of its node.
    slots: Vec<u32>,
    /// For each run its last update.
    ends: Vec<u32>,
    /// For each run the version that it makes.
    digests: Vec<Digest>,
}

impl Runs {
    /// The leaves'.
    fn new(updates: &[Update], heights: &[u8]) -> Self {
        let ends: Vec<u32> =
            (0..).zip(heights).filter(|&(_, &height)| height > 0).map(|(end, _)| end).collect();
        // Sorted by position, the runs of a node are next to each other. The lower half of a number is the run. A group is
        // sorted, mostly, which this sort makes use of.
        let key = |(run, &end): (usize, &u32)| (u64::from(updates[end as usize].0.0) << 32) | run as u64;
        let mut sorted: Vec<u64> = ends.par_iter().enumerate().map(key).collect();
        sorted.par_sort();
        let mut positions: Vec<u32> = Vec::with_capacity(sorted.len());
        let mut slots = vec![0; sorted.len()];
        for key in sorted {
            let (position, run) = ((key >> 32) as u32, key as u32);
            if positions.last() != Some(&position) {
                positions.push(position);
            }
            slots[run as usize] = positions.len() as u32 - 1;
        }
        let digests = ends.par_iter().map(|&end| updates[end as usize].1).collect();
        Self { positions, slots, ends, digests }
    }

    /// Position of a run's node.
    fn position(&self, run: usize) -> u32 {
        self.positions[self.slots[run] as usize]
    }

    /// The runs of the level above, and what these leave behind.
    fn climb(self, tree: &Tree, level: usize, heights: &[u8]) -> Climbed {
        let (siblings, last) = self.siblings(tree, level);
        let (positions, parents) = self.parents();
        // A run above ends where this one ends, if it is high enough, and makes its version from this one's.
        let high = |&run: &usize| usize::from(heights[self.ends[run] as usize]) > level + 1;
        let runs = (0..self.ends.len()).into_par_iter().with_min_len(1 << 13);
        let kept: Vec<usize> = runs.filter(high).collect();
        let kept_runs = || kept.par_iter().with_min_len(1 << 12);
        let slots = kept_runs().map(|&run| parents[self.slots[run] as usize]).collect();
        let ends = kept_runs().map(|&run| self.ends[run]).collect();
        let mut digests = vec![Digest::ZERO; kept.len()];
        nodes_into(&mut digests, |at| {
            let run = kept[at];
            let (this, other) = (self.digests[run], siblings[run]);
            if self.position(run) & 1 == 0 { [this, other] } else { [other, this] }
        });
        Climbed { above: Self { positions, slots, ends, digests }, siblings, last }
    }

    /// For each run its node's sibling at that moment, and the last version of each node.
    fn siblings(&self, tree: &Tree, level: usize) -> (Vec<Digest>, Vec<(u32, Digest)>) {
        let twin = |slot: usize| {
            let wanted = self.positions[slot] ^ 1;
            let beside = if wanted > self.positions[slot] { slot + 1 } else { slot.wrapping_sub(1) };
            if self.positions.get(beside) == Some(&wanted) { beside as u32 } else { NONE }
        };
        let twins: Vec<u32> =
            (0..self.positions.len()).into_par_iter().with_min_len(1 << 12).map(twin).collect();
        let mut last = vec![NONE; self.positions.len()];
        let scan = |(run, &slot): (u32, &u32)| {
            last[slot as usize] = run;
            last.get(twins[slot as usize] as usize).copied().unwrap_or(NONE)
        };
        let writers: Vec<u32> = (0..).zip(&self.slots).map(scan).collect();
        let sibling = |(run, &writer): (usize, &u32)| match self.digests.get(writer as usize) {
            Some(&version) => version,
            None => tree.node(level, self.position(run) ^ 1),
        };
        let siblings = writers.par_iter().enumerate().with_min_len(1 << 10).map(sibling).collect();
        let nodes = self.positions.par_iter().zip(&last).with_min_len(1 << 12);
        let nodes = nodes.map(|(&position, &run)| (position, self.digests[run as usize])).collect();
        (siblings, nodes)
    }

    /// The nodes above, and for each node here the number of the one above it.
    fn parents(&self) -> (Vec<u32>, Vec<u32>) {
        let mut above: Vec<u32> = Vec::with_capacity(self.positions.len());
        let mut parents = Vec::with_capacity(self.positions.len());
        for position in &self.positions {
            if above.last() != Some(&(position >> 1)) {
                above.push(position >> 1);
            }
            parents.push(above.len() as u32 - 1);
        }
        (above, parents)
    }
}

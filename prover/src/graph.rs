//! Which proofs a block needs, and which of them each one needs.
//!
//! Batches are lifted in groups: those of one family that follow one another, since a lift proof takes no others. Lift proofs are folded in a tree of the least depth that has the fewest fold
//! proofs among those, until they are no more than the block proof takes: where they are no more from the start, there is
//! no fold proof. All groups are full but at the lowest level, where the first groups are folded and the last lift proofs
//! go one level up as they are. So what is finished last has the shortest way to the root.

use std::ops::Range;

use enfold_circuits::params::Params;
use enfold_state::kind::{FamilyId, PerFamily};
use enfold_state::profile::BatchId;

use crate::job::Job;

/// Most proofs that a proof of each stage takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arities {
    pub lift: PerFamily<usize>,
    pub fold: usize,
    pub block: usize,
}

impl From<&Params> for Arities {
    fn from(params: &Params) -> Self {
        Self {
            lift: PerFamily::from_fn(|family| params.families[family].lift_arity),
            fold: params.fold_arity,
            block: params.block_arity,
        }
    }
}

/// A proof to be made and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub job: Job,
    /// The nodes whose proofs it takes, in order. They stand before it.
    pub children: Vec<usize>,
    /// The node that takes its proof; `None` for the block proof.
    pub parent: Option<usize>,
    /// Proofs below it, on the longest way.
    pub height: usize,
    /// The batches that it stands for.
    pub batches: Range<usize>,
}

/// All proofs of a block. The last node is the block proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    pub lifts: usize,
    pub folds: usize,
}

impl Graph {
    /// The proofs for these batches.
    ///
    /// # Panics
    /// If there is no batch, or an arity is less than 1 for lift and block or 2 for fold.
    pub fn new(batches: &[BatchId], arities: Arities) -> Self {
        assert!(!batches.is_empty(), "a block has a batch");
        let Arities { lift, fold, block } = arities;
        assert!(
            lift.values().iter().all(|&lift| lift >= 1) && fold >= 2 && block >= 1,
            "a tree gets narrower"
        );
        let mut graph = Self { nodes: Vec::new(), lifts: 0, folds: 0 };
        for (number, &batch) in batches.iter().enumerate() {
            graph.add(Job::Batch { number, batch }, &[]);
        }
        let (mut lifts, mut first) = (Vec::new(), 0);
        for run in batches.chunk_by(|a, b| a.family() == b.family()) {
            let (family, leaves) = (run[0].family(), first..first + run.len());
            first = leaves.end;
            let groups = leaves.clone().step_by(lift[family]);
            lifts.extend(groups.map(|group| {
                let group: Vec<_> = (group..leaves.end.min(group + lift[family])).collect();
                graph.lift(family, &group)
            }));
        }
        let mut level = graph.lowest_folds(&lifts, arities);
        while level.len() > block {
            level = level.chunks(fold).map(|group| graph.fold(group)).collect();
        }
        graph.add(Job::Block, &level);
        graph
    }

    /// Folds as many of the first lift proofs as it takes to make the rest fill a tree: block's arity times a power of
    /// fold's. If block takes them all, none.
    fn lowest_folds(&mut self, lifts: &[usize], arities: Arities) -> Vec<usize> {
        let arity = arities.fold;
        let mut places = arities.block;
        while places * arity < lifts.len() {
            places *= arity;
        }
        let Some(more) = lifts.len().checked_sub(places) else { return lifts.to_vec() };
        let folds = more.div_ceil(arity - 1);
        let (folded, rest) = lifts.split_at(lifts.len() - (places - folds));
        let mut level: Vec<_> = folded.chunks(arity).map(|group| self.fold(group)).collect();
        level.extend(rest);
        level
    }

    fn lift(&mut self, family: FamilyId, group: &[usize]) -> usize {
        self.lifts += 1;
        self.add(Job::Lift { number: self.lifts - 1, family }, group)
    }

    fn fold(&mut self, group: &[usize]) -> usize {
        self.folds += 1;
        self.add(Job::Fold { number: self.folds - 1 }, group)
    }

    fn add(&mut self, job: Job, children: &[usize]) -> usize {
        let node = self.nodes.len();
        children.iter().for_each(|&child| self.nodes[child].parent = Some(node));
        let height = children.iter().map(|&child| self.nodes[child].height + 1).max().unwrap_or(0);
        let batches = match (job, children) {
            (Job::Batch { number, .. }, _) => number..number + 1,
            (_, [first, .., last]) => self.nodes[*first].batches.start..self.nodes[*last].batches.end,
            (_, [only]) => self.nodes[*only].batches.clone(),
            (_, []) => 0..0,
        };
        self.nodes.push(Node { job, children: children.to_vec(), parent: None, height, batches });
        node
    }

    /// The nodes that have to be made where some are there already, in order: those that the block proof is made
    /// of, and not what is below one that is there.
    pub fn to_make(&self, there: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut needed = vec![false; self.nodes.len()];
        let mut to_make = Vec::new();
        for node in (0..self.nodes.len()).rev() {
            let parent = self.nodes[node].parent;
            needed[node] = parent.is_none_or(|parent| needed[parent]) && !there(node);
            if needed[node] {
                to_make.push(node);
            }
        }
        to_make.reverse();
        to_make
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::profile::{ProfileId, Tree};

    use super::*;

    /// Those of the test profile.
    const ARITIES: Arities = Arities { lift: PerFamily::new([3, 4]), fold: 3, block: 2 };

    /// The batches below a node, in order.
    fn batches(graph: &Graph, node: usize) -> Vec<usize> {
        match graph.nodes[node].job {
            Job::Batch { number, .. } => vec![number],
            _ => graph.nodes[node].children.iter().flat_map(|&child| batches(graph, child)).collect(),
        }
    }

    fn check(ids: &[BatchId], arities: Arities) {
        let (graph, count) = (Graph::new(ids, arities), ids.len());
        let root = graph.nodes.len() - 1;
        assert_eq!(graph.nodes[root].job, Job::Block);
        assert_eq!(batches(&graph, root), (0..count).collect::<Vec<_>>(), "every batch once, in order");
        assert_eq!(graph.to_make(|_| false), (0..graph.nodes.len()).collect::<Vec<_>>());
        for (i, node) in graph.nodes.iter().enumerate() {
            assert_eq!(batches(&graph, i), node.batches.clone().collect::<Vec<_>>());
            let kinds: Vec<_> =
                node.children.iter().map(|&child| graph.nodes[child].job.stage().name()).collect();
            let allowed: (usize, &[&str]) = match node.job {
                Job::Batch { .. } => (0, &[]),
                Job::Lift { family, .. } => {
                    assert!(node.batches.clone().all(|batch| ids[batch].family() == family));
                    (arities.lift[family], &["batch"])
                }
                Job::Fold { .. } => (arities.fold, &["lift", "fold"]),
                Job::Block => (arities.block, &["lift", "fold"]),
            };
            assert!(kinds.len() <= allowed.0 && kinds.iter().all(|kind| allowed.1.contains(kind)));
            assert_eq!(kinds.is_empty(), allowed.0 == 0);
            assert!(node.children.iter().all(|&child| child < i && graph.nodes[child].parent == Some(i)));
            assert_eq!(node.parent.is_none(), i == root);
        }
        // The fewest proofs, and the least depth.
        let Arities { lift, fold, block } = arities;
        let tree = ProfileId::Test.profile().tree;
        let tree = Tree { lift_arity: lift, fold_arity: fold, block_arity: block, ..tree };
        let lifts = tree.lifts(ids.iter().map(|batch| batch.family()));
        assert_eq!((graph.lifts, graph.folds), (lifts, tree.folds(lifts)), "{count} {arities:?}");
        let mut depth = 0;
        while arities.block * arities.fold.pow(depth) < lifts {
            depth += 1;
        }
        assert_eq!(graph.nodes[root].height, depth as usize + 2);
    }

    #[test]
    fn trees_are_ordered_shallow_and_small() {
        for count in 1..80 {
            for (lift, fold) in [(1, 2), (3, 3), (2, 4), (5, 5), (6, 6)] {
                for block in [1, 2, 3] {
                    let arities = Arities { lift: PerFamily::new([lift, lift + 1]), fold, block };
                    check(&vec![BatchId::DebitWide; count], arities);
                    check(&vec![BatchId::CreditSmall; count], arities);
                    let mixed = |at| if at % 7 < 4 { BatchId::DebitWide } else { BatchId::DebitSmall };
                    check(&(0..count).map(mixed).collect::<Vec<_>>(), arities);
                }
            }
        }
    }

    #[test]
    fn nothing_is_made_below_what_is_there() {
        let graph = Graph::new(&[BatchId::DebitWide; 11], ARITIES);
        let jobs = |there: &[Job]| -> Vec<String> {
            let to_make = graph.to_make(|node| there.contains(&graph.nodes[node].job));
            to_make.iter().map(|&node| graph.nodes[node].job.to_string()).collect()
        };
        let batch = |number| Job::Batch { number, batch: BatchId::DebitWide };
        let (lift, fold) = (|number| Job::Lift { number, family: FamilyId::Large }, Job::Fold { number: 0 });
        assert!(jobs(&[Job::Block]).is_empty());
        assert_eq!(jobs(&[fold, lift(3)]), ["block"]);
        assert_eq!(
            jobs(&[lift(0), lift(1), lift(3), batch(6), batch(7)]),
            ["batch 8 (debit_wide)", "lift 2", "fold 0", "block"]
        );
        let three = jobs(&[lift(0), lift(2), batch(3), batch(5), lift(3)]);
        assert_eq!(three, ["batch 4 (debit_wide)", "lift 1", "fold 0", "block"]);
        assert_eq!(jobs(&[fold, batch(9)]), ["batch 10 (debit_wide)", "lift 3", "block"]);
    }

    /// Where the family changes, a lift proof ends, full or not.
    #[test]
    fn a_lift_proof_is_of_one_family() {
        use BatchId::{CreditSmall, CreditWide, DebitSmall, DebitWide};
        let graph = Graph::new(&[DebitWide, DebitWide, DebitSmall, CreditSmall, CreditWide], ARITIES);
        let lifts = graph.nodes.iter().filter(|node| matches!(node.job, Job::Lift { .. }));
        let lifts: Vec<_> = lifts.map(|node| (node.job.circuit().name(), node.batches.clone())).collect();
        assert_eq!(lifts, [("lift", 0..2), ("lift_small", 2..4), ("lift", 4..5)]);
        assert_eq!(graph.folds, 1);
    }

    /// The block proof takes lift proofs and fold proofs, as they come.
    #[test]
    fn folds_are_what_block_cannot_take() {
        let below = |count: usize| -> Vec<String> {
            let graph = Graph::new(&vec![BatchId::CreditDeep; count], ARITIES);
            let root = &graph.nodes[graph.nodes.len() - 1];
            root.children.iter().map(|&child| graph.nodes[child].job.to_string()).collect()
        };
        assert_eq!(below(1), ["lift 0"]);
        assert_eq!(below(3), ["lift 0"]);
        assert_eq!(below(4), ["lift 0", "lift 1"]);
        assert_eq!(below(6), ["lift 0", "lift 1"]);
        assert_eq!(below(7), ["fold 0", "lift 2"]);
        assert_eq!(below(12), ["fold 0", "lift 3"]);
        assert_eq!(below(13), ["fold 0", "fold 1"]);
    }
}

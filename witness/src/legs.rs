//! Legs, run in the plan's order: the values of all leaves, before anything is hashed.
//!
//! Every leg is held against its kind's rules on the way ([`Legs::apply`](enfold_state::legs::Legs::apply)): a row that
//! cannot be proven would cost the whole block, so it has to be found before the seed is fixed. Two rules hash and are not
//! repeated: that a signature holds, and that its key is the owner's. The executor's signature stage has checked both.
//!
//! All batches run side by side. A path continues another if its legs follow in the lane; where that one is in a batch
//! before, at a cut, the leaf's value at the cut is found first.

use std::collections::HashMap;

use enfold_state::executor::Execution;
use enfold_state::kind::KindId;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Message;
use enfold_state::writes::{self, Entry};
use rayon::prelude::*;

use crate::error::{StepError, WitnessError};
use crate::kind::{BatchKind, Source};
use crate::paths::{Registered, Visitor, visit};
use crate::plan::{KindPlan, Plan, PlannedBatch, PlannedPath};

/// A batch before anything is hashed.
pub(crate) struct Draft<'a> {
    pub plan: &'a PlannedBatch,
    /// Positions of the legs in the execution, for the paths' ranges.
    pub order: &'a [usize],
    pub paths: Vec<DraftPath>,
    /// The messages that it emits, in the order of its digest.
    pub emitted: Vec<Message>,
    /// Those that it consumes.
    pub consumed: Vec<Message>,
    /// Its transactions.
    pub transactions: usize,
}

impl Draft<'_> {
    pub fn kind(&self) -> KindId {
        self.plan.batch.kind()
    }
}

/// A live path with the leaf's values.
pub(crate) struct DraftPath {
    pub index: LeafIndex,
    pub before: Option<Leaf>,
    pub after: Leaf,
}

/// Writes that a task checks.
const WRITES: usize = 1 << 8;

/// Runs all legs in the plan's order.
pub(crate) fn draft<'a>(
    ledger: &Ledger,
    source: Source<'_>,
    plan: &'a Plan,
) -> Result<Vec<Draft<'a>>, WitnessError> {
    let mut drafts = Vec::new();
    // The leaves that have changed so far.
    let mut changed: Vec<Entry> = Vec::new();
    for kind in KindId::in_order() {
        let run = Run { source, ledger, plan: &plan[kind], first_batch: drafts.len(), changed: &changed };
        let (batches, entries) = visit(kind, run)?;
        drafts.extend(batches);
        changed = if changed.is_empty() { entries } else { writes::merge(&changed, &entries).collect() };
    }
    check_writes(ledger, source.execution, &changed)?;
    Ok(drafts)
}

/// How the legs of a kind run.
struct Run<'a, 'b> {
    source: Source<'b>,
    ledger: &'b Ledger,
    plan: &'a KindPlan,
    /// Number of the kind's first batch in the block.
    first_batch: usize,
    /// The leaves that kinds before have changed, by index.
    changed: &'b [Entry],
}

/// A kind's batches, and what becomes of its leaves.
type Ran<'a> = (Vec<Draft<'a>>, Vec<Entry>);

impl<'a> Visitor for Run<'a, '_> {
    type Output = Result<Ran<'a>, WitnessError>;

    fn visit<K: Registered>(self) -> Self::Output {
        self.run::<K>()
    }
}

/// The messages of legs.
#[derive(Default)]
struct Messages {
    emitted: Vec<Message>,
    consumed: Vec<Message>,
}

/// No path.
const NONE: u32 = u32::MAX;

impl<'a> Run<'a, '_> {
    /// The leaf before its first leg of this kind.
    fn start(&self, index: LeafIndex) -> Option<Leaf> {
        match self.changed.binary_search_by_key(&index, |&(index, _)| index) {
            Ok(at) => Some(self.changed[at].1),
            Err(_) => self.ledger.leaf(index).copied(),
        }
    }

    fn run<K: BatchKind>(&self) -> Result<Ran<'a>, WitnessError> {
        let links = Links::new(self.plan);
        let cuts = self.cuts::<K>(&links)?;
        let batches = self.plan.batches.par_iter().enumerate();
        let drafts: Vec<_> = batches
            .map(|(batch, planned)| self.batch::<K>(batch, planned, &links, &cuts))
            .collect::<Result<_, _>>()?;
        let last = |&(index, number): &(LeafIndex, usize)| {
            let batch = links.paths[number].1 as usize;
            (index, drafts[batch].paths[number - links.firsts[batch]].after)
        };
        let finals = links.ends().par_iter().map(last).collect();
        Ok((drafts, finals))
    }

    fn batch<K: BatchKind>(
        &self,
        batch: usize,
        planned: &'a PlannedBatch,
        links: &Links<'a>,
        cuts: &HashMap<u32, Leaf>,
    ) -> Result<Draft<'a>, WitnessError> {
        assert_eq!(planned.batch.kind(), K::ID, "the plan's batches stand under their kind");
        let legs: usize = planned.paths.iter().map(|path| path.legs.len()).sum();
        let mut messages = Messages::default();
        if K::ID.emits() {
            messages.emitted.reserve(2 * legs);
        }
        if K::ID.consumes() {
            messages.consumed.reserve(legs);
        }
        let mut paths: Vec<DraftPath> = Vec::with_capacity(planned.paths.len());
        let first = links.firsts[batch];
        for number in first..first + planned.paths.len() {
            let index = links.paths[number].0.index;
            let before = match links.before[number] {
                NONE => self.start(index),
                other if other as usize >= first => Some(paths[other as usize - first].after),
                _ => cuts.get(&(number as u32)).copied(),
            };
            let after = self.path::<K>(links, number, before, &mut messages)?;
            paths.push(DraftPath { index, before, after });
        }
        let Messages { emitted, consumed } = messages;
        let transactions = emitted.iter().filter(|message| message.op.is_signed()).count();
        Ok(Draft { plan: planned, order: &self.plan.order, paths, emitted, consumed, transactions })
    }

    /// Runs a path's legs.
    fn path<K: BatchKind>(
        &self,
        links: &Links<'a>,
        number: usize,
        before: Option<Leaf>,
        messages: &mut Messages,
    ) -> Result<Leaf, WitnessError> {
        let (PlannedPath { index, legs }, batch) = &links.paths[number];
        let (index, path) = (*index, number - links.firsts[*batch as usize]);
        let mut leaf = before;
        for (leg, &position) in self.plan.order[legs.clone()].iter().enumerate() {
            let given = K::leg(&self.source, position)?;
            let after = K::apply(&self.source.block, index, leaf.as_ref(), &given);
            leaf = Some(after.map_err(|rule| WitnessError::Rule {
                batch: self.first_batch + *batch as usize,
                source: Box::new(StepError::Rule { path, leg, rule }),
            })?);
            let first = messages.emitted.len();
            K::emit(&given, &mut messages.emitted);
            K::check_emitted(&self.source, position, &messages.emitted[first..])?;
            K::consume(&given, &mut messages.consumed);
        }
        leaf.ok_or(WitnessError::MissingLeaf { index })
    }

    /// The leaves' values before the paths that continue one of another batch.
    fn cuts<K: BatchKind>(&self, links: &Links<'a>) -> Result<HashMap<u32, Leaf>, WitnessError> {
        // Only looked up by the path's number.
        let mut cuts = HashMap::new();
        let mut discarded = Messages::default();
        for (number, &before) in links.before.iter().enumerate() {
            if before == NONE || before as usize >= links.firsts[links.paths[number].1 as usize] {
                continue;
            }
            // Back to the lane's start or to its last cut, whose value is known.
            let mut way = vec![before];
            while let &at = &way[way.len() - 1]
                && links.before[at as usize] != NONE
                && !cuts.contains_key(&at)
            {
                way.push(links.before[at as usize]);
            }
            let mut leaf = None;
            for &at in way.iter().rev() {
                let known = leaf.or_else(|| cuts.get(&at).copied());
                let known = known.or_else(|| self.start(links.paths[at as usize].0.index));
                leaf = Some(self.path::<K>(links, at as usize, known, &mut discarded)?);
                discarded.emitted.clear();
                discarded.consumed.clear();
            }
            cuts.insert(number as u32, leaf.expect("the way has a path"));
        }
        Ok(cuts)
    }
}

/// How the paths of a kind's lanes hang together. Paths are numbered through, batch after batch.
struct Links<'a> {
    /// The paths with the numbers of their batches.
    paths: Vec<(&'a PlannedPath, u32)>,
    /// For each batch its first path.
    firsts: Vec<usize>,
    /// For each path the one that it continues; [`NONE`] at the start of a lane.
    before: Vec<u32>,
    /// For each path whether another continues it.
    continued: Vec<bool>,
}

impl<'a> Links<'a> {
    fn new(plan: &'a KindPlan) -> Self {
        let batches = (0..).zip(&plan.batches);
        let paths: Vec<_> = batches
            .flat_map(|(batch, planned)| planned.paths.iter().map(move |path| (path, batch)))
            .collect();
        let first = |sum: &mut usize, planned: &PlannedBatch| {
            let first = *sum;
            *sum += planned.paths.len();
            Some(first)
        };
        let firsts = plan.batches.iter().scan(0, first).collect();
        // For each leg the path that ends with it.
        let mut ends = vec![NONE; plan.order.len()];
        for (number, (path, _)) in (0..).zip(&paths) {
            ends[path.legs.end - 1] = number;
        }
        let mut continued = vec![false; paths.len()];
        let link = |(number, (path, _)): (u32, &(&PlannedPath, u32))| {
            let before = path.legs.start.checked_sub(1).map_or(NONE, |leg| ends[leg]);
            match paths.get(before as usize) {
                Some((other, _)) if other.index == path.index => {
                    assert!(before < number, "a lane's paths stand in the order of their legs");
                    continued[before as usize] = true;
                    before
                }
                _ => NONE,
            }
        };
        let before = (0..).zip(&paths).map(link).collect();
        Self { before, continued, firsts, paths }
    }

    /// The leaves of all lanes, in their order, with the paths that end them.
    fn ends(&self) -> Vec<(LeafIndex, usize)> {
        let paths = self.paths.par_iter().zip(&self.continued).enumerate();
        let ends = paths.filter(|(_, (_, continued))| !**continued);
        let mut ends: Vec<_> = ends.map(|(number, ((path, _), _))| (path.index, number)).collect();
        // Sorted runs, one a batch, which this sort makes use of.
        ends.par_sort_by_key(|&(index, _)| index);
        ends
    }
}

/// The batches leave every leaf as the execution says, and no batch writes a contract's record.
fn check_writes(ledger: &Ledger, execution: &Execution, changed: &[Entry]) -> Result<(), WitnessError> {
    if let Some(&(index, _)) = execution.writes.records.first() {
        return Err(WitnessError::Record { index });
    }
    let written: &[Entry] = &execution.writes.leaves;
    // All lists are sorted by leaf, so tasks share out the leaves: each has those from its first write, or the start, to the
    // next one's first write, or the end.
    let starts: Vec<LeafIndex> = written.iter().step_by(WRITES).skip(1).map(|&(index, _)| index).collect();
    let part = |entries: &'_ [Entry], task: usize| {
        let start = |task: usize| match task.checked_sub(1).map(|before| starts.get(before)) {
            None => 0,
            Some(Some(&start)) => entries.partition_point(|&(index, _)| index < start),
            Some(None) => entries.len(),
        };
        start(task)..start(task + 1)
    };
    let check = |task: usize| {
        let [writes, changed] = [written, changed].map(|entries| &entries[part(entries, task)]);
        let mut writes = writes.iter().copied().peekable();
        for &(index, leaf) in changed {
            if let Some((index, expected)) = writes.next_if(|&(written, _)| written < index) {
                return Err(WitnessError::Write { index, expected: Some(Box::new(expected)), got: None });
            }
            let expected = writes.next_if(|&(written, _)| written == index).map(|(_, expected)| expected);
            if expected.as_ref().or_else(|| ledger.leaf(index)) != Some(&leaf) {
                let (expected, got) = (expected.map(Box::new), Some(Box::new(leaf)));
                return Err(WitnessError::Write { index, expected, got });
            }
        }
        match writes.next() {
            Some((index, expected)) => {
                Err(WitnessError::Write { index, expected: Some(Box::new(expected)), got: None })
            }
            None => Ok(()),
        }
    };
    // The first leaf is reported.
    let checks: Vec<_> = (0..=starts.len()).into_par_iter().map(check).collect();
    checks.into_iter().collect()
}
